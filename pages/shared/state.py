"""The class that a person described: kept in the session and in the address, so that a refresh finds it again.

Streamlit empties the address when the page changes and the session when the browser refreshes. Each run therefore
takes the class from the session, or else from the address, and writes it back to the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from niwt_core.birds.attributes import GROUPS

EXAMPLE = "a small yellow bird with a black cap, white wing bars and a short orange beak"

#: What the class is called in charts and sentences.
YOURS = "your bird"

_MAX_TEXT = 1000
_MAX_KEY = 2000


@dataclass(frozen=True)
class Described:
    """A described class: the words, and what they (and the pickers) say of each attribute group."""

    text: str
    bird: Mapping[str, str]

    @property
    def key(self) -> str:
        """The bird as one word for addresses and cache keys."""
        return "~".join(f"{group}.{self.bird[group].replace(' ', '_')}" for group in GROUPS if group in self.bird)


def described() -> Described | None:
    """The current class, from the session or else from the address; also writes it back to the address."""
    current: Described | None = st.session_state.get("described")
    if current is None and "described" not in st.session_state and (key := st.query_params.get("bird")):
        bird = _parse(key)
        if bird:
            current = Described(st.query_params.get("text", "")[:_MAX_TEXT], bird)
            st.session_state["described"] = current
    if current is not None:
        _write_address(current)
    return current


def describe_as(text: str, bird: Mapping[str, str]) -> Described:
    """Make this the current class."""
    current = Described(text, dict(bird))
    st.session_state["described"] = current
    _write_address(current)
    return current


def clear() -> None:
    """Forget the class; `undo_clear` brings it back."""
    st.session_state["cleared"] = st.session_state.get("described")
    st.session_state["described"] = None
    _write_address(None)


def cleared() -> Described | None:
    """The class that was cleared last, while no other has been described."""
    return None if st.session_state.get("described") else st.session_state.get("cleared")


def undo_clear() -> None:
    """Bring the cleared class back."""
    if (before := cleared()) is not None:
        describe_as(before.text, before.bird)


def _write_address(current: Described | None) -> None:
    wanted = {} if current is None else {"bird": current.key} | ({"text": current.text} if current.text else {})
    for name in ("bird", "text"):
        if name not in wanted:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]


def _parse(key: str) -> dict[str, str]:
    """The bird of an address; what the address has and the world does not is left out."""
    bird = {}
    for part in key[:_MAX_KEY].split("~"):
        group, _, value = part.partition(".")
        value = value.replace("_", " ")
        if value in GROUPS.get(group, ()):
            bird[group] = value
    return bird
