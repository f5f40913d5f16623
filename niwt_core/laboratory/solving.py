"""A described class, solved: what the laboratory sets beside one another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from niwt_core.gzsl import Classifier, join
from niwt_core.project import Project
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described


@dataclass(frozen=True, eq=False)
class Solved:
    """A described class with its pattern and its classifier.

    Attributes:
        importances: that the description predicts, (n_channels,), as long as measured ones.
        classifier: the closed form's, of this one class.
    """

    described: Described
    importances: Tensor
    classifier: Classifier

    @property
    def weights(self) -> Tensor:
        """(n_features,)."""
        return self.classifier.weight[0]


def solve(world: World, described: Described) -> Solved:
    """From a description to a classifier by the closed form; milliseconds."""
    learner, row = world.project.learner, world.row(described)
    return Solved(described, learner.importances(row)[0], learner.classifier([f"your {world.noun}"], row))


def in_own_words(described: Described) -> Described:
    """The class by the person's words and picks alone, where there are any.

    Photos know some classes by numbers of the data set's own; beside those a changed word would seem to change all.
    """
    return replace(described, of="") if described.text.strip() or described.picks else described


def winners(project: Project, solved: Solved, features: Tensor) -> Tensor:
    """The winning class of pictures, by their features (n_pictures, n_features): `n_seen` is the described one."""
    return join(project.seen, solved.classifier)(features).argmax(1)


def won(project: Project, solved: Solved, features: Tensor | None) -> int | None:
    """How many pictures the described class wins among all seen classes; None where there are no pictures."""
    if features is None or not len(features):
        return None
    return int((winners(project, solved, features) == project.n_seen).sum())


def cosine(a: Tensor, b: Tensor) -> float:
    """Of the angle between two vectors (n,): 1 for one direction, 0 for nothing in common."""
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))
