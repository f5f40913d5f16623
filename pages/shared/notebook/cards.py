"""The cards on a notebook's shelf: one class each, its face, its words, its figures, and what can be done with it."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.limits import ENTRY_TITLE, NOTE
from niwt_core.notebook import ChangedElsewhereError, Entry, Notebook
from niwt_core.notebook.files import to_csv, to_json
from niwt_core.notebook.telling import told_figures, told_picks, told_settings
from niwt_core.worlds.described import Described, picks_of
from pages.shared import resources, state
from pages.shared.charts.downloads import file_name
from pages.shared.notebook import keeping, kept_pictures
from pages.shared.person import notebook_key, permalinks
from pages.shared.wording import plain

#: Stands in front of what it styles, so that nothing jumps when it comes later.
STYLE = f"<style>{(Path(__file__).parent / 'notebook.css').read_text()}</style>"


def show(notebook: Notebook, entry: Entry) -> None:
    """One card."""
    with st.container(border=True, key=f"entry_{entry.id}"):
        st.html(_picture(entry))
        if st.session_state.get("editing") == entry.id:
            _edit(notebook, entry)
            return
        with st.container(horizontal=True, vertical_alignment="center", key=f"deeds_{entry.id}"):
            if st.button("Open", key=f"open_{entry.id}", type="primary", help=f"Describe “{plain(entry.title)}” again"):
                _open(entry)
            st.button("Title and note", key=f"edit_{entry.id}", on_click=_begin_edit, args=(entry,))
            _more(notebook, entry)
            _choose(entry)


def _picture(entry: Entry) -> str:
    """Face, portrait and words; everything of a person's stays text."""
    drawing = kept_pictures.portrait(entry)
    image = f'<img src="{drawing}" alt="A drawing of {escape(told_picks(entry.picks), quote=True)}">' if drawing else ""
    words = " ".join(entry.text.split())
    heading, said = entry.title, words or (told_picks(entry.picks) if entry.version > 1 else "")
    if words.startswith(entry.title.removesuffix(" …")):  # the title is the words' own short form
        heading, said = words, ""
    said = f'<p class="words">{escape(said)}</p>' if said else ""
    first, *rest = told_figures(entry.figures, brief=True) or ("not solved yet",)
    figures = f"<strong>{escape(first.capitalize())}</strong>{escape(''.join(f' · {clause}' for clause in rest))}"
    judged = f" · judged on {entry.of}" if entry.of else ""
    note = f'<p class="kept-note">{escape(entry.note)}</p>' if entry.note else ""
    alt = f"Importance barcode, {len(entry.importances)} neurons. {entry.explanation}"
    strip = (
        f'<img class="kept-face" src="{kept_pictures.face_of(entry)}" alt="{escape(alt, quote=True)}">'
        if entry.importances
        else ""
    )
    return (
        f'{STYLE}<div class="kept">{image}<div><h3>{escape(heading)}</h3>{said}<p>{figures}</p>'
        f'<p class="when">{escape(entry.world)}{escape(judged)} · {day(entry)}</p></div></div>{strip}{note}'
    )


def day(entry: Entry) -> str:
    """When an entry last changed; the server cannot know the visitor's clock."""
    return f"{entry.changed.day} {entry.changed:%b %Y, %H:%M} UTC"


# -- opening -----------------------------------------------------------------------------------------------------------


def _open(entry: Entry) -> None:
    """Go to Describe with this class, in its own project; where that is gone, say so."""
    try:
        known = _known(entry)
    except InputError as error:
        st.session_state["notebook_told"] = str(error)
        st.rerun()
    describe_again(known, entry.project)


def describe_again(known: Described, project: str) -> None:
    """Go to Describe with a class, in its project."""
    if project != state.world_key():
        state.use_world(project)
    state.describe_as(known.text, known.picks, known.of)
    st.session_state["words"] = known.text
    st.session_state["describe_error"] = None
    address = permalinks.address_of(known, project)
    st.switch_page(permalinks.DESCRIBE, query_params=address | notebook_key.parameters())


def _known(entry: Entry) -> Described:
    """The class as far as its project knows its words; an entry may come from anybody's file."""
    class_of = keeping.same_class(entry)
    if entry.project == state.BIRDS:
        picks = kept_pictures.drawable(entry)
        if not picks:
            raise InputError(
                "Nothing of this class is known to Paper Birds; expected at least one attribute of a bird."
            )
        return Described(entry.text, picks)
    world = resources.world_of(entry.project)
    of = entry.of if entry.of in world.project.class_names else ""
    return Described(entry.text, picks_of(class_of.key, world.groups), of)


# -- title and note ----------------------------------------------------------------------------------------------------


def _begin_edit(entry: Entry) -> None:
    st.session_state.update(
        editing=entry.id, edit_version=entry.version, edit_title=entry.title, edit_note=entry.note, edit_conflict=None,
        edit_error=None,
    )  # fmt: skip


def _end_edit() -> None:
    st.session_state.update(editing=None, edit_conflict=None, edit_error=None)


def _edit(notebook: Notebook, entry: Entry) -> None:
    st.text_input("Title", key="edit_title", persist_state="session", help=f"At most {ENTRY_TITLE} characters.")
    # No limit in the field itself: it would cut off what was pasted, without a word.
    st.text_area("Note", key="edit_note", persist_state="session", height=160, help=f"At most {NOTE:,} characters.")
    if error := st.session_state.get("edit_error"):
        st.error(plain(error))
    if (now := st.session_state.get("edit_conflict")) is not None:
        _conflict(notebook, now)
        return
    with st.container(horizontal=True):
        st.button("Save", type="primary", key="save", on_click=_save, args=(notebook, entry.id))
        st.button("Cancel", key="cancel", on_click=_end_edit)


def _save(notebook: Notebook, entry: int) -> None:
    title, note = st.session_state["edit_title"], st.session_state["edit_note"]
    st.session_state["edit_error"] = None
    try:
        notebook.edit(entry, st.session_state["edit_version"], title, note)
    except ChangedElsewhereError as error:
        st.session_state["edit_error"], st.session_state["edit_conflict"] = str(error), error.now
    except InputError as error:
        st.session_state["edit_error"] = str(error)
    else:
        _end_edit()


def _conflict(notebook: Notebook, now: Entry) -> None:
    """The other text beside the one in the fields, and the choice."""
    st.markdown("**The other text:**")
    note = escape(now.note) or "(no note)"
    st.html(f'{STYLE}<div class="kept-texts"><strong>{escape(now.title)}</strong>\n{note}</div>')
    with st.container(horizontal=True):
        st.button("Keep mine, above", type="primary", key="keep_mine", on_click=_overwrite, args=(notebook, now))
        st.button("Keep the other", key="keep_other", on_click=_end_edit)


def _overwrite(notebook: Notebook, now: Entry) -> None:
    st.session_state.update(edit_version=now.version, edit_conflict=None)
    _save(notebook, now.id)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _more(notebook: Notebook, entry: Entry) -> None:
    box = st.popover("More", key=f"more_{entry.id}", on_change="rerun")
    if not box.open:
        return
    with box:
        st.markdown("**A link to this class**, for anybody; it leaves out your title, your note and your notebook.")
        described = keeping.same_class(entry)
        address = permalinks.address_of(described, entry.project)
        st.code(permalinks.link(permalinks.DESCRIBE, address), language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.button(
                "Duplicate", key=f"copy_{entry.id}", on_click=keeping.attempt, args=(notebook.duplicate, entry.id)
            )
            st.button("Delete", key=f"delete_{entry.id}", on_click=keeping.attempt, args=(_delete, notebook, entry))
        downloads(f"{entry.id}", (entry,))
        settings = told_settings(entry.figures)
        st.caption(plain(f"{entry.explanation} {f'Settings: {settings}.' if settings else ''}"))


def _delete(notebook: Notebook, entry: Entry) -> None:
    notebook.delete(entry.id)
    st.session_state["notebook_deleted"] = entry
    chosen().discard(entry.id)


def chosen() -> set[int]:
    """The entries that were chosen for comparing."""
    found: set[int] = st.session_state.setdefault("notebook_chosen", set())
    return found


def _choose(entry: Entry) -> None:
    key = f"choose_{entry.id}"

    def toggle() -> None:
        (chosen().add if st.session_state[key] else chosen().discard)(entry.id)

    st.session_state[key] = entry.id in chosen()
    st.checkbox("Compare", key=key, on_change=toggle)


def downloads(key: str, entries: tuple[Entry, ...]) -> None:
    """Entries as files; each is made when its button is pressed."""
    one = len(entries) == 1
    name = file_name(entries[0].title) if one else "notebook"
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)", partial(kept_pictures.report_of, entries), f"{name}.html", "text/html",
            on_click="ignore", key=f"html_{key}", help="One file with pictures, to read, print or send.",
        )  # fmt: skip
        st.download_button(
            "Data (JSON)", partial(to_json, entries), f"{name}.json", "application/json",
            on_click="ignore", key=f"json_{key}", help="Everything, to bring in again here or elsewhere.",
        )  # fmt: skip
        st.download_button(
            "Table (CSV)", partial(to_csv, entries), f"{name}.csv", "text/csv",
            on_click="ignore", key=f"csv_{key}", help="For a spreadsheet: a row for each class.",
        )  # fmt: skip
