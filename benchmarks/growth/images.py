"""Growth with the number of images: the bundled network on drawn birds.

The same fifty drawings come again and again, read in anew each time: drawing costs more than all that is measured
here, and is measured apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.growth.measuring import Deed
from niwt_core.birds.species import make_species
from niwt_core.birds.world import drawings_of
from niwt_core.images import activation_batches, input_batches
from niwt_core.importance import class_importances
from niwt_core.network.backbone import Backbone
from niwt_core.network.finetune import cache_activations
from niwt_core.project import Project, load_project
from niwt_core.transfer import channel_statistics

SIZES = (100, 316, 1000, 3162, 10_000)
N_CLASSES = 50
WARM = 64
BIRDS = Path(__file__).parents[2] / "assets" / "paper_birds"


@dataclass(frozen=True, eq=False)
class Again:
    """As many images as asked for, `n`, of a few pictures in turn; each is a class of its own."""

    pictures: tuple[Image.Image, ...]
    n: int

    @property
    def labels(self) -> np.ndarray:
        return np.arange(self.n) % len(self.pictures)

    def __getitem__(self, index: int) -> Image.Image:
        return self.pictures[index % len(self.pictures)]


def _project(n: int) -> tuple[Project, Backbone, Again]:
    project = load_project(BIRDS)
    birds = [species.attributes for species in make_species() if species.seen][:N_CLASSES]
    drawings = drawings_of(birds, 1, 0)
    return project, project.backbone, Again(tuple(drawings[i] for i in range(N_CLASSES)), n)


def bare(n: int) -> Callable[[], object]:
    """Trunk and head."""
    _, backbone, source = _project(n)

    @torch.no_grad()
    def run() -> None:
        for activations, _ in activation_batches(source, backbone):
            backbone.head(activations)

    return run


def reading(n: int) -> Callable[[], object]:
    """Pictures to network inputs, no network."""
    _, backbone, source = _project(n)

    def run() -> None:
        for _ in input_batches(source, backbone):
            pass

    return run


def importances(n: int) -> Callable[[], object]:
    """Trunk, and the importances of every image for its class, averaged."""
    project, backbone, source = _project(n)
    weights = project.seen.weight[:N_CLASSES]
    return lambda: class_importances(backbone.head, activation_batches(source, backbone), weights)


def statistics(n: int) -> Callable[[], object]:
    """Trunk, and the two sums over the images that the closed form needs."""
    _, backbone, source = _project(n)

    def streamed() -> Iterator[Tensor]:
        for activations, _ in activation_batches(source, backbone):
            yield activations

    return lambda: channel_statistics(backbone.head, streamed())


def kept(n: int) -> Callable[[], object]:
    """Trunk; what a fit keeps of the images; the head on that."""
    _, backbone, source = _project(n)

    @torch.no_grad()
    def run() -> None:
        for activations, _ in cache_activations(source, backbone, n_views=0).batches():
            backbone.head(activations)

    return run


def drawing(n: int) -> Callable[[], object]:
    """Birds drawn at the network's size."""
    birds = [species.attributes for species in make_species()][:n]
    source = drawings_of(birds, 1, 0)

    def run() -> None:
        for i in range(n):
            source[i]

    return run


def _all(n: int) -> int:
    return n


DEEDS = (
    Deed("bare forward pass", bare, WARM, _all, 1, 0),
    Deed("importances of all images, by class", importances, WARM, _all, 1, 0),
    Deed("statistics for the transfer", statistics, WARM, _all, 1, 0),
    Deed("kept for a fit: activations", kept, WARM, _all, 1, 1),
    Deed("reading the pictures in (part of all above)", reading, WARM, _all, 1, 0),
    Deed("drawing them (part of none)", drawing, 10, _all, 1, 0, largest=100),
)
