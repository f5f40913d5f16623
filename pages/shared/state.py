"""The class that a person described: kept in the session and in the address, so that a refresh finds it again.

Streamlit empties the address when the page changes and the session when the browser refreshes. Each run therefore
takes the class from the session, or else from the address, and writes it back to the address. The same for the project
that the person works in. Each project has a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.limits import DESCRIPTION
from niwt_core.typed import clean
from niwt_core.worlds.described import Described, picks_of

EXAMPLE = "a small yellow bird with a black cap, white wing bars and a short orange beak"

#: The key of the world that is there from the start, and is meant where the address names none.
BIRDS = "birds"

#: What the described class of drawn birds is called in charts and sentences; see `yours`.
YOURS = "your bird"


def noun() -> str:
    """What a class of the person's world is called: "bird", or "class" (`World.noun`, without loading the world)."""
    return "bird" if world_key() == BIRDS else "class"


def yours() -> str:
    """What the described class is called in charts and sentences: "your bird" or "your class"."""
    return f"your {noun()}"


def world_key() -> str:
    """The key of the project that the person works in, from the session or else from the address; kept in both.

    Any text may stand in an address: `resources.world` says whether there is such a project.
    """
    key: str = st.session_state.get("world") or st.query_params.get("project", "")[:100] or BIRDS
    st.session_state["world"] = key
    if key == BIRDS:
        st.query_params.pop("project", None)
    elif st.query_params.get("project") != key:
        st.query_params["project"] = key
    return key


def use_world(key: str) -> None:
    """Work in another project from the next run on; its own class, if there is one, comes back."""
    classes = st.session_state.setdefault("classes", {})
    classes[st.session_state.get("world", BIRDS)] = st.session_state.get("described")
    st.session_state["world"] = key
    for name in ("picks", "text", "of", "project"):
        st.query_params.pop(name, None)
    st.session_state["described"] = classes.get(key)
    st.session_state["words"] = classes[key].text if classes.get(key) else ""
    st.session_state["describe_error"] = None


def described() -> Described | None:
    """The current class, from the session or else from the address; also writes it back to the address."""
    current: Described | None = st.session_state.get("described")
    world_key()
    if current is None and "described" not in st.session_state:
        current = _from_address()
        if current is not None:
            st.session_state["described"] = current
    if current is not None:
        _write_address(current)
    return current


def carry() -> None:
    """Keep the class in the address on pages that do not ask for one.

    A class of photos that only the address knows is left there: reading it would load the network.
    """
    if "described" in st.session_state or world_key() == BIRDS:
        described()


def describe_as(text: str, picks: Mapping[str, str], of: str = "") -> Described:
    """Make this the current class; what nobody sees of its text is left out."""
    current = Described(clean(text, lines=True), dict(picks), of)
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
        describe_as(before.text, before.picks, before.of)


def _from_address() -> Described | None:
    """The class of the address; None where the address has none, or none that its project knows."""
    text, key = clean(st.query_params.get("text", "")[:DESCRIPTION], lines=True), st.query_params.get("picks", "")
    if world_key() == BIRDS:
        picks = picks_of(key, GROUPS)
        return Described(text, picks) if picks else None
    of = st.query_params.get("of", "")
    if not (text or key or of):
        return None
    from pages.shared import resources

    world = resources.world()
    picks, unseen = picks_of(key, world.groups), world.project.class_names[world.project.n_seen :]
    of = of if of in unseen else ""
    return Described(text, picks, of) if text or picks or of else None


def _write_address(current: Described | None) -> None:
    found = {} if current is None else {"picks": current.key, "text": current.text, "of": current.of}
    for name in ("picks", "text", "of"):
        if not found.get(name):
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != found[name]:
            st.query_params[name] = found[name]
