"""Small float64 networks and paths that many tests share."""

from pathlib import Path

import pytest
import torch
from torch import nn

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def small_head() -> nn.Module:
    """A head with two nonlinear layers: (n, 6, 4, 4) -> (n, 5), float64."""
    torch.manual_seed(0)
    head = nn.Sequential(
        nn.Conv2d(6, 8, 3, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten(1), nn.Linear(32, 5), nn.Tanh()
    )
    return head.double().eval()


@pytest.fixture
def small_activations() -> torch.Tensor:
    return torch.randn(7, 6, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def shared_data() -> Path:
    """Real photos and weights, which only some machines have."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the photos and ImageNet weights of ../shared are not on this machine")
    return SHARED
