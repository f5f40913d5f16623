"""A table that people, keyboards and screen readers can read; wider than the page it scrolls inside itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

_STYLE = """<style>
.cyn-table { overflow-x: auto; margin-bottom: 0.5rem; }
.cyn-table table { border-collapse: collapse; width: 100%; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
.cyn-table th, .cyn-table td { padding: 0.5rem 0.75rem; text-align: right; vertical-align: bottom;
  border-bottom: 1px solid rgba(127,138,150,0.35); white-space: nowrap; }
.cyn-table th:first-child, .cyn-table td:first-child { text-align: left; padding-left: 0; }
.cyn-table thead th { font-weight: 600; white-space: normal; min-width: 6.5rem; line-height: 1.3; }
.cyn-table thead small { display: block; font-weight: 400; opacity: 0.8; }
.cyn-table tbody th { font-weight: 400; }
.cyn-table tr.cyn-first th, .cyn-table tr.cyn-first td { font-weight: 700; }
@media (max-width: 640px) { .cyn-table thead th { min-width: 4rem; } .cyn-table tbody th { white-space: normal; } }
</style>"""


def show(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], label: str, first_is_bold: bool) -> None:
    """A table of plain text.

    Args:
        columns: (name, note below it) of each. rows: their first cell names them. label: what the table is.
        first_is_bold: whether the first row is the one to look at.
    """
    head = "".join(f'<th scope="col">{escape(a)}<small>{escape(b)}</small></th>' for a, b in columns)
    body = "".join(
        f'<tr{" class=cyn-first" if first_is_bold and i == 0 else ""}><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for i, row in enumerate(rows)
    )
    st.html(
        f'{_STYLE}<div class="cyn-table" role="region" tabindex="0" aria-label="{escape(label, quote=True)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
