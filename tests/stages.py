"""A small network in three stages, to be cut anywhere."""

import torch
from torch import nn

from niwt_core.network.backbone import Backbone, assemble
from niwt_core.network.cutting import cut


class Small(nn.Module):
    """Three stages, each at half the size of the one before, and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Softplus())
        self.pool = nn.AvgPool2d(2)
        self.second = nn.Sequential(nn.Conv2d(4, 5, 3, padding=1), nn.Softplus())
        self.third = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(5, 6, 3, padding=1), nn.Softplus())
        self.last = nn.Conv2d(6, 6, 1)
        self.hidden = nn.Linear(6 * 16, 7)
        self.output = nn.Linear(7, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.last(self.third(self.second(self.pool(self.first(x)))))
        return self.output(torch.tanh(self.hidden(torch.flatten(x, 1))))


def small_net() -> Small:
    torch.manual_seed(3)
    return Small().double().eval()


def small(layer: str, model: Small | None = None) -> Backbone:
    trunk, head = cut(model or small_net(), layer)
    return assemble("small", layer, trunk, head, 16, (0.0,) * 3, (1.0,) * 3)
