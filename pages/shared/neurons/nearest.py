"""The seen classes whose importances are most like those that a description predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from niwt_core.worlds.described import Described
from pages.shared import resources

N_NEAREST = 4


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A seen class: its row in the project, its cosine to the prediction, its measured importances (n_channels,)."""

    row: int
    name: str
    cosine: float
    values: np.ndarray


def seen_classes(current: Described) -> list[Neighbour]:
    """All seen classes, nearest first.

    Raises:
        InputError: a description that the world cannot read.
    """
    return near_to(resources.predicted_importances([current])[0])


def near_to(predicted: np.ndarray) -> list[Neighbour]:
    """The same for importances (n_channels,) at hand."""
    project = resources.project()
    values = project.importances.values.numpy()  # (n_seen, n_channels)
    cosines = values @ predicted / (np.linalg.norm(values, axis=1) * np.linalg.norm(predicted))
    return [Neighbour(i, project.class_names[i], float(cosines[i]), values[i]) for i in np.argsort(-cosines).tolist()]
