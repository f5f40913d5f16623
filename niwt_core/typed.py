"""Text that people type, and what of it nobody can see. Light: every page imports it."""

from __future__ import annotations

import unicodedata

#: Joiners belong to emoji and to several scripts.
_JOINERS = "\u200c\u200d"


def clean(text: str, *, lines: bool = False) -> str:
    """Without control characters and marks that turn the writing direction; line ends stay where `lines` are meant."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = [
        c if c == "\n" and lines else " " if c.isspace() else c
        for c in text
        if c.isspace() or not is_hidden(c)
    ]  # fmt: skip
    return "".join(kept).strip()


def is_hidden(character: str) -> bool:
    """Whether a character is there without being seen; surrogates alone are no text, and no database takes them."""
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cs") or (kind == "Cf" and character not in _JOINERS)
