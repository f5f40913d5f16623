"""Where networks can be cut, and the layer that is proposed."""

import pytest
import torch
from torch import nn

from niwt_core.errors import InputError
from niwt_core.network.backbone import load_backbone
from niwt_core.network.cutpoints import MOST_PARAMETERS, networks, propose
from niwt_core.network.cutting import cut, cut_places


@pytest.mark.parametrize(
    ("name", "layer", "n_channels", "side", "n_features"),
    [
        ("squeezenet1_0", "features.11", 512, 13, 512),  # behind features.12 SqueezeNet only pools
        ("mobilenet_v2", "features.17", 320, 7, 1280),
        ("resnet18", "layer4.0", 512, 7, 512),
        ("shufflenet_v2_x1_0", "stage4.3", 464, 7, 1024),  # behind conv5.0 only ReLU and pooling
        ("efficientnet_b0", "features.7.0", 320, 7, 1280),  # untrained it looks linear almost everywhere
    ],
)
def test_the_last_layer_that_teaches_something_is_proposed(name, layer, n_channels, side, n_features):
    found = propose(name)
    assert found.proposed == layer
    assert (found.point(layer).n_channels, found.point(layer).side) == (n_channels, side)
    assert found.n_features == n_features
    backbone = load_backbone(name, layer)
    assert (backbone.channels, backbone.grid, backbone.n_features) == ((n_channels,), (side, side), n_features)


def test_the_reason_names_what_was_passed_over():
    reason = propose("resnet18").reason
    assert "7 × 7 places" in reason
    assert "The later one (layer4.1) teaches nothing" in reason


def test_every_layer_offered_can_be_cut_at():
    points = propose("mobilenet_v3_small").points
    assert len(points) > 5
    for point in points[::4]:
        backbone = load_backbone("mobilenet_v3_small", point.layer)
        assert (backbone.n_channels, backbone.grid) == (point.n_channels, (point.side, point.side))


class Branching(nn.Module):
    """Two ways around `skipped`; `twice` is called two times; `after` lies behind the last linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.skipped, self.twice = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.fc, self.after = nn.Linear(3, 2), nn.Softmax(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        x = x + self.skipped(x)
        return self.after(self.fc(self.twice(self.twice(x)).mean((2, 3))))


def test_places_are_those_where_cut_succeeds():
    names = ["after", "skipped", "twice", "first"]
    assert cut_places(Branching(), names) == ["first"]
    cut(Branching(), "first")
    for name in names[:3]:
        with pytest.raises(InputError):
            cut(Branching(), name)


def test_networks_are_offered_by_size_and_only_those_with_maps():
    offered = networks()
    names = [network.name for network in offered]
    assert names[0] == "squeezenet1_1"
    assert {"mobilenet_v2", "resnet50", "vgg16"} < set(names)
    assert not any(name.startswith(("vit", "swin")) for name in names)
    sizes = [network.n_parameters for network in offered]
    assert sizes == sorted(sizes)
    assert sizes[-1] <= MOST_PARAMETERS
    small = next(network for network in offered if network.name == "mobilenet_v2")
    assert small.n_parameters == sum(p.numel() for p in load_torchvision("mobilenet_v2").parameters())


def load_torchvision(name: str) -> nn.Module:
    from torchvision import models

    return models.get_model(name, weights=None)


def test_an_unknown_network_is_named():
    with pytest.raises(InputError, match="Unknown network 'resnet19'"):
        propose("resnet19")
