"""Proof by drawing: pictures of a described class and of its nearest seen classes, and which is taken for which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from niwt_core.birds.world import FRESH_SEED, Drawings
from niwt_core.gzsl import Classifier, join
from niwt_core.images import ImageSource, images_at, to_input
from niwt_core.laboratory.surgery import Factors, features_after
from niwt_core.project import Project
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described

#: Pictures of the described class, of each neighbour, and how many neighbours there are.
N_OWN, N_EACH, N_NEIGHBOURS = 100, 25, 4
#: Pictures that go through the network at once; between two such batches a proof can be stopped.
BATCH = 5
#: Side of the small pictures that are kept, in pixels.
THUMBNAIL = 64
#: Seeds from one class to the next, and from one proof of the same class to the next.
_CLASS_STEP, _ROUND_STEP = 1_000, 10_000


@dataclass(frozen=True, eq=False)
class Exhibits:
    """The pictures of one class.

    Attributes:
        name: of the class. row: its place in the joint classifier; the new class's is the last.
    """

    name: str
    row: int
    source: ImageSource

    def __len__(self) -> int:
        return len(self.source.labels)

    def picture(self, index: int, size: int) -> np.ndarray:
        """(size, size, 3) uint8, for people."""
        if isinstance(self.source, Drawings):
            return replace(self.source, size=size).array(index)
        return np.asarray(ImageOps.fit(self.source[index], (size, size), Image.Resampling.LANCZOS))


def neighbours(project: Project, description: Tensor, n: int = N_NEIGHBOURS) -> tuple[int, ...]:
    """The seen classes whose measured importances are most like those predicted from a description, nearest first.

    Args:
        description: (1, n_attributes).
    """
    predicted = project.learner.importances(description)  # (1, n_channels)
    cosines = nn.functional.cosine_similarity(project.importances.values, predicted)
    return tuple(cosines.argsort(descending=True, stable=True)[:n].tolist())


def exhibits(world: World, described: Described, name: str, round_: int = 0) -> tuple[Exhibits, ...]:
    """What is to be shown: the described class first, unless there are no pictures of it, then its neighbours.

    Args:
        name: what the described class is called. round_: another one draws other birds; photos stay the same.
    """
    project, seed = world.project, FRESH_SEED + _ROUND_STEP * round_
    own = world.pictures_of(described, N_OWN, *([seed] if world.drawn else []))  # photos: those that Train judges by
    shown = [Exhibits(name, project.n_seen, own)] if own is not None and len(own.labels) else []
    for place, row in enumerate(neighbours(project, world.row(described)), start=1):
        known = project.class_names[row]
        source = world.pictures(known, N_EACH, seed + _CLASS_STEP * place)
        if len(source.labels):
            shown.append(Exhibits(known, row, source))
    return tuple(shown)


@dataclass(frozen=True, eq=False)
class Shown:
    """Some pictures as the network's trunk sees them.

    Attributes:
        which: (n_pictures, 2) int64: the number of the exhibit, and of the picture among its own.
        thumbnails: (n_pictures, THUMBNAIL, THUMBNAIL, 3) uint8.
        activations: (n_pictures, channels[0], height, width), of the network as it was fitted.
    """

    which: np.ndarray
    thumbnails: np.ndarray
    activations: Tensor

    def __len__(self) -> int:
        return len(self.which)


def joined(parts: list[Shown]) -> Shown:
    """Several as one; of at least one."""
    return Shown(
        np.concatenate([part.which for part in parts]),
        np.concatenate([part.thumbnails for part in parts]),
        torch.cat([part.activations for part in parts]),
    )


def show(world: World, shown: tuple[Exhibits, ...], batch: int = BATCH) -> Iterator[Shown]:
    """Draw (or read) all pictures, a few at a time."""
    backbone = world.project.backbone
    for number, exhibit in enumerate(shown):
        for start in range(0, len(exhibit), batch):
            indices = range(start, min(start + batch, len(exhibit)))
            pictures = images_at(exhibit.source, indices)
            inputs = torch.stack([to_input(picture, backbone) for picture in pictures])
            with torch.no_grad():
                activations = backbone.trunk(inputs.to(memory_format=torch.channels_last)).contiguous()
            yield Shown(
                np.array([(number, i) for i in indices]),
                np.stack([np.asarray(ImageOps.fit(picture, (THUMBNAIL, THUMBNAIL))) for picture in pictures]),
                activations,
            )


@dataclass(frozen=True, eq=False)
class Confusion:
    """Which pictures are taken for what.

    Attributes:
        names: of the columns: the described class, its neighbours, anything else.
        counts: (n_exhibits, n_columns) int64.
        rows, columns: of every picture, (n_pictures,): its exhibit, and the column it falls into.
        scores: (n_pictures, n_classes), of the joint classifier.
        winners: (n_pictures,), the class that each is taken for, as a row of the joint classifier.
        doubts: (n_pictures,), 1 minus the winner's probability.
        right: the column of each exhibit's own class.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    scores: Tensor
    winners: np.ndarray
    doubts: np.ndarray
    right: tuple[int, ...]

    def cell(self, row: int, column: int) -> list[int]:
        """The pictures in a cell, the largest doubt first."""
        here = np.flatnonzero((self.rows == row) & (self.columns == column))
        return here[np.argsort(-self.doubts[here], kind="stable")].tolist()


#: The last column.
ELSE = "anything else"


def confusion(
    project: Project, new: Classifier, shown: tuple[Exhibits, ...], pictures: Shown, factors: Factors | None = None
) -> Confusion:
    """Classify pictures among all seen classes and the new one.

    Args:
        new: the described class alone. shown: the exhibits that `pictures` are of.
        factors: of altered neurons, see `surgery`.
    """
    joint = join(project.seen, new)
    features = features_after(project.backbone, factors or {}, pictures.activations)
    scores = joint(features)
    doubts, winners = (1 - scores.softmax(1).amax(1)).numpy(), scores.argmax(1).numpy()
    classes = [project.n_seen, *(e.row for e in shown if e.row != project.n_seen)]
    column_of = np.full(len(joint.names), len(classes))
    column_of[classes] = np.arange(len(classes))
    columns, rows = column_of[winners], pictures.which[:, 0]
    counts = np.zeros((len(shown), len(classes) + 1), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    names = (*(joint.names[c] for c in classes), ELSE)
    right = tuple(int(column_of[e.row]) for e in shown)
    return Confusion(names, counts, rows, columns, scores, winners, doubts, right)
