"""Whose projects: a secret in the session and in the address, so that a refresh and a kept link find them again."""

from __future__ import annotations

import re
import secrets

import streamlit as st

PARAMETER = "shelf"


def owner() -> str:
    """The person's secret, from the session or else from the address; a new one where there is none."""
    found = st.session_state.get(PARAMETER) or st.query_params.get(PARAMETER, "")
    if not re.fullmatch(r"[0-9a-f]{32}", found):
        found = secrets.token_hex(16)
    st.session_state[PARAMETER] = found
    return found


def carry() -> None:
    """From now on the secret is worth keeping: it stands in the address of every page."""
    st.session_state["shelf_kept"] = True
    keep()


def keep() -> None:
    """Write the secret back to the address, which Streamlit empties when the page changes; each page asks for it."""
    if PARAMETER in st.query_params or st.session_state.get("shelf_kept"):
        st.session_state["shelf_kept"] = True
        if st.query_params.get(PARAMETER) != owner():
            st.query_params[PARAMETER] = owner()
