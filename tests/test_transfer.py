import itertools

import pytest
import torch
from torch import nn

from niwt_core.importance import channel_jacobian
from niwt_core.transfer import (
    PATIENCE,
    ClosedForm,
    SampleImportances,
    Statistics,
    _fold_batch_norms,
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


def test_statistics_of_float32_jacobians_are_as_good_as_in_float64():
    jacobians = torch.randn(21, 60, 30, generator=torch.Generator().manual_seed(0)) + 0.1
    jacobians *= torch.logspace(-2, 2, 21)[:, None, None]
    jacobians[:, 40:] = 0  # as features that a ReLU holds down
    single, double = statistics_of(jacobians), statistics_of(jacobians.double())
    assert single.gram.dtype == single.jacobian.dtype == torch.float64
    assert (single.gram - double.gram).norm() < 1e-6 * double.gram.norm()
    assert (single.jacobian - double.jacobian).norm() < 1e-6 * double.jacobian.norm()
    assert torch.allclose(double.gram, torch.einsum("idk,iek->de", *[alike(jacobians.double())] * 2) / 21, rtol=1e-12)


def test_an_image_whose_features_do_not_react_counts_as_zero():
    jacobians = torch.ones(2, 3, 4, dtype=torch.float64)
    jacobians[0] = 0
    statistics = statistics_of(jacobians)
    assert torch.isfinite(statistics.gram).all()
    assert torch.allclose(statistics.jacobian, torch.full((3, 4), 0.25, dtype=torch.float64))  # size 1/2, half of it


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


def test_the_path_is_the_solution_at_each_strength(closed_form):
    targets, strengths = torch.randn(3, 6, dtype=torch.float64), (0.01, 1.0, 30.0)
    for prior in (torch.randn(3, 5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)):
        path = closed_form.path(targets, prior, strengths)
        assert path.shape == (3, 3, 5)
        for along, strength in zip(path, strengths, strict=True):
            assert torch.allclose(along, closed_form.solve(targets, prior, strength), atol=1e-9)
        assert torch.allclose(closed_form.solve(targets, prior, 0.01), path[0], atol=1e-9)  # its matrices were dropped
    assert closed_form.path(targets.float(), prior.float(), strengths).dtype == torch.float32
    with pytest.raises(ValueError, match="above 0"):
        closed_form.path(targets, prior, (1.0, -1.0))


def test_single_precision_solves_as_well_as_double():
    """Features of very different reaction, as real ones have: G's eigenvalues span five orders."""
    jacobians = torch.randn(30, 40, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobians *= torch.logspace(-2.5, 0, 40, dtype=torch.float64)[:, None]
    closed = ClosedForm(statistics_of(jacobians))
    targets, prior = torch.randn(3, 20, dtype=torch.float64), torch.randn(3, 40, dtype=torch.float64)
    for strength in (0.01, 1.0, 30.0):
        double = closed.solve(targets, prior, strength)
        single = closed.solve(targets.float(), prior.float(), strength)
        assert single.dtype == torch.float32
        assert (single - double).norm() < 1e-6 * double.norm()


def test_a_gram_that_rounding_left_not_positive_is_still_solved():
    gram = torch.diag(torch.tensor([1.0, -1e-9], dtype=torch.float64))
    one = ClosedForm(Statistics(gram, torch.eye(2, dtype=torch.float64), 1))
    targets = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    found = one.solve(targets, torch.zeros(2, dtype=torch.float64), 1e-12)
    assert torch.allclose(found, targets, atol=1e-6)


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


def test_importances_of_some_images_are_those_of_all(small_head, small_activations, jacobians):
    weights, some = torch.randn(3, 5, dtype=torch.float64), torch.tensor([4, 0, 5])
    for of in (jacobian_importances(jacobians), derivative_importances(small_head, small_activations)):
        assert of.n_images == 7
        assert torch.allclose(of(weights, some), of(weights)[:, some], atol=1e-12)


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


def spread_of(seen):
    """The unit of the loop's rate and regulariser."""
    return float(seen.var(0).mean().sqrt())


def test_the_loops_first_step_is_the_seeded_gaussian_and_its_loss_is_right(jacobians):
    seen = 3 * torch.randn(50, 5, dtype=torch.float64)
    targets = torch.randn(1, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    first = next(transfer_steps(of, targets, seen, strength=0.2, seed=3))
    again = next(transfer_steps(of, targets, seen, strength=0.2, seed=3))
    other = next(transfer_steps(of, targets, seen, strength=0.2, seed=4))
    assert torch.equal(first.weights, again.weights)
    assert not torch.equal(first.weights, other.weights)
    assert first.cosine == pytest.approx(objective(of, first.weights, targets))
    distance = (first.weights - seen.mean(0)) / spread_of(seen)
    assert first.regulariser == pytest.approx(float(0.1 * distance.square().mean()))
    many = torch.cat([next(transfer_steps(of, targets, seen, seed=s)).weights for s in range(2000)])
    assert torch.allclose(many.mean(0), seen.mean(0), atol=0.3)
    assert torch.allclose(many.std(0), seen.std(0), atol=0.3)


def test_one_step_is_one_adam_update_of_the_whole_loss(jacobians):
    seen = 3 * torch.randn(10, 5, dtype=torch.float64)
    targets = torch.randn(1, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    steps = transfer_steps(of, targets, seen, learning_rate=0.01)
    first, second = next(steps), next(steps)
    moved = (second.weights - first.weights).abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.01 * spread_of(seen)), atol=1e-6)  # Adam's first: the rate
    assert second.loss < first.loss


def test_the_loop_means_the_same_at_every_size_of_weights(jacobians):
    """Smaller weights: the same course at their scale, since rate and regulariser are in units of the spread."""
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    courses = [itertools.islice(transfer_steps(of, targets, size * seen, strength=0.1), 200) for size in (1, 0.125)]
    for step, smaller in zip(*courses, strict=True):
        assert torch.allclose(step.weights, 8 * smaller.weights, atol=1e-3)
        assert step.loss == pytest.approx(smaller.loss, rel=1e-3)


def plain_loop(jacobians, targets, seen, n_steps, seed):
    """The paper's loop in units of the spread, straight down: what `transfer_steps` must give to the last bit."""
    of = jacobian_importances(jacobians)
    mean, spread = seen.mean(0), seen.std(0)
    unit = float(spread.square().mean().sqrt())
    noise = torch.randn(len(targets), 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = (mean + spread * noise).requires_grad_()
    optimiser = torch.optim.Adam([weights], lr=0.05 * unit)
    for _ in range(n_steps):
        distance = (1 - torch.nn.functional.cosine_similarity(of(weights), targets[:, None], dim=2)).mean(1)
        loss = distance + 1e-3 / 2 * ((weights - mean) / unit).square().mean(1)
        yield weights.detach().clone(), float(loss.mean().detach())
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()


def test_the_defaults_are_that_loop_to_the_last_bit(jacobians):
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    losses = []
    steps = itertools.islice(transfer_steps(jacobian_importances(jacobians), targets, seen, seed=3), 400)
    for step, (weights, loss) in zip(steps, plain_loop(jacobians, targets, seen, 400, 3), strict=True):
        losses.append(loss)
        assert torch.equal(step.weights, weights)
        assert step.loss == pytest.approx(loss, abs=1e-14)
        assert step.converged == (len(losses) > 40 and losses[-41] - losses[-1] < 0.01 * abs(losses[-41]))
    assert step.converged


def test_the_regulariser_pulls_towards_the_prior_given(jacobians):
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    for prior in (torch.randn(5, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)):
        steps = transfer_steps(of, targets, seen, prior=prior, strength=1e3, learning_rate=0.05)
        first = next(steps)
        assert torch.equal(first.weights, next(transfer_steps(of, targets, seen)).weights)  # the start stays Gaussian
        distance = (first.weights - prior) / spread_of(seen)
        assert first.regulariser == pytest.approx(500 * float(distance.square().mean()))
        last = list(itertools.islice(steps, 500))[-1]
        assert torch.allclose(last.weights, prior.expand(2, 5), atol=0.01)


def test_batches_take_every_image_once_a_round_and_learn(jacobians):
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    taken = []
    recording = SampleImportances(7, lambda weights, images: taken.append(images) or of(weights, images))
    steps = list(itertools.islice(transfer_steps(recording, targets, seen, batch=3, seed=1), 300))
    assert [len(images) for images in taken[:6]] == [3, 3, 1, 3, 3, 1]
    for i in (0, 3, 6):
        assert torch.cat(taken[i : i + 3]).sort().values.tolist() == list(range(7))
    assert not torch.equal(torch.cat(taken[:3]), torch.cat(taken[3:6]))
    again = list(itertools.islice(transfer_steps(of, targets, seen, batch=3, seed=1), 300))
    assert torch.equal(steps[-1].weights, again[-1].weights)
    assert objective(of, steps[-1].weights, targets) < 0.9 * objective(of, steps[0].weights, targets)
    whole = list(itertools.islice(transfer_steps(of, targets, seen, batch=7, seed=1), 50))
    full = list(itertools.islice(transfer_steps(of, targets, seen, seed=1), 50))
    assert torch.allclose(whole[-1].weights, full[-1].weights, atol=1e-9)


def test_a_batch_needs_images_to_choose_from(jacobians):
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)
    of = jacobian_importances(jacobians)
    for importances_of, batch in ((of, 0), (of, 8), (lambda weights: of(weights), 2)):
        with pytest.raises(ValueError, match="a batch of 1 to all"):
            next(transfer_steps(importances_of, targets, seen, batch=batch))


@pytest.mark.parametrize("batch", [None, 2])
def test_the_stop_rules_numbers_can_be_chosen(jacobians, batch):
    seen, targets = torch.randn(20, 5, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)

    def stop(**rule):
        steps = transfer_steps(jacobian_importances(jacobians), targets, seen, batch=batch, **rule)
        return next(step.iteration for step in steps if step.converged)

    window = 1 if batch is None else 10
    assert stop(patience=10, least_gain=1.0) == 10 + window - 1  # nothing gains that much: the first look is the last
    assert stop(patience=10, least_gain=0.1) <= stop(patience=10, least_gain=0.02)


def test_folded_batch_norms_leave_the_statistics_as_they_are():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5))
    net = nn.Sequential(net, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(5, 2)).double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    head = torch.fx.symbolic_trace(net.eval())
    folded = _fold_batch_norms(head)
    assert not any(isinstance(module, nn.BatchNorm2d) for name, module in folded.named_modules() if _used(folded, name))
    assert any(isinstance(module, nn.BatchNorm2d) for module in head.modules())  # the head itself is left alone
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    expected = statistics_of([channel_jacobian(head, image[None])[0] for image in images])
    found = channel_statistics(head, [images])
    assert torch.allclose(found.gram, expected.gram, rtol=1e-9, atol=1e-12)
    assert torch.allclose(found.jacobian, expected.jacobian, rtol=1e-9, atol=1e-12)


def _used(module, name):
    return any(node.op == "call_module" and node.target == name for node in module.graph.nodes)


def test_loops_on_jacobians_laid_out_by_feature_share_their_numbers():
    laid_out = torch.rand(6, 5, 4).transpose(0, 1)  # (5 images, 6 features, 4 channels)
    before = laid_out.clone()
    importances_of = jacobian_importances(laid_out).of
    laid_out.zero_()  # who looks at the same numbers sees that
    assert not importances_of(torch.ones(1, 6), None).any()
    assert jacobian_importances(before).of(torch.ones(1, 6), None).sum() == pytest.approx(float(before.sum()), rel=1e-5)
