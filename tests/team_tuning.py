"""A fine-tuning of a small head that many processes share; run under a launcher with the file to write as argument."""

import copy
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from niwt_core.network.backbone import Backbone
from niwt_core.network.finetune import CachedActivations, finetune
from niwt_core.processes import ALONE, Team
from niwt_core.processes.launched import launched_team

N_IMAGES, N_CLASSES = 90, 9


def tuned(n_parts: int, team: Team = ALONE) -> dict[str, Tensor]:
    """All weights after sixty steps; the head has dropout, and a rectifier whose gradients are often 0."""
    torch.manual_seed(0)
    head = nn.Sequential(
        nn.Conv2d(4, 16, 1), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(16, 8, 1), nn.Softplus(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(1),
    ).requires_grad_(False).eval()  # fmt: skip
    black, white = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    backbone = Backbone("small", "trunk", nn.Identity(), copy.deepcopy(head), image_size=2, mean=black, std=white,
                        channels=(4,), n_features=8, grid=(2, 2))  # fmt: skip
    labels = torch.arange(N_CLASSES).repeat(N_IMAGES // N_CLASSES)
    plain = (torch.randn(N_CLASSES, 4, 1, 1)[labels] + torch.randn(N_IMAGES, 4, 2, 2)).half()
    rows = torch.tensor(list(team.share(N_IMAGES)))
    cached = CachedActivations(plain[rows], plain[None][:, rows] + 1, labels, None if team.size == 1 else rows)
    subset = torch.arange(N_IMAGES)[N_IMAGES // 10 :]  # as a rehearsal does, so that places are no numbers any more
    part = cached.of(subset, labels[subset])
    names = tuple(f"class {i}" for i in range(N_CLASSES))
    backbone, linear = finetune(backbone, part, names, epochs=10, batch_size=16, n_parts=n_parts, team=team)
    return {**backbone.head.state_dict(), "weight": linear.weight, "bias": linear.bias}


if __name__ == "__main__":
    with launched_team("cpu") as found:
        weights = tuned(8, found)
        if found.is_main:
            save_file(weights, Path(sys.argv[1]))
