"""Paper Birds as a world: every described bird can be drawn, so it is judged on fresh drawings of itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.described import STRANGER_SEED, description_of
from niwt_core.birds.phrases import GROUP_WORDS, phrase
from niwt_core.birds.reading import Encoder, Reading, read
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import learn_words
from niwt_core.birds.world import FRESH_SEED, Drawings, drawings_of, load_birds
from niwt_core.datasets import ZeroShotData
from niwt_core.explanation.words import WordMap
from niwt_core.neurons.evidence import Part
from niwt_core.project import Project
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described, Mark, Understood


class BirdWorld(World):
    """Paper Birds; `encoder` lets words that the lexicon does not list be read as near ones."""

    title, noun, drawn = "Paper Birds", "bird", True

    def __init__(self, project: Project, key: str = "birds") -> None:
        self.project, self.key = project, key

    @cached_property
    def data(self) -> ZeroShotData:
        return load_birds()

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        return GROUPS

    def understand(self, text: str, encoder: Encoder | None = None) -> Understood:
        return understood(read(text, encoder))

    def row(self, described: Described) -> Tensor:
        return description_of(self.project, described.picks)

    def pictures_of(self, described: Described, n: int, seed: int = FRESH_SEED) -> Drawings:
        return drawings_of([described.picks], n, seed)

    def strangers(self, described: Described) -> Drawings:
        return drawings_of([s.attributes for s in make_species() if not s.seen], 2, STRANGER_SEED)

    def pictures(self, name: str, n: int, seed: int = FRESH_SEED) -> Drawings:
        return drawings_of([next(s.attributes for s in make_species() if s.name == name)], n, seed)

    def samples(self, n: int, *, fresh: bool = False) -> Part:
        source = self.data.test_seen if fresh else self.data.train
        picks = torch.randperm(len(source.labels), generator=torch.Generator().manual_seed(0))[:n]
        return Part(source, picks.numpy())

    def called(self, attribute: str) -> str:
        return phrase(*attribute.partition("::")[::2])

    def learn_words(self) -> WordMap:
        return learn_words(self.project)


def understood(reading: Reading) -> Understood:
    """A reading of bird words as every world gives it."""
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
