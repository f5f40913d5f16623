"""A network of any width, cut as every network here: a convolution, cut, a mixing convolution and a hidden layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from niwt_core.network.backbone import Backbone, assemble
from niwt_core.network.cutting import cut

IMAGE_SIZE = 16
BATCH = 32


class WideNet(nn.Module):
    """`n_channels` on a 4 x 4 grid, mixed, pooled to 2 x 2, then a hidden layer of `n_features`.

    The head mixes its channels before its linear layer, so that none of the short ways to the Jacobian is open: what is
    measured is the general one.
    """

    def __init__(self, n_channels: int, n_features: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, n_channels, 4, stride=4), nn.ReLU())
        self.mix = nn.Sequential(nn.Conv2d(n_channels, n_channels, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.hidden = nn.Sequential(nn.Flatten(1), nn.Linear(4 * n_channels, n_features), nn.ReLU())
        self.output = nn.Linear(n_features, 2)

    def forward(self, images: Tensor) -> Tensor:
        """(n_images, 3, 16, 16) -> scores (n_images, 2)."""
        return self.output(self.hidden(self.mix(self.stem(images))))


def wide_backbone(n_channels: int, n_features: int) -> Backbone:
    """The network with random weights, cut after its stem."""
    torch.manual_seed(0)
    trunk, head = cut(WideNet(n_channels, n_features).eval(), "stem")
    for parameter in (*trunk.parameters(), *head.parameters()):
        parameter.requires_grad_(False)
    return assemble("wide", "stem", trunk, head, IMAGE_SIZE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def noise(*shape: int) -> Tensor:
    """Standard normal numbers, the same in every process."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def activations_of(backbone: Backbone, images: Tensor) -> Tensor:
    """Images (n, 3, height, width) through the trunk, as `images.activation_batches` does it."""
    return backbone.trunk(images.to(memory_format=torch.channels_last)).contiguous()


@torch.no_grad()
def forward_pass(backbone: Backbone, images: Tensor) -> Tensor:
    """The bare forward pass: features (n, n_features)."""
    return backbone.head(activations_of(backbone, images))
