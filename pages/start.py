"""Start: the idea in one picture, and one button. Painted without waiting for the network."""

from __future__ import annotations

import os

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.worlds import shelf
from pages.shared import frame, state, style, wording
from pages.shared.lessons import idea, tour
from pages.shared.lessons.teaching import term
from pages.shared.person.owner import owner

#: Where an operator allows data sets of the server; only then the module that looks is worth its import.
FOLDERS = "NIWT_FOLDERS"

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
        st.info("The picture of the idea is missing here. `python -m pages.shared.lessons.idea` draws it anew.")


def begin() -> None:
    """Describe comes next, with a bird: the one of before, or else an example in its field."""
    if state.world_key() != state.BIRDS:
        state.use_world(state.BIRDS)
    if state.described() is None and not st.session_state.get("words"):
        st.session_state["words"] = state.EXAMPLE


def saved() -> None:
    """The person's own projects, each a button."""
    projects, current = shelf.projects_of(owner()), state.world_key()
    if not projects:
        return
    st.header("Open a saved project")
    for project in projects:
        here = " (open now)" if project.key == current else ""
        label = f"**{wording.plain(project.title)}**: {project.n_seen + project.n_unseen} classes{here}"
        if st.button(label, key=f"open_{project.key}", on_click=state.use_world, args=(project.key,), type="tertiary"):
            st.switch_page("pages/describe.py", query_params=st.query_params.to_dict() | {"project": project.key})


def others() -> None:
    """Other ways in, smaller."""
    st.header("Or begin elsewhere")
    with st.container(horizontal=True):
        for file, label, icon in OTHERS:
            if frame.has(file):
                st.page_link(file, label=label, icon=icon, query_params=st.query_params.to_dict())
    if os.environ.get(FOLDERS):
        from niwt_core.worlds.server_folders import KNOWN, offers

        if there := [KNOWN[offer.dataset][0] for offer in offers() if offer.dataset in KNOWN]:
            st.caption(f"On this server: {wording.listed(dict.fromkeys(there))}. “Bring your own photos” fits them.")


def page() -> None:
    frame.ensure()
    st.title("Teach a network a bird it has never seen")
    style.lead(
        "This network tells 150 kinds of birds apart and has never seen yours. For it, a class is a pattern: how much "
        f"each of its 128 {term('neuron', 'neurons')} matters. One sentence is enough to write that pattern."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Teach it a bird it has never seen →", type="primary", key="teach", on_click=begin):
            st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())
        if st.button("Take the tour (3 minutes)", key="tour_begin", on_click=tour.begin):
            tour.go(1)
    show_picture()
    saved()
    others()


page()
