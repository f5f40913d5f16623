"""The guided tour: a prepared class and six stops, told by a bar above each page.

The address keeps the stop (`tour=2`) and the class that the person had before (`kept=`), so that a refresh loses
neither. On leaving, what the tour changed is put back as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from niwt_core.birds.reading import read
from pages.shared import state


@dataclass(frozen=True)
class Stop:
    """A page of the tour, and what to look at there, in two sentences."""

    file: str
    title: str
    look: str


STOPS = (
    Stop(
        "pages/describe.py",
        "Describe",
        "A bird has been described for you: the underlined words are those that were understood. Below, each drawing "
        "chooses for itself what the words leave open.",
    ),
    Stop(
        "pages/importances.py",
        "Importances",
        "One cell is one neuron: rising cells speak for the bird, hanging ones against it. The top strip comes from "
        "the words alone; compare it with the birds below, which the network has seen.",
    ),
    Stop(
        "pages/train.py",
        "Train",
        "Press “Solve at once”: the importances become a classifier, and the birds it finds turn to ✓. “Start” shows "
        "the same being learned step by step, still without one picture of this bird.",
    ),
    Stop(
        "pages/explain.py",
        "Explain",
        "Choose one of the six drawings. Colour shows where the network looks, and the sentence says in words what "
        "its neurons speak of, and whether that is true.",
    ),
    Stop(
        "pages/dictionary.py",
        "Neuron dictionary",
        "Each picture is one neuron, under the name it was given. Search “red crown” and open one: its card says "
        "whether the name stood a test.",
    ),
    Stop(
        "pages/which_words.py",
        "Which words?",
        "Each clause of the sentence was left out in turn, and the bird learned again: the stronger its ground, the "
        "more a clause was worth. That was the tour; the next bird is yours.",
    ),
)  # fmt: skip

#: What of a session the tour puts aside; and of an address.
_ASIDE = ("world", "classes", "described", "cleared", "words", "training", "solved", "shows_solution")
_ADDRESS = ("picks", "text", "of", "project")
_MAX_KEPT = 5000
START = "start"


@dataclass(frozen=True)
class Aside:
    """What was put aside: the session's own things, or after a refresh only the class as its address has it."""

    session: Mapping[str, Any] | None
    address: str

    @property
    def has_class(self) -> bool:
        return bool(self.address)


# -- going along -------------------------------------------------------------------------------------------------------


def begin() -> None:
    """Put the person's class aside and describe the example; for `on_click`."""
    if stop() is not None:
        return
    state.described()  # writes the address
    address = urlencode({name: st.query_params[name] for name in _ADDRESS if name in st.query_params})
    found = {name: st.session_state[name] for name in _ASIDE if name in st.session_state}
    if "classes" in found:
        found["classes"] = dict(found["classes"])  # the tour goes on with the other
    for name in ("training", "solved", "shows_solution"):
        st.session_state.pop(name, None)
    if state.world_key() != state.BIRDS:
        state.use_world(state.BIRDS)
    _prepare()
    st.session_state["tour"], st.session_state["aside"] = 1, Aside(found, address)


def stop() -> int | None:
    """The stop where the tour stands, 1 and up, from the session or else from the address; None off tour."""
    if "tour" not in st.session_state:
        asked = st.query_params.get("tour", "")
        if asked not in {str(n + 1) for n in range(len(STOPS))}:
            return None
        st.session_state["tour"] = int(asked)
        st.session_state["aside"] = Aside(None, st.query_params.get("kept", "")[:_MAX_KEPT])
        if state.described() is None:
            _prepare()
    number: int = st.session_state["tour"]
    return number


def go(number: int) -> None:
    """To a stop's page, from any other."""
    st.session_state["tour"] = number
    st.switch_page(STOPS[number - 1].file, query_params=st.query_params.to_dict())


def leave() -> None:
    """End the tour; the class from before comes back, unless the person made another one meanwhile."""
    aside = st.session_state.pop("aside")
    st.session_state.pop("tour")
    for name in ("tour", "kept"):
        st.query_params.pop(name, None)
    current = state.described()
    if current is None or current == _example():
        bring_back(aside)
    elif aside.has_class:
        st.session_state["aside_after"] = aside  # the bar asks


def bring_back(aside: Aside) -> None:
    """Put things back as they were before the tour."""
    for name in _ASIDE:
        st.session_state.pop(name, None)
    for name in _ADDRESS:
        st.query_params.pop(name, None)
    st.session_state.pop("aside_after", None)
    if aside.session is not None:
        st.session_state.update(aside.session)
    else:
        st.query_params.update({name: value for name, value in parse_qsl(aside.address) if name in _ADDRESS})
    current = state.described()
    st.session_state["words"] = current.text if current else ""
    st.session_state["describe_error"] = None


def has_prepared(described: state.Described) -> bool:
    """Whether this is the tour's own class, which the person did not make."""
    return "tour" in st.session_state and described == _example()


def _example() -> state.Described:
    return state.Described(state.EXAMPLE, read(state.EXAMPLE).attributes)


def _prepare() -> None:
    state.describe_as(state.EXAMPLE, _example().picks)
    st.session_state["words"] = state.EXAMPLE
    st.session_state["describe_error"] = None


# -- the bar -----------------------------------------------------------------------------------------------------------


def bar(page: str) -> None:
    """What stands above a page: while on tour the stop, and the ways on; otherwise nothing.

    Args:
        page: its file's name, without folder and ending.
    """
    fresh = "tour" not in st.session_state
    number = stop()
    if number is None:
        _ask_after()
        return
    here = next((n for n, each in enumerate(STOPS, start=1) if Path(each.file).stem == page), None)
    if fresh and page == START:
        go(number)  # a link to the tour itself
    number = st.session_state["tour"] = here or number  # whoever turns to another stop's page is at that stop
    st.query_params["tour"] = str(number)
    if address := st.session_state["aside"].address:
        st.query_params["kept"] = address
    with st.container(key="tour"):
        _at(number) if here else _away(number)


def _at(number: int) -> None:
    here = STOPS[number - 1]
    st.markdown(f"**Stop {number} of {len(STOPS)}: {here.title}.** {here.look}")
    with st.container(horizontal=True):
        if number > 1 and st.button("← Back", key="tour_back"):
            go(number - 1)
        if number < len(STOPS):
            if st.button(f"Next: {STOPS[number].title} →", key="tour_next", type="primary"):
                go(number + 1)
            st.button("Leave the tour", key="tour_leave", on_click=leave, type="tertiary")
        elif st.button("Finish: describe a bird of your own →", key="tour_finish", on_click=leave, type="primary"):
            st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())


def _away(number: int) -> None:
    st.markdown(f"**The tour waits at stop {number} of {len(STOPS)}: {STOPS[number - 1].title}.**")
    with st.container(horizontal=True):
        if st.button("Back to the tour", key="tour_again"):
            go(number)
        st.button("Leave the tour", key="tour_leave", on_click=leave, type="tertiary")


def _ask_after() -> None:
    """After a tour on which the person described another class: which of the two it shall be."""
    aside = st.session_state.get("aside_after")
    if aside is None:
        return
    with st.container(key="tour"):
        st.markdown("You described another class on the tour, so it stayed. The one from before is not lost.")
        with st.container(horizontal=True):
            st.button("Bring back the one from before", key="tour_bring", on_click=bring_back, args=(aside,))
            st.button("Keep this one", key="tour_keep", on_click=lambda: st.session_state.pop("aside_after", None))
