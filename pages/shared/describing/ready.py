"""The classifier of a class that has just been described: solved at once, tried out, and kept in the notebook."""

from __future__ import annotations

import time

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.worlds.described import Described
from pages.shared import resources, state
from pages.shared.notebook import keeping
from pages.shared.wording import plain

#: Pictures it is tried out on here, so that the answer comes at once; Train takes more.
N_TRIED = 4 * resources.STEP


def show(described: Described) -> None:
    """What the words are worth, in one or two sentences, as soon as they are understood."""
    world = resources.world()
    from niwt_core.worlds.trial import try_out  # with torch, which is there by now

    with st.container(key="ready"):
        try:
            row = world.row(described)
            began = time.perf_counter()
            classifier = world.project.learner.classifier([state.yours()], row)
            milliseconds = 1000 * (time.perf_counter() - began)
        except InputError as error:
            st.error(plain(str(error)))
            return
        figures = {"milliseconds": milliseconds}
        said = (
            f"**Its classifier is ready:** solved in {milliseconds:.1f} ms, without one example picture."
            if milliseconds >= 0.1
            else "**Its classifier is ready:** solved in under 0.1 ms, without one example picture."
        )
        try:
            features, others = resources.features(described, N_TRIED), resources.strangers(described)
        except InputError as error:  # the photos have gone; the classifier is none the worse
            st.markdown(f"{said} It cannot be tried out: {plain(str(error))}")
            return
        if len(features):
            found = try_out(world.project, classifier, features).found
            kind = "freshly drawn birds" if world.drawn else f"photos of {plain(described.of)}"
            said += f" It finds **{found} of {len(features)}** {kind} among {world.project.n_seen + 1} classes"
            figures |= {"found": found, "of": len(features)}
        if len(others):
            claimed = try_out(world.project, classifier, others).found
            joint = ", and takes" if len(features) else " It takes"
            said += f"{joint} {claimed} of {len(others)} strangers for {state.yours()} as well"
            figures |= {"claimed": claimed, "strangers": len(others)}
        st.markdown(said.rstrip(".") + ".")
        keeping.keep(world, described, **figures)
