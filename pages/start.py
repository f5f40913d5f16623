"""Start: the idea in one picture, and one button. Painted without waiting for the network."""

from __future__ import annotations

import streamlit as st

from niwt_core.errors import InputError
from pages.shared import frame, idea, state, style, tour

OTHERS = (
    ("pages/own.py", "Bring your own photos", ":material/photo_library:"),
    ("pages/notebook.py", "My notebook", ":material/menu_book:"),
)


@st.cache_data(show_spinner=False)
def picture(stamp: int) -> str:
    """The picture of the idea; `stamp` says when its numbers were measured."""
    return idea.picture(idea.load_idea(idea.FOLDER))


def show_picture() -> None:
    """The picture; a project without one says so, and the rest of the page stands."""
    try:
        st.html(picture((idea.FOLDER / idea.FILE).stat().st_mtime_ns))
    except (OSError, InputError):
        st.info("The picture of the idea is missing here. `python -m pages.shared.idea` draws it anew.")


def begin() -> None:
    """Describe comes next, the example in its field where nothing has been described yet."""
    if state.described() is None and not st.session_state.get("words"):
        st.session_state["words"] = state.EXAMPLE


def others() -> None:
    """Other ways in, smaller."""
    ways = [way for way in OTHERS if frame.has(way[0])]
    if not ways:
        return
    st.header("Or begin elsewhere")
    for file, label, icon in ways:
        st.page_link(file, label=label, icon=icon)


def page() -> None:
    frame.ensure()
    st.title("Teach a network a bird it has never seen")
    style.lead(
        "This network tells 150 kinds of birds apart and has never seen yours. For it, a class is a pattern: how much "
        "each of its 128 neurons matters. One sentence is enough to write that pattern."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Teach it a bird it has never seen →", type="primary", key="teach", on_click=begin):
            st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())
        if st.button("Take the tour (3 minutes)", key="tour_begin", on_click=tour.begin):
            tour.go(1)
    show_picture()
    others()


page()
