"""How a description was understood: its words marked, and the class growing clause by clause. No Streamlit here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from niwt_core.errors import InputError
from niwt_core.worlds.described import Described, Understood

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


def pieces(understood: Understood) -> list[Piece]:
    """The whole text, cut where understanding changes; joined again it is the text as typed."""
    taken = [(mark.start, mark.end, mark.label, False) for mark in understood.marks]
    taken += [(start, end, "", True) for start, end in understood.unknown]
    cut: list[Piece] = []
    at = 0
    for start, end, label, unknown in sorted(taken):
        if start < at:
            continue
        if start > at:
            cut.append(Piece(understood.text[at:start]))
        cut.append(Piece(understood.text[start:end], label, unknown))
        at = end
    if at < len(understood.text):
        cut.append(Piece(understood.text[at:]))
    return cut


def marked(understood: Understood) -> str:
    """The sentence as HTML, each understood word underlined with its meaning below it.

    Every character of the text goes through `html.escape`: what was typed as HTML is shown, never obeyed.
    """
    html = []
    for piece in pieces(understood):
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


def steps(understood: Understood, understand: Callable[[str], Understood]) -> list[tuple[str, Described]]:
    """The text clause by clause: each clause, and the class that the text describes as far as its end.

    Args:
        understand: reads a text, see `World.understand`; a beginning that says nothing yet is no step.
    """
    grown: list[tuple[str, Described]] = []
    for start, end in understood.clauses:
        begun = understood.text[:end]
        try:
            grown.append((_JOINT.sub("", understood.text[start:end]), Described(begun, understand(begun).picks)))
        except InputError:
            continue
    return grown
