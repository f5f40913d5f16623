import pytest
import torch
from torch import nn

from niwt_core.errors import InputError
from niwt_core.importance import (
    channel_jacobian,
    class_importances,
    features_with_offsets,
    importances,
    layer_teaches_nothing,
)

POOLED = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))


def test_importances_of_a_pooled_linear_head_are_its_weights():
    activations = torch.rand(3, 4, 5, 5, dtype=torch.float64)
    weights = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)
    assert torch.allclose(importances(POOLED, activations, weights), weights.expand(3, 4), atol=1e-12)


def test_importances_match_finite_differences(small_head, small_activations):
    weights = torch.randn(5, dtype=torch.float64)
    alpha = importances(small_head, small_activations, weights)
    step = 1e-6
    for channel in range(6):
        offsets = torch.zeros(7, 6, dtype=torch.float64)
        offsets[:, channel] = step
        up = features_with_offsets(small_head, small_activations, offsets) @ weights
        down = features_with_offsets(small_head, small_activations, -offsets) @ weights
        assert torch.allclose(alpha[:, channel], (up - down) / (2 * step), atol=1e-7)


def test_importances_sum_the_gradient_over_positions(small_head, small_activations):
    weights = torch.randn(5, dtype=torch.float64)
    a = small_activations.clone().requires_grad_()
    (small_head(a) @ weights).sum().backward()
    assert torch.allclose(importances(small_head, small_activations, weights), a.grad.sum((2, 3)), atol=1e-12)


@pytest.mark.parametrize("mode", ["forward", "reverse", None])
def test_importances_are_the_jacobian_times_the_weights(small_head, small_activations, mode):
    weights = torch.randn(5, dtype=torch.float64)
    jacobian = channel_jacobian(small_head, small_activations, mode=mode, chunk=2)
    assert jacobian.shape == (7, 5, 6)
    expected = torch.einsum("idk,d->ik", jacobian, weights)
    assert torch.allclose(importances(small_head, small_activations, weights), expected, atol=1e-12)


def test_each_image_may_have_its_own_weights(small_head, small_activations):
    weights = torch.randn(7, 5, dtype=torch.float64)
    alpha = importances(small_head, small_activations, weights)
    for i in range(7):
        assert torch.allclose(alpha[i : i + 1], importances(small_head, small_activations[i : i + 1], weights[i]))


def test_importances_can_be_differentiated_by_the_weights(small_head, small_activations):
    weights = torch.randn(5, dtype=torch.float64, requires_grad=True)
    importances(small_head, small_activations, weights).sum().backward()
    jacobian = channel_jacobian(small_head, small_activations)
    assert torch.allclose(weights.grad, jacobian.sum((0, 2)), atol=1e-12)


def test_class_importances_average_each_class_over_its_own_images(small_head, small_activations):
    labels = torch.tensor([0, 1, 0, 1, 1, 0, 0])
    weights = torch.randn(2, 5, dtype=torch.float64)
    batches = [(small_activations[:3], labels[:3]), (small_activations[3:], labels[3:])]
    result = class_importances(small_head, batches, weights)
    assert result.n_images.tolist() == [4, 3]
    for c in (0, 1):
        own = importances(small_head, small_activations[labels == c], weights[c]).mean(0)
        assert torch.allclose(result.values[c], own, atol=1e-12)
    assert result.length == pytest.approx(float(result.values.norm(dim=1).mean()))


def test_a_class_without_images_is_refused(small_head, small_activations):
    labels = torch.zeros(7, dtype=torch.int64)
    with pytest.raises(InputError, match="Class number 1 has no image"):
        class_importances(small_head, [(small_activations, labels)], torch.randn(2, 5, dtype=torch.float64))


def test_a_layer_that_is_only_pooled_teaches_nothing(small_head, small_activations):
    assert "class weights" in (layer_teaches_nothing(POOLED, small_activations) or "")
    linear = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(6, 6)).double()
    assert "mixture" in (layer_teaches_nothing(linear, small_activations) or "")
    assert layer_teaches_nothing(small_head, small_activations) is None


def test_nothing_is_left_on_the_head(small_head, small_activations):
    before = {k: v.clone() for k, v in small_head.state_dict().items()}
    channel_jacobian(small_head, small_activations)
    importances(small_head, small_activations, torch.randn(5, dtype=torch.float64))
    assert all(torch.equal(v, before[k]) for k, v in small_head.state_dict().items())
    assert all(not m._forward_hooks and not m._backward_hooks for m in small_head.modules())
    assert all(p.grad is None for p in small_head.parameters())
