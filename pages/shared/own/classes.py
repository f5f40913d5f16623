"""The second step of Bring your own: what the classes look like, in fields beside a photo or in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from niwt_core.errors import InputError
from pages.shared.wording import plain

#: Up to so many classes are described in fields, each beside a photo; more in a table.
MOST_FIELDS = 12
THUMBNAIL = 88


def ask(draft):
    """The table of classes, to look over or to fill in; every change is kept at once.

    Returns:
        the draft as it is on the page, and whether that is kept.
    """
    if draft.dataset != "folder":
        return draft, True
    from niwt_core.limits import DESCRIPTION

    st.header("2 What they look like")
    n_unseen = sum(not row.seen for row in draft.rows)
    told = "numbers" if draft.attribute_names else "words"
    which = "The one without a tick is" if n_unseen == 1 else f"The {n_unseen} without a tick are"
    st.markdown(
        f"**Seen** classes are learned from their photos. {which} learned from {told} alone; photos of unseen classes "
        "only test how well that went."
        + ("" if draft.attribute_names else " What does each class look like, and what tells it from the others?")
    )
    as_fields = len(draft.rows) <= MOST_FIELDS and not draft.attribute_names
    rows = _fields(draft) if as_fields else _table(draft, DESCRIPTION)
    if rows == draft.rows:
        return draft, True
    draft = replace(draft, rows=rows)
    try:
        draft.save()
    except InputError as error:
        st.error(plain(f"Your last change is not kept. {error} It stays on this page as long as the page is open."))
        return draft, False
    return draft, True


def _fields(draft) -> tuple:
    """A few classes, one below the other: a photo, the description, seen or not."""
    from niwt_core.limits import DESCRIPTION

    rows = []
    for i, row in enumerate(draft.rows):
        words, ticked = f"own_words_{draft.key}_{i}", f"own_seen_{draft.key}_{i}"
        st.session_state.setdefault(words, row.description)
        st.session_state.setdefault(ticked, row.seen)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.image(_thumbnail(str(draft.data), row.name), width=THUMBNAIL, alt=f"A photo of {row.name}")
            with st.container(width="stretch", gap="small"):
                description = st.text_input(
                    f"{plain(row.name)} ({row.n_pictures} photos)",
                    key=words,
                    max_chars=DESCRIPTION,
                    placeholder="for example: a small brown bird with a curved bill and a white belly",
                )
                seen = st.checkbox("seen: learned from its photos", key=ticked)
        rows.append(replace(row, description=description, seen=seen))
    return tuple(rows)


@st.cache_data(show_spinner=False, max_entries=200)
def _thumbnail(data: str, name: str):
    """The first photo of a class, square, (THUMBNAIL * 2)^2 pixels; grey where it cannot be read."""
    from pathlib import Path

    from PIL import Image, ImageOps

    from niwt_core.datasets.division import pictures_in
    from niwt_core.images import read_image

    folder, size = Path(data) / name, (2 * THUMBNAIL, 2 * THUMBNAIL)
    try:
        return ImageOps.fit(read_image(folder / pictures_in(folder)[0]), size)
    except (InputError, IndexError):
        return Image.new("RGB", size, "#7f8a96")


def _table(draft, most: int) -> tuple:
    """Many classes, or classes with numbers, as a table."""
    shown = st.session_state.get("own_shown")
    if shown is None or shown[0] != draft.key:  # the table as it was when it was opened: edits stand on top of it
        shown = st.session_state["own_shown"] = (draft.key, _as_table(draft))
    edited = st.data_editor(
        shown[1],
        key=f"own_table_{draft.key}",
        hide_index=True,
        width="stretch",
        height="auto" if len(draft.rows) < 12 else 420,
        disabled=["class", "pictures"],
        column_config={
            "class": st.column_config.TextColumn("Class", width="medium"),
            "pictures": st.column_config.NumberColumn("Pictures", width="small"),
            "seen": st.column_config.CheckboxColumn("Seen", width="small"),
            "description": st.column_config.TextColumn("Description", width="large", max_chars=most),
            **{_column(i): st.column_config.NumberColumn(name) for i, name in enumerate(draft.attribute_names)},
        },
    )
    return _from_table(draft, edited)


def _column(i: int) -> str:
    return f"number {i}"


def _as_table(draft) -> dict[str, list]:
    table = {
        "class": [row.name for row in draft.rows],
        "pictures": [row.n_pictures for row in draft.rows],
        "seen": [row.seen for row in draft.rows],
        "description": [row.description for row in draft.rows],
    }
    return table | {_column(i): [row.numbers[i] for row in draft.rows] for i in range(len(draft.attribute_names))}


def _from_table(draft, table) -> tuple:
    """The rows as edited; a number that was emptied stays what it was."""
    numbers: Sequence[Sequence[float | None]] = [table[_column(i)] for i in range(len(draft.attribute_names))]
    return tuple(
        replace(
            row,
            seen=bool(table["seen"][at]),
            description=str(table["description"][at] or ""),
            numbers=tuple(
                float(column[at]) if column[at] is not None else row.numbers[i] for i, column in enumerate(numbers)
            ),
        )
        for at, row in enumerate(draft.rows)
    )
