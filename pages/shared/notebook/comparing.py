"""Kept classes side by side: their barcodes aligned, how alike they are, their figures, and where their words part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from niwt_core.notebook import Entry
from niwt_core.notebook.face import cosine
from niwt_core.notebook.telling import differing
from pages.shared import resources, state, style
from pages.shared.charts import figures, tables
from pages.shared.notebook import kept_pictures
from pages.shared.wording import GROUP_WORDS, plain

#: As many barcodes as can be told apart on one page.
MOST = 6
_FIGURES = {
    "found": "finds, of its own pictures",
    "claimed": "claims, of strangers",
    "milliseconds": "solved in (ms)",
    "misfit": "distance to the target",
}


def show(entries: Sequence[Entry]) -> None:
    """The comparison of two or more entries."""
    st.header("Side by side")
    names = _names(entries)
    _faces(entries, names)
    _barcodes(entries, names)
    _alike(entries, names)
    _figures(entries, names)
    _words(entries, names)


def _names(entries: Sequence[Entry]) -> list[str]:
    """Titles that tell the entries apart: where two are the same, numbered."""
    titles = [entry.title for entry in entries]
    return [t if titles.count(t) == 1 else f"{t} ({titles[: i + 1].count(t)})" for i, t in enumerate(titles)]


def _faces(entries: Sequence[Entry], names: Sequence[str]) -> None:
    drawn = [(kept_pictures.portrait(entry), name) for entry, name in zip(entries, names, strict=True)]
    if not any(portrait for portrait, _ in drawn):
        return
    with st.container(key="portraits_compared"):
        for column, (portrait, name) in zip(st.columns(len(entries)), drawn, strict=True):
            if portrait:
                column.image(portrait, width="stretch", alt=f"A drawing of {name}")
            column.markdown(f"**{plain(name)}**")


def _barcodes(entries: Sequence[Entry], names: Sequence[str]) -> None:
    """One chart for each network: channels of two networks have nothing to do with one another."""
    networks: dict[tuple[str, int], list[int]] = {}
    for i, entry in enumerate(entries):
        if entry.importances:
            networks.setdefault((entry.project, len(entry.importances)), []).append(i)
    for number, ((project, n_channels), members) in enumerate(networks.items()):
        rows = [figures.BarcodeRow(names[i], np.array(entries[i].importances)) for i in members]
        order, labels = _order(project, entries[members[0]])
        title = f"Importance of every neuron: {entries[members[0]].world}"
        alt = (
            f"{len(rows)} strips of {n_channels} cells, neuron under neuron. Rising cells speak for the class, hanging "
            "cells against it."
        )
        style.chart(figures.barcode(rows, labels, title, order=order), alt, key=f"compared_{number}")


def _order(project: str, entry: Entry) -> tuple[np.ndarray, list[str] | None]:
    """In which order the channels stand; and what they are called, where their network is the one at hand."""
    n_channels = len(entry.importances)
    if project == state.world_key():
        loaded = resources.project()
        if loaded.backbone.n_channels == n_channels:
            return figures.channel_order(loaded)
    return np.array(entry.order or range(n_channels)), None


def _alike(entries: Sequence[Entry], names: Sequence[str]) -> None:
    st.subheader("How alike the patterns are")
    values = [
        [cosine(a.importances, b.importances) if a.project == b.project else None for b in entries] for a in entries
    ]
    pairs = [
        (values[i][j], i, j) for i in range(len(entries)) for j in range(i) if values[i][j] is not None
    ]  # fmt: skip
    if not pairs:
        st.markdown("These classes belong to different networks, so their patterns cannot be compared.")
        return
    st.markdown(_pairs(pairs, [plain(name) for name in names]))
    if len(entries) > 2:
        rows = [[name, *(_cosine(v) for v in row)] for name, row in zip(names, values, strict=True)]
        tables.show(_columns(names), rows, "Cosine of each two patterns", False)
    st.caption("The cosine of two patterns: 1 is the same pattern, 0 has nothing in common, below 0 is opposed.")


def _cosine(value: float | None) -> str:
    return "another network" if value is None else f"{value:.2f}"


def _columns(names: Sequence[str]) -> list[tuple[str, str]]:
    return [("", ""), *((name, "") for name in names)]


def _pairs(pairs: list, names: Sequence[str]) -> str:
    nearest, first, second = max(pairs)
    said = f"Most alike are “{names[second]}” and “{names[first]}”, with a cosine of {nearest:.2f}"
    if len(pairs) == 1:
        return f"“{names[second]}” and “{names[first]}” have a cosine of {nearest:.2f}."
    farthest, first, second = min(pairs)
    return f"{said}; least alike are “{names[second]}” and “{names[first]}”, with {farthest:.2f}."


def _figures(entries: Sequence[Entry], names: Sequence[str]) -> None:
    st.subheader("Their figures")
    rows = []
    for key, label in _FIGURES.items():
        if any(key in entry.figures for entry in entries):
            rows.append([label, *(_figure(entry, key) for entry in entries)])
    if rows:
        tables.show(_columns(names), rows, "Figures of the classes", False)
    else:
        st.markdown("None of them has been solved yet. Open one, go to *Train* and press *Solve at once*.")


def _figure(entry: Entry, key: str) -> str:
    if key not in entry.figures:
        return "not measured"
    value, total = entry.figures[key], {"found": "of", "claimed": "strangers"}.get(key)
    if total is None:
        return f"{value:.2f}"
    return f"{value:.0f} of {entry.figures.get(total, 0):.0f}"


def _words(entries: Sequence[Entry], names: Sequence[str]) -> None:
    st.subheader("Where their words part")
    rows = differing(entries)
    if rows:
        table = [
            [GROUP_WORDS.get(group, group.replace("_", " ")), *(value or "left open" for value in row)]
            for group, row in rows.items()
        ]
        tables.show(_columns(names), table, "Attributes in which the classes differ", False)
    else:
        st.markdown("They have the same attributes.")
    for entry, name in zip(entries, names, strict=True):
        if entry.text:
            st.markdown(f"**{plain(name)}:** “{plain(entry.text)}”")
