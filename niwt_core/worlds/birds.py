"""Paper Birds as a world: every described bird can be drawn, so it is judged on fresh drawings of itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.described import STRANGER_SEED, description_of
from niwt_core.birds.easel import Artist, draw_here
from niwt_core.birds.phrases import phrase
from niwt_core.birds.reading import Encoder, read
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import learn_words
from niwt_core.birds.understanding import understood
from niwt_core.birds.world import FRESH_SEED, Drawings, drawings_of, load_birds
from niwt_core.datasets import ZeroShotData
from niwt_core.explanation.words import WordMap
from niwt_core.neurons.evidence import Part
from niwt_core.project import Project
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described, Understood


class BirdWorld(World):
    """Paper Birds; `encoder` lets words that the lexicon does not list be read as near ones.

    Args:
        artist: who draws the pictures.
    """

    title, noun, drawn = "Paper Birds", "bird", True

    def __init__(self, project: Project, key: str = "birds", artist: Artist = draw_here) -> None:
        self.project, self.key, self._artist = project, key, artist

    @cached_property
    def data(self) -> ZeroShotData:
        return load_birds(artist=self._artist)

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        return GROUPS

    def understand(self, text: str, encoder: Encoder | None = None) -> Understood:
        return understood(read(text, encoder))

    def row(self, described: Described) -> Tensor:
        return description_of(self.project, described.picks)

    def pictures_of(self, described: Described, n: int, seed: int = FRESH_SEED) -> Drawings:
        return drawings_of([described.picks], n, seed, artist=self._artist)

    def strangers(self, described: Described) -> Drawings:
        strangers = [s.attributes for s in make_species() if not s.seen]
        return drawings_of(strangers, 2, STRANGER_SEED, artist=self._artist)

    def pictures(self, name: str, n: int, seed: int = FRESH_SEED) -> Drawings:
        bird = next(s.attributes for s in make_species() if s.name == name)
        return drawings_of([bird], n, seed, artist=self._artist)

    def samples(self, n: int, *, fresh: bool = False) -> Part:
        source = self.data.test_seen if fresh else self.data.train
        picks = torch.randperm(len(source.labels), generator=torch.Generator().manual_seed(0))[:n]
        return Part(source, picks.numpy())

    def called(self, attribute: str) -> str:
        return phrase(*attribute.partition("::")[::2])

    def learn_words(self) -> WordMap:
        return learn_words(self.project)
