"""The secret of the person's notebook, in the session and in the address, so that a refresh finds the notebook again.

It stands in the address of every page, because without it a refresh would begin a second notebook. Links that the app
offers to copy leave it out. Where people sign in, the account's own secret opens the notebook, none stands in an
address, and one that somebody's link brings along is not looked at.
"""

from __future__ import annotations

import streamlit as st

from pages.shared.person import sign_in

PARAMETER = "notebook"
_MAX = 100


def secret() -> str:
    """The notebook's secret, of the account, the session or the address; "" where there is none yet. Not checked."""
    return sign_in.own_secret(PARAMETER) or st.session_state.get(PARAMETER) or st.query_params.get(PARAMETER, "")[:_MAX]


def parameters() -> dict[str, str]:
    """The notebook's part of an address."""
    return {PARAMETER: found} if (found := secret()) and sign_in.account() is None else {}


def use(new: str) -> None:
    """From now on this is the person's notebook."""
    st.session_state[PARAMETER] = new
    carry()


def carry() -> None:
    """Write the secret back to the address, which Streamlit empties when the page changes."""
    if sign_in.account() is not None:
        st.query_params.pop(PARAMETER, None)
    elif found := secret():
        st.session_state[PARAMETER] = found
        if st.query_params.get(PARAMETER) != found:
            st.query_params[PARAMETER] = found
