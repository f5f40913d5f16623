"""A small test of the maps: fresh pictures one after another. No Streamlit here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from niwt_core.birds.drawing import draw
from niwt_core.birds.species import make_species
from niwt_core.faithfulness import (
    Method,
    area,
    blind_methods,
    blurred,
    curves,
    energy,
    hits,
    own_methods,
    peaks,
    randomised,
    rank_correlation,
)
from niwt_core.gzsl import join
from niwt_core.images import to_input
from niwt_core.network.backbone import Backbone
from niwt_core.project import Project
from niwt_core.worlds.base import World

N_BIRDS = 20
#: Photos take longer than drawings.
N_PHOTOS = 12
#: Shares of the pixels put in or taken out between none and all.
N_STEPS = 12
SHOWN = 256
#: Seeds of these drawings, apart from all others that the app or its training draws.
TRIAL_SEED = 18_000_000
#: What the methods are called on the page.
OURS, CLASSIC, RANDOM, CENTRE = "our map", "Grad-CAM, the classic", "a random map", "a spot in the middle"
NAMES = (OURS, CLASSIC, RANDOM, CENTRE)


@dataclass(frozen=True, eq=False)
class Marks:
    """How one map of one picture does.

    Attributes:
        heat: (height, width), signed. peak: (row, column) of its strongest place, as shares of the picture.
        hit: whether that lies on the bird. energy: the share of its positive values on the bird. None of photos, where
            nobody knows which pixels show the thing.
        inserted, deleted: (N_STEPS + 1,), the predicted class's probability as pixels are put in or taken out.
        forgetful: rank correlation with the same map of the network with all it learned drawn anew.
    """

    heat: Tensor
    peak: tuple[float, float]
    hit: bool | None
    energy: float | None
    inserted: np.ndarray
    deleted: np.ndarray
    forgetful: float

    @property
    def insertion(self) -> float:
        """The area under the curve."""
        return float(area(torch.from_numpy(self.inserted)[None]))

    @property
    def deletion(self) -> float:
        """The area under the curve."""
        return float(area(torch.from_numpy(self.deleted)[None]))


@dataclass(frozen=True, eq=False)
class Judged:
    """One picture: (SHOWN, SHOWN, 3) uint8. truth, predicted: names of classes. covers: the bird's share of the pixels,
    None of a photo.

    `marks` has one entry for each of NAMES.
    """

    picture: np.ndarray
    truth: str
    predicted: str
    covers: float | None
    marks: Mapping[str, Marks]


def methods_of(project: Project, backbone: Backbone | None = None, seed: int = 0) -> dict[str, Method]:
    """The maps compared, by their names on the page; of another backbone for a network that has forgotten all."""
    backbone = backbone or project.backbone
    found = own_methods(backbone) | blind_methods(backbone, seed=seed)
    return dict(zip(NAMES, found.values(), strict=True))


class _Judge:
    """Tests pictures of one project, each with every map."""

    def __init__(self, project: Project) -> None:
        self.backbone, self.joint = project.backbone, join(project.seen, project.new)
        self._methods = methods_of(project)
        self._forgot = methods_of(project, randomised(self.backbone), seed=1)
        self._generator = torch.Generator().manual_seed(0)

    def __call__(self, image: Image.Image, shown: np.ndarray, truth: str, mask: Tensor | None = None) -> Judged:
        """One picture; mask (1, size, size) bool where the thing is known to be seen."""
        inputs, joint, backbone = to_input(image, self.backbone)[None], self.joint, self.backbone
        with torch.no_grad():
            winner = joint(backbone.head(backbone.trunk(inputs))).argmax(1)
        weights = joint.weight[winner]
        drawn_anew = torch.randn(weights.shape, generator=self._generator) * weights.std()

        @torch.no_grad()
        def probability(images: Tensor) -> Tensor:
            return joint(backbone.head(backbone.trunk(images))).softmax(1)[:, winner[0]]

        baseline, marks = blurred(inputs), {}
        size = inputs.shape[-1] if mask is None else mask.shape[-1]
        for name, method in self._methods.items():
            heat = method(inputs, weights)
            row, column = peaks(heat, size)[0].tolist()
            put_in, taken_out = (
                curves(probability, inputs, baseline, heat, insertion=way, n_steps=N_STEPS)[0].numpy()
                for way in (True, False)
            )
            marks[name] = Marks(
                heat=heat[0],
                peak=((row + 0.5) / size, (column + 0.5) / size),
                hit=None if mask is None else bool(hits(heat, mask)[0]),
                energy=None if mask is None else float(energy(heat, mask)[0]),
                inserted=put_in,
                deleted=taken_out,
                forgetful=float(rank_correlation(heat, self._forgot[name](inputs, drawn_anew))[0]),
            )
        covers = None if mask is None else float(mask.float().mean())
        return Judged(shown, truth, joint.names[int(winner[0])], covers, marks)


def birds(project: Project, n_birds: int = N_BIRDS, round_: int = 0) -> Iterator[Judged]:
    """Fresh drawings of species that the network was never shown, tested one by one; another round, other birds."""
    species, judge = [s for s in make_species() if not s.seen], _Judge(project)
    for k in range(round_ * n_birds, (round_ + 1) * n_birds):
        bird, seed = species[k % len(species)], TRIAL_SEED + k
        small, large = draw(bird.attributes, seed=seed), draw(bird.attributes, seed=seed, size=SHOWN, masks=False)
        yield judge(Image.fromarray(small.image), large.image, bird.name, torch.from_numpy(small.masks["bird"])[None])


def photos(world: World, n_photos: int = N_PHOTOS, round_: int = 0) -> Iterator[Judged]:
    """Test photos of classes that the network was never shown, class by class in turn; another round, other photos.

    Raises:
        InputError: photos that are not where they were.
    """
    tests, names, judge = world.data.test_unseen, world.data.class_names, _Judge(world.project)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(tests.labels))
    turns = np.zeros(len(order), dtype=np.int64)  # which photo of its class each is
    for label in np.unique(tests.labels):
        own = np.flatnonzero(tests.labels[order] == label)
        turns[own] = np.arange(len(own))
    order = order[np.argsort(turns, kind="stable")]
    for k in range(round_ * n_photos, round_ * n_photos + min(n_photos, len(order))):
        index = int(order[k % len(order)])
        image = tests[index]
        shown = np.asarray(ImageOps.fit(image, (SHOWN, SHOWN), Image.Resampling.LANCZOS))
        yield judge(image, shown, names[int(tests.labels[index])])


@dataclass(frozen=True)
class Mean:
    """The mean over pictures, and its standard error; None for a single one."""

    value: float
    error: float | None

    def __str__(self) -> str:
        text = f"{self.value:.2f}" + ("" if self.error is None else f" ± {self.error:.2f}")
        return text.replace("-0.00", "0.00").replace("-", "−")


@dataclass(frozen=True, eq=False)
class Summary:
    """One map over all pictures; inserted, deleted: the mean curves, (N_STEPS + 1,). n_hits, energy: None of photos."""

    n_hits: int | None
    energy: Mean | None
    insertion: Mean
    deletion: Mean
    forgetful: Mean
    inserted: np.ndarray
    deleted: np.ndarray


def mean_of(values: Sequence[float]) -> Mean:
    """Of at least one value."""
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else None
    return Mean(float(np.mean(values)), error)


def summaries(tested: Sequence[Judged]) -> dict[str, Summary]:
    """By name, in the order of NAMES; of at least one picture."""
    found = {}
    for name in NAMES:
        marks = [bird.marks[name] for bird in tested]
        energies = [m.energy for m in marks if m.energy is not None]
        found[name] = Summary(
            n_hits=sum(m.hit for m in marks if m.hit is not None) if energies else None,
            energy=mean_of(energies) if energies else None,
            insertion=mean_of([m.insertion for m in marks]),
            deletion=mean_of([m.deletion for m in marks]),
            forgetful=mean_of([m.forgetful for m in marks]),
            inserted=np.mean([m.inserted for m in marks], axis=0),
            deleted=np.mean([m.deleted for m in marks], axis=0),
        )
    return found
