"""Saving a chart: as a picture (PNG, SVG) by the browser that shows it, and its numbers (CSV) by the server when asked.

The server has no browser to draw with, so the picture is made where the chart already stands: a small script gathers
what is drawn, puts the title above and the sentence below it, and hands the file over. Nothing is sent anywhere.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from html import unescape
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from niwt_core.files.spreadsheets import table

_COLUMNS = ("trace", "x", "y", "z", "text")
_TAG = re.compile(r"<(/?[a-zA-Z][^<>]*)>")

#: The two buttons and what they do. Registered once; a chart mounts it with its own words as data.
_pictures = st.components.v2.component(
    "chart_as_picture",
    html='<div class="cyn-save"><button type="button" data-format="png">Picture (PNG)</button>'
    '<button type="button" data-format="svg">Drawing (SVG)</button><p role="status"></p></div>',
    css=(Path(__file__).parent / "downloads.css").read_text(),
    js=(Path(__file__).parent / "downloads.js").read_text(),
)


def offer(fig: go.Figure, title: str, alt: str, key: str) -> None:
    """A small menu that saves the chart of this key: its picture in two formats, and its numbers."""
    name = file_name(title or key)
    with st.popover("Save this chart", type="tertiary", icon=":material/download:", key=f"save_{key}"):
        _pictures(data={"key": key, "title": title, "alt": alt, "name": name}, key=f"picture_{key}", height="content")
        st.download_button(
            "Its numbers (CSV)",
            partial(csv_of, fig),
            f"{name}.csv",
            "text/csv",
            on_click="ignore",
            width="stretch",
            key=f"csv_{key}",
        )


def offer_table(head: Sequence[str], rows: Sequence[Sequence[Any]], title: str, key: str) -> None:
    """A small button that saves a table as CSV; its cells as in `csv_of`."""
    st.download_button(
        "Save this table (CSV)",
        partial(_csv, head, rows),
        f"{file_name(title)}.csv",
        "text/csv",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        key=f"csv_{key}",
    )


def file_name(title: str) -> str:
    """A title as a file's name: small letters, digits and dashes; "chart" where it has none of them."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].strip("-") or "chart"


def csv_of(fig: go.Figure) -> bytes:
    """A chart's numbers as CSV, UTF-8 with a mark that spreadsheets know: one line a point or cell, with its trace.

    Columns that no trace fills are left out; x, y and z carry their axis's title. Numbers stay numbers; text that a
    spreadsheet would take for a formula gets a quote before it. Cells without a number are left out.
    """
    rows = [row for i, trace in enumerate(fig.data) for row in _rows(trace, i)]
    used = [i for i in range(len(_COLUMNS)) if i == 0 or any(row[i] is not None for row in rows)]
    titles = {"x": fig.layout.xaxis.title.text, "y": fig.layout.yaxis.title.text}
    heads = [f"{c} ({titles[c]})" if titles.get(c) else c for c in _COLUMNS]
    return _csv([heads[i] for i in used], [[row[i] for i in used] for row in rows])


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    return table(map(_cell, head), (map(_cell, row) for row in rows))


def _rows(trace: Any, number: int) -> Iterator[tuple[Any, ...]]:
    """(trace, x, y, z, text) of each point of a trace, or of each cell of a heat map that holds a number."""
    name = _words(trace.name) if trace.name else f"trace {number + 1}"
    text = _list(trace, "text") or _list(trace, "hovertext")
    z = _list(trace, "z")
    if z and np.ndim(z[0]):
        height, width = len(z), len(z[0])
        x, y = _list(trace, "x") or list(range(width)), _list(trace, "y") or list(range(height))
        for i, j in np.ndindex(height, width):
            if not _empty(z[i][j]):
                words = text[i][j] if i < len(text) and j < len(text[i]) else None
                yield name, x[j], y[i], z[i][j], words or None
        return
    for x_, y_, words in zip_longest(_list(trace, "x"), _list(trace, "y"), text):
        if not (_empty(x_) and _empty(y_)):
            yield name, x_, y_, None, words or None


def _list(trace: Any, attribute: str) -> list[Any]:
    """An attribute of a trace as a list; [] where the kind of trace has none, or it is one word for all points."""
    value = getattr(trace, attribute, None)
    return [] if value is None or isinstance(value, str) else list(value)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def _words(text: str) -> str:
    """Plotly's little HTML as one line of plain words."""
    return " ".join(unescape(_TAG.sub(" ", re.sub(r"<br ?/?>", " · ", text))).split())


def _cell(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if _empty(value):
        return ""
    if isinstance(value, float):
        return float(f"{value:.7g}")  # as many figures as the network's numbers have
    return _words(value) if isinstance(value, str) else value
