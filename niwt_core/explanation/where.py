"""Where the network looks: Grad-CAM with any class's weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.backbone import Backbone
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


def overlay(
    picture: np.ndarray, signed: np.ndarray, favour: tuple[int, int, int], against: tuple[int, int, int]
) -> np.ndarray:
    """A map laid over its picture: colour says the sign, its strength the size, zero leaves the picture as it is, grey.

    Args:
        picture: (height, width, 3) uint8. signed: (height, width); the largest size in it gets the full colour.
        favour, against: RGB for positive and negative values.

    Returns:
        (height, width, 3) uint8.
    """
    grey = picture.astype(np.float32).mean(2, keepdims=True) * 0.75 + 55  # paler, so that the colours stand out
    largest = float(np.abs(signed).max())
    share = (signed / largest if largest > 0 else np.zeros_like(signed))[:, :, None].astype(np.float32)
    colour = np.where(share > 0, np.array(favour, np.float32), np.array(against, np.float32))
    strength = FULL_COLOUR * np.abs(share)
    return ((1 - strength) * grey + strength * colour + 0.5).clip(0, 255).astype(np.uint8)


#: How much of the picture the strongest colour hides.
FULL_COLOUR = 0.85


def grad_cam(backbone: Backbone, inputs: Tensor, weight: Tensor) -> Heatmap:
    """Grad-CAM (Selvaraju et al., ICCV 2017) with any class's weights, new classes included.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,).

    Where the backbone names several layers, the map is that of the trunk's own; the importances are all of them.

    Deviation: the importances are sums over positions, as everywhere in this project, not means; the map differs by
    a constant factor.
    """
    with torch.no_grad():
        activations = backbone.trunk(inputs).contiguous()
    alpha = importances(backbone.head, activations, weight).detach()  # (1, n_channels)
    signed = torch.einsum("k,khw->hw", alpha[0, : backbone.channels[0]], activations[0])
    return Heatmap(signed, alpha[0])
