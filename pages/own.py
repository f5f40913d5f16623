"""Bring your own: photos in class folders become a project that every page works with."""

from __future__ import annotations

import streamlit as st

from pages.shared import frame, style
from pages.shared.own import classes, fitting, network, own_projects, pictures
from pages.shared.person.owner import carry, owner
from pages.shared.wording import plain


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    st.title("Bring your own")
    style.lead(
        "Give it photos of things you know, a folder for each, and say what they look like. The network learns some "
        "of them from your photos, the others from your words alone, and every page works with them."
    )
    from niwt_core.worlds.drafts import latest_draft

    draft = latest_draft(owner())
    if draft is not None or own_projects.any_of(owner()):
        carry()
    for message in st.session_state.pop("own_messages", []):
        st.error(plain(message))
    own_projects.offer_undo()
    if draft is None:
        own_projects.show()
        pictures.ask()
    else:
        go_on_with(draft)
        own_projects.show()
    how_it_works()


def go_on_with(draft) -> None:
    """The steps from pictures to a project."""
    from niwt_core.worlds.drafts import was_cut_off

    fit = own_projects.fits().get(draft.key)
    if fit is not None and not fit.snapshot().state.is_over:
        fitting.under_way(draft, fit)
        return
    pictures.show(draft)
    draft, is_kept = classes.ask(draft)
    order = network.ask(draft)
    if fit is not None:
        fitting.outcome(fit)
    elif was_cut_off(draft):
        st.warning(
            "The server stopped while your fit was under way or in line. Nothing of what you entered is lost; press "
            f"“{fitting.FIT}” to begin again."
        )
    fitting.ask(draft, order if is_kept else None)


def how_it_works() -> None:
    """The steps of a fit."""
    with st.expander("How it works"):
        st.markdown(
            "1. The network, up to the layer you cut at, looks at every photo once as it is and a few times cropped "
            "and mirrored.\n"
            "2. With six seen classes or more, a third of them play unknown ones in a rehearsal, which chooses all "
            "settings; with fewer there is nothing to leave out, and settings that worked elsewhere are taken.\n"
            "3. What follows the cut learns the seen classes. Every fifth of their photos is kept aside for tests.\n"
            "4. Each seen class’s neuron importances are measured on its photos, and a map from descriptions to "
            "importances is fitted to them. That map is what turns a sentence into a class.\n"
            "5. The unseen classes are made from their descriptions, and all are tested on the photos kept aside.\n\n"
            "The same from a command line: `python -m niwt_core fit --dataset folder --root FOLDER --backbone "
            "mobilenet_v2 --layer features.17 --output PROJECT`."
        )


main()
