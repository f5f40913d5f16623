"""A described class, and what a world makes of its words. Light: pages that paint first import no more than this."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from niwt_core import limits


@dataclass(frozen=True)
class Described:
    """A described class.

    Attributes:
        text: the words as typed; "" where everything was picked by hand.
        picks: what is settled, attribute group -> value. Of drawn birds that is all that is known of the class, from
            words and by hand; of photos only what was picked by hand, and the words are read beside it.
        of: the unseen class whose pictures judge it, by name; "" for none. Drawn birds need none. Without text and
            picks the class is described as the data set itself describes this one.
    """

    text: str
    picks: Mapping[str, str] = field(default_factory=dict)
    of: str = ""

    @property
    def key(self) -> str:
        """The picks as one word for addresses: "crown_color.black~size.small"."""
        return "~".join(f"{_coded(group)}.{_coded(value)}" for group, value in sorted(self.picks.items()))

    @property
    def identity(self) -> str:
        """All that tells it from another class of its world, as one string for the keys of caches and jobs."""
        return json.dumps([self.text, self.key, self.of])


def picks_of(key: str, groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The picks of a key; what the key has and the world's groups have not is left out."""
    values = {f"{_coded(group)}.{_coded(value)}": (group, value) for group in groups for value in groups[group]}
    return dict(values[part] for part in key[: limits.KEY].split("~") if part in values)


def _coded(word: str) -> str:
    """Letters, digits, "-" and "_" alone: a blank becomes "_", all else its hexadecimal code."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: f"*{ord(match[0]):x}*", word.replace(" ", "_"))


@dataclass(frozen=True)
class Mark:
    """Characters [start, end) of a text that were understood as `label` ("crown: black")."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Understood:
    """What a world makes of a text.

    Attributes:
        picks: what the words settle, group -> value; {} where they are embedded as a whole, not read.
        marks: which words gave what, in order, without overlap.
        clauses: ranges [start, end) that the text falls into; leaving one out leaves out what it says.
        unknown: ranges of words that were not understood. notes: sentences for the person.
    """

    text: str
    picks: Mapping[str, str]
    marks: tuple[Mark, ...]
    clauses: tuple[tuple[int, int], ...]
    unknown: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()
