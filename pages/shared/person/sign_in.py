"""Sign-in, where whoever runs the server asks for it: no page is shown to anybody who is not signed in.

Streamlit speaks OpenID Connect with the provider named in secrets.toml; see docs/hosting.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from niwt_core.accounts import secret_of
from niwt_core.errors import InputError
from pages.shared.wording import plain

#: "1": everybody has to sign in.
VARIABLE = "NIWT_SIGN_IN"
_LINK_JS = (Path(__file__).parent / "link.js").read_text()


def is_required() -> bool:
    """Whether people have to sign in on this server."""
    return os.environ.get(VARIABLE) == "1"


def is_passed() -> bool:
    """Whether pages are shown: to everybody, or to whoever is signed in."""
    return not is_required() or account() is not None


def gate() -> None:
    """Goes no further where somebody has to sign in and has not; the page says so and offers it."""
    if is_passed():
        return
    st.title("Choose Your Neuron")
    if "is_logged_in" not in st.user:
        st.error(
            "This server asks people to sign in, and has not been told how: its secrets.toml has no [auth] section. "
            "Whoever runs it finds the steps in docs/hosting.md."
        )
    elif st.user.get("is_logged_in"):
        st.error("You are signed in, but your provider does not say who you are: “iss” or “sub” is missing.")
        st.button("Sign out", key="sign_out", on_click=st.logout)
    else:
        st.markdown("This server is for people it knows. Sign in, and your classes and projects are there again.")
        st.button("Sign in", key="sign_in", type="primary", icon=":material/login:", on_click=st.login)
        _link(is_signed_in=False)
    st.stop()


def _link(is_signed_in: bool) -> None:
    """Brings people back to the address that they came with: the way over the provider ends at the start page."""
    st.components.v2.component("came_with", html="<span hidden></span>", js=_LINK_JS)(
        data={"isSignedIn": is_signed_in}, key="came_with", width="content", height="content"
    )


def account() -> str | None:
    """What tells the person from all others; None where nobody has to sign in, or nobody is signed in."""
    if not is_required() or not st.user.get("is_logged_in"):
        return None
    issuer, subject = st.user.get("iss"), st.user.get("sub")
    return f"{issuer} {subject}" if issuer and subject else None


def own_secret(purpose: str) -> str:
    """The secret of the person's account for a purpose; "" without an account, or where the key cannot be had."""
    who = account()
    if who is None:
        return ""
    try:
        return secret_of(who, purpose)
    except InputError as error:
        st.error(plain(str(error)))
        st.stop()


def bar() -> None:
    """Who is signed in, and the way out."""
    if account() is None:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="account"):
        name = str(st.user.get("name") or st.user.get("email") or "")[:60]
        st.caption(f"Signed in as {plain(name)}" if name else "Signed in", width="content")
        st.button("Sign out", key="sign_out", type="tertiary", on_click=st.logout)
        _link(is_signed_in=True)
