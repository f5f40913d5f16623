"""Keeping what a person describes in the person's own notebook, without being asked and without getting in the way."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.notebook import (
    Database,
    Entry,
    Kept,
    Notebook,
    UnknownNotebookError,
    create_notebook,
    notebook_url,
    open_notebook,
)
from niwt_core.notebook.kept import title_of
from niwt_core.notebook.telling import told_pattern
from niwt_core.worlds.described import Described
from pages.shared.lessons import tour
from pages.shared.person import notebook_key, sign_in
from pages.shared.wording import plain

if TYPE_CHECKING:
    from niwt_core.worlds.base import World
    from pages.shared.learning.lesson import Lesson, Solution

PAGE = "pages/notebook.py"
#: Seconds after a failure in which pages do not try again by themselves: a locked database would hold each of them up.
REST = 20


@st.cache_resource(show_spinner=False, max_entries=4)
def _database(url: str) -> Database:
    return Database(url)


def database() -> Database:
    """The database of the settings, one engine for the whole server.

    Raises:
        NotebookError: a setting that is no database's URL.
    """
    return _database(notebook_url())


def mine() -> Notebook | None:
    """The person's notebook; None while there is none.

    Raises:
        UnknownNotebookError: the address names one that is not there. NotebookError: it cannot be opened.
    """
    secret = notebook_key.secret()
    if not secret:
        return None
    try:
        return open_notebook(database(), secret)
    except UnknownNotebookError:
        if sign_in.account() is None:
            raise
        return open_notebook(database(), create_notebook(database(), secret))  # the account's first visit


def begin() -> Notebook:
    """A new notebook for this person; what waited for one goes in."""
    secret = create_notebook(database())
    notebook_key.use(secret)
    for name in ("notebook_last", "notebook_chosen", "notebook_deleted", "notebook_sheet"):
        st.session_state.pop(name, None)
    notebook = open_notebook(database(), secret)
    deliver(notebook)
    return notebook


def waiting() -> dict[str, Kept]:
    """What was described and could not be written yet: fingerprint -> class. It lasts as long as the session."""
    found: dict[str, Kept] = st.session_state.setdefault("notebook_waiting", {})
    return found


def deliver(notebook: Notebook) -> None:
    """Write what is waiting."""
    for fingerprint, kept in list(waiting().items()):
        notebook.keep(kept)
        del waiting()[fingerprint]


def keep(world: World, described: Described, **figures: float) -> None:
    """Keep a class and what was measured of it, and say so in one line with a way to the notebook.

    The same class is one entry, brought up to date; a page that has nothing new writes nothing. Where the notebook
    cannot be written, the line says why, and the class waits in the session.

    Args:
        figures: what the page measured, see `notebook.telling.told_figures`.
    """
    if tour.has_prepared(described):
        return  # its example is nobody's own
    # Each solving takes another time: that alone is nothing new.
    counted = {name: value for name, value in figures.items() if name != "milliseconds"}
    said = (world.key, described, counted)
    last: Last = st.session_state.get("notebook_last", Last())
    rested = time.monotonic() - last.failed > REST
    if (last.said != said and (rested or not last.error)) or (last.error and rested):
        last = _write(kept_of(world, described, figures), said, last.entry)
        st.session_state["notebook_last"] = last
    elif last.said != said:
        _wait(kept_of(world, described, figures))
    _tell(last.error)


@dataclass(frozen=True)
class Last:
    """What a session wrote last: the class, its entry with the title it was given, and what went wrong, and when."""

    said: object = None
    entry: Entry | None = None
    error: str = ""
    failed: float = -math.inf


def _write(kept: Kept, said: object, last_entry: Entry | None) -> Last:
    """Keep a class now, or let it wait."""
    _wait(kept)
    try:
        notebook = mine() or begin()
        entry = notebook.keep(waiting().get(kept.fingerprint, kept), grown_from=last_entry)
        waiting().pop(kept.fingerprint, None)
        deliver(notebook)
    except InputError as problem:
        return Last(said, last_entry, str(problem), time.monotonic())
    return Last(said, replace(entry, title=kept.title))


def _wait(kept: Kept) -> None:
    before = waiting().get(kept.fingerprint, kept)
    waiting()[kept.fingerprint] = replace(kept, figures=dict(before.figures) | dict(kept.figures))


def kept_of(world: World, described: Described, figures: dict[str, float]) -> Kept:
    """All that is kept of a class; its importances are one matrix product."""
    from pages.shared.charts import figures as charts

    places = {group: i for i, group in enumerate(world.groups)}
    picks = dict(sorted(described.picks.items(), key=lambda pick: places.get(pick[0], len(places))))
    settings = world.project.learner.settings
    values = world.project.learner.importances(world.row(described))[0]
    apart = values - world.project.importances.values.mean(0)
    order, names = charts.channel_order(world.project)
    return Kept(
        title=title_of(described.text, (world.phrase(*pick) for pick in picks.items()), described.of),
        text=described.text,
        picks=picks,
        of=described.of,
        project=world.key,
        world=world.title,
        figures={"strength": settings.strength, "ridge": settings.ridge, **figures},
        importances=tuple(values.tolist()),
        order=tuple(order.tolist()),
        explanation=told_pattern(apart.tolist(), names),
    )


def figures_of(lesson: Lesson, solution: Solution) -> dict[str, float]:
    """What a notebook keeps of a solved class; counts only where there were pictures to count."""
    found: dict[str, float] = {"milliseconds": solution.milliseconds, "misfit": solution.misfit}
    if len(lesson.pictures):
        found |= {"found": solution.found, "of": len(lesson.pictures)}
    if len(lesson.strangers):
        found |= {"claimed": solution.claimed, "strangers": len(lesson.strangers)}
    return found


def _tell(error: str) -> None:
    address = st.query_params.to_dict()
    if error:
        st.caption(f"Not kept in your notebook. {plain(error)}")
        st.page_link(PAGE, label="See what can be done", icon=":material/menu_book:", query_params=address)
    else:
        st.page_link(PAGE, label="Kept in your notebook", icon=":material/bookmark_added:", query_params=address)


def attempt(deed, *arguments: object) -> None:
    """For buttons: do something to the notebook; where that fails, the page says why after the next run."""
    st.session_state["notebook_told"] = None
    try:
        deed(*arguments)
    except InputError as error:
        st.session_state["notebook_told"] = str(error)


def same_class(entry: Entry) -> Described:
    """An entry as the pages know a class."""
    return Described(entry.text, dict(entry.picks), entry.of)
