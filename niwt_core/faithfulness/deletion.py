"""Does the score depend on the pixels that a map puts first? Insertion and deletion curves.

Source: Petsiuk, Das, Saenko, RISE, BMVC 2018. Pixels are put in the order of the map, hottest first. Deletion replaces
them one share after another by a baseline: the sooner the score falls the better (a small area). Insertion starts from
the baseline and puts them back: a large area. Deviation: one baseline for both, the blurred picture, which stays nearer
to what the network knows than grey does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from niwt_core.explanation.where import upsample


def curves(
    score_of: Callable[[Tensor], Tensor],
    images: Tensor,
    baselines: Tensor,
    maps: Tensor,
    *,
    insertion: bool,
    n_steps: int = 16,
) -> Tensor:
    """The scores as ever more of the hottest pixels are put in or taken out, (n_images, n_steps + 1).

    Args:
        score_of: images (n_images, 3, size, size), in their order -> (n_images,).
        images, baselines: (n_images, 3, size, size). maps: (n_images, height, width).
    """
    size = images.shape[-1]
    order = upsample(maps, size).flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(1, order, torch.arange(size * size).expand_as(order))
    rank = rank.view(-1, 1, size, size)
    start, end = (baselines, images) if insertion else (images, baselines)
    scores = [
        score_of(torch.where(rank < round(size * size * step / n_steps), end, start)) for step in range(n_steps + 1)
    ]
    return torch.stack(scores, 1)


def area(scores: Tensor) -> Tensor:
    """The area under each curve, (n_images, n_steps + 1) -> (n_images,); a score of 1 throughout has area 1."""
    return torch.trapezoid(scores, dim=1) / (scores.shape[1] - 1)


def blurred(images: Tensor, share: float = 0.1) -> Tensor:
    """Images (n, 3, size, size) blurred by a Gaussian whose standard deviation is a share of their width."""
    spread = share * images.shape[-1]
    reach = int(2 * spread)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).square() / (2 * spread * spread)).to(images.dtype)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = nn.functional.pad(images, (reach,) * 4, mode="reflect")
    across = nn.functional.conv2d(padded, kernel, groups=images.shape[1])
    return nn.functional.conv2d(across, kernel.transpose(2, 3), groups=images.shape[1])
