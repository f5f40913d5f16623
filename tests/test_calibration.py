import pytest
import torch

from niwt_core.calibration import Calibrated, Choice, Rehearsal, best_constant, calibrate, lone_constant, score_unit
from niwt_core.gzsl import Classifier, evaluate
from niwt_core.methods.baselines import BASELINES, Method, SeenData

N_KEPT, N_NEW, N_EACH, N_FEATURES, N_ATTRIBUTES = 8, 4, 10, 6, 5


def harmonic_at(scores, labels, n_seen, added):
    """H by the joint argmax once `added` has been added to the new classes' scores."""
    moved = scores.double().clone()
    moved[:, n_seen:] += added
    return evaluate(moved, labels, n_seen).harmonic


def test_a_constant_by_hand():
    # Seen classes 0 and 1, new classes 2 and 3. Each image is right on its own side.
    scores = torch.tensor(
        [
            [0.0, 6, 0, 1],  # 3: found at constants above 5
            [5.0, 0, 1, 0],  # 0: found below 4
            [4.0, 0, 2, 0],  # 2: found above 2
            [0.0, 3, 2, 0],  # 1: found below 1
        ]
    )
    labels = torch.tensor([3, 0, 2, 1])
    choice = best_constant(scores, labels, 2, 1.0)
    assert choice.harmonic == pytest.approx(0.5)  # class 0 and class 2
    assert choice.constant == pytest.approx(3.0)  # in the middle between 2 and 4
    assert best_constant(scores, labels, 2, 2.0).constant == pytest.approx(1.5)


def test_classes_count_alike_not_images():
    # New class 1 has an image at gap 1, new class 2 two images at gap 3, seen class 0 four at 0 and three at 2.
    gaps = torch.tensor([0.0, 0, 0, 0, 2, 2, 2, 1, 3, 3])
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 2, 2])
    scores = torch.stack([gaps, torch.where(labels == 1, 0.0, -9.0), torch.where(labels == 1, -9.0, 0.0)], 1)
    choice = best_constant(scores, labels, 1, 1.0)
    # between 1 and 2: S = 3/7, U = 1/2 (a mean over images would be U = 1/3)
    assert choice.harmonic == pytest.approx(2 * (3 / 7) * 0.5 / (3 / 7 + 0.5))
    assert choice.constant == pytest.approx(1.5)


@pytest.mark.parametrize("whole_numbers", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_no_constant_does_better(seed, whole_numbers):
    """Whole numbers make many images tie; what is promised must still be what the joint argmax then gives."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.arange(8), torch.randint(8, (60,), generator=generator)])
    scores = torch.randn(len(labels), 8, generator=generator, dtype=torch.float64)
    scores[torch.arange(len(labels)), labels] += 1
    scores[:, 5:] -= 0.7
    if whole_numbers:
        scores = (1.5 * scores).round()
    choice = best_constant(scores, labels, 5, 0.4)
    gaps = (scores[:, :5].amax(1) - scores[:, 5:].amax(1)).unique()  # nothing changes between two of them
    middles = [float(gaps[0]) - 1, *((gaps[1:] + gaps[:-1]) / 2).tolist(), float(gaps[-1]) + 1]
    best = max(harmonic_at(scores, labels, 5, c) for c in middles)
    assert best > harmonic_at(scores, labels, 5, 0.0)
    assert choice.harmonic == pytest.approx(best)
    assert harmonic_at(scores, labels, 5, 0.4 * choice.constant) == pytest.approx(best)


def test_scores_in_another_unit_have_the_same_constant():
    generator = torch.Generator().manual_seed(7)
    labels = torch.arange(6).repeat(6)
    scores = torch.randn(36, 6, generator=generator, dtype=torch.float64)
    one, other = best_constant(scores, labels, 4, 0.5), best_constant(100 * scores, labels, 4, 50.0)
    assert one.harmonic == pytest.approx(other.harmonic)
    assert one.constant == pytest.approx(other.constant)
    assert best_constant(3 + scores, labels, 4, 0.5).constant == pytest.approx(one.constant)


def test_where_nothing_can_be_found_nothing_is_added():
    scores = torch.tensor([[1.0, 0, 0, -5], [0.0, 1, 0, -5], [0.0, 3, 0, -5]])  # class 3 is never the best new one
    assert best_constant(scores, torch.tensor([0, 1, 3]), 2, 1.0) == Choice(0.0, 0.0)


def test_the_unit_is_the_spread_of_the_seen_classes_scores():
    scores = torch.tensor([[0.0, 2.0, 100.0], [0.0, 4.0, -100.0]])
    assert score_unit(scores, 2) == pytest.approx(1.5 * 2**0.5)
    assert score_unit(scores, 1) == 1.0  # one class has no spread
    assert 0 < score_unit(torch.zeros(3, 2), 2) < 1e-6  # never divided by 0


@pytest.fixture
def rehearsal():
    """Classes whose descriptions tell their mean features, a linear image of them."""
    generator = torch.Generator().manual_seed(0)
    descriptions = torch.randn(N_KEPT + N_NEW, N_ATTRIBUTES, generator=generator)
    means = descriptions @ torch.randn(N_ATTRIBUTES, N_FEATURES, generator=generator)

    def images_of(classes):
        labels = torch.tensor(classes).repeat(N_EACH)
        return means[labels] + torch.randn(len(labels), N_FEATURES, generator=generator), labels

    x, y = images_of(range(N_KEPT))
    judged, labels = images_of(range(N_KEPT + N_NEW))
    linear = Classifier(tuple(map(str, range(N_KEPT))), means[:N_KEPT], -means[:N_KEPT].square().sum(1) / 2)
    kept = SeenData(x, y, descriptions[:N_KEPT], linear)
    return Rehearsal(kept, descriptions[N_KEPT:], judged, labels, torch.arange(N_KEPT + N_NEW))


def fit_hidden(seen, *, quality):
    """Knows the rehearsal's labels from their order; `quality` says how far it uses them. New classes score 50 less."""
    n_seen = len(seen.classifier.names)

    def scores(features, descriptions):
        n = n_seen + len(descriptions)
        labels = torch.arange(n).repeat(-(-len(features) // n))[: len(features)]
        right = torch.nn.functional.one_hot(labels, n).float()
        noise = torch.randn(len(features), n, generator=torch.Generator().manual_seed(0))
        found = quality * right + noise
        found[:, n_seen:] -= 50
        return found

    return scores


def hidden(*qualities):
    return Method("hidden", "nobody", fit_hidden, tuple({"quality": q} for q in qualities))


def test_the_planted_best_setting_is_chosen(rehearsal):
    found = calibrate(hidden(0.0, 1.0, 9.0, 2.0), rehearsal)
    assert found.settings == {"quality": 9.0}
    assert found.choice.harmonic == pytest.approx(1.0)
    assert calibrate(hidden(9.0, 0.0, 20.0), rehearsal).settings == {"quality": 9.0}  # as good: the first
    with pytest.raises(ValueError, match="grid of hidden"):
        calibrate(hidden(), rehearsal)


def test_a_calibrated_method_adds_its_constant_in_units_to_the_new_classes(rehearsal):
    answers = torch.arange(60.0).reshape(5, 12)
    before = answers.clone()

    def fit_fixed(seen, *, factor):
        return lambda features, descriptions: factor * answers[:, : 8 + len(descriptions)] if factor != 1 else answers

    method = Method("fixed", "nobody", fit_fixed, ({"factor": 2.0},))
    scores = Calibrated(method, {"factor": 2.0}, Choice(0.5, -3.0)).fit(rehearsal.kept)(
        rehearsal.features, rehearsal.descriptions
    )
    unit = 2 * float(torch.arange(8.0).std())
    assert torch.equal(scores[:, :8], 2 * answers[:, :8])
    assert torch.allclose(scores[:, 8:], 2 * answers[:, 8:] - 3 * unit)
    own = Calibrated(method, {"factor": 1}, Choice(0.5, 1.0)).fit(rehearsal.kept)
    assert not torch.equal(own(rehearsal.features, rehearsal.descriptions), before)
    assert torch.equal(answers, before)  # the method's own tensor is left alone


@pytest.mark.parametrize("name", ["DEM, ridge", "Weight regression"])
def test_what_the_rehearsal_promises_is_what_the_fit_then_reaches_in_it(rehearsal, name):
    found = calibrate(next(m for m in BASELINES if m.name == name), rehearsal)
    scores = found.fit(rehearsal.kept)(rehearsal.features, rehearsal.descriptions)
    assert evaluate(scores, rehearsal.labels, N_KEPT).harmonic == pytest.approx(found.choice.harmonic)
    assert found.choice.harmonic > 0.5


def test_the_unit_is_that_of_the_training_images_there_as_in_the_fit(rehearsal):
    """So that a constant means the same in the rehearsal and on all seen classes, whatever the judged images are."""
    spread = Rehearsal(
        rehearsal.kept, rehearsal.descriptions, 10 * rehearsal.features, rehearsal.labels, rehearsal.classes
    )
    method = next(m for m in BASELINES if m.name == "DEM, ridge")
    found = calibrate(method, spread)
    scorer = method.fit(rehearsal.kept, **found.settings)
    unit = score_unit(scorer(rehearsal.kept.features, rehearsal.descriptions), N_KEPT)
    expected = best_constant(scorer(spread.features, spread.descriptions), spread.labels, N_KEPT, unit)
    assert found.choice.constant == pytest.approx(expected.constant)


def test_a_rehearsal_counts_its_kept_classes(rehearsal):
    assert rehearsal.n_kept == N_KEPT


def test_a_class_alone_is_bold_enough_for_its_own_images_and_spares_others():
    """One seen class at 0. Two new classes: own images score -1 .. -3 for their class, the other's -4 .. -6.

    From 3 on every own image is found, from 4 on the other's are claimed: 3 is best, in units of 2 it is 1.5.
    """
    labels = torch.tensor([0, 1, 1, 1, 2, 2, 2])
    scores = torch.tensor(
        [
            [0.0, -9.0, -9.0],
            [0.0, -1.0, -4.0],
            [0.0, -2.0, -5.0],
            [0.0, -3.0, -6.0],
            [0.0, -4.0, -1.0],
            [0.0, -5.0, -2.0],
            [0.0, -6.0, -3.0],
        ]
    )
    assert lone_constant(scores, labels, 1, 2.0) == pytest.approx(1.5, abs=1e-3)
    mixed = scores.clone()
    mixed[4, 1] = mixed[5, 1] = -1.5  # two of three strangers come before the second own image
    assert lone_constant(mixed, labels, 1, 1.0) == pytest.approx(3.0, abs=1e-3)
    mixed[:, 1:] = torch.where(mixed[:, 1:] < -3.5, -1.5, mixed[:, 1:])  # all of them: only the first own image is free
    assert lone_constant(mixed, labels, 1, 1.0) == pytest.approx(1.0, abs=1e-3)
    assert lone_constant(scores[:4], labels[:4], 1, 1.0) == 0.0  # one new class has no strangers
