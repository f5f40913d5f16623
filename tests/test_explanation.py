import numpy as np
import pytest
import torch
from torch import nn

from niwt_core.domain import LinearMap
from niwt_core.explanation import grad_cam, overlay, words_for
from niwt_core.importance import importances
from niwt_core.network.backbone import assemble


class Channels(nn.Module):
    """A trunk whose answer is plain: red and green as they are, at half the size."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :2, ::2, ::2]


@pytest.fixture
def linear_backbone():
    """8-pixel images -> 2 channels on a 4 x 4 grid -> summed over positions: 2 features."""
    head = nn.Sequential(nn.AvgPool2d(4, divisor_override=1), nn.Flatten(1))
    return assemble("plain", "trunk", Channels(), head, 8, (0.0,) * 3, (1.0,) * 3)


def test_grad_cam_of_a_summed_linear_head_is_the_weighted_sum_of_activations(linear_backbone):
    """score = 3 * sum(red) - 2 * sum(green): each channel's importance is its weight times the 16 positions."""
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    heat = grad_cam(linear_backbone, image, torch.tensor([3.0, -2.0]))
    red, green = image[0, 0, ::2, ::2], image[0, 1, ::2, ::2]
    assert torch.allclose(heat.importances, torch.tensor([48.0, -32.0]))
    assert torch.allclose(heat.signed, 48 * red - 32 * green, atol=1e-4)
    assert torch.equal(heat.positive, heat.signed.clamp_min(0))
    assert (heat.signed < 0).any()
    assert not heat.all_negative


def test_zero_weights_give_a_zero_map_and_a_map_against_says_so(linear_backbone):
    image = torch.ones(1, 3, 8, 8)
    assert not grad_cam(linear_backbone, image, torch.zeros(2)).signed.any()
    against = grad_cam(linear_backbone, image, torch.tensor([-1.0, 0.0]))
    assert against.all_negative
    assert not against.positive.any()


def test_grad_cam_uses_the_same_importances_as_everything_else_and_leaves_no_trace(small_head, small_activations):
    class AsIs(nn.Module):
        def forward(self, images):
            return torch.cat([images, images], 1)

    backbone = assemble("small", "trunk", AsIs(), small_head, 4, (0.0,) * 3, (1.0,) * 3)
    before = {key: value.clone() for key, value in small_head.state_dict().items()}
    inputs, weight = small_activations[:1, :3].contiguous(), torch.randn(5, dtype=torch.float64)
    heat = grad_cam(backbone, inputs, weight)
    activations = torch.cat([inputs, inputs], 1)
    expected = importances(small_head, activations, weight).detach()[0]
    assert torch.allclose(heat.importances, expected)
    assert torch.allclose(heat.signed, (expected[:, None, None] * activations[0]).sum(0))
    assert all(torch.equal(before[key], value) for key, value in small_head.state_dict().items())
    assert not any(m._forward_hooks or m._backward_hooks for m in small_head.modules())
    assert all(p.grad is None for p in small_head.parameters())


def test_upsampling_keeps_signs_where_they_are(linear_backbone):
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, :, :4] = 1  # red on the left
    image[0, 1, :, 4:] = 1  # green on the right
    large = grad_cam(linear_backbone, image, torch.tensor([1.0, -1.0])).upsampled(32)
    assert large.shape == (32, 32)
    assert (large[:, :8] > 0).all()
    assert (large[:, 24:] < 0).all()


def test_an_overlay_colours_by_sign_and_leaves_zero_grey():
    picture = np.full((2, 3, 3), (200, 100, 0), np.uint8)
    signed = np.array([[2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    laid = overlay(picture, signed, (0, 0, 255), (255, 0, 0)).astype(int)
    assert laid.dtype.kind == "i"
    assert laid.shape == (2, 3, 3)
    assert laid[0, 0, 2] - laid[0, 0, 0] > 150  # for: blue
    assert laid[0, 2, 0] - laid[0, 2, 2] > 150  # against: red
    assert np.ptp(laid[:, 1], axis=1).max() == 0  # zero: grey
    assert 0 < laid[1, 0, 2] - laid[1, 0, 0] < laid[0, 0, 2] - laid[0, 0, 0]  # half the size, less colour
    assert picture[0, 0].tolist() == [200, 100, 0]  # the picture itself is left alone
    assert np.ptp(overlay(picture, np.zeros((2, 3)), (0, 0, 255), (255, 0, 0)), axis=2).max() == 0


NAMES = ("crown::red", "crown::blue", "tail::forked", "size::small", "eyes::two")


@pytest.fixture
def inverse():
    """Attribute i is read from channel i, as it stands."""
    return LinearMap(torch.eye(5), torch.zeros(5), torch.zeros(5))


@pytest.fixture
def descriptions():
    """Red, blue and forked in a quarter of the classes each, small in three quarters, two eyes in all."""
    rows = torch.zeros(100, 5)
    rows[:25, 0] = rows[25:50, 1] = rows[::4, 2] = 1
    rows[:75, 3] = 1
    rows[:, 4] = 1
    return rows


def test_a_planted_importance_gives_the_planted_word_first(inverse, descriptions):
    for channel in range(4):
        importance = torch.zeros(5)
        importance[channel] = 7.0
        first = words_for(inverse, importance, descriptions, NAMES)[0]
        assert f"{first.group}::{first.value}" == NAMES[channel]
        mean, spread = descriptions[:, channel].mean(), descriptions[:, channel].std()
        assert first.strength == pytest.approx(float((1 - mean) / spread), rel=1e-5)


def test_what_most_classes_have_weighs_less_and_what_all_have_nothing(inverse, descriptions):
    words = words_for(inverse, torch.tensor([0.6, 0.0, 0.0, 0.6, 9.0]), descriptions, NAMES)
    strengths = {w.group: w.strength for w in words}
    assert strengths["crown"] > strengths["size"]
    assert strengths["eyes"] == 0


def test_a_group_gives_its_strongest_value_only(inverse, descriptions):
    words = words_for(inverse, torch.tensor([0.6, 0.7, 0.1, 0.0, 0.0]), descriptions, NAMES)
    assert [(w.group, w.value) for w in words if w.group == "crown"] == [("crown", "blue")]
    assert len(words) == 4


def test_words_are_sorted_and_limited_and_do_not_depend_on_the_scale_of_the_importances(inverse, descriptions):
    importance = torch.tensor([0.3, 0.9, 0.6, 0.2, 0.0])
    words = words_for(inverse, importance, descriptions, NAMES, limit=2)
    again = words_for(inverse, 50 * importance, descriptions, NAMES, limit=2)
    assert len(words) == 2
    assert words[0].strength >= words[1].strength
    assert [(w.group, w.value) for w in words] == [(w.group, w.value) for w in again]
    assert [w.strength for w in again] == pytest.approx([w.strength for w in words], rel=1e-4)
