import itertools

import pytest
import torch

from niwt_core.importance import channel_jacobian
from niwt_core.transfer import (
    PATIENCE,
    ClosedForm,
    channel_statistics,
    derivative_importances,
    jacobian_importances,
    objective,
    statistics_of,
    transfer_steps,
)


@pytest.fixture
def jacobians(small_head, small_activations):
    return channel_jacobian(small_head, small_activations)


@pytest.fixture
def closed_form(small_head, small_activations):
    return ClosedForm(channel_statistics(small_head, small_activations.split(3)))


def alike(jacobians):
    """Every image's Jacobian at the mean size of all."""
    norms = jacobians.flatten(1).norm(dim=1)
    return jacobians * (norms.mean() / norms)[:, None, None]


def test_statistics_are_the_means_of_the_jacobians_at_one_size(small_head, small_activations, jacobians):
    statistics = channel_statistics(small_head, small_activations.split(2))
    sized = alike(jacobians)
    assert statistics.n_images == 7
    assert torch.allclose(statistics.jacobian, sized.mean(0), atol=1e-12)
    assert torch.allclose(statistics.gram, torch.einsum("idk,iek->de", sized, sized) / 7, atol=1e-12)
    twice = jacobians.clone()
    twice[0] *= 2  # an image that reacts more strongly counts no more
    before, after = statistics_of(jacobians), statistics_of(twice)
    ratio = after.jacobian / before.jacobian
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio), atol=1e-9)


def test_statistics_need_an_image(small_head):
    with pytest.raises(ValueError, match="at least one image"):
        channel_statistics(small_head, [])


def test_the_closed_form_equals_a_brute_force_minimiser(jacobians, closed_form):
    targets = torch.randn(2, 6, dtype=torch.float64)
    prior = torch.randn(2, 5, dtype=torch.float64)
    strength = 0.3
    sized = alike(jacobians)
    t = torch.einsum("idk,idk->", sized, sized) / 7 / 5  # trace of G over the number of features
    weights = torch.zeros(2, 5, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=500, tolerance_grad=1e-13, tolerance_change=1e-16)

    def loss():
        optimiser.zero_grad()
        misfit = (jacobian_importances(sized)(weights) - targets[:, None]).square().sum((1, 2)) / 7
        value = (misfit + strength * t * (weights - prior).square().sum(1)).sum()
        value.backward()
        return value

    optimiser.step(loss)
    assert torch.allclose(closed_form.solve(targets, prior, strength), weights.detach(), atol=1e-7)


def test_a_strong_prior_is_returned_and_a_weak_one_forgotten(closed_form):
    targets = torch.randn(1, 6, dtype=torch.float64)
    prior = torch.randn(1, 5, dtype=torch.float64)
    assert torch.allclose(closed_form.solve(targets, prior, 1e9), prior, atol=1e-6)
    free = closed_form.solve(targets, torch.zeros(1, 5, dtype=torch.float64), 1e-9)
    assert torch.allclose(closed_form.solve(targets, prior, 1e-9), free, atol=1e-4)
    with pytest.raises(ValueError, match="above 0"):
        closed_form.solve(targets, prior, 0.0)


def test_a_planted_classifier_comes_back_from_its_own_importances(small_head, small_activations):
    """One image: its importances M^T w determine w (6 channels, 5 features), so the closed form must return it."""
    planted = torch.randn(1, 5, dtype=torch.float64)
    one = ClosedForm(channel_statistics(small_head, small_activations[:1].split(1)))
    target = planted @ channel_jacobian(small_head, small_activations[:1])[0]
    found = one.solve(target, torch.zeros(1, 5, dtype=torch.float64), 1e-12)
    assert torch.allclose(found, planted, atol=1e-4)


def test_both_kinds_of_importances_agree(small_head, small_activations, jacobians):
    weights = torch.randn(3, 5, dtype=torch.float64)
    fast, slow = (
        jacobian_importances(jacobians)(weights),
        derivative_importances(small_head, small_activations)(weights),
    )
    assert fast.shape == (3, 7, 6)
    assert torch.allclose(fast, slow, atol=1e-12)


def test_the_loop_falls_and_stops_by_the_papers_rule(jacobians):
    seen = torch.randn(20, 5, dtype=torch.float64)
    targets = torch.randn(2, 6, dtype=torch.float64)
    losses = []
    for step in itertools.islice(transfer_steps(jacobian_importances(jacobians), targets, seen), 5000):
        losses.append(step.loss)
        if step.converged:
            break
    assert step.converged
    assert losses[-1] < losses[0]
    assert losses[-1 - PATIENCE] - losses[-1] < 0.01 * losses[-1 - PATIENCE]
    earlier = losses[:-1]
    assert all(
        earlier[i - PATIENCE] - earlier[i] >= 0.01 * earlier[i - PATIENCE] for i in range(PATIENCE, len(earlier))
    )


def test_the_loops_first_step_is_the_seeded_gaussian_and_its_loss_is_right(jacobians):
    seen = torch.randn(50, 5, dtype=torch.float64)
    targets = torch.randn(1, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    first = next(transfer_steps(of, targets, seen, strength=0.2, seed=3))
    again = next(transfer_steps(of, targets, seen, strength=0.2, seed=3))
    other = next(transfer_steps(of, targets, seen, strength=0.2, seed=4))
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.weights, other.weights)
    assert first.cosine == pytest.approx(objective(of, first.weights, targets))
    assert first.regulariser == pytest.approx(float(0.1 * (first.weights - seen.mean(0)).square().sum()))
    many = torch.cat([next(transfer_steps(of, targets, seen, seed=s)).weights for s in range(2000)])
    assert torch.allclose(many.mean(0), seen.mean(0), atol=0.1)
    assert torch.allclose(many.std(0), seen.std(0), atol=0.1)


def test_one_step_is_one_adam_update_of_the_whole_loss(jacobians):
    seen = torch.randn(10, 5, dtype=torch.float64)
    targets = torch.randn(1, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    steps = transfer_steps(of, targets, seen, learning_rate=0.01)
    first, second = next(steps), next(steps)
    moved = (second.weights - first.weights).abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.01), atol=1e-6)  # Adam's first step: the rate, by sign
    assert second.loss < first.loss
