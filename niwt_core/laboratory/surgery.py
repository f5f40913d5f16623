"""Neuron surgery: neurons switched off or scaled, and what the classifier loses by it. The network itself stays whole.

An altered network shares every tensor with the one that it was made from; only multiplications are put in after the
neurons, so that making one takes milliseconds and undoing it is forgetting it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.network.backbone import Backbone
from niwt_core.network.cutting import offsets_in
from niwt_core.neurons.evidence import Part
from niwt_core.project import Project
from niwt_core.worlds.base import World

#: Neuron -> what its activity is multiplied by: 0 is off, 1 is untouched.
Factors = Mapping[int, float]
#: The largest factor.
MOST = 2.0
#: Pictures of seen classes that losses are counted on, at most; drawn birds are quick.
MOST_DRAWN, MOST_PHOTOS = 300, 120
#: Images that go through the head at once, and through the trunk before somebody hears of it.
_BATCH, _PART = 100, 10


def altered(factors: Factors) -> dict[int, float]:
    """The neurons that are not as they were, in order."""
    return {channel: factors[channel] for channel in sorted(factors) if factors[channel] != 1}


def operated(backbone: Backbone, factors: Factors) -> Backbone:
    """The same network with some neurons' activity multiplied, each map as a whole.

    Args:
        factors: neuron -> 0 to MOST; neurons of later layers are counted after the trunk's.

    Returns:
        a backbone that shares all parameters; `backbone` itself where every factor is 1.

    Raises:
        InputError: a neuron that is not there, or a factor out of range.
    """
    by_layer = _by_layer(backbone, factors)
    if all(bool((own == 1).all()) for own in by_layer):
        return backbone
    return replace(
        backbone, trunk=_operated_trunk(backbone.trunk, by_layer[0]), head=_operated_head(backbone.head, by_layer[1:])
    )


@torch.no_grad()
def features_after(backbone: Backbone, factors: Factors, activations: Tensor) -> Tensor:
    """Features (n_images, n_features) of the altered network, from what the trunk of the whole one gave.

    The same as `operated(backbone, factors)` gives for the images, without the trunk's work.

    Args:
        activations: (n_images, channels[0], height, width), of `backbone.trunk`.
    """
    own, *later = _by_layer(backbone, factors)
    head = _operated_head(backbone.head, later)
    return torch.cat([head(part * own.to(part.dtype)) for part in activations.split(_BATCH)])


class _Scaled(nn.Module):
    """Multiplies each channel by a factor of its own, (1, n_channels, 1, 1)."""

    factors: Tensor

    def __init__(self, factors: Tensor) -> None:
        super().__init__()
        self.register_buffer("factors", factors, persistent=False)

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs * self.factors.to(outputs.dtype)


def _by_layer(backbone: Backbone, factors: Factors) -> list[Tensor]:
    """One (1, n_channels, 1, 1) for each of the backbone's layers."""
    every = torch.ones(backbone.n_channels)
    for channel, factor in factors.items():
        if not 0 <= channel < backbone.n_channels:
            raise InputError(
                f"There is no neuron {channel}; expected 0 to {backbone.n_channels - 1}, those of {backbone.layer}."
            )
        if not (math.isfinite(factor) and 0 <= factor <= MOST):
            raise InputError(f"Neuron {channel} was to be multiplied by {factor}; expected 0 to {MOST:g}.")
        every[channel] = factor
    return [own[None, :, None, None] for own in every.split(list(backbone.channels))]


def _operated_trunk(trunk: nn.Module, factors: Tensor) -> nn.Module:
    """The trunk with one more step; still traced, where it was, so that maps of its layers can be made."""
    if bool((factors == 1).all()):
        return trunk
    if not isinstance(trunk, fx.GraphModule):
        return nn.Sequential(trunk, _Scaled(factors)).eval()
    graph = fx.Graph()
    result = graph.graph_copy(trunk.graph, {})
    assert isinstance(result, fx.Node)
    graph.output(result)
    made = fx.GraphModule(trunk, graph)  # its own shell around the trunk's modules
    name = f"surgery_{sum(isinstance(module, _Scaled) for module in made.modules()) + 1}"
    made.add_submodule(name, _Scaled(factors))
    with made.graph.inserting_after(result):
        scaled = made.graph.call_module(name, (result,))
    result.replace_all_uses_with(scaled, delete_user_cb=lambda user: user is not scaled)
    made.graph.lint()
    made.recompile()
    return made.eval()


def _operated_head(head: nn.Module, factors: list[Tensor]) -> nn.Module:
    """The head, scaled before each later layer's place of offsets: another set of modules around the same tensors."""
    if all(bool((own == 1).all()) for own in factors):
        return head
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*head.parameters(), *head.buffers())}
    made = copy.deepcopy(head, shared)  # what the memo holds is not copied
    for (name, place), own in zip(offsets_in(made).items(), factors, strict=True):
        made.set_submodule(name, nn.Sequential(_Scaled(own), place))
    return made.eval()


@dataclass(frozen=True, eq=False)
class Sample:
    """Pictures as the whole network's trunk sees them.

    Attributes:
        activations: (n_pictures, channels[0], height, width). labels: (n_pictures,), rows of the joint classifier.
    """

    activations: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def samples(backbone: Backbone, source: ImageSource, label: int | None = None) -> Iterator[Sample]:
    """What the trunk gives for every picture of a source, a few at a time.

    Args:
        label: of all pictures; default: the source's own labels.
    """
    for activations, labels in activation_batches(source, backbone, batch_size=_PART):
        yield Sample(activations, labels if label is None else torch.full_like(labels, label))


def one_sample(parts: list[Sample]) -> Sample:
    """Several as one; of at least one."""
    return Sample(torch.cat([part.activations for part in parts]), torch.cat([part.labels for part in parts]))


def seen_pictures(world: World) -> Part:
    """Test pictures of the seen classes, as many of each as fit into the most that are looked at."""
    source, n_seen = world.data.test_seen, world.project.n_seen
    most = MOST_DRAWN if world.drawn else MOST_PHOTOS
    each = max(1, most // n_seen)
    chosen = [np.flatnonzero(source.labels == c)[:each] for c in range(n_seen)]
    return Part(source, np.concatenate(chosen)[:most])


@dataclass(frozen=True)
class Loss:
    """How many of n pictures are recognised before and after."""

    name: str
    n: int
    before: int
    after: int


@dataclass(frozen=True)
class Losses:
    """What altered neurons do to a classifier.

    Attributes:
        own: the described class's pictures; None where there are none. seen: pictures of all seen classes together.
        losers: the seen classes that are found less often, those with the largest loss first.
        gainers: those that are found more often, largest gain first.
    """

    own: Loss | None
    seen: Loss
    losers: tuple[Loss, ...]
    gainers: tuple[Loss, ...]


def losses(project: Project, new: Classifier | None, own: Sample | None, seen: Sample, factors: Factors) -> Losses:
    """Before and after, by the joint argmax over the seen classes and the one new class, if there is one."""
    joint = project.seen if new is None else join(project.seen, new)
    by_class = _counted(project, joint, seen, factors)
    changed = [loss for loss in by_class if loss.after != loss.before]
    total = Loss("", *(sum(getattr(loss, part) for loss in by_class) for part in ("n", "before", "after")))
    return Losses(
        own=_counted(project, joint, own, factors)[0] if own is not None else None,
        seen=total,
        losers=tuple(sorted((x for x in changed if x.after < x.before), key=lambda x: (x.after - x.before) / x.n)),
        gainers=tuple(sorted((x for x in changed if x.after > x.before), key=lambda x: (x.before - x.after) / x.n)),
    )


def _counted(project: Project, joint: Classifier, sample: Sample, factors: Factors) -> list[Loss]:
    """One for each class that has pictures, in the classifier's order."""
    before, after = (
        joint(features_after(project.backbone, these, sample.activations)).argmax(1) == sample.labels
        for these in ({}, factors)
    )
    return [
        Loss(joint.names[c], int(here.sum()), int(before[here].sum()), int(after[here].sum()))
        for c in sample.labels.unique().tolist()
        for here in [sample.labels == c]
    ]
