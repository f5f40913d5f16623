"""How a class fares in a world: on pictures of itself, and on strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.gzsl import Classifier, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.importance import channel_jacobian
from niwt_core.project import Project
from niwt_core.worlds.base import World

#: What the Jacobians of one call may take, in bytes; of a network with more there are fewer.
MAX_BYTES = 256 * 2**20
#: Images that go through the network at once; between two such batches a caller hears how far it has come.
_BATCH = 8


@dataclass(frozen=True, eq=False)
class Trial:
    """How a new class fares among all seen classes.

    Attributes:
        predicted: (n_pictures,) row of the winning class; `n_seen` is the new class.
        found: how many pictures the new class wins.
    """

    predicted: Tensor
    found: int


def try_out(project: Project, new: Classifier, features: Tensor) -> Trial:
    """Classify pictures, by their features (n_pictures, n_features), among the seen classes and the one new class."""
    predicted = join(project.seen, new)(features).argmax(1)
    return Trial(predicted, int((predicted == project.n_seen).sum()))


@torch.no_grad()
def features_of(world: World, source: ImageSource | None, progress: Callable[[int], None] = lambda n: None) -> Tensor:
    """Features (n_pictures, n_features) of pictures; no rows where there are none.

    Args:
        progress: told how many more pictures are done.
    """
    backbone = world.project.backbone
    if source is None or not len(source.labels):
        return torch.zeros(0, backbone.n_features)
    batches = activation_batches(source, backbone, progress, batch_size=50 if world.drawn else _BATCH)
    return torch.cat([backbone.head(activations) for activations, _ in batches])


def jacobians_of(
    world: World, n_pictures: int = 64, *, fresh: bool = False, progress: Callable[[int], None] = lambda n: None
) -> Tensor:
    """Channel Jacobians (n, n_features, n_channels) on pictures of seen classes: what the loop learns on.

    None of the pictures shows a described class. n is `n_pictures`, or what fits into MAX_BYTES, or all there are.

    Args:
        fresh: pictures that nothing was fitted to, for comparing two ways of transfer.
        progress: told how many more pictures are done.
    """
    backbone = world.project.backbone
    fits = MAX_BYTES // (4 * backbone.n_features * backbone.n_channels)
    source = world.samples(min(n_pictures, max(fits, 4)), fresh=fresh)
    parts = []
    # Photos one by one: a large head holds a copy of all that it computes for each neuron.
    for activations, labels in activation_batches(source, backbone, batch_size=_BATCH if world.drawn else 1):
        parts.append(channel_jacobian(backbone.head, activations))
        progress(len(labels))
    # Laid out feature by feature, as the loop reads them: so that each loop looks at these numbers and copies none.
    return torch.cat(parts).transpose(0, 1).contiguous().transpose(0, 1)
