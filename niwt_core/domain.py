"""Domain knowledge -> importances or mean features, and back: the maps of step 1 and their inverse.

A description is a row of numbers: attributes, or a sentence embedding. The paper fits the map by a cosine loss with
Adam; ridge regression on unit-length importances does as well, is instant and has one number to choose.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class LinearMap:
    """y = (x - input_mean) @ matrix + output_mean.

    Attributes:
        matrix: (n_inputs, n_outputs). input_mean: (n_inputs,). output_mean: (n_outputs,).
    """

    matrix: Tensor
    input_mean: Tensor
    output_mean: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """(n, n_inputs) -> (n, n_outputs)."""
        return (inputs - self.input_mean) @ self.matrix + self.output_mean


def fit_ridge(inputs: Tensor, outputs: Tensor, strength: float) -> LinearMap:
    """Ridge regression with an intercept.

    Args:
        inputs: (n, n_inputs); outputs: (n, n_outputs).
        strength: the penalty, as a fraction of the inputs' mean variance times n (so it has no units).
    """
    if strength <= 0:
        raise ValueError(f"expected a ridge strength above 0, got {strength}")
    x, y = inputs.double(), outputs.double()
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    penalty = max(strength * float((x * x).sum()) / min(x.shape), 1e-12)
    if x.shape[0] <= x.shape[1]:  # the smaller of the two equal systems
        matrix = x.T @ torch.linalg.solve(x @ x.T + penalty * torch.eye(len(x), dtype=x.dtype), y)
    else:
        matrix = torch.linalg.solve(x.T @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    return LinearMap(matrix.to(inputs.dtype), x_mean.to(inputs.dtype), y_mean.to(inputs.dtype))


@dataclass(frozen=True, eq=False)
class KernelMap:
    """y = similarities of x to the classes it was fitted on, times coefficients, plus output_mean.

    Attributes:
        inputs: (n, n_inputs), what it was fitted on. coefficients: (n, n_outputs). output_mean: (n_outputs,).
        width: the squared distance at which the similarity has fallen to 1/e. row_mean: (n,), mean similarity to each.
    """

    inputs: Tensor
    coefficients: Tensor
    output_mean: Tensor
    width: float
    row_mean: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """(n, n_inputs) -> (n, n_outputs)."""
        similar = _similarities(inputs.double(), self.inputs.double(), self.width)
        centred = similar - similar.mean(1, keepdim=True) - (self.row_mean - self.row_mean.mean())
        return (centred @ self.coefficients).to(inputs.dtype) + self.output_mean


#: Similarity falls to 1/e at this many times the median squared distance between the classes it is fitted on.
KERNEL_WIDTH = 4.0


def fit_kernel(inputs: Tensor, outputs: Tensor, strength: float) -> KernelMap:
    """Kernel ridge regression with an intercept and a Gaussian kernel: descriptions that are alike share their outputs.

    Args:
        inputs: (n, n_inputs); outputs: (n, n_outputs). strength: as for `fit_ridge`.
    """
    if strength <= 0:
        raise ValueError(f"expected a ridge strength above 0, got {strength}")
    x, y = inputs.double(), outputs.double()
    apart = torch.pdist(x).square()
    width = KERNEL_WIDTH * float(apart[apart > 0].median()) if (apart > 0).any() else 1.0
    similar = _similarities(x, x, width)
    row_mean = similar.mean(0)
    centred = similar - row_mean - row_mean[:, None] + row_mean.mean()
    penalty = max(strength * float(centred.trace()) / len(x), 1e-12)
    coefficients = torch.linalg.solve(centred + penalty * torch.eye(len(x), dtype=x.dtype), y - y.mean(0))
    return KernelMap(inputs, coefficients, outputs.mean(0), width, row_mean)


def _similarities(a: Tensor, b: Tensor, width: float) -> Tensor:
    """exp(-squared distance / width), (len(a), len(b))."""
    return torch.exp(-torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square() / width)


def fit_cosine(
    inputs: Tensor, outputs: Tensor, start: LinearMap, *, steps: int = 300, learning_rate: float = 1e-3
) -> LinearMap:
    """The paper's step 1 (Eq. 2): a linear map fitted by mean (1 - cosine) with Adam, from `start`.

    Deviation: the paper starts from random numbers; a ridge solution as start needs fewer steps for the same loss.
    """
    matrix = start.matrix.clone().requires_grad_()
    output_mean = start.output_mean.clone().requires_grad_()
    optimiser = torch.optim.Adam([matrix, output_mean], lr=learning_rate)
    for _ in range(steps):
        optimiser.zero_grad()
        predicted = (inputs - start.input_mean) @ matrix + output_mean
        (1 - nn.functional.cosine_similarity(predicted, outputs, dim=1)).mean().backward()
        optimiser.step()
    return LinearMap(matrix.detach(), start.input_mean, output_mean.detach())
