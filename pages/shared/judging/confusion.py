"""Which pictures are taken for what: a table of real buttons with pictures in them, and pictures to choose from."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from PIL import Image

from pages.shared.wording import listed, plain

if TYPE_CHECKING:
    from niwt_core.laboratory.proof import Confusion, Exhibits

#: Classes that the sentence names one by one, at most.
N_NAMED = 3

_CSS = """
.scroll { overflow-x: auto; padding: 3px; }
table { border-collapse: separate; border-spacing: 6px; font-family: var(--st-font); font-size: 0.85rem;
  color: var(--st-text-color); }
th { font-weight: 400; line-height: 1.2; vertical-align: bottom; padding: 0 2px 2px; overflow-wrap: anywhere; }
thead th[scope=col] { width: 104px; min-width: 72px; text-align: center; }
thead .over { text-align: left; font-weight: 600; white-space: nowrap; }
tbody th { text-align: left; vertical-align: middle; min-width: 76px; max-width: 160px; }
/* The names stay in sight while the rest scrolls below them. */
tr > :first-child { position: sticky; left: 0; z-index: 1; background: var(--st-background-color); }
thead tr > th:first-child { text-align: left; }
th small { display: block; opacity: 0.8; font-size: 0.75rem; }
th.own { font-weight: 700; }
td { padding: 0; text-align: center; }
button { font: inherit; color: inherit; cursor: pointer; background: none; border: 2px solid transparent; padding: 3px;
  border-radius: 10px; display: block; width: 100%; outline-offset: 2px; box-sizing: border-box; }
.cell button { min-width: 72px; height: 116px; }
.cell .image { width: 74px; height: 74px; margin: 2px auto 4px; }
.image { background-size: cover; border-radius: 8px; }
.count { font-variant-numeric: tabular-nums; font-weight: 600; font-size: 0.95rem; white-space: nowrap; }
.right button { border-color: #1f7fc0; background: rgba(31,127,192,0.14); }
.wrong button { border-color: #d9660f; border-style: dashed; }
.none { height: 116px; opacity: 0.7; }
button:hover .count, button:hover .label { text-decoration: underline; text-underline-offset: 3px; }
button:focus-visible { outline: 3px solid var(--st-text-color); }
button[aria-pressed=true] { outline: 3px solid var(--st-text-color); }
.grid { list-style: none; margin: 0; padding: 5px; display: grid; gap: 10px 8px;
  grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); }
.grid .image { aspect-ratio: 1; margin-bottom: 4px; }
.grid .label { display: block; font-size: 0.8rem; line-height: 1.25; font-family: var(--st-font);
  color: var(--st-text-color); }
@media (max-width: 640px) { .grid { grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); }
  thead th[scope=col] { width: 78px; }
  .cell button, .none { height: 94px; }
  .cell .image { width: 56px; height: 56px; }
}
"""

# Everything is set as text or as a number; nothing that came in is ever read as HTML.
_TABLE_JS = """
const shown = new WeakMap();

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function heading(scope, said) {
  const made = element('th', said.own ? 'own' : '', said.name);
  made.scope = scope;
  if (said.note) made.append(element('small', '', said.note));
  return made;
}

function cell(found, pick) {
  if (!found.count) return element('td', 'none', '0');
  const made = element('td', 'cell ' + (found.right ? 'right' : 'wrong'));
  const button = element('button');
  button.type = 'button';
  button.setAttribute('aria-label', found.said);
  button.setAttribute('aria-pressed', String(found.chosen));
  const image = element('div', 'image');
  image.style.backgroundImage = `url(${found.image})`;
  button.append(image, element('span', 'count', (found.right ? '✓ ' : '✗ ') + found.count));
  button.addEventListener('click', () => pick(found.place));
  made.append(button);
  return made;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector('.confusion');
  const now = JSON.stringify(data);
  if (shown.get(root) === now) return;
  shown.set(root, now);
  const focused = root.getRootNode().activeElement?.getAttribute('aria-label');
  const scrolled = root.querySelector('.scroll')?.scrollLeft ?? 0;
  const table = element('table');
  table.setAttribute('aria-label', data.label);
  const head = element('thead'), top = element('tr'), names = element('tr'), body = element('tbody');
  const over = element('th', 'over', 'taken for →');
  over.colSpan = data.columns.length;
  top.append(element('td'), over);
  names.append(heading('col', { name: data.corner, own: true }), ...data.columns.map((c) => heading('col', c)));
  head.append(top, names);
  for (const row of data.rows) {
    const line = element('tr');
    line.append(heading('row', row), ...row.cells.map((found) => cell(found, (p) => setTriggerValue('picked', p))));
    body.append(line);
  }
  table.append(head, body);
  const scroll = element('div', 'scroll');
  scroll.append(table);
  root.replaceChildren(scroll);
  scroll.scrollLeft = scrolled;
  if (focused) [...root.querySelectorAll('button')].find((b) => b.getAttribute('aria-label') === focused)?.focus();
}
"""

_GRID_JS = """
const shown = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector('.grid');
  const now = JSON.stringify(data);
  if (shown.get(root) === now) return;
  shown.set(root, now);
  const focused = root.getRootNode().activeElement?.getAttribute('aria-label');
  root.replaceChildren(...data.pictures.map((picture) => {
    const item = document.createElement('li'), button = document.createElement('button');
    const image = document.createElement('div'), label = document.createElement('span');
    button.type = 'button';
    button.setAttribute('aria-label', picture.said);
    button.setAttribute('aria-pressed', String(picture.number === data.chosen));
    image.className = 'image';
    image.style.backgroundImage = `url(${picture.image})`;
    label.className = 'label';
    label.textContent = picture.label;
    button.append(image, label);
    button.addEventListener('click', () => setTriggerValue('picked', picture.number));
    item.append(button);
    return item;
  }));
  if (focused) [...root.querySelectorAll('button')].find((b) => b.getAttribute('aria-label') === focused)?.focus();
}
"""

_table = st.components.v2.component("confusion_table", html='<div class="confusion"></div>', css=_CSS, js=_TABLE_JS)
_grid = st.components.v2.component("picture_choice", html='<ul class="grid"></ul>', css=_CSS, js=_GRID_JS)


def show_table(
    found: Confusion,
    exhibits: Sequence[Exhibits],
    thumbnails: np.ndarray,
    chosen: tuple[int, int] | None,
    on_pick: Callable[[int, int], None],
    verb: str,
) -> None:
    """The table: a row for what each picture is, a column for what it is taken for.

    Args:
        thumbnails: (n_pictures, size, size, 3) uint8. chosen: the cell that is open.
        on_pick: called before the page runs again. verb: how the pictures came to be, "drawn as".
    """
    rows = []
    for r, exhibit in enumerate(exhibits):
        n = int(found.counts[r].sum())
        cells = [_cell(found, exhibit.name, r, c, thumbnails, chosen) for c in range(len(found.names))]
        rows.append({"name": exhibit.name, "note": f"{n} of {len(exhibit)}", "own": r == 0, "cells": cells})
    columns = [{"name": name, "own": c == 0} for c, name in enumerate(found.names)]
    key = "confusion"

    def picked() -> None:
        place = st.session_state[key]["picked"]  # it comes from the browser
        if isinstance(place, list) and len(place) == 2 and all(isinstance(i, int) for i in place):
            row, column = place
            if 0 <= row < len(exhibits) and 0 <= column < len(found.names):
                on_pick(row, column)

    label = "How many pictures of each class are taken for which"
    corner = f"{verb} ↓"
    data: dict[str, Any] = {"label": label, "corner": corner, "columns": columns, "rows": rows}
    _table(key=key, data=data, on_picked_change=picked)


def _cell(
    found: Confusion, name: str, row: int, column: int, thumbnails: np.ndarray, chosen: tuple[int, int] | None
) -> dict[str, Any]:
    count = int(found.counts[row, column])
    if not count:
        return {"count": 0}
    mark = "✓" if column == found.right[row] else "✗"
    return {
        "count": count,
        "right": column == found.right[row],
        "place": [row, column],
        "chosen": chosen == (row, column),
        "image": as_url(thumbnails[found.cell(row, column)[0]]),
        "said": f"{mark} {count} of {int(found.counts[row].sum())}: {name}, taken for {found.names[column]}",
    }


def choose_picture(
    pictures: Sequence[tuple[int, np.ndarray, str, str]], chosen: int | None, on_pick: Callable[[int], None]
) -> None:
    """Pictures side by side, each of them a button.

    Args:
        pictures: (number, (size, size, 3) uint8, what stands below it, what it is in words). chosen: a number.
        on_pick: called before the page runs again.
    """
    key = "picture_choice"

    def picked() -> None:
        number = st.session_state[key]["picked"]
        if any(number == known for known, *_ in pictures):
            on_pick(number)

    shown = [{"number": n, "image": as_url(image), "label": below, "said": alt} for n, image, below, alt in pictures]
    _grid(key=key, data={"pictures": shown, "chosen": chosen}, on_picked_change=picked)


def as_url(picture: np.ndarray) -> str:
    """A picture for a style sheet."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=86)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def verdict(found: Confusion, exhibits: Sequence[Exhibits], names: Sequence[str], n_seen: int) -> str:
    """What came out, in one or two sentences; Markdown.

    Args:
        names: of all classes of the joint classifier; the described one is number `n_seen`.
    """
    own = [r for r, e in enumerate(exhibits) if e.row == n_seen]
    theirs = found.rows != own[0] if own else np.ones(len(found.rows), bool)
    claims = theirs & (found.winners == n_seen)
    if own:
        said = _found(found, own[0], names)
    else:
        said = "There are no pictures of the described class, so nobody can say how many of its own it finds."
    if not theirs.any():
        return said
    n, n_claimed = int(theirs.sum()), int(claims.sum())
    pictures = "1 picture" if n == 1 else f"{n} pictures"
    if not n_claimed:
        return f"{said} Of {pictures} of its neighbours it claims none."
    whose = Counter(exhibits[r].name for r in found.rows[claims])
    return f"{said} Of {pictures} of its neighbours it claims **{n_claimed}**: {_counted(whose, 'of')}."


def _found(found: Confusion, row: int, names: Sequence[str]) -> str:
    n, right = int(found.counts[row].sum()), int(found.counts[row, found.right[row]])
    said = f"Finds **{right} of {n}**"
    missed = n - right
    if not missed:
        return f"{said}, and misses none."
    taken = Counter(names[c] for c in found.winners[(found.rows == row) & (found.columns != found.right[row])])
    if missed == 1:
        return f"{said}; the one it missed it took for {plain(next(iter(taken)))}."
    return f"{said}; the {missed} it missed it took for {_counted(taken, '')}."


def _counted(counts: Counter[str], before: str) -> str:
    """ "Jay (3), Wren (2) and others (4)"; only the most frequent by name."""
    named = counts.most_common(N_NAMED)
    said = [f"{before} {plain(name)} ({n})".strip() for name, n in named]
    rest = counts.total() - sum(n for _, n in named)
    return listed(said + ([f"{before} others ({rest})".strip()] if rest else []))
