"""A small test of the maps, live: fresh birds one after another, in a thread of its own. No Streamlit here.

The thread only writes into the job; pages only ever read a `Progress`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from niwt_core.backbone import Backbone
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
from niwt_core.project import Project

N_BIRDS = 20
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
    """How one map of one bird does.

    Attributes:
        heat: (height, width), signed. peak: (row, column) of its strongest place, as shares of the picture.
        hit: whether that lies on the bird. energy: the share of its positive values on the bird.
        inserted, deleted: (N_STEPS + 1,), the predicted class's probability as pixels are put in or taken out.
        forgetful: rank correlation with the same map of the network with all it learned drawn anew.
    """

    heat: Tensor
    peak: tuple[float, float]
    hit: bool
    energy: float
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
    """One bird. picture: (SHOWN, SHOWN, 3) uint8. truth, predicted: names of classes. covers: its share of the pixels.

    `marks` has one entry for each of NAMES.
    """

    picture: np.ndarray
    truth: str
    predicted: str
    covers: float
    marks: Mapping[str, Marks]


def methods_of(project: Project, backbone: Backbone | None = None, seed: int = 0) -> dict[str, Method]:
    """The maps compared, by their names on the page; of another backbone for a network that has forgotten all."""
    backbone = backbone or project.backbone
    found = own_methods(backbone) | blind_methods(backbone, seed=seed)
    return dict(zip(NAMES, found.values(), strict=True))


def birds(project: Project, n_birds: int = N_BIRDS, round_: int = 0) -> Iterator[Judged]:
    """Fresh drawings of species that the network was never shown, tested one by one; another round, other birds."""
    species = [s for s in make_species() if not s.seen]
    backbone, joint = project.backbone, join(project.seen, project.new)
    random = randomised(backbone)
    methods, forgot = methods_of(project), methods_of(project, random, seed=1)
    generator = torch.Generator().manual_seed(0)
    for k in range(round_ * n_birds, (round_ + 1) * n_birds):
        bird, seed = species[k % len(species)], TRIAL_SEED + k
        small, large = draw(bird.attributes, seed=seed), draw(bird.attributes, seed=seed, size=SHOWN, masks=False)
        inputs = to_input(Image.fromarray(small.image), backbone)[None]
        with torch.no_grad():
            winner = joint(backbone.head(backbone.trunk(inputs))).argmax(1)
        weights = joint.weight[winner]
        drawn_anew = torch.randn(weights.shape, generator=generator) * weights.std()

        @torch.no_grad()
        def probability(images: Tensor, winner: Tensor = winner) -> Tensor:
            return joint(backbone.head(backbone.trunk(images))).softmax(1)[:, winner[0]]

        mask, baseline = torch.from_numpy(small.masks["bird"])[None], blurred(inputs)
        marks = {}
        for name, method in methods.items():
            heat = method(inputs, weights)
            row, column = peaks(heat, mask.shape[-1])[0].tolist()
            put_in, taken_out = (
                curves(probability, inputs, baseline, heat, insertion=way, n_steps=N_STEPS)[0].numpy()
                for way in (True, False)
            )
            marks[name] = Marks(
                heat=heat[0],
                peak=((row + 0.5) / mask.shape[-1], (column + 0.5) / mask.shape[-1]),
                hit=bool(hits(heat, mask)[0]),
                energy=float(energy(heat, mask)[0]),
                inserted=put_in,
                deleted=taken_out,
                forgetful=float(rank_correlation(heat, forgot[name](inputs, drawn_anew))[0]),
            )
        yield Judged(large.image, bird.name, joint.names[int(winner[0])], float(mask.float().mean()), marks)


@dataclass(frozen=True)
class Mean:
    """The mean over birds, and its standard error; None for a single bird."""

    value: float
    error: float | None

    def __str__(self) -> str:
        text = f"{self.value:.2f}" + ("" if self.error is None else f" ± {self.error:.2f}")
        return text.replace("-0.00", "0.00").replace("-", "−")


@dataclass(frozen=True, eq=False)
class Summary:
    """One map over all birds; inserted, deleted: the mean curves, (N_STEPS + 1,)."""

    n_hits: int
    energy: Mean
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
    """By name, in the order of NAMES; of at least one bird."""
    found = {}
    for name in NAMES:
        marks = [bird.marks[name] for bird in tested]
        found[name] = Summary(
            n_hits=sum(m.hit for m in marks),
            energy=mean_of([m.energy for m in marks]),
            insertion=mean_of([m.insertion for m in marks]),
            deletion=mean_of([m.deletion for m in marks]),
            forgetful=mean_of([m.forgetful for m in marks]),
            inserted=np.mean([m.inserted for m in marks], axis=0),
            deleted=np.mean([m.deleted for m in marks], axis=0),
        )
    return found


@dataclass(frozen=True, eq=False)
class Progress:
    """A job at one moment: the birds done, of how many, whether it goes on, and one sentence where it failed."""

    tested: tuple[Judged, ...]
    n_birds: int
    running: bool
    error: str | None


class TrialJob:
    """Birds tested one after another until all are, or somebody stops it.

    Args:
        make: the birds, tested as they are asked for. n_birds: how many these are.
    """

    def __init__(self, make: Callable[[], Iterator[Judged]], n_birds: int) -> None:
        self._make, self._n_birds = make, n_birds
        self._lock = threading.Lock()  # guards all below
        self._tested: list[Judged] = []
        self._running, self._stopped = False, False
        self._error: str | None = None

    def start(self) -> None:
        """Begin; a job runs once."""
        with self._lock:
            if self._running or self._stopped or self._tested:
                return
            self._running = True
        threading.Thread(target=self._run, daemon=True, name="faithfulness").start()

    def stop(self) -> None:
        """End after the bird in progress; what is done stays."""
        with self._lock:
            self._stopped = True
            self._running = False

    def progress(self) -> Progress:
        """What a page draws."""
        with self._lock:
            return Progress(tuple(self._tested), self._n_birds, self._running, self._error)

    def _run(self) -> None:
        try:
            for bird in self._make():
                with self._lock:
                    if self._stopped:
                        return
                    self._tested.append(bird)
        except Exception as error:  # kept for the page: a thread has nobody to raise it to
            with self._lock:
                self._error = f"The test stopped with an error: {type(error).__name__}: {str(error)[:200]}"
        finally:
            with self._lock:
                self._running = False
