"""How far a name can be trusted: the chance that it passes the causal test, from the evidence, calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

#: Penalty on standardised weights: with some hundred neurons a few features need little.
PENALTY = 1.0
N_FOLDS = 10
N_BINS = 10


@dataclass(frozen=True, eq=False)
class Logistic:
    """Chance = sigmoid(weights . (features - mean) / spread + bias).

    Attributes:
        weights, mean, spread: (n_features,). bias: a scalar.
    """

    weights: Tensor
    bias: Tensor
    mean: Tensor
    spread: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """(n, n_features) -> chances (n,)."""
        return torch.sigmoid((features - self.mean) / self.spread @ self.weights + self.bias)


def fit_logistic(features: Tensor, passed: Tensor) -> Logistic:
    """Logistic regression with a penalty on the weights, by Newton's method.

    The outcomes count as Platt's (1999) targets, (n_passed + 1) / (n_passed + 2) and 1 / (n_failed + 2): nothing
    learned from few neurons is ever certain.

    Args:
        features: (n, n_features). passed: (n,) bool.
    """
    x = features.double()
    mean, spread = x.mean(0), x.std(0, unbiased=False).clamp_min(1e-9)
    x = torch.cat([(x - mean) / spread, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    n_passed = int(passed.sum())
    y = torch.where(passed, (n_passed + 1) / (n_passed + 2), 1 / (len(passed) - n_passed + 2)).double()
    penalty = torch.full((x.shape[1],), PENALTY, dtype=x.dtype)
    penalty[-1] = 1e-6  # the bias is free
    w = torch.zeros(x.shape[1], dtype=x.dtype)
    for _ in range(30):
        chance = torch.sigmoid(x @ w)
        gradient = x.T @ (chance - y) + penalty * w
        curvature = (x.T * (chance * (1 - chance))) @ x + torch.diag(penalty)
        step = torch.linalg.solve(curvature, gradient)
        w = w - step / max(1.0, float(step.norm()))  # no step longer than 1: far out Newton's own overshoots
    return Logistic(w[:-1], w[-1], mean, spread)


def cross_fitted(features: Tensor, passed: Tensor, seed: int = 0) -> Tensor:
    """The chance of every neuron from a fit on the other folds' neurons: no neuron's own outcome speaks for it.

    Args:
        features: (n, n_features). passed: (n,) bool, at least two neurons.

    Returns:
        (n,) float64.
    """
    n = len(passed)
    fold = torch.empty(n, dtype=torch.int64)
    fold[torch.randperm(n, generator=torch.Generator().manual_seed(seed))] = torch.arange(n) % min(N_FOLDS, n)
    chances = torch.empty(n, dtype=torch.float64)
    for k in fold.unique():
        chances[fold == k] = fit_logistic(features[fold != k], passed[fold != k])(features[fold == k].double())
    return chances


@dataclass(frozen=True)
class Bin:
    """Names of like confidence: how many, their mean confidence, and the share that passed."""

    n: int
    confidence: float
    passed: float


def reliability(confidence: Tensor, passed: Tensor, n_bins: int = N_BINS) -> tuple[Bin, ...]:
    """Names by confidence, in bins of equal width from 0 to 1; empty ones are left out. Both (n,)."""
    place = (confidence * n_bins).long().clamp(0, n_bins - 1)
    return tuple(
        Bin(int((place == b).sum()), float(confidence[place == b].mean()), float(passed[place == b].double().mean()))
        for b in place.unique()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015): the mean over names of |confidence - share passed|."""
    return sum(b.n * abs(b.confidence - b.passed) for b in bins) / sum(b.n for b in bins)
