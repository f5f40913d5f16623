"""How the person's world reads their words: remembered in the session, with near words looked up where it can."""

from __future__ import annotations

import streamlit as st

from niwt_core.birds.reading import NothingUnderstoodError, read
from niwt_core.birds.understanding import understood
from niwt_core.errors import InputError
from niwt_core.typed import clean
from niwt_core.worlds.described import Described, Understood
from pages.shared import resources, state


def understand(text: str, *, wider: bool = False) -> Understood:
    """Read a text in the person's world; that of drawn birds needs no network for it.

    Args:
        wider: of drawn birds, ask the sentence encoder about words that are not listed.

    Raises:
        InputError: a text of which nothing is understood, and the like.
    """
    if state.world_key() == state.BIRDS:
        return understood(read(text, resources.encoder() if wider else None))
    world = resources.world()
    found = world.understand(text)
    world.row(Described(text, found.picks))  # says what else is wrong with it, such as a script that is not read
    return found


def make_class(text: str) -> None:
    """Make the words the class; words that cannot be read leave the class as it was, and say why.

    The class keeps the pictures that judge it, and what was picked by hand of the same words.
    """
    text = clean(text, lines=True)
    current: Described | None = st.session_state.get("described")
    if current is not None and current.text == text:
        st.session_state["describe_error"] = None
        return  # leaving the field and pressing the button are one wish, and picks by hand stay
    try:
        found = understand(text)
    except InputError as error:
        st.session_state["describe_error"] = str(error)
        st.session_state["ask_encoder"] = isinstance(error, NothingUnderstoodError)
        return
    st.session_state["describe_error"] = None
    st.session_state["understood"] = found
    state.describe_as(text, found.picks, current.of if current is not None else "")


def understood_of(current: Described) -> Understood | None:
    """How the class's words were read: as remembered, or read again after a refresh; None where it has no words."""
    remembered: Understood | None = st.session_state.get("understood")
    if remembered is not None and remembered.text == current.text:
        return remembered
    try:
        found = understand(current.text)
    except InputError:  # picked by hand only, or an address that somebody wrote
        return None
    st.session_state["understood"] = found
    return found


def look_up_unknown(current: Described, found: Understood) -> None:
    """Ask the sentence encoder, seconds to load, whether an unlisted word is near a known one; once a text."""
    if st.session_state.get("looked_up") == found.text:
        return
    wider = _widely(found.text) or found
    st.session_state["looked_up"] = found.text
    if wider != found:
        groups = {*current.picks, *found.picks}
        by_hand = {g: current.picks.get(g) for g in groups if current.picks.get(g) != found.picks.get(g)}
        picks = {group: value for group, value in {**wider.picks, **by_hand}.items() if value}
        st.session_state["understood"] = wider
        state.describe_as(current.text, picks)
        st.rerun()


def ask_encoder(text: str) -> None:
    """A text of which no word is listed: the encoder may know words near them all."""
    text = clean(text, lines=True)
    if (found := _widely(text)) is not None:
        st.session_state["describe_error"] = None
        st.session_state["understood"] = found
        st.session_state["looked_up"] = text
        state.describe_as(text, found.picks)
        st.rerun()


def _widely(text: str) -> Understood | None:
    """None where there is no encoder here, or the words near those of the text make no bird either."""
    with st.spinner("Looking for words near the ones I do not know …"):
        try:
            return understand(text, wider=True)
        except InputError:
            return None
