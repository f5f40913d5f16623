"""This person's turns in the one line of the server, and what the page says of their place in it."""

from __future__ import annotations

import secrets

import streamlit as st

from pages.shared.jobs.line import Kind, Line, Turn
from pages.shared.person import notebook_key


@st.cache_resource(show_spinner=False)
def line() -> Line:
    """All long work of this server stands in it."""
    return Line()


def turn() -> Turn:
    """A standing for work that the person asked for."""
    return line().stand(Kind.LOOK, who())


def shared_turn(work: str) -> Turn:
    """A standing for work that everybody in a world gets the fruit of."""
    return line().stand(Kind.LOOK, work)


def who() -> str:
    """Whom fairness counts as one: a notebook, or else a session."""
    return notebook_key.secret() or st.session_state.setdefault("turns_of", secrets.token_hex(8))


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def show_place(place: int) -> None:
    """Where the work stands in line; nothing where it does not wait."""
    if place:
        st.info(
            f"**{ordinal(place)} in line.** Others on this server are having their turn; yours comes by itself, and "
            "everybody’s is equally long.",
            icon=":material/hourglass_top:",
        )
