"""What a page shows that needs a described class while there is none: a sentence, and the two ways to one."""

from __future__ import annotations

import streamlit as st

from pages.shared import state
from pages.shared.describing import understanding


def offer(sentence: str) -> None:
    """Our own words on what will stand here, and buttons to describe a class or to take the example."""
    noun = state.noun()
    st.info(sentence)
    with st.container(horizontal=True):
        if st.button(f"Describe a {noun}", type="primary", key="to_describe"):
            st.switch_page("pages/describe.py")
        if noun == "bird":
            st.button("Use the example", key="use_example", help=state.EXAMPLE, on_click=_use_example)


def _use_example() -> None:
    st.session_state["words"] = state.EXAMPLE  # the description page shows it too
    understanding.make_class(state.EXAMPLE)
