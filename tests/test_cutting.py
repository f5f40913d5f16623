"""Several layers at once: one importance for each channel of each."""

import copy

import pytest
import torch
from torch import nn
from torchvision import models

from niwt_core.errors import InputError
from niwt_core.explanation import grad_cam
from niwt_core.importance import (
    channel_jacobian,
    class_importances,
    features_with_offsets,
    importances,
    layer_teaches_nothing,
    zero_offsets,
)
from niwt_core.network.backbone import Backbone, assemble, load_backbone
from niwt_core.network.cutting import cut, offsets_in
from niwt_core.transfer import ClosedForm, channel_statistics, derivative_importances, jacobian_importances


class Network(nn.Module):
    """Three convolutions, the second with a skip connection around it, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh())
        self.inner = nn.Conv2d(4, 4, 3, padding=1)
        self.second = nn.Tanh()
        self.third = nn.Sequential(nn.Conv2d(4, 5, 3), nn.Tanh())
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.hidden = nn.Sequential(nn.Flatten(1), nn.Linear(20, 7), nn.Tanh())
        self.output = nn.Linear(7, 3)

    def forward(self, images):
        a = self.first(images)
        return self.output(self.hidden(self.pool(self.third(self.second(a + self.inner(a))))))


def network() -> nn.Module:
    torch.manual_seed(0)
    return Network().double().eval()


def backbone(layer: str) -> Backbone:
    trunk, head = cut(network(), layer)
    return assemble("small", layer, trunk, head, 9, (0.0,) * 3, (1.0,) * 3)


@pytest.fixture
def images():
    return torch.randn(3, 3, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_the_layers_stand_in_the_order_of_the_data_whatever_the_order_given(images):
    one, other = backbone("third, first,second"), backbone("first,second,third")
    assert one.layer == other.layer == "first,second,third"
    assert one.layers == ("first", "second", "third")
    assert one.channels == (4, 4, 5)
    assert (one.n_channels, one.n_features, one.grid) == (13, 7, (7, 7))
    assert torch.equal(one.head(one.trunk(images)), other.head(other.trunk(images)))


def test_offsets_at_zero_change_nothing_and_are_no_part_of_the_state(images):
    plain, several = backbone("first"), backbone("first,third")
    activations = several.trunk(images)
    assert torch.equal(several.head(activations), plain.head(activations))
    assert several.head.state_dict().keys() == plain.head.state_dict().keys()
    offsets = zero_offsets(several.head, activations)
    assert offsets.shape == (3, 9)
    assert torch.equal(features_with_offsets(several.head, activations, offsets), plain.head(activations))


def test_importances_at_every_layer_match_finite_differences(images):
    b = backbone("first,second,third")
    activations, weights, step = b.trunk(images).detach(), torch.randn(7, dtype=torch.float64), 1e-6
    alpha = importances(b.head, activations, weights)
    assert alpha.shape == (3, 13)
    for channel in range(13):
        offsets = torch.zeros(3, 13, dtype=torch.float64)
        offsets[:, channel] = step
        up = features_with_offsets(b.head, activations, offsets) @ weights
        down = features_with_offsets(b.head, activations, -offsets) @ weights
        assert torch.allclose(alpha[:, channel], (up - down) / (2 * step), atol=1e-8)


def test_an_offset_is_added_to_the_later_layers_own_output(images):
    """By hand: the network run by its parts, with a constant added after its third layer."""
    b, whole = backbone("first,third"), network()
    added = torch.randn(3, 5, dtype=torch.float64)
    activations = b.trunk(images)
    offsets = torch.cat([torch.zeros(3, 4, dtype=torch.float64), added], 1)
    third = whole.third(whole.second(activations + whole.inner(activations)))
    expected = whole.hidden(whole.pool(third + added[:, :, None, None]))
    assert torch.allclose(features_with_offsets(b.head, activations, offsets), expected, atol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse", None])
def test_several_layers_importances_are_each_ones_own_side_by_side(images, mode):
    b = backbone("first,second,third")
    weights = torch.randn(7, dtype=torch.float64)
    own, own_jacobians = [], []
    for layer in b.layers:
        alone = backbone(layer)
        activations = alone.trunk(images).detach()
        own.append(importances(alone.head, activations, weights))
        own_jacobians.append(channel_jacobian(alone.head, activations, mode=mode))
    activations = b.trunk(images).detach()
    assert torch.allclose(importances(b.head, activations, weights), torch.cat(own, 1), atol=1e-12)
    together = channel_jacobian(b.head, activations, mode=mode, chunk=5)
    assert torch.allclose(together, torch.cat(own_jacobians, 2), atol=1e-12)


def test_what_follows_works_on_all_channels(images):
    b = backbone("first,third")
    activations, weights = b.trunk(images).detach(), torch.randn(2, 7, dtype=torch.float64)
    measured = class_importances(b.head, [(activations, torch.tensor([0, 1, 0]))], weights)
    assert measured.values.shape == (2, 9)
    statistics = channel_statistics(b.head, activations.split(2))
    assert statistics.jacobian.shape == (7, 9)
    assert ClosedForm(statistics).solve(measured.values, weights, 0.1).shape == (2, 7)
    by_derivative = derivative_importances(b.head, activations)(weights)
    assert torch.allclose(by_derivative, jacobian_importances(channel_jacobian(b.head, activations))(weights))
    assert layer_teaches_nothing(b.head, activations) is None


def test_a_copy_of_the_head_keeps_its_offsets(images):
    b = backbone("first,second,third")
    activations, weights = b.trunk(images).detach(), torch.randn(7, dtype=torch.float64)
    copied = copy.deepcopy(b.head).train().eval()
    assert [place.layer for place in offsets_in(copied).values()] == ["second", "third"]
    assert torch.equal(importances(copied, activations, weights), importances(b.head, activations, weights))
    assert all(not place.offset.any() for place in offsets_in(b.head).values())


def test_grad_cam_is_that_of_the_trunks_layer(images):
    weight = torch.randn(7, dtype=torch.float64)
    alone, several = (grad_cam(backbone(layer), images[:1], weight) for layer in ("first", "first,third"))
    assert torch.allclose(several.signed, alone.signed, atol=1e-12)
    assert torch.allclose(several.importances[:4], alone.importances, atol=1e-12)
    assert several.importances.shape == (9,)


def test_a_container_and_a_pooled_head_take_offsets_too():
    torch.manual_seed(0)
    b = load_backbone("squeezenet1_1", "features.10,features.12")
    assert b.channels == (384, 512)
    activations = b.trunk(torch.randn(1, 3, 64, 64)).detach()
    assert importances(b.head, activations, torch.randn(512)).shape == (1, 896)
    resnet = models.resnet18(weights=None).eval()
    trunk, head = cut(resnet, "layer4.0,layer3")
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        features = torch.flatten(resnet.avgpool(resnet.layer4(trunk(images))), 1)
        assert torch.allclose(head(trunk(images)), features, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "layer", "message"),
    [
        ("mobilenet_v2", "features.15,features.99", "no layer 'features.99'"),
        ("mobilenet_v2", "features.15,", "no layer ''"),
        ("mobilenet_v2", "features.15,features.15", "'features.15' is named 2 times"),
        ("mobilenet_v2", "features.15,features.15.conv", "'features.15.conv' lies inside layer 'features.15'"),
        ("resnet18", "layer2,layer3.0.conv1", "passes layer 'layer3.0.conv1' by"),
        ("resnet18", "layer2.0.conv1,layer3", "passes layer 'layer2.0.conv1' by"),
        ("googlenet", "inception3a.branch1,inception3a.branch2.0", "passes layer .* by"),
        ("alexnet", "features.11,classifier.1", r"'classifier.1' gives activations of shape \(4096,\).*convolutional"),
        ("alexnet", "features.11,classifier.6", "'classifier.6' does not lie before the last linear layer's input"),
    ],
)
def test_layers_that_do_not_go_together_are_explained(name, layer, message):
    with pytest.raises(InputError, match=message):
        load_backbone(name, layer)
