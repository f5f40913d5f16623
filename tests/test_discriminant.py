import pytest
import torch

from niwt_core.discriminant import class_means_of, make_discriminant, within_covariance

N_CLASSES, N_EACH, N_FEATURES = 7, 30, 5


@pytest.fixture(scope="module")
def world():
    """Classes whose features spread far more along some directions than along others."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(N_FEATURES, N_FEATURES, generator=generator, dtype=torch.float64)
    mixing *= torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    labels = torch.arange(N_CLASSES).repeat(N_EACH)
    own = 2 * torch.randn(N_CLASSES, N_FEATURES, generator=generator, dtype=torch.float64) + 3
    noise = torch.randn(len(labels), N_FEATURES, generator=generator, dtype=torch.float64)
    features = own[labels] + noise @ mixing.T
    means = class_means_of(features, labels, N_CLASSES)
    return features, means, within_covariance(features, labels, means)


def names(n):
    return tuple(f"class {i}" for i in range(n))


def textbook_inverse(within, shrinkage):
    t = torch.linalg.eigvalsh(within).mean()
    return torch.linalg.inv((1 - shrinkage) * within / t + shrinkage * torch.eye(len(within), dtype=within.dtype))


def test_by_hand():
    features = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
    labels = torch.tensor([0, 1, 0, 1])
    means = class_means_of(features, labels, 2)
    assert means.tolist() == [[1.0, 0.0], [1.0, 3.0]]
    within = within_covariance(features, labels, means)
    assert within.tolist() == [[0.5, 0.0], [0.0, 2.0]]
    # the mean variance is 1.25, so half of within / 1.25 and half the identity are 0.7 and 1.3
    discriminant = make_discriminant(means, within, 0.5)
    assert discriminant.center.tolist() == [1.0, 1.5]
    assert torch.allclose(discriminant.precision, torch.diag(torch.tensor([1 / 0.7, 1 / 1.3])))
    found = discriminant.classifier(("a", "b"), means)
    assert found.names == ("a", "b")
    assert torch.allclose(found.weight, torch.tensor([[0.0, -1.5 / 1.3], [0.0, 1.5 / 1.3]]))
    assert torch.allclose(found.bias, torch.tensor([1.125 / 1.3, -3.375 / 1.3]))


def test_means_are_of_each_classs_own_images_in_any_order():
    features = torch.arange(12.0).view(6, 2)
    means = class_means_of(features, torch.tensor([3, 0, 3, 1, 0, 3]), 5)
    assert torch.allclose(means[[0, 1, 3]], torch.tensor([[5.0, 6.0], [6.0, 7.0], [14 / 3, 17 / 3]]))
    assert means[[2, 4]].isnan().all()  # these have no image


@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_at_full_shrinkage_the_nearest_class_mean_wins(world, scale):
    features, means, within = world
    scores = make_discriminant(means, within, 1.0, scale).classifier(names(N_CLASSES), means)(features)
    nearest = torch.cdist(features, means).argmin(1)
    assert torch.equal(scores.argmax(1), nearest)
    assert len(nearest.unique()) == N_CLASSES


@pytest.mark.parametrize("shrinkage", [0.05, 0.5, 0.9])
def test_a_shrunk_covariance_gives_the_textbooks_discriminant(world, shrinkage):
    features, means, within = world
    discriminant = make_discriminant(means, within, shrinkage)
    precision = textbook_inverse(within, shrinkage)
    assert torch.allclose(discriminant.precision, precision, rtol=1e-9)
    # Gaussian log likelihoods with a common covariance, as differences from the first class
    aside = features[:, None] - means
    likelihood = -torch.einsum("ncd,de,nce->nc", aside, precision, aside) / 2
    scores = discriminant.classifier(names(N_CLASSES), means)(features)
    assert torch.allclose(scores - scores[:, :1], likelihood - likelihood[:, :1], atol=1e-9)


def test_little_shrinkage_ignores_the_direction_in_which_classes_spread():
    """Both class means differ by 1 along a clean direction, by 2 along one that is mostly noise."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(2).repeat(500)
    noise = torch.randn(1000, 20, generator=generator) * torch.tensor([0.2, 20.0] + [0.2] * 18)
    means = torch.zeros(2, 20)
    means[1, :2] = torch.tensor([1.0, 2.0])
    features = means[labels] + noise
    within = within_covariance(features, labels, means)

    def right(shrinkage):
        scores = make_discriminant(means, within, shrinkage).classifier(("a", "b"), means)(features)
        return float((scores.argmax(1) == labels).float().mean())

    assert right(0.01) > 0.95
    assert right(1.0) < 0.65


@pytest.mark.parametrize("shrinkage", [0.3, 1.0])
def test_the_halfway_point_scores_0(world, shrinkage):
    _, means, within = world
    new = means[:3] + torch.arange(15, dtype=torch.float64).reshape(3, 5) / 10  # any means, not only the seen ones
    discriminant = make_discriminant(means, within, shrinkage, 2.5)
    classifier = discriminant.classifier(names(3), new)
    center = means.mean(0)
    assert torch.equal(discriminant.center, center)
    halfway = classifier((new + center) / 2).diagonal()
    assert torch.allclose(halfway, torch.zeros(3, dtype=torch.float64), atol=1e-9)
    aside = new - center
    distance = torch.einsum("nd,de,ne->n", aside, textbook_inverse(within, shrinkage), aside)
    assert torch.allclose(classifier(new).diagonal(), 2.5 * distance / 2, rtol=1e-6)
    assert torch.allclose(classifier(center[None])[0], -2.5 * distance / 2, rtol=1e-6)


def test_a_class_at_the_center_scores_0_everywhere(world):
    features, means, within = world
    scores = make_discriminant(means, within, 0.5).classifier(("middle",), means.mean(0, keepdim=True))(features)
    assert torch.equal(scores, torch.zeros_like(scores))


def test_the_scale_multiplies_scores_and_nothing_else(world):
    features, means, within = world
    one, other = (make_discriminant(means, within, 0.4, scale) for scale in (1.0, 8.0))
    assert torch.equal(one.precision, other.precision)
    assert torch.equal(one.center, other.center)
    a, b = (d.classifier(names(N_CLASSES), means)(features) for d in (one, other))
    assert torch.allclose(b, 8 * a, rtol=1e-9)


def test_the_unit_of_features_does_not_change_the_precision(world):
    _, means, within = world
    one, other = make_discriminant(means, within, 0.4), make_discriminant(10 * means, 100 * within, 0.4)
    assert torch.allclose(one.precision, other.precision, rtol=1e-9)


def test_classes_without_any_spread_get_the_identity(world):
    features, means, _ = world
    discriminant = make_discriminant(means, torch.zeros(5, 5, dtype=torch.float64), 0.5)
    scores = discriminant.classifier(names(N_CLASSES), means)(features)
    assert torch.equal(scores.argmax(1), torch.cdist(features, means).argmin(1))


@pytest.mark.parametrize("shrinkage", [0.0, -0.5, 1.01, float("nan")])
def test_another_shrinkage_is_refused(world, shrinkage):
    _, means, within = world
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        make_discriminant(means, within, shrinkage)
