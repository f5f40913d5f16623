"""What a notebook keeps of a described class: checked, cleaned and never changed."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.typed import clean

#: Importances are kept to so many figures, here and in every file: more would be noise of the last bit.
DIGITS = 6
_PROJECT = re.compile(r"[a-z0-9-]{1,64}")
_FIGURE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A described class, what was measured of it, and what a person wrote about it.

    Attributes:
        title: what the person calls it. text, picks, of: the class, see `worlds.described.Described`.
        project: key of the world it was described in. world: that world's title, for people.
        note: free text of the person.
        figures: what pages measured, name -> number ("found", "of", "claimed", "strangers", "milliseconds").
        importances: (n_channels,) by channel number, to `DIGITS` figures; () where nobody has computed them.
        order: the channel numbers in the order in which the class's barcode shows them; () for by number.
        explanation: the sentence that says what the pattern means.
        created, changed: UTC, whole microseconds.
    """

    title: str
    text: str = ""
    picks: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
    project: str = "birds"
    world: str = ""
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    importances: tuple[float, ...] = ()
    order: tuple[int, ...] = ()
    explanation: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def fingerprint(self) -> str:
        """The same for the same class in the same project, whatever else is kept of it."""
        said = [self.project, self.text, sorted(self.picks.items()), self.of]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Entry(Kept):
    """A class in a notebook. `version` counts what a person changed, so that two tabs do not overwrite one another."""

    id: int
    version: int


def title_of(text: str, phrases: Iterable[str] = (), of: str = "", limit: int = 60) -> str:
    """What a class is called as long as nobody has called it anything: the short form of its words.

    Args:
        phrases: its picks as people say them, where it has no text. of: the class that judges it, where it has neither.

    Returns:
        "a small yellow bird with a black cap, white wing …", or "black crown, small size".
    """
    words = " ".join(clean(text).split()) or ", ".join(phrases) or of.replace("_", " ")
    if len(words) <= limit:
        return words or "a class without words"
    return (words[: limit - 1].rpartition(" ")[0] or words[: limit - 2]).rstrip(",;. ") + " …"


def checked_title(title: str) -> str:
    """A title as it is kept.

    Raises:
        InputError: an empty or too long one.
    """
    found = _cleaned(title, limits.ENTRY_TITLE)
    if not found:
        raise InputError("A class needs a title; the field is empty.")
    if len(found) > limits.ENTRY_TITLE:
        raise InputError(
            f"The title has {len(found):,} characters; at most {limits.ENTRY_TITLE} fit. Please shorten it."
        )
    return found


def checked_note(note: str) -> str:
    """A note as it is kept.

    Raises:
        InputError: a too long one.
    """
    found = _cleaned(note, limits.NOTE, lines=True)
    if len(found) > limits.NOTE:
        raise InputError(
            f"The note has {len(found):,} characters; at most {limits.NOTE:,} fit. It is still in the field, and not "
            "saved yet: please shorten it."
        )
    return found


def _cleaned(text: str, most: int, *, lines: bool = False) -> str:
    """Cleaned, but where it is so long that it could not fit: looking at millions of characters takes seconds."""
    return text if len(text) > 10 * most else clean(text, lines=lines)


def checked(kept: Kept) -> Kept:
    """The same, cleaned, every part within its limits; whoever made it.

    Raises:
        InputError: what cannot be put right by cleaning.
    """
    if len(kept.text) > limits.DESCRIPTION or len(kept.explanation) > limits.EXPLANATION:
        raise InputError(
            f"A description has at most {limits.DESCRIPTION:,} characters; one of {len(kept.text):,} came."
        )
    if not _PROJECT.fullmatch(kept.project):
        raise InputError(f"{kept.project[:40]!r} is no key of a project.")
    return Kept(
        title=checked_title(kept.title),
        text=clean(kept.text, lines=True),
        picks=_checked_picks(kept.picks),
        of=_checked_word(kept.of),
        project=kept.project,
        world=_checked_word(kept.world),
        note=checked_note(kept.note),
        figures=_checked_figures(kept.figures),
        importances=rounded(kept.importances),
        order=_checked_order(kept.order, len(kept.importances)),
        explanation=clean(kept.explanation),
        created=_utc(kept.created),
        changed=_utc(kept.changed),
    )


def _checked_picks(picks: Mapping[str, str]) -> dict[str, str]:
    if len(picks) > limits.PICKS:
        raise InputError(f"A class has at most {limits.PICKS} picked attributes; {len(picks)} came.")
    return {_checked_word(group): _checked_word(value) for group, value in picks.items()}


def _checked_word(word: str) -> str:
    """A name that has to be found again: it stays as it is, or is refused."""
    if len(word) > limits.WORD or word != clean(word):
        raise InputError(
            f"{word[:40]!r} is no name: expected at most {limits.WORD} characters without control characters."
        )
    return word


def _checked_figures(figures: Mapping[str, float]) -> dict[str, float]:
    if len(figures) > limits.FIGURES:
        raise InputError(f"A class has at most {limits.FIGURES} figures; {len(figures)} came.")
    for name, value in figures.items():
        if not _FIGURE.fullmatch(name):
            raise InputError(f"{name[:40]!r} is no name of a figure.")
        if not math.isfinite(value):
            raise InputError(f"The figure {name!r} is no finite number.")
    return {name: float(value) for name, value in figures.items()}


def rounded(values: Iterable[float]) -> tuple[float, ...]:
    """Importances as they are kept.

    Raises:
        InputError: too many, or some that are no finite numbers.
    """
    found = tuple(float(f"{value:.{DIGITS}g}") for value in values)
    if len(found) > limits.CHANNELS:
        raise InputError(f"At most {limits.CHANNELS:,} importances fit; {len(found):,} came.")
    if not all(math.isfinite(value) for value in found):
        raise InputError("Importances have to be finite numbers; some are not.")
    return found


def _checked_order(order: Sequence[int], n_channels: int) -> tuple[int, ...]:
    if order and sorted(order) != list(range(n_channels)):
        raise InputError(f"The order of the barcode has to name each of the {n_channels} channels once; it does not.")
    return tuple(order)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InputError("A time needs its zone; one without came.")
    return moment.astimezone(UTC)
