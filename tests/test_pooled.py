"""Heads that end in a rectified 1 x 1 convolution and the mean over positions: found where they are, and exact."""

import pytest
import torch
from torch import nn
from torchvision import models

from niwt_core import importance
from niwt_core.importance import channel_jacobian
from niwt_core.network.cutting import cut
from niwt_core.network.pooled import split_pooled
from niwt_core.transfer import _fold_batch_norms


class Functional(nn.Module):
    """The same structure in functions, as torchvision writes MobileNet."""

    def __init__(self):
        super().__init__()
        self.inner, self.last, self.rectify = nn.Conv2d(6, 5, 3, padding=1), nn.Conv2d(5, 9, 1), nn.ReLU6()
        self.drop = nn.Dropout()

    def forward(self, activations):
        on = self.rectify(self.last(torch.tanh(self.inner(activations))))
        return self.drop(torch.flatten(nn.functional.adaptive_avg_pool2d(on, (1, 1)), 1))


HEADS = {
    "relu": lambda: nn.Sequential(
        nn.Conv2d(6, 7, 3), nn.Sigmoid(), nn.Conv2d(7, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "relu6, nothing before": lambda: nn.Sequential(
        nn.Conv2d(6, 6, 1, bias=False), nn.ReLU6(), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(1), nn.Identity()
    ),
    "functions": Functional,
}


@pytest.mark.parametrize("kind", HEADS)
def test_the_short_way_gives_the_general_ways_jacobian(kind, small_activations, monkeypatch):
    torch.manual_seed(0)
    head, activations = HEADS[kind]().double().eval(), 20 * small_activations  # some features beyond 6
    general = channel_jacobian(head, activations, mode="forward")
    taken, short_way = [], importance._jacobian_through_pooling
    monkeypatch.setattr(importance, "_jacobian_through_pooling", lambda *a: taken.append(1) or short_way(*a))
    short = channel_jacobian(head, activations, chunk=4)
    assert taken
    assert torch.allclose(short, general, atol=1e-12)
    assert general.abs().max() > 0.01


def test_what_is_on_by_hand():
    """One channel, two features 2x and 3x - 1, at x = 1 and x = 4: the first is on at 1 (2 < 6) and beyond at 4 (8)."""
    convolution = nn.Conv2d(1, 2, 1)
    convolution.weight.data, convolution.bias.data = torch.tensor([[[[2.0]]], [[[3.0]]]]), torch.tensor([0.0, -1.0])
    head = nn.Sequential(convolution, nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    activations = torch.tensor([[[[1.0, 4.0]]]])
    assert channel_jacobian(head, activations).tolist() == [[[1.0], [1.5]]]  # mean of 2 and 0; of 3 and 0


def test_mobilenet_is_split_once_its_batch_norms_are_folded():
    torch.manual_seed(0)
    head = cut(models.mobilenet_v2().eval(), "features.17")[1]
    assert split_pooled(head) is None
    assert split_pooled(_fold_batch_norms(head)) is not None


@pytest.mark.parametrize(
    "head",
    [
        nn.Sequential(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Conv2d(6, 8, 1), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Conv2d(6, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        nn.Sequential(nn.Conv2d(6, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8)),
        nn.Sequential(nn.Conv2d(6, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    ],
    ids=["3 x 3", "smooth", "four positions", "a layer after it", "normalised between"],
)
def test_other_heads_go_the_general_way(head):
    assert split_pooled(head.eval()) is None
