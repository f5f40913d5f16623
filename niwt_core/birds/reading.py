"""Read a description of a bird in free English: which attributes the words give, and which words gave them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from niwt_core import limits
from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.claims import LABELS, SHAPE_TARGETS, Claim
from niwt_core.birds.parsing import parse
from niwt_core.birds.scanning import Item, is_foreign, named, scan
from niwt_core.birds.words import COLOR_WORDS, LEXICON, NEAR_COLORS, SHAPES, Entry, split
from niwt_core.errors import InputError

#: list of n strings -> unit-length embeddings (n, d)
Encoder = Callable[[list[str]], np.ndarray]

EXAMPLE = "a small yellow bird with a black cap, white wing bars and a short orange beak"

#: The least cosine at which an unlisted word is read as its nearest known one. Measured with all-MiniLM-L6-v2 on 54
#: unlisted colour words: 8 passed and 6 of those were right; at 0.6 it was 17 and 10. Of 40 adjectives that mean no
#: colour or shape, one passed ("plump" as "fat").
SIMILARITY = 0.7

#: Values that cannot both hold, among groups whose other values can ("a long, hooked bill").
_OPPOSITES = ({"short", "long"}, {"none", "tufted"}, {"none", "white"}, {"none", "yellow"})
_MIXABLE = {"bill_shape": ("hooked", "broad"), "wing_pattern": (), "breast_pattern": (), "leg_length": ()}


class NothingUnderstoodError(InputError):
    """No word gave an attribute, but the text may be English: with an encoder it may still be understood."""


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of the text that gave a group its value. Spans may share characters."""

    start: int
    end: int
    group: str
    value: str


@dataclass(frozen=True)
class Reading:
    """What was understood of a text, and where. Ranges are pairs of character positions [start, end)."""

    text: str
    attributes: dict[str, str]
    spans: tuple[Span, ...]
    clauses: tuple[tuple[int, int], ...]
    unknown: tuple[tuple[int, int], ...]
    open_groups: tuple[str, ...]
    notes: tuple[str, ...]


def read(text: str, encoder: Encoder | None = None) -> Reading:
    """Read a description of a bird.

    With an `encoder`, a word outside the lexicon that stands where a colour or a shape is expected is read as the
    nearest known word if it is near enough. Raises InputError for a text that is empty, too long, not understood at
    all, or that contradicts itself.
    """
    if not isinstance(text, str):
        raise InputError(f"Expected a description as text; got {type(text).__name__}.")
    if not text.strip():
        raise InputError(f"Expected a description of a bird, such as “{EXAMPLE}”; the text is empty.")
    if len(text) > limits.DESCRIPTION:
        raise InputError(f"Expected at most {limits.DESCRIPTION} characters; the text has {len(text)}.")
    items, notes = scan(text)
    if encoder is not None:
        items, more = _neighbours(items, encoder)
        notes += more
    found = parse(items)
    if not found.claims or is_foreign(text):
        raise (InputError if is_foreign(text) else NothingUnderstoodError)(
            f"Expected a description of a bird in English, such as “{EXAMPLE}”; nothing that "
            f"these birds can show was found in “{_shorten(text)}”."
        )
    winners, more = _settle(found.claims)
    attributes = {group: winners[group][0].value for group in GROUPS if group in winners}
    spans = _spans([claim for claims in winners.values() for claim in claims], text)
    return Reading(
        text=text,
        attributes=attributes,
        spans=spans,
        clauses=_clauses(items, found.phrases, text),
        unknown=_merge(_unread(found.unknown, spans), text),
        open_groups=tuple(group for group in GROUPS if group not in attributes),
        notes=tuple(dict.fromkeys(notes + found.notes + more)),
    )


def _settle(claims: Sequence[Claim]) -> tuple[dict[str, list[Claim]], list[str]]:
    """The winning claims of each group, the first of them decisive, and notes on what they rest on and what lost."""
    winners: dict[str, list[Claim]] = {}
    notes: list[str] = []
    for group in GROUPS:
        ranked = sorted((claim for claim in claims if claim.group == group), key=lambda claim: -claim.strength)
        if not ranked:
            continue
        best = ranked[0]
        for other in ranked[1:]:
            if other.value != best.value and other.strength == best.strength:
                best = _prefer(best, other)
        winners[group] = [best] + [claim for claim in ranked if claim.value == best.value and claim is not best]
        notes += [best.note] if best.note else []
        for other in ranked:
            # A colour for the whole bird is a default, and giving way is what it is for.
            if other.value != best.value and other.strength > 1.2:
                notes.append(f'For the {LABELS[group]} I used "{best.saying}" and left out "{other.saying}".')
    return winners, notes


def _prefer(best: Claim, other: Claim) -> Claim:
    """Which of two equally strong claims counts; InputError if they contradict each other."""
    label = "colour for the bird" if best.part == "bird" and "color" in best.group else LABELS[best.group]
    opposed = best.group == "size" or any({best.value, other.value} <= pair for pair in _OPPOSITES)
    soft = best.part in ("rest", "body") or (best.group in _MIXABLE and "plain" not in (best.value, other.value))
    if opposed or (best.part == other.part and best.phrase != other.phrase and not soft):
        raise InputError(
            f"Expected one {label}, but the text says both “{best.saying}” and “{other.saying}”; keep one."
        )
    # "A long, hooked bill": hooked is the rarer thing to be, so it tells more.
    telling = _MIXABLE.get(best.group, ())
    return other if other.value in telling and best.value not in telling else best


def _spans(claims: Sequence[Claim], text: str) -> tuple[Span, ...]:
    """The characters of the claims: one span for each unbroken run of words."""
    spans = set()
    for claim in claims:
        for start, end in _merge([(item.start, item.end) for item in claim.items], text):
            spans.add(Span(start, end, claim.group, claim.value))
    return tuple(sorted(spans, key=lambda span: (span.start, span.end, list(GROUPS).index(span.group))))


def _merge(ranges: Sequence[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """The ranges in order, those that overlap or are only a space or hyphen apart made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and not text[merged[-1][1] : start].strip(" -\t\n"):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _unread(unknown: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[tuple[int, int]]:
    """The unknown ranges without those that gave an attribute after all ("red" in "red crown and throat")."""
    read_starts = {span.start for span in spans} | {span.end for span in spans}
    return [(start, end) for start, end in unknown if not {start, end} & read_starts]


def _clauses(items: Sequence[Item], phrases: Sequence[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """Cut the text at commas, stops and joining words, so that each piece holds at least one phrase."""
    whole = sorted(phrases)
    cuts = [0]
    inside = 0  # how many of the phrases begin before the place looked at
    reach = begun = 0  # the end of the furthest of them; how many began before the last cut
    for item in items:
        if item.kind not in ("and", "or", "break", "has"):
            continue
        while inside < len(whole) and whole[inside][0] < item.start:
            reach = max(reach, whole[inside][1])
            inside += 1
        if reach <= item.start and inside > begun and inside < len(whole):
            cuts.append(item.end if item.text in ",.;!?" else item.start)
            begun = inside
    return tuple(_trim(start, end, text) for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True))


def _trim(start: int, end: int, text: str) -> tuple[int, int]:
    """The range without the spaces and the comma or stop at its ends."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip(" \t\n,;."))
    return start + left, start + max(left, len(piece.rstrip(" \t\n,;.")))


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


def _neighbours(items: list[Item], encoder: Encoder) -> tuple[list[Item], list[str]]:
    """Read unknown words that stand where an adjective is expected as the nearest known one, if it is near."""
    places = {at: part for at, item in enumerate(items) if item.kind == "unknown" and (part := _expected(items, at))}
    if not places:
        return items, []
    known, rows = _known_words(encoder)
    words = list(dict.fromkeys(items[at].value for at in places))
    cosines = dict(zip(words, encoder(words) @ rows.T, strict=True))
    items, notes = list(items), []
    for at, part in places.items():
        groups = SHAPE_TARGETS.get(part, ())
        fitting = [
            (cosine, phrase)
            for cosine, phrase in zip(cosines[items[at].value].tolist(), known, strict=True)
            if LEXICON[split(phrase)].kind == "color" or any(phrase in SHAPES[group] for group in groups)
        ]
        cosine, phrase = max(fitting)
        if cosine < SIMILARITY:
            continue
        entry = LEXICON[split(phrase)]
        meaning = entry.value if entry.kind == "color" else phrase
        notes.append(f'I read "{items[at].text}" as {meaning}, the nearest word I know.')
        items[at] = named(items[at], Entry(entry.kind, entry.value))
    return items, notes


def _expected(items: Sequence[Item], at: int) -> str:
    """The part whose adjective the word at a place should be, or "" if no adjective is expected there."""
    ahead = at + 1
    while ahead < len(items) and items[ahead].kind in ("color", "shape", "pattern", "unknown"):
        ahead += 1
    if ahead < len(items) and items[ahead].kind == "part":
        return items[ahead].value
    behind = at - 1
    while behind >= 0 and items[behind].kind in ("is", "color", "shape", "and"):
        behind -= 1
    linked = any(items[between].kind == "is" for between in range(behind + 1, at))
    return items[behind].value if linked and behind >= 0 and items[behind].kind == "part" else ""


@lru_cache(maxsize=2)
def _known_words(encoder: Encoder) -> tuple[list[str], np.ndarray]:
    """The colour and shape words, and their embeddings (n_words, n_dimensions)."""
    colors = {word.replace("-", " ") for words in NEAR_COLORS.values() for word in words.split()}
    colors |= {word for words in COLOR_WORDS.values() for word in words}
    shapes = {word for words in SHAPES.values() for word in words if word != "none"}
    known = sorted(word for word in colors | shapes if LEXICON[split(word)].kind in ("color", "shape"))
    return known, encoder(known)
