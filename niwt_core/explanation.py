"""Explanations: where the network looks (Grad-CAM), and why, in words (the inverse map)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from niwt_core.backbone import Backbone
from niwt_core.domain import LinearMap
from niwt_core.importance import importances


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where evidence for one class lies.

    Attributes:
        signed: (height, width) on the layer's grid, score units: sum over channels of importance x activation.
        importances: (n_channels,), of this image for this class.
    """

    signed: Tensor
    importances: Tensor

    @property
    def positive(self) -> Tensor:
        """Grad-CAM proper: the positive part of the map, (height, width)."""
        return self.signed.clamp_min(0)

    @property
    def all_negative(self) -> bool:
        """Nothing in the image speaks for the class."""
        return bool((self.signed <= 0).all())

    def upsampled(self, size: int) -> Tensor:
        """The signed map on (size, size) pixels, bilinear."""
        return nn.functional.interpolate(self.signed[None, None], (size, size), mode="bilinear", align_corners=False)[
            0, 0
        ]


def grad_cam(backbone: Backbone, inputs: Tensor, weight: Tensor) -> Heatmap:
    """Grad-CAM (Selvaraju et al., ICCV 2017) with any class's weights, new classes included.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,).

    Deviation: the importances are sums over positions, as everywhere in this project, not means; the map differs by
    a constant factor.
    """
    with torch.no_grad():
        activations = backbone.trunk(inputs).contiguous()
    alpha = importances(backbone.head, activations, weight).detach()  # (1, n_channels)
    signed = torch.einsum("k,khw->hw", alpha[0], activations[0])
    return Heatmap(signed, alpha[0])


@dataclass(frozen=True)
class Word:
    """One attribute as a reason: how much more (or less) the importances speak of it than those of other classes do."""

    group: str
    value: str
    strength: float


def words_for(
    inverse: LinearMap, importance: Tensor, reference: Tensor, attribute_names: Sequence[str], limit: int = 8
) -> tuple[Word, ...]:
    """The paper's textual explanation: the inverse map of an image's importances, strongest attribute first.

    Args:
        inverse: unit-length importances -> attributes.
        importance: (n_channels,), of the image for the class to explain.
        reference: (n_classes, n_channels), all classes' importances. Words are weighed against them, because what is
            true of every class ("small") is no reason: a strength counts standard deviations over the classes.
        attribute_names: "group::value".
    """
    unit = nn.functional.normalize
    ground = inverse(unit(reference, dim=1))  # (n_classes, n_attributes)
    strength = (inverse(unit(importance[None], dim=1))[0] - ground.mean(0)) / ground.std(0).clamp_min(1e-9)
    order = strength.argsort(descending=True)[:limit].tolist()
    parts = [attribute_names[i].partition("::") for i in order]
    return tuple(Word(group, value, float(strength[i])) for i, (group, _, value) in zip(order, parts, strict=True))
