"""Neuron importances: how much a class's score changes when a channel is turned up by the same amount everywhere.

Paper: Selvaraju et al., ECCV 2018, Eq. 1. Everything here is one derivative, of `features_with_offsets`, taken in
three ways: with one class's weights (`importances`), with all weights at once (`channel_jacobian`), and averaged over
a class's images (`class_importances`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import jvp, vjp, vmap

from niwt_core.errors import InputError


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


def features_with_offsets(head: nn.Module, activations: Tensor, offsets: Tensor) -> Tensor:
    """Features (n_images, n_features) when channel k of image i is turned up everywhere by offsets[i, k]."""
    return head(activations + offsets[:, :, None, None])


def importances(head: nn.Module, activations: Tensor, weights: Tensor) -> Tensor:
    """Importance of each channel for the score `weights . features` of each image.

    Args:
        head: activations -> features.
        activations: (n_images, n_channels, height, width).
        weights: class weights, one row an image (n_images, n_features) or one class for all (n_features,).
            The result is linear in them and can be differentiated with respect to them.

    Returns:
        (n_images, n_channels): the sum over positions of d score / d activation (the authors' code sums; Eq. 1 of the
        paper takes the mean, which differs by a constant).
    """
    offsets = activations.new_zeros(activations.shape[:2])
    features, pull_back = vjp(lambda s: features_with_offsets(head, activations, s), offsets)[:2]
    return pull_back(weights.expand_as(features))[0]


def channel_jacobian(head: nn.Module, activations: Tensor, *, mode: str | None = None, chunk: int = 64) -> Tensor:
    """M(x) = d features / d channel offsets, so that importances(x) = M(x)^T w for any class weights w.

    Args:
        activations: (n_images, n_channels, height, width).
        mode: "forward" takes one pass for each channel, "reverse" one for each feature; None takes the smaller.
        chunk: how many passes run at once (memory).

    Returns:
        (n_images, n_features, n_channels).
    """
    n_images, n_channels = activations.shape[:2]
    offsets = activations.new_zeros(n_images, n_channels)
    with torch.no_grad():
        n_features = head(activations[:1]).shape[1]

    def features(s: Tensor) -> Tensor:
        return features_with_offsets(head, activations, s)

    if (mode or ("forward" if n_channels <= n_features else "reverse")) == "forward":
        tangents = torch.eye(n_channels, dtype=activations.dtype)[:, None].expand(-1, n_images, -1)
        columns = vmap(lambda t: jvp(features, (offsets,), (t,))[1], chunk_size=chunk)(tangents)
        return columns.permute(1, 2, 0).detach()  # (n_channels, n_images, n_features) before
    pull_back = vjp(features, offsets)[1]
    cotangents = torch.eye(n_features, dtype=activations.dtype)[:, None].expand(-1, n_images, -1)
    rows = vmap(lambda c: pull_back(c)[0], chunk_size=chunk)(cotangents)
    return rows.permute(1, 0, 2).detach()  # (n_features, n_images, n_channels) before


def class_importances(
    head: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    weights: Tensor,
    progress: Callable[[int], None] = lambda n_images: None,
) -> ClassImportances:
    """Mean importances of every class over its own images, each image with its own class's score.

    Args:
        batches: (activations (n, n_channels, height, width), labels (n,)) pairs.
        weights: (n_classes, n_features).

    Raises:
        InputError: a class without an image.
    """
    totals: Tensor | None = None
    counts = torch.zeros(len(weights), dtype=torch.int64)
    for activations, labels in batches:
        alpha = importances(head, activations, weights[labels]).detach().double()
        if totals is None:
            totals = torch.zeros(len(weights), alpha.shape[1], dtype=torch.float64)
        totals.index_add_(0, labels, alpha)
        counts += torch.bincount(labels, minlength=len(weights))
        progress(len(labels))
    if totals is None or (counts == 0).any():
        empty = int((counts == 0).nonzero()[0])
        raise InputError(f"Class number {empty} has no image; expected at least one image for each seen class.")
    return ClassImportances((totals / counts[:, None]).to(weights.dtype), counts)


def layer_teaches_nothing(head: nn.Module, activations: Tensor) -> str | None:
    """Why this layer's importances say nothing about an image, or None where they do.

    Where the head is linear (pooling and no hidden layer after it: the last block of ResNet or MobileNet), M(x) is the
    same for every image: the importances are the class weights themselves, or a fixed mixture of them.

    Args:
        activations: at least two different images' activations, (n_images, n_channels, height, width).
    """
    jacobian = channel_jacobian(head, activations[:2].contiguous())
    scale = jacobian.abs().max()
    if not scale > 0:
        return "The score does not react to this layer at all."
    if (jacobian[0] - jacobian[1]).abs().max() > 1e-4 * scale:
        return None
    square = jacobian.shape[1] == jacobian.shape[2]
    if square and (jacobian[0] - torch.diag(jacobian[0].diagonal())).abs().max() <= 1e-4 * scale:
        return (
            "After this layer the network only pools: its importances are the class weights, the same for every image."
        )
    return "After this layer the network is linear: its importances are a fixed mixture of the class weights."
