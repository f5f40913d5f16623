"""Neuron importances: how much a class's score changes when a channel is turned up by the same amount everywhere.

Paper: Selvaraju et al., ECCV 2018, Eq. 1. Everything here is one derivative, of `features_with_offsets`, taken in
three ways: with one class's weights (`importances`), with all weights at once (`channel_jacobian`), and averaged over
a class's images (`class_importances`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

from niwt_core.errors import InputError
from niwt_core.network.channelwise import ChannelwiseHead, split_channelwise
from niwt_core.network.cutting import offsets_in
from niwt_core.network.pooled import PooledHead, split_pooled
from niwt_core.processes import ALONE, Team
from niwt_core.processes.devices import device_of


@dataclass(frozen=True, eq=False)
class ClassImportances:
    """Mean importances of each class over its own images.

    Attributes:
        values: (n_classes, n_channels), score units per unit of activation.
        n_images: (n_classes,) int64, how many images each mean is over.
    """

    values: Tensor
    n_images: Tensor

    @property
    def length(self) -> float:
        """Mean Euclidean length of the classes' importances: the scale at which predicted ones are transferred."""
        return float(self.values.norm(dim=1).mean())

    @property
    def directions(self) -> Tensor:
        """The importances at unit length, (n_classes, n_channels)."""
        return nn.functional.normalize(self.values, dim=1)


def zero_offsets(head: nn.Module, activations: Tensor) -> Tensor:
    """Where every derivative is taken: (n_images, n_channels) zeros, the trunk's layer first, later layers after it."""
    n_later = sum(place.offset.shape[1] for place in offsets_in(head).values())
    return activations.new_zeros(len(activations), activations.shape[1] + n_later)


def features_with_offsets(head: nn.Module, activations: Tensor, offsets: Tensor) -> Tensor:
    """Features (n_images, n_features) when channel k of image i is turned up everywhere by offsets[i, k].

    Args:
        activations: (n_images, channels[0], height, width), of the trunk's layer.
        offsets: (n_images, n_channels); those of later layers are added inside the head.
    """
    places = offsets_in(head)
    if not places:
        return head(activations + offsets[:, :, None, None])
    sizes = [activations.shape[1], *(place.offset.shape[1] for place in places.values())]
    first, *later = (part[:, :, None, None] for part in offsets.split(sizes, dim=1))
    replaced = {f"{name}.offset": part for name, part in zip(places, later, strict=True)}
    return functional_call(head, replaced, (activations + first,))


def importances(head: nn.Module, activations: Tensor, weights: Tensor) -> Tensor:
    """Importance of each channel for the score `weights . features` of each image.

    Args:
        head: activations -> features.
        activations: (n_images, channels[0], height, width).
        weights: class weights, one row an image (n_images, n_features) or one class for all (n_features,).
            The result is linear in them and can be differentiated with respect to them.

    Returns:
        (n_images, n_channels): the sum over positions of d score / d activation (the authors' code sums; Eq. 1 of the
        paper takes the mean, which differs by a constant).
    """
    offsets = zero_offsets(head, activations)
    features, pull_back = vjp(lambda s: features_with_offsets(head, activations, s), offsets)[:2]
    return pull_back(weights.expand_as(features))[0]


def channel_jacobian(head: nn.Module, activations: Tensor, *, mode: str | None = None, chunk: int = 64) -> Tensor:
    """M(x) = d features / d channel offsets, so that importances(x) = M(x)^T w for any class weights w.

    Args:
        activations: (n_images, channels[0], height, width).
        mode: "forward" takes one pass for each channel, "reverse" one for each feature. None takes the smaller, and
            where the head keeps its channels apart up to a linear layer, or ends in a rectified 1 x 1 convolution and
            the mean over positions, the short way there (`channelwise`, `pooled`).
        chunk: how many passes run at once (memory).

    Returns:
        (n_images, n_features, n_channels).
    """
    offsets = zero_offsets(head, activations)
    n_images, n_channels = offsets.shape
    with torch.no_grad():
        n_features = head(activations[:1]).shape[1]
    if mode is None and n_channels <= n_features:
        if (parts := split_channelwise(head)) is not None:
            return _jacobian_through_linear(parts, activations)
        if (pooled := split_pooled(head)) is not None:
            return _jacobian_through_pooling(pooled, activations, chunk)
    if mode is None:
        mode = "forward" if n_channels < n_features else "reverse"  # ResNet101: as many, 15 s back, 21 s forward

    def features(s: Tensor) -> Tensor:
        return features_with_offsets(head, activations, s)

    if mode == "forward":
        tangents = torch.eye(n_channels, dtype=activations.dtype, device=activations.device)[:, None].expand(
            -1, n_images, -1
        )
        columns = vmap(lambda t: jvp(features, (offsets,), (t,))[1], chunk_size=chunk)(tangents)
        return columns.permute(1, 2, 0).detach()  # (n_channels, n_images, n_features) before
    pull_back = vjp(features, offsets)[1]
    cotangents = torch.eye(n_features, dtype=activations.dtype, device=activations.device)[:, None].expand(
        -1, n_images, -1
    )
    rows = vmap(lambda c: pull_back(c)[0], chunk_size=chunk)(cotangents)
    return rows.permute(1, 0, 2).detach()  # (n_features, n_images, n_channels) before


def _jacobian_through_linear(parts: ChannelwiseHead, activations: Tensor) -> Tensor:
    """`channel_jacobian` of a head that keeps its channels apart up to its first linear layer."""
    offsets = zero_offsets(parts.before, activations)
    n_images, n_channels = offsets.shape
    together = torch.ones_like(offsets)
    before = jvp(lambda s: features_with_offsets(parts.before, activations, s), (offsets,), (together,))
    flat, responses = before[:2]
    weight = parts.linear.weight.detach().unflatten(1, (n_channels, -1))  # (n_outputs, n_channels, n_positions)
    own = responses.reshape(n_images, n_channels, -1)  # each channel's response to itself, at each position
    columns = torch.bmm(weight.permute(1, 0, 2), own.permute(1, 2, 0))  # (n_channels, n_outputs, n_images)
    outputs = parts.linear(flat).detach()
    columns = vmap(lambda t: jvp(parts.after, (outputs,), (t,))[1])(columns.transpose(1, 2))
    return columns.permute(1, 2, 0).detach()  # (n_channels, n_images, n_features) before


def _jacobian_through_pooling(parts: PooledHead, activations: Tensor, chunk: int) -> Tensor:
    """`channel_jacobian` of a head that ends in a rectified 1 x 1 convolution and the mean over positions."""
    offsets = zero_offsets(parts.before, activations)
    n_images, n_channels = offsets.shape
    with torch.no_grad():
        active = parts.active(parts.before(activations))

    def inner(s: Tensor) -> Tensor:
        return features_with_offsets(parts.before, activations, s)

    tangents = torch.eye(n_channels, dtype=activations.dtype, device=activations.device)[:, None].expand(
        -1, n_images, -1
    )
    columns = [
        parts.through(active, vmap(lambda t: jvp(inner, (offsets,), (t,))[1])(part).detach())
        for part in tangents.split(chunk)
    ]
    return torch.cat(columns, 2)


class ImportanceSums:
    """The running sums of `ClassImportances`."""

    def __init__(self, n_classes: int) -> None:
        self._totals: Tensor | None = None
        self._counts = torch.zeros(n_classes, dtype=torch.int64)

    @staticmethod
    def of(tensors: Mapping[str, Tensor] | None, n_classes: int) -> ImportanceSums:
        """Sums that were kept, to go on with; empty ones of None."""
        sums = ImportanceSums(n_classes)
        if tensors is not None:
            sums._totals, sums._counts = tensors["totals"], tensors["counts"]
        return sums

    @property
    def n_images(self) -> int:
        """How many images the sums are over."""
        return int(self._counts.sum())

    def tensors(self) -> dict[str, Tensor]:
        """The sums, to be kept; `of` goes on with them."""
        if self._totals is None:
            raise ValueError("expected at least one image, got none")
        return {"totals": self._totals, "counts": self._counts}

    def add(self, alpha: Tensor, labels: Tensor) -> None:
        """Take in the importances (n_images, n_channels) of some images, each for its own class (n_images,)."""
        if self._totals is None:
            self._totals = torch.zeros(len(self._counts), alpha.shape[1], dtype=torch.float64)
        self._totals.index_add_(0, labels, alpha.double().cpu())
        self._counts += torch.bincount(labels, minlength=len(self._counts))

    def mean(self, dtype: torch.dtype, team: Team = ALONE) -> ClassImportances:
        """The means over the whole team's images.

        Raises:
            InputError: a class without an image, or a process without any.
        """
        if self._totals is None and team.size > 1:
            raise InputError(
                f"Process {team.rank + 1} of {team.size} got no image for the importances; expected fewer processes."
            )
        counts = team.summed(self._counts)
        if self._totals is None or (counts == 0).any():
            empty = int((counts == 0).nonzero()[0])
            raise InputError(f"Class number {empty} has no image; expected at least one image for each seen class.")
        return ClassImportances((team.summed(self._totals) / counts[:, None]).to(dtype), counts)


def class_importances(
    head: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    weights: Tensor,
    progress: Callable[[int], None] = lambda n_images: None,
    *,
    team: Team = ALONE,
    sums: ImportanceSums | None = None,
    keep: Callable[[ImportanceSums], None] = lambda sums: None,
) -> ClassImportances:
    """Mean importances of every class over its own images, each image with its own class's score.

    Args:
        batches: (activations (n, channels[0], height, width), labels (n,)) pairs of this process's images.
        weights: (n_classes, n_features), on the CPU. team: whose images the means are over, all together.
        sums: of images before these. keep: called with the sums after each batch.

    Raises:
        InputError: a class without an image.
    """
    sums = ImportanceSums(len(weights)) if sums is None else sums
    device = device_of(head)
    for activations, labels in batches:
        alpha = importances(head, activations.to(device), weights[labels].to(device)).detach()
        sums.add(alpha, labels)
        keep(sums)
        progress(len(labels))
    return sums.mean(weights.dtype, team)


def layer_teaches_nothing(head: nn.Module, activations: Tensor) -> str | None:
    """Why these importances say nothing about an image, or None where they do.

    Where the head is linear (pooling and no hidden layer after it: the last block of ResNet or MobileNet), M(x) is the
    same for every image: the importances are the class weights themselves, or a fixed mixture of them. Tried with a
    few random class weights instead of all of M(x), which takes minutes for a large network. Of several layers, one
    that varies from image to image is enough.

    Args:
        activations: at least two different images' activations, (n_images, channels[0], height, width).
    """
    two = activations[:2].contiguous()
    with torch.no_grad():
        features = head(two)
    generator = torch.Generator().manual_seed(0)
    tried = torch.randn(N_TRIED, features.shape[1], generator=generator, dtype=features.dtype).to(features.device)
    alpha = torch.stack([importances(head, two, w).detach() for w in tried])  # (N_TRIED, 2, n_channels)
    scale = alpha.abs().max()
    if not scale > 0:
        return "The score does not react to this layer at all."
    if (alpha[:, 0] - alpha[:, 1]).abs().max() > 1e-4 * scale:
        return None
    if tried.shape[1] == alpha.shape[2]:
        factors = (tried * alpha[:, 0]).sum(0) / tried.square().sum(0)  # of a diagonal M
        if (alpha[:, 0] - tried * factors).abs().max() <= 1e-4 * scale:
            return (
                "After this layer the network only pools: its importances are the class weights, the same for every "
                "image."
            )
    return "After this layer the network is linear: its importances are a fixed mixture of the class weights."


#: Random class weights that `layer_teaches_nothing` tries.
N_TRIED = 4
