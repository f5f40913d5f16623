import pytest
import torch
from torch import nn

from niwt_core.domain import fit_cosine, fit_ridge


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
