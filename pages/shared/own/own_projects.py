"""A person's own projects on the page: the line of fits, the list, and what can be done with each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.limits import PROJECT_TITLE
from niwt_core.worlds import shelf
from pages.shared import state
from pages.shared.person import turns
from pages.shared.person.owner import owner
from pages.shared.wording import plain

if TYPE_CHECKING:
    from pages.shared.jobs.fitting import Fits


@st.cache_resource(show_spinner=False)
def fits() -> Fits:
    """All fits of this server."""
    from pages.shared.jobs.fitting import Fits

    return Fits(turns.line())


def any_of(secret: str) -> bool:
    """Whether somebody has a project here."""
    return bool(shelf.projects_of(secret))


def show() -> None:
    """The list of projects; the one just made stands out."""
    projects = shelf.projects_of(owner())
    if not projects:
        return
    st.header("Your projects")
    st.caption("Keep this page’s address, it is your link to them. Who has it can rename and remove them as well.")
    current = state.world_key()
    for project in projects:
        with st.container(border=True):
            _one(project, project.key == current)


def _one(project: shelf.Shelved, is_current: bool) -> None:
    if st.session_state.get("own_done") == project.key:
        st.success("Done. Every page can work with it now.")
    st.subheader(plain(project.title), anchor=False)
    made = datetime.datetime.fromtimestamp(project.made).strftime("%d %B %Y, %H:%M").lstrip("0")
    st.markdown(
        f"{project.n_seen} seen and {project.n_unseen} unseen {'class' if project.n_unseen == 1 else 'classes'}; "
        f"{plain(project.network)}; made on {made}."
    )
    if project.figures:
        st.markdown(figures(project.figures))
    with st.container(horizontal=True):
        if st.button(
            "Go on with it →" if is_current else "Use this project →",
            type="primary",
            key=f"own_use_{project.key}",
            on_click=None if is_current else state.use_world,
            args=None if is_current else (project.key,),
        ):
            st.switch_page("pages/describe.py", query_params={"project": project.key})
        with st.popover("Rename"):
            key = f"own_rename_{project.key}"
            st.text_input("New title", value=project.title, max_chars=PROJECT_TITLE, key=key)
            st.button("Rename it", on_click=rename, args=(project.key, key), key=f"own_do_{project.key}")
        st.button(
            "Remove", on_click=remove, args=(project.key, project.title), icon=":material/delete:",
            key=f"own_remove_{project.key}",
        )  # fmt: skip


def figures(found: Mapping[str, float]) -> str:
    """How well it does, in counts of a hundred."""
    return (
        f"On photos kept aside, among all classes: **{100 * found['seen']:.0f} of 100** of seen classes right, "
        f"**{100 * found['unseen']:.0f} of 100** of classes known from words alone "
        f"({found['n_seen_images']:.0f} and {found['n_unseen_images']:.0f} photos; each class counts alike)."
    )


def rename(key: str, field: str) -> None:
    """Give a project the title in the field."""
    try:
        shelf.rename(key, owner(), st.session_state[field])
    except InputError as error:
        st.session_state["own_messages"] = [str(error)]


def remove(key: str, title: str) -> None:
    """Take a project or a draft away; it can be undone."""
    try:
        if (fit := fits().get(key)) is not None:
            fit.cancel()
        shelf.remove(key, owner())
    except InputError as error:
        st.session_state["own_messages"] = [str(error)]
        return
    fits().forget(key)
    if state.world_key() == key:
        state.use_world(state.BIRDS)
    st.session_state["own_removed"] = (key, title)


def offer_undo() -> None:
    """The way back for what was removed last."""
    if (removed := st.session_state.get("own_removed")) is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"“{plain(removed[1])}” was removed. It can be brought back while this page is open.")
        st.button("Undo", on_click=undo, key="own_undo", icon=":material/undo:")


def undo() -> None:
    """Bring back what was removed last."""
    key, _ = st.session_state.pop("own_removed")
    try:
        shelf.restore(key, owner())
    except InputError as error:
        st.session_state["own_messages"] = [str(error)]
