"""The frame that every page stands in: the navigation, set up by app.py and asked for by each page."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def navigation() -> StreamlitPage:
    """Lay out the navigation; returns the page that the visitor asked for."""
    return st.navigation(
        [
            st.Page("pages/describe.py", title="1 Describe", default=True),
            st.Page("pages/importances.py", title="2 Importances"),
            st.Page("pages/train.py", title="3 Train"),
            st.Page("pages/explain.py", title="4 Explain"),
        ],
        position="top",
    )


def ensure() -> None:
    """Called by each page first: run again through app.py where Streamlit left it out.

    The first visit to a fresh server, if it goes to a page's own address, makes Streamlit take the folder `pages` for
    an app of its older kind and run the page alone. Laying out the navigation once tells it better.
    """
    if not st.session_state.get("framed"):
        navigation()
        st.rerun()
