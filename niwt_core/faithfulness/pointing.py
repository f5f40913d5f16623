"""Does the heat lie where the thing is? The pointing game, and the share of the heat inside a mask.

Pointing game: Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016: a hit where the map's
maximum lies on the object, or within 15 pixels of it (of about 500). Energy: Wang et al., Score-CAM, 2020.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from niwt_core.explanation.where import upsample


def peaks(maps: Tensor, size: int) -> Tensor:
    """(row, column) of each map's maximum on (size, size) pixels; maps (n, height, width) -> (n, 2) int64.

    The map is upsampled bilinearly first; of equal maxima the first in reading order counts.
    """
    flat = upsample(maps, size).flatten(1).argmax(1)
    return torch.stack([flat // size, flat % size], 1)


def hits(maps: Tensor, masks: Tensor) -> Tensor:
    """Whether each map's maximum lies on its mask: (n, height, width), (n, size, size) bool -> (n,) bool."""
    rows, columns = peaks(maps, masks.shape[-1]).unbind(1)
    return masks[torch.arange(len(masks)), rows, columns]


#: How far beside a thing a hit may lie, as a share of the picture's width: 15 of 500 pixels, as in the paper.
TOLERANCE = 0.03


def widened(masks: Tensor, tolerance: float = TOLERANCE) -> Tensor:
    """Masks (n, size, size) bool, and all within a share of their width around them (in a circle)."""
    radius = tolerance * masks.shape[-1]
    reach = math.floor(radius)
    steps = torch.arange(-reach, reach + 1)
    disc = (steps[:, None].square() + steps.square() <= radius * radius).float()
    return nn.functional.conv2d(masks[:, None].float(), disc[None, None], padding=reach)[:, 0] > 0.5


def energy(maps: Tensor, masks: Tensor) -> Tensor:
    """The share of each map's positive values that lies inside its mask, (n,); 0 where nothing is positive."""
    positive = upsample(maps, masks.shape[-1]).clamp_min(0)
    total = positive.sum((1, 2))
    return torch.where(total > 0, (positive * masks).sum((1, 2)) / total.clamp_min(1e-30), 0.0)
