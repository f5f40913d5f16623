"""What a neuron answers to: its activations pooled over positions, and how well they tell images apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from niwt_core.images import ImageSource, activation_batches, images_at
from niwt_core.network.backbone import Backbone
from niwt_core.network.cutting import offsets_in

#: How a neuron's map of activations becomes one number an image.
POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda maps: maps.mean((2, 3)),
    "max": lambda maps: maps.amax((2, 3)),
}


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a source, as a source: image i is `source[indices[i]]`."""

    source: ImageSource
    indices: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        return self.source.labels[self.indices]

    def __getitem__(self, index: int) -> Image.Image:
        return self.source[int(self.indices[index])]

    def many(self, indices: Sequence[int]) -> list[Image.Image]:
        """Images of these numbers."""
        return images_at(self.source, [int(self.indices[i]) for i in indices])


@torch.no_grad()
def channel_maps(backbone: Backbone, activations: Tensor) -> list[Tensor]:
    """The maps of every layer whose channels are neurons: the trunk's own, then those of later layers in the head.

    Args:
        activations: (n_images, channels[0], height, width), of the trunk's layer.
    """
    maps = [activations]
    places = offsets_in(backbone.head)
    if not places:
        return maps
    with ExitStack() as stack:
        for place in places.values():
            hook = place.register_forward_pre_hook(lambda module, inputs: maps.append(inputs[0]))
            stack.callback(hook.remove)
        backbone.head(activations)
    return maps


@dataclass(frozen=True, eq=False)
class Responses:
    """How strongly every neuron answers to every image.

    Attributes:
        pooled: by pooling, (n_images, n_channels).
        peaks: where each map is strongest, row * width + column on the layer's grid, (n_images, n_channels) int64.
        grids: (height, width) of each neuron's map.
        largest: (n_channels,), the largest activation of either sign at any position of any image.
    """

    pooled: dict[str, Tensor]
    peaks: Tensor
    grids: tuple[tuple[int, int], ...]
    largest: Tensor


def responses(
    source: ImageSource, backbone: Backbone, progress: Callable[[int], None] = lambda n: None, n_workers: int = 0
) -> Responses:
    """Pooled activations of all images of a source, streamed in batches.

    Args:
        n_workers: processes that make or read the images.
    """
    pooled: dict[str, list[Tensor]] = {name: [] for name in POOLINGS}
    peaks, largest, maps = [], [], []
    for activations, _ in activation_batches(source, backbone, progress, batch_size=100, n_workers=n_workers):
        maps = channel_maps(backbone, activations)
        for name, pool in POOLINGS.items():
            pooled[name].append(torch.cat([pool(m) for m in maps], 1))
        peaks.append(torch.cat([m.flatten(2).argmax(2) for m in maps], 1))
        largest.append(torch.cat([m.abs().amax((0, 2, 3)) for m in maps]))
    grids = tuple((m.shape[2], m.shape[3]) for m in maps for _ in range(m.shape[1]))
    joined = {name: torch.cat(parts) for name, parts in pooled.items()}
    return Responses(joined, torch.cat(peaks), grids, torch.stack(largest).amax(0))


def live_channels(naming: Responses, pooling: str) -> Tensor:
    """(n_channels,) bool: which neurons are ever active, and not alike for every image."""
    pooled = naming.pooled[pooling]
    return (naming.largest > 0) & (pooled.amax(0) - pooled.amin(0) > 1e-6 * naming.largest)


def auc(values: Tensor, labels: Tensor) -> Tensor:
    """Area under the ROC curve: how often an image with the attribute has the larger value, a tie counting half.

    Args:
        values: (n_images, n_channels). labels: (n_images, n_attributes), 0 or 1.

    Returns:
        (n_attributes, n_channels), float64; 0.5 for an attribute that all images have, or none.
    """
    columns = values.T.contiguous()  # (n_channels, n_images)
    ordered = columns.sort(1).values
    below = torch.searchsorted(ordered, columns)
    up_to = torch.searchsorted(ordered, columns, right=True)
    ranks = (below + up_to + 1).double() / 2  # ties share their mean rank
    y = labels.double()
    with_it, without = y.sum(0)[:, None], (1 - y).sum(0)[:, None]
    area = (y.T @ ranks.T - with_it * (with_it + 1) / 2) / (with_it * without).clamp_min(1)
    return torch.where((with_it > 0) & (without > 0), area, 0.5)


def quiet(module: nn.Module, channel: int) -> Callable[[], None]:
    """Switch one channel of a module's output off; returns what switches it on again."""

    def silence(module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> Tensor:
        outputs = outputs.clone()
        outputs[:, channel] = 0
        return outputs

    return module.register_forward_hook(silence).remove
