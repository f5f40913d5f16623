"""Paper Birds as a zero-shot data set: every image is drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from niwt_core.birds.attributes import ATTRIBUTE_NAMES, encode
from niwt_core.birds.easel import Artist, Wish, draw_here, pixels
from niwt_core.birds.species import Species, make_species
from niwt_core.datasets import ZeroShotData

#: Seeds below this draw training images, seeds from here on draw images that no training has seen.
FRESH_SEED = 10_000_000
#: Seeds from here on belong to the test sets of `load_birds`; the app draws between the two.
TEST_SEED = 20_000_000


@dataclass(frozen=True, eq=False)
class Drawings:
    """Labelled drawings: image i shows birds[labels[i]] drawn from seeds[i]; open groups are filled by the seed.

    Attributes:
        artist: who draws them.
    """

    birds: tuple[Mapping[str, str], ...]
    labels: np.ndarray
    seeds: np.ndarray
    size: int = 64
    artist: Artist = draw_here

    def __getitem__(self, index: int) -> Image.Image:
        return Image.fromarray(self.array(index))

    def array(self, index: int) -> np.ndarray:
        """(size, size, 3) uint8."""
        return self.arrays([index])[0]

    def many(self, indices: Sequence[int]) -> list[Image.Image]:
        """Some of them, drawn in one go."""
        return [Image.fromarray(array) for array in self.arrays(indices)]

    def arrays(self, indices: Sequence[int]) -> list[np.ndarray]:
        """(size, size, 3) uint8 each."""
        wishes = [Wish(self.birds[int(self.labels[i])], int(self.seeds[i]), self.size) for i in indices]
        return pixels(self.artist(wishes, None), wishes)


def drawings_of(
    birds: Sequence[Mapping[str, str]],
    n_each: int,
    first_seed: int,
    first_label: int = 0,
    artist: Artist = draw_here,
) -> Drawings:
    """`n_each` drawings of every bird, each from its own seed; labels count from `first_label`."""
    labels = np.repeat(np.arange(len(birds)), n_each)
    padded: tuple[Mapping[str, str], ...] = tuple({} for _ in range(first_label)) + tuple(birds)
    return Drawings(padded, labels + first_label, first_seed + np.arange(len(labels)), artist=artist)


def species_attributes(species: Sequence[Species]) -> torch.Tensor:
    """(n_species, n_attributes) float32."""
    return torch.from_numpy(np.stack([encode(s.attributes) for s in species]))


def load_birds(n_train: int = 40, n_test: int = 20, artist: Artist = draw_here) -> ZeroShotData:
    """The 150 seen and 50 unseen species, with this many drawings each; test drawings share no seed with training."""
    species = make_species()
    seen = [s.attributes for s in species if s.seen]
    unseen = [s.attributes for s in species if not s.seen]
    return ZeroShotData(
        name="birds",
        class_names=tuple(s.name for s in species),
        n_seen=len(seen),
        attributes=species_attributes(species),
        attribute_names=ATTRIBUTE_NAMES,
        train=drawings_of(seen, n_train, 0, artist=artist),
        test_seen=drawings_of(seen, n_test, TEST_SEED, artist=artist),
        test_unseen=drawings_of(unseen, n_test, 2 * TEST_SEED, len(seen), artist),
    )
