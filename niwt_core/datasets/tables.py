"""The text files of data sets: lists and tables, read with limits; an error names the file and the line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from niwt_core import limits
from niwt_core.errors import InputError

#: All that `str.splitlines` takes for the end of a line.
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def read_text(path: Path, expected: str, max_bytes: int | None = None) -> str:
    """A UTF-8 text file, with or without a byte order mark.

    Args:
        expected: what the file should have been, for the error. max_bytes: `limits.TEXT_BYTES` if it is not given.

    Raises:
        InputError: the file is missing, too large, cannot be read or is not UTF-8.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing; expected {expected}.")
    most = limits.TEXT_BYTES if max_bytes is None else max_bytes
    try:
        if (size := path.stat().st_size) > most:
            raise InputError(f"{path} has {size / limits.MB:.1f} MB; expected at most {most / limits.MB:.2g} MB.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); expected {expected}.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); expected {expected}.") from error


def lines_of(path: Path, expected: str, max_bytes: int | None = None) -> list[str]:
    """The lines of a text file, empty ones too.

    Raises:
        InputError: as `read_text`, more lines than `limits.TEXT_LINES`.
    """
    text = read_text(path, expected, max_bytes)
    if (n := 1 + sum(map(text.count, _LINE_ENDS))) > limits.TEXT_LINES:
        raise InputError(f"{path} has {n:,} lines; expected at most {limits.TEXT_LINES:,}.")
    return text.splitlines()


def numbered(path: Path, expected: str) -> dict[str, str]:
    """The "number value" lines of the official lists, in order.

    Raises:
        InputError: as `read_text`, a line of another form, a number that comes twice, an empty list.
    """
    values: dict[str, str] = {}
    for line_number, line in enumerate(lines_of(path, expected), start=1):
        if not line.strip():
            continue
        parts = line.split(maxsplit=1)
        if len(parts) != 2:
            raise InputError(f"Line {line_number} of {path} is {line[:60]!r}; expected a number and a value.")
        if parts[0] in values:
            raise InputError(f"Line {line_number} of {path} has the number {parts[0][:20]} again; expected it once.")
        values[parts[0]] = parts[1].strip()
    if not values:
        raise InputError(f"{path} is empty; expected {expected}.")
    return values


def listed(path: Path, expected: str) -> list[str]:
    """One name a line, blank lines skipped.

    Raises:
        InputError: as `read_text`, an empty list, a name that comes twice.
    """
    names = [line.strip() for line in lines_of(path, expected) if line.strip()]
    if not names:
        raise InputError(f"{path} is empty; expected {expected}.")
    check_unique(names, path)
    return names


def number_table(path: Path, n_rows: int, n_columns: int) -> np.ndarray:
    """Rows of numbers, one a class, (n_rows, n_columns) float32.

    Raises:
        InputError: as `read_text`, text that is no number, NaN, infinity, or another shape.
    """
    lines = [line for line in lines_of(path, "the class attributes, one row of numbers a class") if line.strip()]
    if len(lines) != n_rows:
        raise InputError(f"{path} has {len(lines)} rows; expected one for each of the {n_rows} classes.")
    try:
        table = np.loadtxt(lines, dtype=np.float32, ndmin=2, comments=None)
    except ValueError as error:
        raise InputError(f"{path} is no table of numbers ({str(error)[:100]}).") from error
    if table.shape[1] != n_columns:
        raise InputError(f"{path} has {table.shape[1]} columns; expected one for each of the {n_columns} attributes.")
    if not (np.abs(table) < limits.NUMBER).all():  # false for NaN too
        raise InputError(f"{path} holds values that are no numbers, or endless ones; expected plain numbers.")
    return table


def check_unique(names: Iterable[str], path: Path) -> None:
    """Raises InputError for the first name that comes twice."""
    known: set[str] = set()
    for name in names:
        if name in known:
            raise InputError(f"{path} names {name[:80]!r} twice; expected it once.")
        known.add(name)


def check_inside(name: str, path: Path, *, folders: bool = False) -> None:
    """Raises InputError for a name, read from `path`, that would lead out of a folder or that no file can have.

    Args:
        folders: whether the name may lead through folders, as in class/photo.jpg.
    """
    parts = name.replace("\\", "/").split("/")
    plain = folders or len(parts) == 1
    fits = all(part.strip() not in ("", ".", "..") and len(part.encode()) <= limits.NAME_BYTES for part in parts)
    fits = fits and len(name.encode()) <= limits.PATH_BYTES
    if not (plain and fits) or "\0" in name or ":" in parts[0]:
        expected = "a path inside the folder" if folders else "a plain name, for it is the name of a folder"
        raise InputError(f"{path} names {name[:60]!r}; expected {expected}.")
