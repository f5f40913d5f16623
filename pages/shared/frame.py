"""The frame that every page stands in: the navigation, set up by app.py, and the tour's bar above each page."""

import sys
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared import state
from pages.shared.lessons import tour
from pages.shared.person import notebook_key, owner, sign_in

#: What stands in the navigation: the lesson's steps side by side, the rest below two headings.
PAGES: dict[str, list[tuple[str, str]]] = {
    "": [
        ("pages/start.py", "Start"),
        ("pages/describe.py", "1 Describe"),
        ("pages/importances.py", "2 Importances"),
        ("pages/train.py", "3 Train"),
        ("pages/explain.py", "4 Explain"),
    ],
    "Your own": [
        ("pages/notebook.py", "Notebook"),
        ("pages/own.py", "Bring your own"),
    ],
    "Look closer": [
        ("pages/which_words.py", "Which words?"),
        ("pages/what_if.py", "What if?"),
        ("pages/methods.py", "Five methods"),
        ("pages/dictionary.py", "Neuron dictionary"),
        ("pages/proof.py", "Proof by drawing"),
        ("pages/faithful.py", "Is it faithful?"),
        ("pages/evaluate.py", "Evaluate"),
    ],
}


def has(file: str) -> bool:
    """Whether a page stands in the navigation, so that a link to it leads somewhere."""
    return any(file == known for pages in PAGES.values() for known, _ in pages)


def navigation() -> StreamlitPage:
    """Lay out the navigation, which nobody sees before signing in; returns the page that the visitor asked for."""
    page = st.navigation(
        {title: [st.Page(file, title=name, default=not title and not i) for i, (file, name) in enumerate(pages)]
         for title, pages in PAGES.items()},
        position="top" if sign_in.is_passed() else "hidden",
    )  # fmt: skip
    _forget_refreshes(page)
    return page


def _forget_refreshes(page: StreamlitPage) -> None:
    """Drop what the browser still asks of a page that it is leaving.

    Until it hears of the new page it asks for the fragments with `run_every` of the old one. Streamlit would answer
    such a late request after the new page's run, in the old page's name, and the browser would empty the new page for
    good.
    """
    context = get_script_run_ctx()
    if context is not None:
        context.fragment_storage.clear()  # requests for what is not registered are ignored; this run registers its own
    left = st.session_state.get("page", page.title)
    st.session_state["page"] = page.title
    if left != page.title:
        st.rerun()  # in place of a request that was taken on before


def ensure() -> None:
    """Called by each page first: the tour's bar, and a run through app.py where Streamlit left it out.

    The first visit to a fresh server, if it goes to a page's own address, makes Streamlit take the folder `pages` for
    an app of its older kind and run the page alone. Laying out the navigation once tells it better.
    """
    if not st.session_state.get("framed"):
        navigation()
        st.rerun()
    sign_in.gate()  # here too, should a page ever run without app.py
    sign_in.bar()
    tour.bar(Path(sys._getframe(1).f_code.co_filename).stem)  # of the page that asks
    state.carry()
    notebook_key.carry()
    owner.keep()
