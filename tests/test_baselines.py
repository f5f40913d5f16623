import math

import pytest
import torch
from torch.nn.functional import normalize

from niwt_core.domain import fit_ridge
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.methods.baselines import (
    BASELINES,
    EPOCHS,
    SeenData,
    ale_loss,
    devise_loss,
    fit_logistic,
    sje_loss,
    violations,
)

METHODS = {m.name: m for m in BASELINES}
N_SEEN, N_NEW = 40, 5


def seen_data(features, labels, descriptions, weight=None, bias=None):
    """With a classifier of zeros where none is given."""
    n_seen = len(descriptions)
    weight = torch.zeros(n_seen, features.shape[1], dtype=features.dtype) if weight is None else weight
    bias = torch.zeros(n_seen, dtype=features.dtype) if bias is None else bias
    return SeenData(features, labels, descriptions, Classifier(tuple(f"c{i}" for i in range(n_seen)), weight, bias))


def planted(constant_column=False):
    """Features are a linear function of unit-length descriptions, hardly noisy.

    Returns what methods learn from; and new classes' descriptions, images' features and labels. The classifier's
    weights are a linear function of the descriptions too: its scores are dot products of descriptions.
    """
    generator = torch.Generator().manual_seed(0)
    descriptions = normalize(torch.randn(N_SEEN + N_NEW, 6, generator=generator, dtype=torch.float64), dim=1)
    to_features = torch.linalg.qr(torch.randn(12, 6, generator=generator, dtype=torch.float64)).Q.T  # orthonormal rows
    labels = torch.arange(N_SEEN + N_NEW).repeat(8)
    noise = torch.randn(len(labels), 12, generator=generator, dtype=torch.float64)
    features = descriptions[labels] @ to_features + 0.01 * noise + 2
    is_seen = labels < N_SEEN
    weight = 20 * descriptions @ to_features
    if constant_column:
        descriptions = torch.cat([torch.full((len(descriptions), 1), 0.3, dtype=torch.float64), descriptions], 1)
    seen = seen_data(
        features[is_seen], labels[is_seen], descriptions[:N_SEEN], weight[:N_SEEN], -2 * weight[:N_SEEN].sum(1)
    )
    return seen, descriptions[N_SEEN:], features[~is_seen], labels[~is_seen]


#: Settings under which each method solves the planted problem.
SETTINGS = {
    "DAP": {"ridge": 0.1},
    "ConSE": {"top": N_SEEN},
    "DeViSE": {"learning_rate": 3.0},
    "ALE": {"learning_rate": 10.0},
    "SJE": {"learning_rate": 10.0},
    "ESZSL": {"gamma": 0.1, "lambda_": 0.01},
    "DEM": {"weight_decay": 0.0},
    "DEM, ridge": {"ridge": 1e-6},
    "Weight regression": {"ridge": 1e-6},
}
each_method = pytest.mark.parametrize("name", METHODS)


@each_method
@pytest.mark.parametrize("constant_column", [False, True])
def test_planted_unseen_classes_are_found(name, constant_column):
    seen, new, features, labels = planted(constant_column)
    scores = METHODS[name].fit(seen, **SETTINGS[name])(features, new)
    assert scores.shape == (len(features), N_SEEN + N_NEW)
    right = (scores[:, N_SEEN:].argmax(1) + N_SEEN == labels).double().mean()
    # ConSE can only point somewhere between seen descriptions.
    assert right == 1 if name != "ConSE" else right >= 0.8


@pytest.mark.parametrize("name", ["ESZSL", "DEM", "DEM, ridge", "Weight regression"])
def test_planted_unseen_classes_are_found_among_all(name):
    seen, new, features, labels = planted()
    assert (METHODS[name].fit(seen, **SETTINGS[name])(features, new).argmax(1) == labels).all()


@each_method
def test_every_setting_of_the_grid_is_a_setting_of_the_fit(name):
    seen, new, features, _ = planted()
    answers = [METHODS[name].fit(seen, **settings)(features, new) for settings in METHODS[name].grid]
    for i, scores in enumerate(answers):
        assert scores.isfinite().all()
        assert not any(torch.equal(scores, other) for other in answers[:i])


@each_method
def test_the_same_answer_whatever_random_numbers_came_before(name):
    seen, new, features, _ = planted()
    torch.manual_seed(1)
    first = METHODS[name].fit(seen, **SETTINGS[name])(features, new)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(METHODS[name].fit(seen, **SETTINGS[name])(features, new), first)
    assert torch.equal(torch.get_rng_state(), state)


@each_method
def test_inputs_stay_as_they_are(name):
    seen, new, features, _ = planted()
    given = [seen.features, seen.labels, seen.descriptions, seen.classifier.weight, seen.classifier.bias, new, features]
    before = [t.clone() for t in given]
    METHODS[name].fit(seen, **SETTINGS[name])(features, new)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))
    assert not any(t.requires_grad for t in given)


@each_method
def test_without_new_classes_the_seen_scores_remain(name):
    seen, new, features, _ = planted()
    scorer = METHODS[name].fit(seen, **SETTINGS[name])
    alone = scorer(features, new[:0])
    assert alone.shape == (len(features), N_SEEN)
    assert not alone.requires_grad
    assert torch.allclose(alone, scorer(features, new)[:, :N_SEEN])


@each_method
def test_one_seen_class_and_a_constant_feature_give_numbers(name):
    features = torch.tensor([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    seen = seen_data(features, torch.zeros(3, dtype=torch.int64), torch.tensor([[1.0, 0.0, 0.5]]))
    for settings in METHODS[name].grid:
        scores = METHODS[name].fit(seen, **settings)(features, torch.tensor([[0.0, 1.0, 0.5], [0.0, 0.0, 0.0]]))
        assert scores.shape == (3, 3) and scores.dtype == torch.float32
        assert scores.isfinite().all()


@each_method
def test_new_descriptions_are_checked(name):
    seen, new, features, _ = planted()
    scorer = METHODS[name].fit(seen, **SETTINGS[name])
    for wrong in (new[:, :4], new[0]):
        with pytest.raises(InputError, match=r"came; expected \(n_new, 6\)"):
            scorer(features, wrong)
    holed = new.clone()
    holed[0, 0] = math.nan
    with pytest.raises(InputError, match="1 of the descriptions' 30 values are NaN or infinite"):
        scorer(features, holed)


def test_seen_data_are_checked():
    x, y, s = torch.zeros(4, 3), torch.tensor([0, 0, 1, 1]), torch.zeros(2, 5)
    classifier = Classifier(("a", "b"), torch.zeros(2, 3), torch.zeros(2))
    SeenData(x, y, s, classifier)
    for wrong, message in (
        ((x, y, s[:1]), "one row for each of the classifier's 2 classes"),
        ((x[:, :2], y, s), r"Features of shape \(4, 2\) came; expected \(4, 3\)"),
        ((x / 0, y, s), "12 of the features' 12 values are NaN"),
        ((x, y, s / 0), "10 of the descriptions' 10 values are NaN"),
        ((x, y * 0, s), "Labels of 1 classes came; expected images of each class from 0 to 1"),
        ((x, y * 2, s), "and of no other"),
    ):
        with pytest.raises(InputError, match=message):
            SeenData(*wrong, classifier)


def test_standardised_features_have_zero_mean_and_images_unit_length():
    torch.manual_seed(0)
    x = torch.randn(50, 8, dtype=torch.float64) * torch.arange(8) + 3  # the first feature is constant
    z = seen_data(x, torch.arange(50) % 2, torch.zeros(2, 3)).standardised
    assert torch.allclose(z.mean(0), torch.zeros(8, dtype=z.dtype), atol=1e-12)
    assert torch.allclose(z.square().mean(0), torch.tensor([0.0] + [1 / 8] * 7, dtype=z.dtype))


def test_losses_by_hand():
    """One image of class 0; class 1 comes within the margin by 0.5 and class 3 by 0.2."""
    scores, labels = torch.tensor([[2.0, 1.5, 0.0, 1.2]]), torch.tensor([0])
    assert torch.allclose(violations(scores, labels), torch.tensor([[0.0, 0.5, 0.0, 0.2]]))
    assert float(devise_loss(scores, labels)) == pytest.approx(0.7)
    assert float(sje_loss(scores, labels)) == pytest.approx(0.5)
    assert float(ale_loss(scores, labels)) == pytest.approx((1 + 1 / 2) / 2 * 0.7)
    for loss in (devise_loss, sje_loss, ale_loss):
        assert float(loss(scores, torch.tensor([2]))) > 2
        assert float(loss(torch.tensor([[2.0, 1.0, 0.0, 1.0]]), labels)) == 0


@pytest.mark.parametrize(("name", "loss"), [("DeViSE", devise_loss), ("ALE", ale_loss), ("SJE", sje_loss)])
def test_a_separable_problem_ends_without_violations(name, loss):
    """Eight classes at the corners of a cube, each described by its corner."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3)
    labels = torch.arange(8).repeat(200)
    features = corners[labels] + 0.1 * torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(0))
    seen = seen_data(features, labels, corners)
    untrained = torch.zeros(len(labels), 8)
    trained = METHODS[name].fit(seen, learning_rate=3.0)(features, corners[:0])
    assert float(loss(untrained, labels)) >= 1
    assert float(loss(trained, labels)) == 0


def test_devise_descends_by_hand():
    """At a tiny learning rate all classes stay within the margin, so each epoch of one batch adds the same step."""
    generator = torch.Generator().manual_seed(0)
    x, s = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (20, 5))
    labels = torch.arange(20) % 5
    seen = seen_data(x, labels, s)
    slope = torch.ones(20, 5, dtype=torch.float64)  # of the loss, times 20, by the scores
    slope[torch.arange(20), labels] = -4
    v = -EPOCHS * 1e-3 / 20 * seen.standardised.T @ slope @ normalize(s, dim=1)
    scores = METHODS["DeViSE"].fit(seen, learning_rate=1e-3)(x, s[:0])
    assert torch.allclose(scores, seen.standardised @ v @ normalize(s, dim=1).T)


@pytest.mark.parametrize("name", ["ConSE", "DeViSE", "ALE", "SJE", "ESZSL"])
def test_the_length_of_a_description_means_nothing(name):
    seen, new, features, _ = planted()
    longer = SeenData(seen.features, seen.labels, 3 * seen.descriptions, seen.classifier)
    scores = METHODS[name].fit(seen, **SETTINGS[name])(features, new)
    assert torch.allclose(METHODS[name].fit(longer, **SETTINGS[name])(features, 5 * new), scores)


def test_the_three_bilinear_methods_differ():
    seen, new, features, _ = planted()
    scores = [METHODS[name].fit(seen, learning_rate=1.0)(features, new) for name in ("DeViSE", "ALE", "SJE")]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not torch.allclose(scores[a], scores[b], rtol=0.01)


def test_eszsl_solves_its_matrix_equation():
    """(X Xᵀ + gamma I) V (S Sᵀ + lambda I) = X Y Sᵀ, with V read off the scores of unit descriptions."""
    seen, _, _, _ = planted()
    gamma, lambda_ = 0.7, 0.2
    scorer = METHODS["ESZSL"].fit(seen, gamma=gamma, lambda_=lambda_)
    one_a_feature = seen.standardise.mean + torch.diag(seen.standardise.scale)  # standardised: the identity
    v = scorer(one_a_feature, torch.eye(6, dtype=torch.float64))[:, N_SEEN:]
    x = (seen.features - seen.features.mean(0)) / seen.features.std(0, correction=0) / math.sqrt(12)
    y = torch.full((len(x), N_SEEN), -1.0, dtype=torch.float64)
    y[torch.arange(len(x)), seen.labels] = 1
    s = normalize(seen.descriptions, dim=1)
    left = (x.T @ x + gamma * torch.eye(12)) @ v @ (s.T @ s + lambda_ * torch.eye(6))
    assert torch.allclose(left, x.T @ y @ s, atol=1e-9)


def test_conse_by_hand():
    """Two seen classes, described by the two axes, at probabilities 3/4 and 1/4: the mix points along (3, 1)."""
    seen = seen_data(
        torch.zeros(2, 1), torch.tensor([0, 1]), torch.tensor([[2.0, 0.0], [0.0, 5.0]]), torch.tensor([[1.0], [0.0]])
    )
    image, diagonal = torch.tensor([[math.log(3)]]), torch.tensor([[1.0, 1.0]])
    mixed = METHODS["ConSE"].fit(seen, top=2)(image, diagonal)
    assert torch.allclose(mixed, torch.tensor([[3.0, 1.0, 4 / math.sqrt(2)]]) / math.sqrt(10))
    first_alone = METHODS["ConSE"].fit(seen, top=1)(image, diagonal)
    assert torch.allclose(first_alone, torch.tensor([[1.0, 0.0, 1 / math.sqrt(2)]]), atol=1e-6)


def test_dap_finds_new_combinations_of_independent_attributes():
    """Each attribute shows in a feature of its own; four of the sixteen combinations are never seen."""
    combinations = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
    is_new = torch.isin(torch.arange(16), torch.tensor([1, 6, 10, 15]))
    known, new = combinations[~is_new], combinations[is_new]
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(12).repeat(20)
    features = known[labels] + 0.1 * torch.randn(len(labels), 4, generator=generator)
    scores = METHODS["DAP"].fit(seen_data(features, labels, known), ridge=0.01)(new, new)
    assert scores.argmax(1).tolist() == [12, 13, 14, 15]


def test_dap_by_hand_where_images_say_nothing():
    """A huge penalty leaves p(a|x) at the share of images with the attribute, 3/4; p(a) is that of classes, 1/2.

    Presence begins above the mean over classes, 0.6. The second attribute is the same for all and counts for nothing.
    """
    seen = seen_data(torch.randn(4, 2), torch.tensor([0, 0, 0, 1]), torch.tensor([[0.9, 0.1], [0.3, 0.1]]))
    scores = METHODS["DAP"].fit(seen, ridge=1e9)(torch.randn(2, 2), torch.tensor([[0.5, 7.0], [0.7, 0.0]]))
    expected = torch.tensor([[1.5, 0.5, 0.5, 1.5]]).log().expand(2, 4)
    assert torch.allclose(scores, expected, atol=1e-4)


def test_the_logistic_fit_reaches_the_point_without_slope():
    torch.manual_seed(0)
    x = torch.randn(60, 5, dtype=torch.float64)
    x = x - x.mean(0)
    targets = (x[:, :3] + torch.randn(60, 3, dtype=torch.float64) > 0.3).double()
    weight, bias = fit_logistic(x, targets, 2.0, x.T @ x, steps=200)
    residual = torch.sigmoid(x @ weight + bias) - targets
    assert torch.allclose(x.T @ residual, -2.0 * weight, atol=1e-8)
    assert torch.allclose(residual.sum(0), torch.zeros(3, dtype=torch.float64), atol=1e-8)
    few, _ = fit_logistic(x, targets, 2.0, x.T @ x)
    assert torch.allclose(few, weight, atol=0.01)


def test_dem_recovers_a_map_that_no_ridge_can():
    """Features are the absolute values of the attributes, so signs must be forgotten."""
    generator = torch.Generator().manual_seed(0)
    known, new = (2 * torch.rand(n, 2, generator=generator) - 1 for n in (200, 8))
    seen = seen_data(known.abs(), torch.arange(200), known)

    def found(method, **settings):
        scores = method.fit(seen, **settings)(new.abs(), new)[:, 200:]
        return float((scores.argmax(1) == torch.arange(8)).float().mean())

    assert found(METHODS["DEM"], weight_decay=0.0) >= 7 / 8
    assert found(METHODS["DEM, ridge"], ridge=1e-6) <= 4 / 8


def test_dem_learns_from_images_not_from_classes():
    """Nine images at 1 and one at -1 under one description: the prediction is their mean, 0.8, and not 0."""
    features = torch.tensor([[1.0]] * 9 + [[-1.0]])
    seen = seen_data(features, torch.tensor([0] * 9 + [1]), torch.tensor([[1.0, 2.0], [1.0, 2.0]]))
    scores = METHODS["DEM"].fit(seen, weight_decay=0.0)(torch.tensor([[1.0], [-1.0]]), torch.zeros(0, 2))
    assert scores.abs().max() < 0.01  # the prediction stands at the centre, where 2 x m - m² is 0 for each x


def test_dem_by_ridge_scores_by_squared_distance():
    seen, new, features, _ = planted()
    scores = METHODS["DEM, ridge"].fit(seen, ridge=0.5)(features, new)
    means = torch.stack([seen.features[seen.labels == c].mean(0) for c in range(N_SEEN)])
    prototypes = fit_ridge(seen.descriptions, means, 0.5)(torch.cat([seen.descriptions, new]))
    distances = (features[:, None] - prototypes).square().sum(2)
    assert torch.allclose(scores, features.square().sum(1, keepdim=True) - distances)


def test_weight_regression_is_ridge_on_weights_and_keeps_the_seen_classifier():
    seen, new, features, _ = planted()
    scores = METHODS["Weight regression"].fit(seen, ridge=0.5)(features, new)
    weight = fit_ridge(seen.descriptions, seen.classifier.weight, 0.5)(new)
    bias = fit_ridge(seen.descriptions, seen.classifier.bias[:, None], 0.5)(new)[:, 0]
    assert torch.allclose(scores, torch.cat([seen.classifier(features), features @ weight.T + bias], 1))
