"""A reading of bird words as every world gives it. Light: a page that paints first can mark words with it."""

from __future__ import annotations

from itertools import groupby

from niwt_core.birds.phrases import GROUP_WORDS
from niwt_core.birds.reading import Reading
from niwt_core.worlds.described import Mark, Understood


def understood(reading: Reading) -> Understood:
    """The same reading: its attributes as picks, its spans as marks."""
    return Understood(
        reading.text, reading.attributes, _marks(reading), reading.clauses, reading.unknown, reading.notes
    )


def _marks(reading: Reading) -> tuple[Mark, ...]:
    """Spans that share characters made one; what an earlier one said is not said again."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((span.start, span.end) for span in reading.spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    marks: list[Mark] = []
    said: set[tuple[str, str]] = set()
    for start, end in merged:
        facts = [(s.group, s.value) for s in reading.spans if start <= s.start and s.end <= end]
        fresh = [fact for fact in dict.fromkeys(facts) if fact not in said]
        said.update(fresh)
        marks.append(Mark(start, end, _label(fresh)))
    return tuple(marks)


def _label(facts: list[tuple[str, str]]) -> str:
    """ "back, belly: yellow · bill shape: short"."""
    by_value = groupby(facts, key=lambda fact: fact[1])
    return " · ".join(f"{', '.join(GROUP_WORDS[group] for group, _ in same)}: {value}" for value, same in by_value)
