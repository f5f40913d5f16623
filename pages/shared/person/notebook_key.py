"""The secret of the person's notebook, in the session and in the address, so that a refresh finds the notebook again.

It stands in the address of every page, because without it a refresh would begin a second notebook. Links that the app
offers to copy leave it out.
"""

from __future__ import annotations

import streamlit as st

PARAMETER = "notebook"
_MAX = 100


def secret() -> str:
    """The notebook's secret, from the session or else from the address; "" where there is none yet. Not checked."""
    return st.session_state.get(PARAMETER) or st.query_params.get(PARAMETER, "")[:_MAX]


def parameters() -> dict[str, str]:
    """The notebook's part of an address."""
    return {PARAMETER: found} if (found := secret()) else {}


def use(new: str) -> None:
    """From now on this is the person's notebook."""
    st.session_state[PARAMETER] = new
    carry()


def carry() -> None:
    """Write the secret back to the address, which Streamlit empties when the page changes."""
    if found := secret():
        st.session_state[PARAMETER] = found
        if st.query_params.get(PARAMETER) != found:
            st.query_params[PARAMETER] = found
