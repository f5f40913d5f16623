"""The frame that every page stands in: set up by app.py, and asked for by each page."""

import streamlit as st


def set_up() -> None:
    """Called by app.py on each run, before the page."""
    st.session_state["framed"] = True


def ensure() -> None:
    """Called by each page first: run again through app.py where it was left out.

    The very first visit to a fresh server, if it goes to a page's own address, makes Streamlit take the folder `pages`
    for an app of its older kind and run the page alone. From the second run on it knows better.
    """
    if not st.session_state.get("framed"):
        st.rerun()
