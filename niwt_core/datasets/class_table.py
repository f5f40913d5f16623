"""The table classes.csv of a person's own data set: a name, a description, seen or not, and numbers for each class."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from niwt_core import limits
from niwt_core.datasets.tables import check_inside, check_unique, read_text
from niwt_core.errors import InputError

SEEN_WORDS = {"seen": True, "yes": True, "true": True, "1": True}
UNSEEN_WORDS = {"unseen": False, "no": False, "false": False, "0": False}
EXPECTED = "a table with the columns name, description, seen and, if you have them, attributes (numbers)"


@dataclass(frozen=True, eq=False)
class ClassTable:
    """One entry a class, in the table's order; `attributes` (n_classes, n_attributes) float32."""

    names: tuple[str, ...]
    seen: tuple[bool, ...]
    texts: tuple[str, ...]
    attribute_names: tuple[str, ...]
    attributes: np.ndarray
    notes: tuple[str, ...]


def read_class_table(path: Path) -> ClassTable:
    """Read classes.csv: UTF-8, with commas, within `limits` on bytes, classes and columns.

    Columns, in any order: `name` (of the class and its folder), `seen` (seen/unseen, yes/no, true/false or 1/0),
    `description`, and attributes: every further column that holds numbers. A further column without any number is
    left out with a note.

    Raises:
        InputError: no such file, or a table that is not as described; it names the line and what was expected.
    """
    header, lines = _read_rows(path)
    columns = [title.strip() for title in header]
    keys = [title.lower() for title in columns]
    for key in ("name", "seen"):
        if key not in keys:
            raise InputError(f"{path} has no column {key!r} but {', '.join(columns)[:100]!r}; expected {EXPECTED}.")
    if len(columns) > limits.TABLE_COLUMNS:
        raise InputError(f"{path} has {len(columns):,} columns; expected at most {limits.TABLE_COLUMNS:,}.")
    if long := next((i for i, title in enumerate(columns, 1) if len(title) > limits.ATTRIBUTE_CHARACTERS), None):
        most = limits.ATTRIBUTE_CHARACTERS
        raise InputError(f"The title of column {long} of {path} has more than {most} characters; expected a name.")
    check_unique([title for title in keys if title], path)
    for number, cells in lines:
        if len(cells) > len(columns):
            raise InputError(f"Line {number} of {path} has {len(cells)} cells; expected at most {len(columns)}.")

    names, seen = [], []
    for number, cells in lines:
        name, word = (_cell(cells, keys.index(key)).strip() for key in ("name", "seen"))
        if not name:
            raise InputError(f"Line {number} of {path} has no name; expected the name of the class's folder.")
        check_inside(name, path)
        word = word.lower()
        if word not in SEEN_WORDS | UNSEEN_WORDS:
            raise InputError(f"Line {number} of {path} has {word[:40]!r} in the column seen; expected seen or unseen.")
        names.append(name)
        seen.append(word in SEEN_WORDS)
    check_unique(names, path)
    texts = [_cell(cells, keys.index("description")).strip() if "description" in keys else "" for _, cells in lines]

    further = [i for i, key in enumerate(keys) if key not in ("name", "seen", "description")]
    # Of each line only the cells that it has: short lines of a wide table would be millions of empty ones.
    with_numbers = {i for _, cells in lines for i, cell in enumerate(cells) if _number(cell) is not None}
    filled = {i for _, cells in lines for i, cell in enumerate(cells) if cell.strip()}
    numeric = [i for i in further if i in with_numbers]
    wordy = [i for i in further if i not in with_numbers and (columns[i] or i in filled)]
    if untitled := [i for i in numeric if not columns[i]]:
        raise InputError(f"Column {untitled[0] + 1} of {path} has numbers but no title; expected one.")
    attributes = np.zeros((len(lines), len(numeric)), dtype=np.float32)
    for row, (number, cells) in enumerate(lines):
        for column, i in enumerate(numeric):
            cell = _cell(cells, i)
            value = _number(cell)
            if value is None or not abs(value) < limits.NUMBER:  # false for NaN too
                where = f"Line {number} of {path}"
                raise InputError(f"{where} has {cell[:40]!r} in the column {columns[i]!r}; expected a number.")
            attributes[row, column] = value
    if not numeric and not any(texts):
        raise InputError(f"{path} describes no class; expected descriptions in words or columns of numbers.")
    return ClassTable(
        names=tuple(names),
        seen=tuple(seen),
        texts=tuple(texts),
        attribute_names=tuple(columns[i] for i in numeric),
        attributes=attributes,
        notes=tuple(f"The column {columns[i]!r} of {path} holds no numbers." for i in wordy),
    )


def _read_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row that is not empty with the number of its last line."""
    reader = csv.reader(io.StringIO(read_text(path, EXPECTED, limits.CLASS_TABLE_BYTES), newline=""), strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
            if len(rows) > limits.CLASSES + 1:
                raise InputError(f"{path} has more than {limits.CLASSES:,} classes; expected at most so many.")
    except csv.Error as error:
        raise InputError(f"Line {reader.line_num} of {path} is no line of a CSV table ({error}).") from error
    if not rows:
        raise InputError(f"{path} is empty; expected {EXPECTED}.")
    if len(rows) == 1:
        raise InputError(f"{path} has a header but no classes; expected one line a class.")
    return rows[0][1], rows[1:]


def _cell(cells: list[str], i: int) -> str:
    return cells[i] if i < len(cells) else ""


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
