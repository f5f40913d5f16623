"""Rows of the table of entries, and what is kept of a class: from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from niwt_core.notebook.kept import Entry, Kept
from niwt_core.notebook.schema import EntryRow

#: What is kept of a class, by name; columns are called the same.
CONTENT = tuple(f.name for f in fields(Kept))


def kept_of(row: EntryRow) -> Kept:
    """What a row keeps."""
    found = {name: getattr(row, name) for name in CONTENT}
    return Kept(**found | {"importances": tuple(row.importances), "order": tuple(row.order)})


def entry_of(row: EntryRow) -> Entry:
    """A row as the rest of the program knows it."""
    return Entry(**vars(kept_of(row)), id=row.id, version=row.version)


def write(row: EntryRow, kept: Kept) -> None:
    """Put what is kept into a row."""
    for name in CONTENT:
        setattr(row, name, getattr(kept, name))
    row.picks, row.figures = dict(kept.picks), dict(kept.figures)
    row.importances, row.order = list(kept.importances), list(kept.order)
    row.haystack = haystack(kept)


def haystack(kept: Kept) -> str:
    """What a search looks into."""
    picks = " ".join(f"{group} {value}" for group, value in kept.picks.items()).replace("_", " ")
    return "\n".join([kept.title, kept.text, picks, kept.of, kept.note, kept.world]).casefold()


def joined(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Figures brought up to date; of counts those on more pictures stay, they say more."""
    result = {**before, **now}
    for counted, total in (("found", "of"), ("claimed", "strangers")):
        if now.get(total, 0) < before.get(total, 0):
            result |= {name: before[name] for name in (counted, total) if name in before}
    return result


def is_untouched(row: EntryRow, given: Entry, grown: Kept) -> bool:
    """Whether a class may take an entry's place: the same words before other picks, not noted, named or trained."""
    before = kept_of(row)
    same_words = (before.text, before.project, before.of) == (grown.text, grown.project, grown.of)
    return same_words and before.title == given.title and not before.note and "misfit" not in before.figures


def identity(kept: Kept) -> tuple[str, str, str]:
    """The same for entries that are alike word for word."""
    return kept.fingerprint, kept.title, kept.note
