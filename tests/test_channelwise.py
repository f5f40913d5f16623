"""Heads that keep their channels apart up to a linear layer: found where they are, and exact."""

import pytest
import torch
from torch import nn
from torchvision import models

from niwt_core import importance
from niwt_core.importance import channel_jacobian
from niwt_core.network.backbone import cut, load_backbone
from niwt_core.network.channelwise import split_channelwise


def normalisation(n_channels):
    norm = nn.BatchNorm2d(n_channels)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    nn.init.uniform_(norm.weight, -2, 2)
    return norm


class Functional(nn.Module):
    """The same structure in functions, as torchvision's older networks write it."""

    def __init__(self):
        super().__init__()
        self.hidden, self.output = nn.Linear(6 * 4, 9), nn.Linear(9, 8)

    def forward(self, activations):
        pooled = nn.functional.adaptive_avg_pool2d(nn.functional.relu(activations), (2, 2))
        hidden = torch.sigmoid(self.hidden(torch.flatten(pooled, 1)))
        return hidden[:, :8] * self.output(hidden)


HEADS = {
    "vgg in small": lambda: nn.Sequential(
        nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(3), nn.Flatten(1),
        nn.Linear(54, 11), nn.ReLU(), nn.Dropout(), nn.Linear(11, 8), nn.ReLU(), nn.Dropout(),
    ),
    "normalised, no hidden layer": lambda: nn.Sequential(
        nn.AvgPool2d(2), normalisation(6), nn.GELU(), nn.Flatten(), nn.LeakyReLU(0.3), nn.Linear(24, 7)
    ),
    "one position": lambda: nn.Sequential(nn.Tanh(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 6), nn.SiLU()),
    "functions": Functional,
}  # fmt: skip


@pytest.mark.parametrize("kind", HEADS)
def test_the_short_way_gives_the_general_ways_jacobian(kind, small_activations, monkeypatch):
    torch.manual_seed(0)
    head = HEADS[kind]().double().eval()
    general = channel_jacobian(head, small_activations, mode="forward")
    reverse = channel_jacobian(head, small_activations, mode="reverse")
    short_way = importance._jacobian_through_linear
    taken = []
    monkeypatch.setattr(importance, "_jacobian_through_linear", lambda *a: taken.append(1) or short_way(*a))
    short = channel_jacobian(head, small_activations)
    assert taken
    assert short.shape == general.shape
    assert torch.allclose(short, general, atol=1e-13)
    assert torch.allclose(short, reverse, atol=1e-13)
    assert general.abs().max() > 0.01


def test_the_parts_put_together_are_the_head(small_activations):
    torch.manual_seed(0)
    head = HEADS["vgg in small"]().double().eval()
    parts = split_channelwise(head)
    together = parts.after(parts.linear(parts.before(small_activations)))
    assert torch.equal(together, head(small_activations))


def test_torchvisions_own_heads_of_this_kind_are_found():
    for name, layer in (("alexnet", "features.10"), ("paper_bird_net", "features.stage4")):
        assert split_channelwise(load_backbone(name, layer).head) is not None, name
    torch.manual_seed(0)
    trunk, head = cut(models.mobilenet_v3_small(weights=None).eval(), "features.12")
    activations = trunk(torch.randn(2, 3, 64, 64)).detach().contiguous() - 0.3
    assert split_channelwise(head) is not None
    short, general = (channel_jacobian(head, activations, mode=mode, chunk=96) for mode in (None, "forward"))
    assert torch.allclose(short, general, atol=1e-6 * float(general.abs().max()))


class Past(nn.Module):
    """Something passes the linear layer by."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(96, 96)

    def forward(self, activations):
        flat = torch.flatten(activations, 1)
        return flat + self.linear(flat)


class Branching(nn.Module):
    def forward(self, activations):
        return activations.flatten(1) if activations.sum() > 0 else -activations.flatten(1)


@pytest.mark.parametrize(
    "head",
    [
        nn.Sequential(nn.Conv2d(6, 6, 1), nn.Flatten(), nn.Linear(96, 8)),
        nn.Sequential(nn.Softmax(1), nn.Flatten(), nn.Linear(96, 8)),
        nn.Sequential(nn.LocalResponseNorm(3), nn.Flatten(), nn.Linear(96, 8)),
        nn.Sequential(nn.GroupNorm(1, 6), nn.Flatten(), nn.Linear(96, 8)),
        nn.Sequential(nn.Flatten(2), nn.Linear(16, 8), nn.Flatten(1)),
        nn.Sequential(nn.ReLU(), nn.Linear(4, 6), nn.Flatten(1)),
        nn.Sequential(nn.BatchNorm2d(6, track_running_stats=False), nn.Flatten(), nn.Linear(96, 8)),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        Past(),
        nn.Sequential(Branching(), nn.Linear(96, 8)),
    ],
    ids=lambda head: type(head[0] if isinstance(head, nn.Sequential) else head).__name__,
)
def test_heads_that_mix_channels_or_cannot_be_read_go_the_general_way(head):
    assert split_channelwise(head.eval()) is None


def test_in_training_mode_dropout_and_normalisation_are_not_split():
    for layer in (nn.Dropout(), nn.BatchNorm2d(6)):
        head = nn.Sequential(layer, nn.Flatten(), nn.Linear(96, 8))
        assert split_channelwise(head.eval()) is not None
        assert split_channelwise(head.train()) is None


def test_a_head_with_offsets_at_later_layers_is_not_split():
    assert split_channelwise(load_backbone("paper_bird_net", "features.stage4,features.pool4").head) is None
