"""A notebook as a file: JSON to take along and bring back, CSV for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files.documents import parse
from niwt_core.files.spreadsheets import table
from niwt_core.notebook.kept import Kept, checked

FORMAT, VERSION = "niwt-notebook", 1
_NAMES = ("title", "text", "of", "project", "world", "note", "explanation")


def to_json(entries: Sequence[Kept]) -> bytes:
    """Entries as a file that `from_json` reads again without loss."""
    document = {"format": FORMAT, "version": VERSION, "entries": [_plain(entry) for entry in entries]}
    return (json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(entry: Kept) -> dict[str, Any]:
    return {
        **{name: getattr(entry, name) for name in _NAMES},
        "picks": dict(entry.picks),
        "figures": dict(entry.figures),
        "importances": list(entry.importances),
        "order": list(entry.order),
        "created": entry.created.isoformat(),
        "changed": entry.changed.isoformat(),
    }


def from_json(data: bytes) -> tuple[Kept, ...]:
    """Entries of a file, each checked; nothing in it is trusted.

    Raises:
        InputError: what is wrong, and with which entry.
    """
    if len(data) > limits.NOTEBOOK_BYTES:
        most = limits.NOTEBOOK_BYTES / limits.MB
        raise InputError(
            f"The file has {len(data) / limits.MB:.0f} MB; a notebook has at most {most:g} MB. Nothing was brought in."
        )
    try:
        document = parse(data, parse_constant=_no_constant)
    except ValueError as error:
        raise InputError(
            "This is no notebook: expected a JSON file that this app has written. Nothing was brought in."
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            f'This JSON file is no notebook: expected "format": "{FORMAT}", as in a file that this app has written. '
            "Nothing was brought in."
        )
    if document.get("version") != VERSION:
        raise InputError(
            f"The file has version {str(document.get('version'))[:20]!r} of the notebook’s format; this app reads "
            f"version {VERSION}. Nothing was brought in."
        )
    entries = document.get("entries")
    if not isinstance(entries, list) or len(entries) > limits.ENTRIES:
        raise InputError(f"A notebook holds a list of at most {limits.ENTRIES:,} classes. Nothing was brought in.")
    return tuple(_read(entry, number) for number, entry in enumerate(entries, 1))


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _read(entry: object, number: int) -> Kept:
    try:
        if not isinstance(entry, dict):
            raise InputError("It is no class.")
        return checked(
            Kept(
                **{name: _typed(entry, name, str, "a text") for name in _NAMES},
                picks=_typed(entry, "picks", dict, "names and values", lambda v: isinstance(v, str)),
                figures=_typed(entry, "figures", dict, "names and numbers", _is_number),
                importances=tuple(_typed(entry, "importances", list, "a list of numbers", _is_number)),
                order=tuple(_typed(entry, "order", list, "a list of whole numbers", lambda v: type(v) is int)),
                created=_moment(entry, "created"),
                changed=_moment(entry, "changed"),
            )
        )
    except (InputError, OverflowError) as error:
        raise InputError(f"Class {number} of the file cannot be read. {error} Nothing was brought in.") from error


def _typed(
    entry: Mapping[str, Any], name: str, kind: type, expected: str, holds: Callable[[Any], bool] | None = None
) -> Any:
    value = entry.get(name)
    parts = value.values() if isinstance(value, dict) else value
    if not isinstance(value, kind) or (holds is not None and parts is not None and not all(map(holds, parts))):
        raise InputError(f"Its “{name}” should be {expected}.")
    return value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _moment(entry: Mapping[str, Any], name: str) -> datetime:
    try:
        found = datetime.fromisoformat(_typed(entry, name, str, "a time"))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"Its “{name}” should be a time such as 2026-01-31T12:00:00+00:00.") from error


def to_csv(entries: Sequence[Kept]) -> bytes:
    """Entries as a table for spreadsheets, one row a class, figures and importances in columns of their own."""
    figures = sorted({name for entry in entries for name in entry.figures})
    n_channels = max((len(entry.importances) for entry in entries), default=0)
    head = ["title", "text", "attributes", "judged on", "project", "world", "created (UTC)", "changed (UTC)", *figures,
            "note", "explanation", *(f"importance of neuron {k}" for k in range(n_channels))]  # fmt: skip
    return table(head, (_row(entry, figures, n_channels) for entry in entries))


def _row(entry: Kept, figures: Sequence[str], n_channels: int) -> list[str | float]:
    picks = "; ".join(f"{group}: {value}" for group, value in entry.picks.items())
    times = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in (entry.created, entry.changed)]
    numbers = [entry.figures.get(name, "") for name in figures]
    blank = [""] * (n_channels - len(entry.importances))
    return [entry.title, entry.text, picks, entry.of, entry.project, entry.world, *times, *numbers, entry.note,
            entry.explanation, *entry.importances, *blank]  # fmt: skip
