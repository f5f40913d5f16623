"""Describing a class of a photo project: ready examples, pickers, and photos of what comes near."""

from __future__ import annotations

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld
from pages.shared import resources, state
from pages.shared.neurons import nearest, neighbours
from pages.shared.wording import phrase, plain, word

#: Ready examples with a photo, and photos of the class's own, at most.
N_EXAMPLES, N_OWN = 5, 4
NONE = ""


def examples(world: PhotoWorld, current: Described | None) -> None:
    """The unseen classes of the data set, each ready to be described as it describes it."""
    st.markdown("**Or start from a class that the network was never shown:**")
    shown = world.unseen[:N_EXAMPLES]
    if current is None:
        with st.container(key="portraits_examples"):
            for i, (column, name) in enumerate(zip(st.columns(N_EXAMPLES), shown, strict=False)):
                with column:
                    neighbours.photo(name)
                    st.markdown(f"**{plain(name)}**")
                    st.button("Use its description", key=f"own{i}", on_click=use_own, args=(world, name))
    if current is not None or len(world.unseen) > N_EXAMPLES:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("An unseen class", world.unseen, key="own_name", width=320)
            st.button("Use its description", key="own", on_click=use_own, args=(world, name))


def use_own(world: PhotoWorld, name: str) -> None:
    """Describe one of the unseen classes as the data set does."""
    own = world.own(name)
    st.session_state["words"] = own.text
    st.session_state["describe_error"] = None
    state.describe_as(own.text, own.picks, own.of)


def pickers(world: PhotoWorld, current: Described | None) -> None:
    """Attributes by hand, one value a group, from one list that can be searched."""
    if not world.groups:
        return
    options = [f"{group}::{value}" for group, values in world.groups.items() for value in values]
    picks = current.picks if current else {}
    st.session_state["attributes"] = [f"{group}::{value}" for group, value in picks.items()]  # the class decides
    with st.expander(f"Or pick from its {len(world.groups)} attributes", key="pickers"):
        st.multiselect(
            "Attributes",
            options,
            key="attributes",
            format_func=lambda option: _called(*option.split("::", 1)),
            on_change=_pick,
            placeholder="type to search",
        )
        st.caption(
            "What is picked stands as high as in any class the network knows, the other values of its group as low. "
            "Picking another value of a group replaces the first."
        )


def _called(group: str, value: str) -> str:
    return phrase(group, value) if value in ("yes", "no") else word(group, value)


def _pick() -> None:
    current: Described | None = st.session_state.get("described")
    before = current.picks if current else {}
    picks: dict[str, str] = {}
    for option in st.session_state["attributes"]:
        group, _, value = option.partition("::")
        if group not in picks or before.get(group) != value:
            picks[group] = value
    text, of = (current.text, current.of) if current else ("", "")
    st.session_state["describe_error"] = None
    if text or picks or of:
        state.describe_as(text, picks, of)
    else:
        state.clear()


def judged_on(world: PhotoWorld, current: Described) -> None:
    """Which class's photos judge the described one."""
    st.session_state["judge"] = current.of
    st.selectbox(
        "Judge it on the test photos of",
        (NONE, *world.unseen),
        key="judge",
        format_func=lambda name: name or "no class: there are no photos of it",
        on_change=_judge,
        width=420,
        help="The class is learned without a single photo. These only tell how well it is found.",
    )


def _judge() -> None:
    current: Described | None = st.session_state.get("described")
    of = st.session_state["judge"]
    if current is None:
        return
    if current.text or current.picks or of:
        state.describe_as(current.text, current.picks, of)
    else:
        state.clear()


def pictures(current: Described) -> None:
    """Photos of the class itself, as far as there are any, and of the classes that come nearest."""
    if current.of:
        st.header(f"Photos of {plain(current.of)}")
        st.markdown("Nothing learns from these. They only judge, at the end, whether your words found the class.")
        try:
            found = resources.pictures(current.of, N_OWN, seed=0)
        except InputError as error:
            st.info(plain(str(error)))
        else:
            with st.container(key="portraits_described"):
                for i, (column, image) in enumerate(zip(st.columns(N_OWN), found, strict=False)):
                    column.image(image, width="stretch", alt=f"{current.of}, test photo {i + 1}")
    st.header("Classes it knows that come nearest")
    st.markdown("The network was trained on photos of these. Their patterns are most like the one your words write.")
    with st.container(key="portraits_nearest"):
        found = nearest.seen_classes(current)[: nearest.N_NEAREST]
        for column, near in zip(st.columns(len(found)), found, strict=True):
            with column:
                neighbours.photo(near.name)
                st.caption(f"{plain(near.name)}, cosine {near.cosine:.2f}".replace("-0", "−0"))
