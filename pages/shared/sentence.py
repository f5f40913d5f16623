"""How a description was understood: its words marked, and the bird growing from clause to clause. No Streamlit here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import groupby

from niwt_core.birds.reading import Reading
from pages.shared.wording import GROUP_WORDS

#: How clauses are joined on, which a step's name does not need.
_JOINT = re.compile(r"^\W*((and|with|that|which|has|it|also)\b\W*)+", re.IGNORECASE)


#: Characters that fit on a line of a telephone.
_TELEPHONE = 28


@dataclass(frozen=True)
class Piece:
    """A stretch of the text: what it was read as ("" for nothing), or that it was not known."""

    text: str
    label: str = ""
    unknown: bool = False


def pieces(reading: Reading) -> list[Piece]:
    """The whole text, cut where understanding changes; joined again it is the text as typed."""
    taken: list[tuple[int, int, str, bool]] = []  # start, end, label, unknown
    said: set[tuple[str, str]] = set()
    for start, end in _clusters(reading):
        facts = [(s.group, s.value) for s in reading.spans if start <= s.start and s.end <= end]
        fresh = [fact for fact in dict.fromkeys(facts) if fact not in said]  # "beak" need not repeat what "short" said
        said.update(fresh)
        taken.append((start, end, _label(fresh), False))
    taken += [(start, end, "", True) for start, end in reading.unknown]

    cut: list[Piece] = []
    at = 0
    for start, end, label, unknown in sorted(taken):
        if start < at:
            continue
        if start > at:
            cut.append(Piece(reading.text[at:start]))
        cut.append(Piece(reading.text[start:end], label, unknown))
        at = end
    if at < len(reading.text):
        cut.append(Piece(reading.text[at:]))
    return cut


def marked(reading: Reading) -> str:
    """The sentence as HTML, each understood word underlined with its meaning below it.

    Every character of the text goes through `html.escape`: what was typed as HTML is shown, never obeyed.
    """
    html = []
    for piece in pieces(reading):
        text = escape(piece.text)
        if piece.unknown:
            html.append(f'<span class="unread" title="a word I do not know">{text}</span>')
        elif piece.label:
            # Browsers break ruby inside a word; only a stretch too long for a telephone may be broken at all.
            unbroken = ' class="unbroken"' if len(piece.text) <= _TELEPHONE else ""
            html.append(f"<ruby{unbroken}>{text}<rp> (</rp><rt>{escape(piece.label)}</rt><rp>)</rp></ruby>")
        else:
            html.append(text)
    return f'<p class="read">{"".join(html)}</p>'


def steps(reading: Reading) -> list[tuple[str, dict[str, str]]]:
    """The text clause by clause: each clause that adds something, and all that is known of the bird by then."""
    grown: list[tuple[str, dict[str, str]]] = []
    bird: dict[str, str] = {}
    for start, end in reading.clauses:
        here = {s.group: s.value for s in reading.spans if start <= s.start < end}
        if any(bird.get(group) != value for group, value in here.items()):
            bird = bird | here
            grown.append((_JOINT.sub("", reading.text[start:end]), bird))
    return grown


def _clusters(reading: Reading) -> list[tuple[int, int]]:
    """The ranges of spans that share characters, made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((span.start, span.end) for span in reading.spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _label(facts: list[tuple[str, str]]) -> str:
    """ "back, belly: yellow · bill shape: short"."""
    by_value = groupby(facts, key=lambda fact: fact[1])
    return " · ".join(f"{', '.join(GROUP_WORDS[group] for group, _ in same)}: {value}" for value, same in by_value)
