"""Whose projects: a secret in the session and in the address, so that a refresh and a kept link find them again.

Where people sign in it is the account's own, and stands in no address.
"""

from __future__ import annotations

import re
import secrets

import streamlit as st

from pages.shared.person import sign_in

PARAMETER = "shelf"


def owner() -> str:
    """The person's secret, of the account, the session or the address; a new one where there is none."""
    if own := sign_in.own_secret(PARAMETER):
        return own
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
    if sign_in.account() is not None:
        st.query_params.pop(PARAMETER, None)
    elif PARAMETER in st.query_params or st.session_state.get("shelf_kept"):
        st.session_state["shelf_kept"] = True
        if st.query_params.get(PARAMETER) != owner():
            st.query_params[PARAMETER] = owner()
