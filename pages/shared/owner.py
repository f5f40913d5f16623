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
    """Write the secret to the address once it is worth keeping; Streamlit empties the address when pages change."""
    if st.query_params.get(PARAMETER) != owner():
        st.query_params[PARAMETER] = owner()
