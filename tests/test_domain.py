import pytest
import torch
from torch import nn

from niwt_core.domain import KERNEL_WIDTH, fit_cosine, fit_kernel, fit_ridge


def test_a_planted_linear_map_is_recovered():
    torch.manual_seed(0)
    inputs = torch.randn(60, 8, dtype=torch.float64) + 3
    matrix, offset = torch.randn(8, 5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    found = fit_ridge(inputs, inputs @ matrix + offset, 1e-9)
    assert torch.allclose(found.matrix, matrix, atol=1e-5)
    fresh = torch.randn(4, 8, dtype=torch.float64)
    assert torch.allclose(found(fresh), fresh @ matrix + offset, atol=1e-4)


def test_both_systems_give_the_same_ridge_solution():
    """Fewer rows than columns takes the dual system, whose answer must be that of the normal equations."""
    torch.manual_seed(1)
    for n_rows, n_columns in ((6, 9), (9, 6)):
        x, y = torch.randn(n_rows, n_columns, dtype=torch.float64), torch.randn(n_rows, 3, dtype=torch.float64)
        centred = x - x.mean(0)
        penalty = 0.5 * centred.square().sum() / 6
        by_hand = torch.linalg.solve(
            centred.T @ centred + penalty * torch.eye(n_columns, dtype=torch.float64), centred.T @ (y - y.mean(0))
        )
        assert torch.allclose(fit_ridge(x, y, 0.5).matrix, by_hand, atol=1e-10)


def test_a_huge_penalty_predicts_the_mean():
    x, y = torch.randn(9, 3), torch.randn(9, 2)
    assert torch.allclose(fit_ridge(x, y, 1e9)(torch.randn(4, 3)), y.mean(0).expand(4, 2), atol=1e-5)
    with pytest.raises(ValueError, match="above 0"):
        fit_ridge(x, y, 0.0)


def test_the_cosine_fit_lowers_the_cosine_loss():
    torch.manual_seed(2)
    x, y = torch.randn(40, 10), torch.randn(40, 6)
    start = fit_ridge(x, y, 1.0)

    def loss(m):
        return float((1 - nn.functional.cosine_similarity(m(x), y, dim=1)).mean())

    assert loss(fit_cosine(x, y, start)) < loss(start) - 0.01


def centred_kernel_ridge(x, y, strength, fresh):
    """Textbook: the kernel centred in feature space by H = I - 1/n, predictions for `fresh` centred likewise."""
    n = len(x)
    pairs = [(x[i] - x[j]).square().sum() for i in range(n) for j in range(i)]
    width = KERNEL_WIDTH * torch.stack(pairs).median()
    kernel = torch.stack([torch.exp(-(a - x).square().sum(1) / width) for a in x])
    other = torch.stack([torch.exp(-(a - x).square().sum(1) / width) for a in fresh])
    h = torch.eye(n, dtype=x.dtype) - 1 / n
    mean_of_all = torch.full((len(fresh), n), 1 / n, dtype=x.dtype)
    centred = h @ kernel @ h
    penalty = strength * centred.trace() / n
    dual = torch.linalg.inv(centred + penalty * torch.eye(n, dtype=x.dtype)) @ (h @ y)
    return (other - mean_of_all @ kernel) @ h @ dual + y.mean(0)


@pytest.mark.parametrize("n", [5, 40])  # beyond 25 rows, distances come another way
def test_a_kernel_map_is_the_textbooks_centred_kernel_ridge(n):
    generator = torch.Generator().manual_seed(n)
    x = 3 + torch.randn(n, 4, generator=generator, dtype=torch.float64)
    y = 5 + torch.randn(n, 3, generator=generator, dtype=torch.float64)
    fresh = 3 + torch.randn(6, 4, generator=generator, dtype=torch.float64)
    for strength in (1e-3, 0.3, 10.0):
        assert torch.allclose(fit_kernel(x, y, strength)(fresh), centred_kernel_ridge(x, y, strength, fresh), atol=1e-9)


def test_a_kernel_map_bends_where_a_linear_one_cannot():
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([[1.0], [3], [3], [1]])  # exclusive or
    assert torch.allclose(fit_kernel(x, y, 1e-9)(x), y, atol=1e-4)
    assert torch.allclose(fit_ridge(x, y, 1e-9)(x), y.mean(0).expand(4, 1), atol=1e-4)


def test_a_tiny_strength_interpolates_and_a_huge_one_predicts_the_mean():
    torch.manual_seed(3)
    x, y = torch.randn(12, 5), torch.randn(12, 7)
    assert torch.allclose(fit_kernel(x, y, 1e-9)(x), y, atol=1e-4)
    found = fit_kernel(x, y, 1e9)(torch.randn(4, 5))
    assert found.dtype == torch.float32
    assert torch.allclose(found, y.mean(0).expand(4, 7), atol=1e-5)
    with pytest.raises(ValueError, match="above 0"):
        fit_kernel(x, y, 0.0)


def test_far_from_all_classes_a_kernel_map_no_longer_depends_on_the_description():
    angle = torch.arange(6) * torch.pi / 3
    circle = torch.stack([angle.cos(), angle.sin()], 1)  # none is more like the others than another: the mean remains
    y = torch.randn(6, 3, generator=torch.Generator().manual_seed(4))
    far = torch.tensor([[100.0, 0.0], [-40.0, 70.0]])
    assert torch.allclose(fit_kernel(circle, y, 0.1)(far), y.mean(0).expand(2, 3), atol=1e-5)
    crowd = torch.cat([circle[:5], circle[:1] + 0.05])
    found = fit_kernel(crowd, y, 0.1)(far)
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert (found[0] - y.mean(0)).abs().max() < (y - y.mean(0)).abs().max()


@pytest.mark.parametrize("n", [1, 4, 30, 47])
def test_descriptions_that_are_all_the_same_predict_the_mean(n):
    torch.manual_seed(5)
    x, y = torch.rand(1, 9).expand(n, 9), torch.randn(n, 2)
    for fitted in (fit_kernel(x, y, 0.1), fit_ridge(x, y, 0.1)):
        assert torch.allclose(fitted(x[:1]), y.mean(0), atol=1e-6)
        assert torch.allclose(fitted(torch.rand(2, 9)), y.mean(0).expand(2, 2), atol=1e-3)


def test_doubled_descriptions_do_not_narrow_the_kernel():
    """Distances of 0 say nothing about how far classes stand apart."""
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(6)).repeat(2, 1)
    y = torch.randn(12, 2)
    assert fit_kernel(x, y, 0.1).width == pytest.approx(fit_kernel(x[:6], y[:6], 0.1).width)
