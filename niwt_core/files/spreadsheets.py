"""Tables for spreadsheets (CSV): numbers stay numbers, and no text in them is ever taken for a formula.

Spreadsheets run what a cell of a CSV file begins with. Whoever opens a table must not run what somebody else typed, so
such a text gets an apostrophe before it, as OWASP advises (CSV injection). Tables that the app itself reads again, such
as classes.csv, are not for spreadsheets and are written as they are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from niwt_core.typed import is_hidden

#: What spreadsheets take for the beginning of a formula, the full-width forms among them.
_BREAKS = frozenset("\t\r\n")
_FORMULA = frozenset("=+-@|%＝＋－＠") | _BREAKS
#: What may stand before that beginning: who reads a table with other quotes than ours drops them.
_SKIPPED = frozenset(" \"'")
#: Where a new cell begins for a spreadsheet that is set to other separators than commas, and what then begins there.
_ELSEWHERE = re.compile(r"([;\t\r\n][;\s\"']*+)([=+\-@|%＝＋－＠])?")


def table(head: Iterable[Any], rows: Iterable[Iterable[Any]]) -> bytes:
    """A table as CSV with its head: UTF-8, with the mark that spreadsheets know it by.

    Cells that are text go through `cell`; all others are written as Python writes them.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in (head, *rows):
        writer.writerow([cell(value) if isinstance(value, str) else value for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def cell(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe before whatever looks like the beginning of a formula."""
    shown = next((c for c in text if c in _BREAKS or not (c in _SKIPPED or is_hidden(c))), "")
    text = _ELSEWHERE.sub(lambda found: f"{found[1]}'{found[2]}" if found[2] else found[1], text)
    return f"'{text}" if shown in _FORMULA else text
