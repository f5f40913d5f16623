"""Attributes and places in the words a person would use, and other people's text made safe to stand among ours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from niwt_core.birds import phrases as birds
from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.phrases import GROUP_WORDS, phrases
from niwt_core.typed import clean
from niwt_core.wording import saying
from niwt_core.worlds.described import Described

if TYPE_CHECKING:  # a page is painted before torch is loaded, which takes seconds
    from torch import Tensor

__all__ = [
    "GROUP_WORDS",
    "in_words",
    "listed",
    "of_hundred",
    "phrase",
    "phrases",
    "plain",
    "signed",
    "whereabouts",
    "word",
]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$:&])")
#: Where a line's beginning makes it an item of a list, or a rule.
_ITEM = re.compile(r"^([-+]|\d+(?=[.)]))")
#: Inside what Streamlit's browser code looks for in the text after Markdown has been read, so that no backslash helps:
#: icons, emoji, addresses of pages and of people, arrows.
_FOUND_LATER = re.compile(
    r"(?<=:)(?=/|material|streamlit|[\w+-]+:)|(?<=\S)(?=@\S)|(?<=www)(?=\.)|(?<=[-<>~])(?=[-<>=])", re.IGNORECASE
)
#: A character of no width that holds together what stands beside it; and marks around what is read from the right.
_JOINER, _ISOLATE, _END = "\u2060", "\u2068", "\u2069"


def phrase(group: str, value: str) -> str:
    """An attribute of any world as people say it: "black crown", "no stripes"; a predicate has no value."""
    if value in GROUPS.get(group, ()):
        return birds.phrase(group, value)
    return saying.plain(f"{group}::{value}" if value else group)


def word(group: str, value: str) -> str:
    """An attribute of any world as a label: "crown: black"."""
    return birds.word(group, value) if value in GROUPS.get(group, ()) else saying.label(group, value)


def in_words(described: Described) -> str:
    """A described class of any world in a line, safe where Markdown is read."""
    picked = listed(phrase(group, value) for group, value in described.picks.items())
    if not described.text:
        return plain(picked) or f"{plain(described.of)}, as the data set describes it"
    said = plain(described.text.strip().rstrip("."))
    drawn = described.picks.keys() <= GROUPS.keys()  # what was picked of a drawn bird is what its words say, too
    return said if drawn or not picked else f"{said}; picked by hand: {plain(picked)}"


def listed(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def of_hundred(probability: float) -> str:
    """A probability as people count: "97 of 100", never a certainty."""
    percent = 100 * probability
    if percent >= 99.5:
        return "over 99 of 100"
    return "under 1 of 100" if percent < 0.5 else f"{percent:.0f} of 100"


def signed(value: float) -> str:
    """A number with its sign and two figures at least: "+2.8", "−10.3", "0.0"."""
    digits = f"{abs(value):.1f}" if abs(value) >= 0.95 else f"{abs(value):.2f}"
    if not float(digits):
        return "0.0"
    return f"{'+' if value > 0 else '−'}{digits}"


def plain(text: str) -> str:
    """Somebody's text for a place that reads Markdown: it looks as typed, whatever is typed.

    What nobody sees is left out, such as marks that would turn the direction of our own words.
    """
    line = _FOUND_LATER.sub(_JOINER, " ".join(clean(text).split()))
    safe = _ITEM.sub(_no_item, _MARKDOWN.sub(r"\\\1", line))
    return f"{_ISOLATE}{safe}{_END}" if any(map(_is_from_the_right, safe)) else safe


def _no_item(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in "+-" else f"{found[0]}\\"


def _is_from_the_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "AN")


def whereabouts(signed: Tensor, masks: Mapping[str, np.ndarray] | None) -> str:
    """Where the evidence for a class lies, in a sentence: on which part of a drawn bird, or in which corner of a photo.

    Args:
        signed: (height, width). masks: part -> (height, width) bool, where known.
    """
    favour = signed.clamp_min(0).numpy()
    if not favour.any():
        return "None of it speaks for it."
    if masks is None:
        size = signed.shape[-1]
        row, column = divmod(int(favour.argmax()), size)
        down = ("at the top", "in the middle", "at the bottom")[min(2, 3 * row // size)]
        across = (" left", "", " right")[min(2, 3 * column // size)]
        return f"The strongest for it lies {down}{across}."
    on_bird = 100 * favour[masks["bird"]].sum() / favour.sum()
    parts = {part: favour[mask].sum() for part, mask in masks.items() if part != "bird"}
    first = max(parts, key=lambda part: parts[part])
    covers = 100 * masks["bird"].mean()
    if on_bird < covers:
        return (
            f"Only {on_bird:.0f} % of what speaks for it lies on the bird, which covers {covers:.0f} % of the picture: "
            "less than its share. Here the map is no guide to what the network recognised."
        )
    return (
        f"{on_bird:.0f} % of what speaks for it lies on the bird (which covers {covers:.0f} % of the picture), most of "
        f"that on its {first}."
    )
