"""Switch a neuron off, and see which classes lose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.gzsl import Classifier
from niwt_core.images import ImageSource, activation_batches
from niwt_core.network.backbone import Backbone
from niwt_core.network.cutting import offsets_in
from niwt_core.neurons.evidence import channel_maps, quiet


@dataclass(frozen=True, eq=False)
class Ablation:
    """What each class loses without each neuron, over the class's own images.

    Attributes:
        score: (n_channels, n_classes), change of the own class's score above the mean of all classes' scores (what is
            added to every score changes no decision). accuracy: (n_channels, n_classes), change of the share of images
            predicted right. Negative is a loss; NaN for a class without an image.
    """

    score: Tensor
    accuracy: Tensor


@torch.no_grad()
def ablate(
    source: ImageSource,
    backbone: Backbone,
    classifier: Classifier,
    progress: Callable[[int], None] = lambda n: None,
    n_workers: int = 0,
) -> Ablation:
    """Zero every channel in turn on the true activations, and pass them through the rest of the network.

    A neuron that is silent on an image changes nothing there, and is not tried.

    Args:
        source: images whose labels are rows of the classifier.
    """
    n_channels, n_classes = backbone.n_channels, len(classifier.names)
    score, accuracy = (torch.zeros(n_channels, n_classes, dtype=torch.float64) for _ in range(2))
    n_images = torch.zeros(n_classes, dtype=torch.float64)
    for activations, labels in activation_batches(source, backbone, batch_size=100, n_workers=n_workers):
        whole, right = _own(classifier(backbone.head(activations)), labels)
        active = torch.cat([m.flatten(2).any(2) for m in channel_maps(backbone, activations)], 1)
        for channel in range(n_channels):
            chosen = active[:, channel]
            if not chosen.any():
                continue
            without = _features_without(backbone, activations[chosen], channel)
            own, still = _own(classifier(without), labels[chosen])
            score[channel].index_add_(0, labels[chosen], own - whole[chosen])
            accuracy[channel].index_add_(0, labels[chosen], still - right[chosen])
        n_images += torch.bincount(labels, minlength=n_classes)
        progress(len(labels))
    return Ablation(score / n_images, accuracy / n_images)


def _features_without(backbone: Backbone, activations: Tensor, channel: int) -> Tensor:
    """Features with one neuron switched off; channels of later layers are counted after the trunk's."""
    if channel < backbone.channels[0]:
        activations = activations.clone()
        activations[:, channel] = 0
        return backbone.head(activations)
    channel -= backbone.channels[0]
    for place, n in zip(offsets_in(backbone.head).values(), backbone.channels[1:], strict=True):
        if channel < n:
            on_again = quiet(place, channel)
            try:
                return backbone.head(activations)
            finally:
                on_again()
        channel -= n
    raise IndexError(f"expected one of {backbone.n_channels} channels")


def _own(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The own class's score above the mean of all, and whether it wins, both (n_images,) float64."""
    own = scores.gather(1, labels[:, None])[:, 0] - scores.mean(1)
    return own.double(), (scores.argmax(1) == labels).double()
