"""What if? One word or one attribute is changed, and pattern, predictions and counts move beside those of before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from niwt_core.errors import InputError
from niwt_core.limits import DESCRIPTION
from niwt_core.typed import clean
from pages.shared import frame, resources, state, style
from pages.shared.charts import figures, tables
from pages.shared.describing import edits, history
from pages.shared.lessons import no_class, teaching
from pages.shared.wording import listed, plain

if TYPE_CHECKING:
    from torch import Tensor

    from niwt_core.laboratory.whatif import Comparison
    from niwt_core.worlds.base import World
    from pages.shared.describing.history import History


#: Seconds in which a browser paints the counts; charts that come with them would hold them up for longer.
PAINT = 0.08
#: Among so many pictures those are found that the two classifiers take for different classes.
N_BIRDS = 2 * resources.STEP


def main() -> None:
    """The page from top to bottom; the counts grow from the first few pictures to all of them at the end."""
    frame.ensure()
    current = state.described()
    st.title("What if?")
    style.lead("Change one word or one attribute, and see what becomes of the classifier.")
    if current is None:
        no_class.offer(
            f"No {state.noun()} has been described yet. As soon as there is one, its words can be changed here."
        )
        return
    world = resources.world()
    versions = history.history_of(world, current)
    _words(versions)
    if world.groups:
        _attribute(world, versions)
    _buttons(versions)
    _difference(world, versions)
    from niwt_core.laboratory.whatif import compare

    try:
        with st.spinner("Solving both …"):
            found = compare(world, versions.before, versions.now)
    except InputError as error:
        resources.refuse(str(error))
    st.header("Who finds which pictures?")
    counts = st.empty()
    strangers = _count(counts, world, versions, found, resources.STEP)
    time.sleep(PAINT)
    order, names = figures.channel_order(world.project)
    _patterns(found, order, names)
    _single_pictures(world, versions, found)
    _movers(found, names)
    _versions(versions)
    _how_it_works(found)
    teaching.show_code("what_if", world, versions.now, before=versions.before)
    if strangers is not None and world.drawn:
        for n in range(4 * resources.STEP, resources.N_PICTURES + 1, 3 * resources.STEP):
            _count(counts, world, versions, found, n)


# -- what the person does ----------------------------------------------------------------------------------------------


def _mine() -> tuple[World, History]:
    """For callbacks: the world and the history as they stand."""
    world, current = resources.world(), state.described()
    assert current is not None, "there is nothing to press without a class"
    return world, history.history_of(world, current)


def _words(versions: History) -> None:
    error = st.session_state.get("what_if_error", "")
    # What could not be read stays in the field, so that it can be put right.
    st.session_state["what_if_words"] = st.session_state["what_if_draft"] if error else versions.now.text
    st.text_area("Change a word", key="what_if_words", height=80, max_chars=DESCRIPTION, on_change=_edit_words)
    if error:
        st.error(plain(error))
        st.caption("Below stands the last version that could be read.")


def _edit_words() -> None:
    from niwt_core.laboratory.whatif import changed_words, with_text

    world, versions = _mine()
    text = clean(st.session_state["what_if_words"], lines=True)
    st.session_state["what_if_error"] = ""
    try:
        edited = with_text(world, versions.now, text)
        world.row(edited)  # says what else is wrong with it
    except InputError as error:
        st.session_state["what_if_error"], st.session_state["what_if_draft"] = str(error), text
        return
    history.keep(world, versions.edited(edited, edits.told_words(changed_words(versions.now.text, text))))


def _attribute(world: World, versions: History) -> None:
    left, right = st.columns(2)
    group = left.selectbox(
        "Or one attribute", list(world.groups), format_func=edits.part, key="what_if_part", persist_state="session"
    )
    st.session_state["what_if_value"] = versions.now.picks.get(group, "")  # the version decides; the picker shows it
    right.selectbox(
        f"{edits.part(group).capitalize()} becomes",
        ("", *world.groups[group]),
        format_func=lambda value: value or edits.LEFT_OPEN,
        key="what_if_value",
        on_change=_edit_attribute,
    )


def _edit_attribute() -> None:
    from niwt_core.laboratory.whatif import with_pick

    world, versions = _mine()
    group, value = st.session_state["what_if_part"], st.session_state["what_if_value"] or ""
    try:
        edited = with_pick(world, versions.now, group, value)
    except InputError as error:
        st.session_state["what_if_error"], st.session_state["what_if_draft"] = str(error), versions.now.text
        return
    st.session_state["what_if_error"] = ""
    said = edits.told_pick(group, versions.now.picks.get(group, ""), value)
    history.keep(world, versions.edited(edited, said))


def _buttons(versions: History) -> None:
    undoes = versions.versions[versions.at].change if versions.can_undo else None
    redoes = versions.versions[versions.at + 1].change if versions.can_redo else None
    with st.container(horizontal=True):
        st.button(
            "Undo", key="what_if_undo", icon=":material/undo:", shortcut="Alt+Z", on_click=_go, args=(versions.at - 1,),
            disabled=not versions.can_undo, help=plain(undoes) if undoes else None,
        )  # fmt: skip
        st.button(
            "Redo", key="what_if_redo", icon=":material/redo:", shortcut="Alt+Y", on_click=_go, args=(versions.at + 1,),
            disabled=not versions.can_redo, help=plain(redoes) if redoes else None,
        )  # fmt: skip
        st.button(
            "Keep this version", key="what_if_keep", type="primary", on_click=_keep,
            disabled=versions.now.identity == versions.base, help="The other pages work on it from then on.",
        )  # fmt: skip
        st.button(
            "Compare with this one from now on", key="what_if_pin", on_click=_pin,
            disabled=versions.now == versions.before, help="It becomes the version called “before”.",
        )  # fmt: skip
    if st.session_state.pop("what_if_kept", False):
        st.success("Kept. The other pages work on this version now; here you can still go back.")


def _go(at: int) -> None:
    world, versions = _mine()
    st.session_state["what_if_error"] = ""
    history.keep(world, versions.gone_to(at))


def _pin() -> None:
    world, versions = _mine()
    history.keep(world, versions.with_pin())


def _keep() -> None:
    world, versions = _mine()
    now = versions.now
    state.describe_as(now.text, now.picks, now.of)
    st.session_state["words"] = now.text  # the description page shows it too
    st.session_state["what_if_kept"] = True
    history.keep(world, versions.kept())


# -- what the page says ------------------------------------------------------------------------------------------------


def _difference(world: World, versions: History) -> None:
    """Which words and which attributes are others than before."""
    from niwt_core.laboratory.whatif import changed_picks, changed_words

    before, now = versions.before, versions.now
    if now == before:
        st.markdown("**Nothing is changed yet:** before and now are the same.")
        return
    if before.text != now.text:
        st.html(edits.marked(changed_words(before.text, now.text)))
        st.caption("Struck through: gone. Underlined: new.")
    changed = changed_picks(before, now)
    if changed:
        st.markdown(f"**Settled otherwise:** {plain(edits.told_picks(changed))}.")
    elif world.drawn:
        st.markdown("**Settled otherwise:** nothing. The words are others, what they say of the bird is the same.")
    if not now.text.strip():
        return
    unknown = world.understand(now.text).unknown if before.text != now.text else ()
    if unknown:
        words = listed(f"“{now.text[start:end]}”" for start, end in unknown)
        st.markdown(f"**Not understood:** {plain(words)}, so left out.")


def _count(place, world: World, versions: History, found: Comparison, n: int) -> Tensor | None:
    """Both classifiers on n pictures of each description; returns the strangers, or None without any pictures."""
    from niwt_core.laboratory.whatif import fare

    before, now = versions.before, versions.now
    try:
        n = n if world.drawn else resources.N_PICTURES
        old, new = resources.features(before, n), resources.features(now, n)
        strangers = resources.strangers(now) if len(new) else None
    except InputError as error:
        place.warning(plain(str(error)) + " There are no counts without them.")
        return None
    if strangers is None:
        place.markdown(
            "There are no pictures of this class to count on: choose one of the unseen classes where it is described."
        )
        return None
    project, alike = world.project, not world.drawn or before.picks == now.picks
    things = "fresh birds" if world.drawn else f"pictures of {now.of}"
    a, b = fare(project, found.before, old, new, strangers), fare(project, found.now, old, new, strangers)
    with place.container():
        st.markdown(f"**{plain(edits.headline(a, b, len(new), things, alike))}**")
        columns, rows = edits.counts(a, b, len(new), len(strangers), things, alike)
        tables.show(columns, rows, "Which classifier finds which pictures", first_is_bold=False)
        growing = world.drawn and len(new) < resources.N_PICTURES
        st.caption(
            f"Each classifier chooses among the {project.n_seen} classes the network knows and its own. "
            + ("More birds are being drawn." if growing else "No picture taught it anything.")
        )
    return strangers


def _patterns(found: Comparison, order: np.ndarray, names: list[str]) -> None:
    st.header("The pattern before and now")
    rows = [
        figures.BarcodeRow("before", found.before.importances.numpy()),
        figures.BarcodeRow("now", found.now.importances.numpy()),
        figures.BarcodeRow("the difference: what rose, what fell", found.moved.numpy()),
    ]
    scale = float(np.percentile(np.abs(np.stack([row.values for row in rows[:2]])), 98))
    fig = figures.barcode(rows, names, "Importance of every neuron", order=order, scale=scale)
    style.chart(
        fig,
        f"Three strips of {len(names)} cells. The two patterns have a cosine of {found.importance_cosine:.2f}, where "
        f"1 would be the same pattern; the classifier’s weights moved by {100 * found.weight_change:.0f} % of their "
        "length.",
        key="what_if_rows",
    )


def _single_pictures(world: World, versions: History, found: Comparison) -> None:
    """One picture of each description, and what both classifiers take it for."""
    from niwt_core.laboratory.whatif import disagreeing_first, likeliest

    before, now, project = versions.before, versions.now, world.project
    shown = [("of before", before), ("of now", now)] if world.drawn and before.picks != now.picks else [("", now)]
    try:
        features = [resources.features(described, N_BIRDS) for _, described in shown]
    except InputError:
        return  # said where the counts would stand
    n = min(map(len, features))
    if not n:
        return
    turn = st.session_state.get("what_if_picture", 0) % n
    kind = "fresh bird" if world.drawn else "picture"
    st.header(f"What one {kind} is taken for")
    st.caption(f"Of {n}, those come first that the two classifiers take for different classes.")
    for column, (name, described), rows in zip(st.columns(2), shown, features, strict=False):
        number = disagreeing_first(project, found, rows[:n])[turn]
        with column:
            label = f"A {kind} {name}".strip()
            st.subheader(label, anchor=False)
            st.image(resources.picture_of(described, number), width=192, alt=f"{label}: {edits.in_words(described)}")
            best = [likeliest(project, solved, rows[number]) for solved in (found.before, found.now)]
            st.html(edits.taken_for(*best, project.class_names[: project.n_seen], state.yours()))
    st.button(f"Another {kind}", key="what_if_another", on_click=_another, args=(turn + 1,))


def _another(number: int) -> None:
    st.session_state["what_if_picture"] = number


def _movers(found: Comparison, names: list[str]) -> None:
    moved = found.moved.numpy()
    if not moved.any():
        return
    st.header("The neurons that moved most")
    style.chart(edits.movers(moved, names), edits.told_movers(moved, names), key="what_if_movers")


def _versions(versions: History) -> None:
    n = len(versions.versions)
    with st.expander(f"Every version so far ({n})", key="what_if_versions"):
        st.markdown("Press one to go there. An edit after going back forgets what came after.")
        for i, version in enumerate(versions.versions):
            marks = [m for m, on in (("now", i == versions.at), ("before", version == versions.pinned)) if on]
            label = f"{i + 1}. {plain(version.change)}" + (f" ({' and '.join(marks)})" if marks else "")
            st.button(label, key=f"what_if_version_{i}", on_click=_go, args=(i,), disabled=i == versions.at)


def _how_it_works(found: Comparison) -> None:
    with st.expander("How it works"):
        st.markdown(
            "Both descriptions go the same way: words to attributes, attributes to importances $p$ through one table, "
            "importances to weights $w$ by the closed form, each in milliseconds. What stands side by side differs in "
            "the description alone:"
        )
        st.latex(
            rf"\cos(p, p') = {found.importance_cosine:.2f}\qquad"
            rf"\frac{{\lVert w' - w \rVert}}{{\lVert w \rVert}} = {found.weight_change:.2f}"
        )
        st.markdown(
            "$p$ and $w$ belong to the version before, $p'$ and $w'$ to the one now. What was picked by hand stays "
            "when words change, unless the words now say something else of it."
        )


main()
