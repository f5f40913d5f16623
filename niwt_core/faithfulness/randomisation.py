"""Does the map change when the network forgets everything? A map that does not explains the picture, not the network.

Source: Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: full randomisation, compared by rank.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

from niwt_core.explanation.where import upsample
from niwt_core.network.backbone import Backbone


def randomised(backbone: Backbone, seed: int = 0) -> Backbone:
    """A copy whose every parameter, in trunk and head, is drawn anew; the backbone itself stays as it is."""
    trunk, head = copy.deepcopy(backbone.trunk), copy.deepcopy(backbone.head)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for half in (trunk, head):
            half.apply(_forget)
    return replace(backbone, trunk=trunk, head=head)


def _forget(module: nn.Module) -> None:
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's rank correlation of each pair of maps, (n,); of different grids, the coarser is upsampled.

    0 where one of the two maps is the same everywhere: it puts nothing in order.
    """
    size = max(first.shape[-1], second.shape[-1])
    ranks = [rankdata(upsample(m, size).flatten(1).numpy(), axis=1) for m in (first, second)]
    a, b = (r - r.mean(1, keepdims=True) for r in ranks)
    lengths = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(lengths > 0, (a * b).sum(1) / lengths, 0.0)
    return torch.from_numpy(found)
