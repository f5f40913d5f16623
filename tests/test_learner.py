"""A planted world: features are a linear image of attributes, so descriptions determine everything."""

import dataclasses
import itertools

import pytest
import torch
from torch import nn

from niwt_core import learner as learner_module
from niwt_core.birds.described import description_of
from niwt_core.calibration import Rehearsal, best_constant
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, evaluate, join
from niwt_core.importance import ClassImportances, class_importances
from niwt_core.learner import (
    RIDGES,
    SCALES,
    STRENGTHS,
    STRETCHES,
    TOLERANCE,
    Settings,
    _fair_scale,
    choose_prior,
    choose_transfer,
    make_learner,
    measure_classes,
    seen_classifier,
)
from niwt_core.methods.baselines import SeenData
from niwt_core.rehearsal import divide, make_rehearsal
from niwt_core.transfer import ClosedForm, channel_statistics

N_SEEN, N_NEW, N_EACH, N_ATTRIBUTES, N_CHANNELS, N_FEATURES = 30, 12, 12, 10, 16, 24
NAMES = tuple(f"class {i}" for i in range(N_SEEN))
NEW_NAMES = tuple(f"new {i}" for i in range(N_NEW))


class Planted:
    """Classes with random attributes; an image's activations are its attributes through a fixed matrix, plus noise."""

    def __init__(self, noise=0.5) -> None:
        generator = torch.Generator().manual_seed(0)
        self.head = nn.Sequential(
            nn.Conv2d(N_CHANNELS, N_FEATURES, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
        )
        with torch.no_grad():
            self.head[0].weight.copy_(0.2 * torch.randn(N_FEATURES, N_CHANNELS, 1, 1, generator=generator))
            self.head[0].bias.zero_()
        self.head.requires_grad_(False)
        self.all_descriptions = torch.randn(N_SEEN + N_NEW, N_ATTRIBUTES, generator=generator)
        self.descriptions, self.new = self.all_descriptions[:N_SEEN], self.all_descriptions[N_SEEN:]
        mixing = torch.randn(N_ATTRIBUTES, N_CHANNELS, generator=generator)
        self.all_labels = torch.arange(N_SEEN + N_NEW).repeat_interleave(N_EACH)
        means = (self.all_descriptions @ mixing)[self.all_labels][:, :, None, None]
        activations = means + noise * torch.randn(len(self.all_labels), N_CHANNELS, 2, 2, generator=generator)
        fresh = means + noise * torch.randn(len(self.all_labels), N_CHANNELS, 2, 2, generator=generator)
        seen = self.all_labels < N_SEEN
        self.activations, self.labels = activations[seen], self.all_labels[seen]
        self.features, self.fresh_features = self.head(self.activations), self.head(fresh)
        self.closed_form = ClosedForm(channel_statistics(self.head, [self.activations[::6]]))

    def measured(self, settings=Settings()):  # noqa: B008
        return measure_classes(NAMES, self.descriptions, self.features, self.labels, settings.shrinkage)

    def importances(self, settings=Settings()):  # noqa: B008
        weights = self.learner(settings, ClassImportances(torch.eye(N_SEEN, N_CHANNELS), torch.ones(N_SEEN)))
        weights = weights.discriminant.weights(self.measured(settings).means)
        return class_importances(self.head, [(self.activations, self.labels)], weights)

    def learner(self, settings=Settings(), importances=None):  # noqa: B008
        importances = self.importances(settings) if importances is None else importances
        return make_learner(self.measured(settings), importances, self.closed_form, settings)

    def seen(self, settings=Settings()):  # noqa: B008
        """The seen classes' discriminants."""
        return self.learner(settings).discriminant.classifier(NAMES, self.measured(settings).means)

    def rehearsal(self):
        """A rehearsal on the seen classes, and the importances of its kept classes."""
        division = divide(self.labels, N_SEEN, 0)
        names = tuple(NAMES[c] for c in division.kept)
        linear = Classifier(names, torch.zeros(len(names), N_FEATURES), torch.zeros(len(names)))
        rehearsal = make_rehearsal(division, linear, self.features, self.labels, self.descriptions)
        every = self.importances()
        importances = ClassImportances(every.values[division.kept], every.n_images[division.kept])
        return rehearsal, importances


@pytest.fixture(scope="module")
def planted():
    torch.manual_seed(0)
    return Planted()


@pytest.fixture(scope="module")
def noisy():
    """A world in which no settings find every image."""
    torch.manual_seed(0)
    return Planted(noise=4.0)


@pytest.fixture(scope="module")
def learner(planted):
    return planted.learner()


def test_new_classes_are_found_from_descriptions_alone(planted):
    rehearsal, importances = planted.rehearsal()
    settings, choice = choose_transfer(rehearsal, choose_prior(rehearsal), importances, planted.closed_form)
    learner, seen = planted.learner(settings), planted.seen(settings)

    def result(descriptions):
        new = learner.classifier(NEW_NAMES, descriptions)
        return evaluate(join(seen, new)(planted.fresh_features), planted.all_labels, N_SEEN)

    right = result(planted.new)
    wrong = result(planted.new.roll(1, 0))  # every class with its neighbour's description
    assert choice.harmonic > 0.9
    assert right.unseen_only > 0.85
    assert right.harmonic > 0.85
    assert wrong.unseen_only < 0.3


def test_a_transfer_without_a_finite_answer_is_refused_in_a_sentence(planted):
    rehearsal, importances = planted.rehearsal()
    statistics = planted.closed_form.statistics
    nowhere = dataclasses.replace(statistics, jacobian=statistics.jacobian * float("nan"))
    with pytest.raises(InputError, match="do not move its features"):
        choose_transfer(rehearsal, choose_prior(rehearsal), importances, ClosedForm(nowhere))


@pytest.mark.parametrize("stretch", [1.0, 1.7])
def test_what_the_rehearsal_promises_is_what_a_learner_with_these_settings_reaches_in_it(noisy, stretch):
    """The constant comes in units and is applied in scores, at the scale and stretch of these: H must be the same."""
    rehearsal, importances = noisy.rehearsal()
    prior = dataclasses.replace(choose_prior(rehearsal), stretch=stretch)
    assert prior.scale != 1
    settings, choice = choose_transfer(rehearsal, prior, importances, noisy.closed_form)
    kept = rehearsal.kept
    measured = measure_classes(kept.classifier.names, kept.descriptions, kept.features, kept.labels, settings.shrinkage)
    played = [f"played {i}" for i in range(len(rehearsal.descriptions))]

    def scores(settings):
        learner = make_learner(measured, importances, noisy.closed_form, settings)
        seen = seen_classifier(measured, learner)
        return join(seen, learner.classifier(played, rehearsal.descriptions))(rehearsal.features)

    result = evaluate(scores(settings), rehearsal.labels, rehearsal.n_kept)
    assert result.harmonic == pytest.approx(choice.harmonic)
    plain = scores(dataclasses.replace(settings, constant=0.0))
    unit = settings.scale * measured.score_unit
    expected = best_constant(plain, rehearsal.labels, rehearsal.n_kept, unit)
    assert choice.constant == pytest.approx(expected.constant, abs=1e-3)
    assert settings.constant == choice.constant
    reached = [
        best_constant(
            scores(dataclasses.replace(prior, ridge=ridge, strength=strength, stretch=s, constant=0.0)),
            rehearsal.labels,
            rehearsal.n_kept,
            unit,
        ).harmonic
        for ridge, strength, s in itertools.product(RIDGES, STRENGTHS, STRETCHES)
    ]
    assert max(reached) >= choice.harmonic >= (1 - TOLERANCE) * max(reached)  # nothing in the grid reaches much more
    assert min(reached) < max(reached) - 0.01


def test_importances_of_other_classes_are_kept_out_of_the_transfer(noisy):
    """Where importances say nothing about the class, new weights had better stay near their prior.

    Means are told with so much penalty that the classes' own importances have something to add.
    """
    rehearsal, importances = noisy.rehearsal()
    prior = dataclasses.replace(choose_prior(rehearsal), means_ridge=10.0, blend=0.0)
    good, own = choose_transfer(rehearsal, prior, importances, noisy.closed_form)
    assert good.strength < max(STRENGTHS)
    for shift in (1, 3, 5):
        mixed = ClassImportances(importances.values.roll(shift, 0), importances.n_images)
        bad, others = choose_transfer(rehearsal, prior, mixed, noisy.closed_form)
        assert bad.strength > good.strength
        assert others.harmonic < own.harmonic - 0.01


def test_transferring_a_seen_class_from_its_own_importances_ranks_its_images_first(planted):
    """The closed form, fed with a seen class's measured importances, must give back a classifier of that class."""
    x, labels, importances = planted.features, planted.labels, planted.importances().values

    def ranks_first(importances):
        """Mean over classes of the chance that an image of the class scores above an image of another class."""
        scores = x @ planted.closed_form.solve(importances, torch.zeros(N_FEATURES), 0.01).T
        return torch.stack(
            [(scores[labels == c, c][:, None] > scores[labels != c, c]).float().mean() for c in range(N_SEEN)]
        ).mean()

    assert ranks_first(importances) > 0.93
    assert ranks_first(importances.roll(1, 0)) < 0.65  # another class's importances: chance


def test_what_is_measured_are_means_covariance_and_the_spread_of_scores(planted):
    measured = planted.measured(Settings(shrinkage=1.0))
    own = planted.features.view(N_SEEN, N_EACH, N_FEATURES)
    assert torch.allclose(measured.means, own.mean(1), atol=1e-6)
    aside = (own - own.mean(1, keepdim=True)).flatten(0, 1)
    assert torch.allclose(measured.within, aside.T @ aside / len(aside), atol=1e-6)
    center = own.mean((0, 1))
    weights = own.mean(1) - center  # at full shrinkage
    scores = planted.features @ weights.T - (weights * (own.mean(1) + center)).sum(1) / 2
    assert measured.score_unit == pytest.approx(float(scores.std(1).mean()), rel=1e-4)


def test_descriptions_that_tell_the_means_exactly_give_back_the_seen_discriminants(planted):
    """With a kernel map of tiny penalty and a transfer that never leaves its prior, seen classes come out again."""
    settings = Settings(kernel=True, means_ridge=1e-10, strength=1e9, stretch=1.0, scale=3.0)
    found = planted.learner(settings).classifier(NAMES, planted.descriptions)
    expected = planted.seen(settings)
    assert torch.allclose(found.weight, expected.weight, atol=1e-3 * float(expected.weight.abs().max()))
    assert torch.allclose(found.bias, expected.bias, atol=1e-3 * float(expected.bias.abs().max()))


@pytest.mark.parametrize("kernel", [False, True])
def test_the_prior_is_the_discriminant_of_the_predicted_means(planted, kernel):
    learner = planted.learner(Settings(kernel=kernel, strength=1e9, stretch=1.0, scale=2.0))
    means = learner.to_means(planted.new)
    expected = learner.discriminant.classifier(NEW_NAMES, means)
    assert torch.equal(learner.prior(planted.new), expected.weight)
    found = learner.classifier(NEW_NAMES, planted.new)
    assert found.names == NEW_NAMES
    assert torch.allclose(found.weight, expected.weight, rtol=1e-4, atol=1e-5)
    assert torch.allclose(found.bias, expected.bias, rtol=1e-4, atol=1e-5)
    assert type(learner.to_means).__name__ == ("KernelMap" if kernel else "LinearMap")


def test_the_transfer_turns_weights_towards_the_importances(planted):
    """With a weak pull to the prior the mean importances of the new weights come closer to what was asked."""
    learners = [planted.learner(Settings(strength=strength)) for strength in (1e6, 0.1)]
    asked = learners[0].importances(planted.new)
    jacobian = planted.closed_form.statistics.jacobian.float()

    def cosine(learner):
        weight = learner.classifier(NEW_NAMES, planted.new).weight
        return nn.functional.cosine_similarity(weight @ jacobian, asked, dim=1)

    assert (cosine(learners[1]) > cosine(learners[0])).all()


@pytest.mark.parametrize("stretch", [1.0, 1.4])
def test_new_weights_have_the_stretched_length_of_their_predicted_discriminants(planted, stretch):
    learner = planted.learner(Settings(stretch=stretch, strength=0.3))
    lengths = learner.classifier(NEW_NAMES, planted.new).weight.norm(dim=1)
    expected = learner.prior(planted.new).norm(dim=1)
    assert torch.allclose(lengths, stretch * expected, rtol=1e-5)
    assert float(lengths.max() / lengths.min()) > 1.1  # they differ, unlike one length for all
    loop = learner.scaled(NEW_NAMES, planted.new, 7 * torch.randn(N_NEW, N_FEATURES))  # weights from the loop too
    assert torch.allclose(loop.weight.norm(dim=1), stretch * expected, rtol=1e-5)


def test_the_threshold_of_a_new_class_stands_halfway_to_the_center(planted):
    learner = planted.learner(Settings(strength=0.3))
    found = learner.classifier(NEW_NAMES, planted.new)
    halfway = (learner.to_means(planted.new) + learner.discriminant.center) / 2
    assert torch.allclose(found(halfway).diagonal(), torch.zeros(N_NEW), atol=1e-4)
    assert (found(learner.to_means(planted.new)).diagonal() > 0).all()


def test_a_constant_moves_every_new_bias_by_that_many_units(planted):
    settings = Settings(scale=4.0)
    plain, moved = planted.learner(settings), planted.learner(dataclasses.replace(settings, constant=0.5))
    one, other = (learner.classifier(NEW_NAMES, planted.new) for learner in (plain, moved))
    assert torch.equal(one.weight, other.weight)
    expected = 0.5 * 4 * planted.measured().score_unit
    assert torch.allclose(other.bias - one.bias, torch.full((N_NEW,), expected), rtol=1e-4)
    assert moved.constant(N_NEW) == pytest.approx(expected)


def test_a_class_that_comes_alone_has_a_constant_of_its_own(planted):
    learner = planted.learner(Settings(constant=0.5, alone=-0.25))
    together = learner.classifier(NEW_NAMES[:2], planted.new[:2])
    alone = learner.classifier(NEW_NAMES[:1], planted.new[:1])
    assert torch.allclose(together.weight[:1], alone.weight, atol=1e-5)
    assert float(together.bias[0] - alone.bias[0]) == pytest.approx(0.75 * learner.unit, rel=1e-3)


def test_the_scale_multiplies_all_scores_and_changes_no_decision(planted):
    one, other = (Settings(scale=scale, constant=-0.3, strength=1.0) for scale in (1.0, 0.125))

    def scores(settings):
        new = planted.learner(settings).classifier(NEW_NAMES, planted.new)
        return join(planted.seen(settings), new)(planted.fresh_features)

    assert torch.allclose(0.125 * scores(one), scores(other), rtol=1e-3, atol=1e-3)


def test_a_description_that_leaves_everything_open_makes_no_claim(planted):
    """The mean of all descriptions predicts the mean of all classes: no direction, and the same score everywhere."""
    learner = planted.learner(Settings(alone=-0.7, strength=0.3))
    found = learner.classifier(["anything"], planted.descriptions.mean(0, keepdim=True))
    length = planted.learner().weight_length
    assert float(found.weight.norm()) < 1e-3 * length
    assert torch.allclose(
        found(planted.features), torch.full((len(planted.features), 1), learner.constant(1)), atol=0.05
    )


def test_a_description_half_as_far_from_the_mean_gives_half_the_weights(planted):
    """Prior and importances are asked to be short alike, so that their balance in the transfer stays."""
    learner = planted.learner(Settings(strength=1.0, ridge=0.5))
    mean = planted.descriptions.mean(0)
    half = learner.classifier(NEW_NAMES, mean + (planted.new - mean) / 2).weight
    whole = learner.classifier(NEW_NAMES, planted.new).weight
    assert torch.allclose(half.norm(dim=1), whole.norm(dim=1) / 2, rtol=1e-4)


def test_importances_and_prior_enter_the_transfer_at_their_share(planted, learner):
    """By hand: a target as long as measured importances are, times how long the prior is among the seen weights."""
    prior = learner.prior(planted.new)
    share = prior.norm(dim=1) / planted.seen().weight.norm(dim=1).mean()
    assert float(share.max() / share.min()) > 1.1
    solved = planted.closed_form.solve(share[:, None] * learner.importances(planted.new), prior, 10.0)
    found = learner.classifier(NEW_NAMES, planted.new).weight
    assert torch.allclose(nn.functional.normalize(found, dim=1), nn.functional.normalize(solved, dim=1), atol=1e-5)


def test_predicted_importances_have_the_measured_length_and_direction(planted):
    importances = planted.importances()
    predicted = planted.learner(Settings(ridge=1e-6)).importances(planted.descriptions)
    assert torch.allclose(predicted.norm(dim=1), torch.tensor(importances.length).expand(N_SEEN), rtol=1e-5)
    cosine = nn.functional.cosine_similarity(predicted, importances.values, dim=1)
    shuffled = nn.functional.cosine_similarity(predicted, importances.values.roll(1, 0), dim=1)
    assert cosine.mean() > shuffled.mean() + 0.3


def rehearsal_of(descriptions, means, noise, n_kept, seed=0):
    """Five training and five judged images of each class around these means, (n_classes, n_features)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(means)).repeat(5)
    train, judged = (
        means[labels] + noise * torch.randn(len(labels), means.shape[1], generator=generator) for _ in range(2)
    )
    kept = labels < n_kept
    linear = Classifier(tuple(map(str, range(n_kept))), torch.zeros(n_kept, means.shape[1]), torch.zeros(n_kept))
    data = SeenData(train[kept], labels[kept], descriptions[:n_kept], linear)
    return Rehearsal(data, descriptions[n_kept:], judged, labels, torch.arange(len(means)))


def test_a_kernel_is_chosen_where_descriptions_tell_means_in_a_curved_way():
    generator = torch.Generator().manual_seed(0)
    descriptions = 3 * torch.rand(90, 2, generator=generator)
    x, y = descriptions.T
    curved = torch.stack([(2 * x).sin(), (2 * x).cos(), (2 * y).sin(), (2 * y).cos()], 1)
    assert choose_prior(rehearsal_of(descriptions, curved, 0.05, 80)).kernel
    few = torch.randn(18, 6, generator=generator)
    straight = few @ torch.randn(6, 12, generator=generator)
    assert not choose_prior(rehearsal_of(few, straight, 0.5, 14)).kernel


def test_the_covariance_is_used_where_one_direction_is_mostly_noise():
    generator = torch.Generator().manual_seed(0)
    descriptions = torch.randn(24, 10, generator=generator)
    means = descriptions @ torch.randn(10, 20, generator=generator)
    noise = torch.full((20,), 0.2)
    noise[0] = 60.0
    assert choose_prior(rehearsal_of(descriptions, means, noise, 16)).shrinkage == 0.5


def test_the_fair_scale_makes_scores_probabilities():
    """Scores of 4 against 0 that are right three times in four stand for odds of 3: a scale of log(3) / 4 = 0.2747."""
    right = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
    scores = torch.tensor([[4.0, 0.0]] * 4 + [[0.0, 4.0]] * 4)
    kept = SeenData(
        torch.zeros(2, 1), torch.arange(2), torch.zeros(2, 1), Classifier(("a", "b"), torch.zeros(2, 1), torch.zeros(2))
    )
    labels = torch.cat([right, torch.full((4,), 2)])  # images of new classes have no say
    rehearsal = Rehearsal(kept, torch.zeros(1, 1), torch.zeros(12, 1), labels, torch.arange(3))
    found = _fair_scale(torch.cat([scores, torch.tensor([[900.0, 0.0]] * 4)]), rehearsal)
    assert found in SCALES
    assert 2**-0.25 < found / 0.2747 < 2**0.25
    assert _fair_scale(torch.cat([scores / 4, torch.zeros(4, 2)]), rehearsal) == pytest.approx(4 * found)


@pytest.mark.parametrize(
    "change",
    [
        {"means_ridge": 0.0},
        {"ridge": -1.0},
        {"strength": float("inf")},
        {"scale": float("nan")},
        {"stretch": 0.0},
        {"shrinkage": 0.0},
        {"shrinkage": 1.1},
        {"blend": -0.1},
        {"blend": 1.1},
        {"constant": float("nan")},
        {"alone": float("inf")},
    ],
)
def test_settings_that_nothing_can_be_made_with_are_refused(change):
    with pytest.raises(ValueError, match="finite settings above 0"):
        Settings(**change)


@pytest.mark.parametrize("blend", [0.0, 0.25, 1.0])
def test_seen_classes_stand_between_their_own_means_and_what_their_descriptions_predict(planted, blend):
    settings = Settings(blend=blend)
    measured, learner = planted.measured(settings), planted.learner(settings)
    predicted = learner.to_means(measured.descriptions)
    means = (1 - blend) * measured.means + blend * predicted
    seen = seen_classifier(measured, learner)
    assert torch.allclose(seen.weight, learner.discriminant.weights(means), atol=1e-5)
    assert not torch.allclose(measured.means, predicted, atol=1e-2)


def test_of_strengths_that_do_about_as_well_the_one_nearest_to_the_prior_is_taken(noisy, monkeypatch):
    rehearsal, importances = noisy.rehearsal()
    prior = choose_prior(rehearsal)
    chosen = {}
    for tolerance in (0.0, 0.02, 0.9):
        monkeypatch.setattr(learner_module, "TOLERANCE", tolerance)
        chosen[tolerance] = choose_transfer(rehearsal, prior, importances, noisy.closed_form)
    strengths = [settings.strength for settings, _ in chosen.values()]
    assert strengths == sorted(strengths)
    assert strengths[-1] == max(STRENGTHS)
    best = chosen[0.0][1].harmonic
    assert all((1 - tolerance) * best <= choice.harmonic <= best for tolerance, (_, choice) in chosen.items())


def test_a_description_of_another_width_is_explained(planted, learner):
    with pytest.raises(InputError, match=r"expected \(n_classes, 10\)"):
        learner.importances(torch.zeros(1, 7))
    with pytest.raises(InputError, match=r"expected \(n_classes, 10\)"):
        learner.classifier(["a"], torch.zeros(10))


def test_open_groups_stand_at_the_seen_mean(small_project):
    row = description_of(small_project, {"size": "small"})[0]
    mean = small_project.descriptions[:8].mean(0)
    assert row[:3].tolist() == [1.0, 0.0, 0.0]
    assert torch.equal(row[3:], mean[3:])
