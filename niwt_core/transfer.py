"""Importances -> weights (step 2): the paper's loop, and the closed form that it falls towards.

Find class weights w whose importances, averaged over any images, point along the target p:

    mean over x of (1 - cos(M(x)^T w, p)) + strength / 2 * ||w - prior||^2          (paper, Eq. 3 and 4)

Importances are linear in w, so the squared form of the same aim is one ridge problem with a closed form; see
METHOD in the README's map of the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import vjp, vmap

from niwt_core.importance import channel_jacobian, features_with_offsets


@dataclass(frozen=True, eq=False)
class Statistics:
    """All that the closed form needs to know of the sample images: two means, whatever their number.

    The cosine counts every image alike, however strongly its features react. So does the squared form once each
    image's Jacobian is brought to the same size: M is divided by its Frobenius norm and multiplied by the mean norm
    of all. (On drawn birds this takes the closed form's mean cosine distance on fresh images below the loop's.)

    Attributes:
        gram: G = mean of M M^T, (n_features, n_features), float64.
        jacobian: mean of M, (n_features, n_channels), float64.
        n_images: how many images the means are over.
    """

    gram: Tensor
    jacobian: Tensor
    n_images: int


def channel_statistics(
    head: nn.Module, batches: Iterable[Tensor], progress: Callable[[int], None] = lambda n_images: None
) -> Statistics:
    """Stream the statistics over batches of activations (n, n_channels, height, width).

    Memory: O(n_features^2 + n_channels n_features), whatever the number of images.
    """

    def jacobians() -> Iterator[Tensor]:
        for activations in batches:
            for activation in activations.split(1):
                yield channel_jacobian(head, activation)[0]
                progress(1)

    return statistics_of(jacobians())


def statistics_of(jacobians: Iterable[Tensor]) -> Statistics:
    """The statistics of Jacobians (n_features, n_channels) that come one by one.

    Raises:
        ValueError: no Jacobian came.
    """
    gram = total = None
    norms = 0.0
    n_images = 0
    for jacobian in jacobians:
        norm = float(jacobian.norm())
        unit = (jacobian / norm if norm > 0 else jacobian).double()
        if gram is None or total is None:
            gram = torch.zeros(unit.shape[0], unit.shape[0], dtype=torch.float64)
            total = torch.zeros_like(unit)
        gram += unit @ unit.T
        total += unit
        norms += norm
        n_images += 1
    if gram is None or total is None:
        raise ValueError("expected at least one image, got none")
    size = norms / n_images
    return Statistics(gram * size**2 / n_images, total * size / n_images, n_images)


class ClosedForm:
    """The minimiser of mean ||M(x)^T w - p||^2 + strength * t * ||w - prior||^2, with t = trace(G) / n_features.

    M(x) is each image's Jacobian at the common size of `Statistics`.

    One eigendecomposition of G serves every class, every prior and every strength:
    w = prior + (G + strength t I)^-1 (mean(M) p - G prior).
    """

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics
        self._values, self._vectors = torch.linalg.eigh(statistics.gram)
        self._values = self._values.clamp_min(0)
        self._projected_jacobian = self._vectors.T @ statistics.jacobian  # (n_features, n_channels)

    def solve(self, targets: Tensor, prior: Tensor, strength: float) -> Tensor:
        """Weights (n_classes, n_features) for target importances (n_classes, n_channels).

        Args:
            targets: predicted importances, at the length of measured ones (`ClassImportances.length`).
            prior: (n_classes, n_features) or (n_features,), the weights to stay near.
            strength: lambda, above 0.
        """
        if strength <= 0:
            raise ValueError(f"expected a strength above 0, got {strength}")
        scale = strength * self._values.mean()
        w0 = torch.atleast_2d(prior).double() @ self._vectors  # in the eigenbasis
        pull = targets.double() @ self._projected_jacobian.T - w0 * self._values
        return ((w0 + pull / (self._values + scale)) @ self._vectors.T).to(targets.dtype)


def jacobian_importances(jacobians: Tensor) -> Callable[[Tensor], Tensor]:
    """Importances from cached Jacobians (n_images, n_features, n_channels): the derivative's numbers, faster."""
    n_images, n_features, n_channels = jacobians.shape
    flat = jacobians.permute(1, 0, 2).reshape(n_features, n_images * n_channels)  # one matrix product a call
    return lambda weights: (weights @ flat).view(len(weights), n_images, n_channels)


def derivative_importances(head: nn.Module, activations: Tensor) -> Callable[[Tensor], Tensor]:
    """Importances by differentiating the head for every weight asked for, as the paper's code does.

    The head runs forward once: its derivative at these activations does not depend on the weights.
    """
    offsets = activations.new_zeros(activations.shape[:2])
    features, pull_back = vjp(lambda s: features_with_offsets(head, activations, s), offsets)[:2]
    return lambda weights: vmap(lambda w: pull_back(w.expand_as(features))[0])(weights)


@dataclass(frozen=True, eq=False)
class TransferStep:
    """One step of the loop, all values before the update.

    Attributes:
        weights: (n_classes, n_features).
        cosine: mean over classes and images of 1 - cosine(importances, target).
        regulariser: strength / 2 * squared distance to the prior, mean over classes.
        mean_importances: (n_classes, n_channels), over the images of this step.
        converged: the paper's stop rule holds: 40 steps brought less than 1 %.
    """

    iteration: int
    weights: Tensor
    cosine: float
    regulariser: float
    mean_importances: Tensor
    converged: bool

    @property
    def loss(self) -> float:
        return self.cosine + self.regulariser


PATIENCE = 40
LEAST_GAIN = 0.01


def transfer_steps(
    importances_of: Callable[[Tensor], Tensor],
    targets: Tensor,
    seen_weights: Tensor,
    *,
    strength: float = 1e-3,
    learning_rate: float = 5e-3,
    seed: int = 0,
) -> Iterator[TransferStep]:
    """The paper's loop as an endless generator of steps; stop where you like, or where a step says `converged`.

    Args:
        importances_of: weights (n_classes, n_features) -> importances (n_classes, n_images, n_channels).
        targets: (n_classes, n_channels); only their direction matters.
        seen_weights: (n_seen, n_features); the start is drawn from the Gaussian fitted to them (one mean and one
            spread a feature), and the regulariser pulls towards their mean.
        strength: lambda. learning_rate: Adam's.
    """
    mean, spread = seen_weights.mean(0), seen_weights.std(0)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(targets), len(mean), generator=generator, dtype=seen_weights.dtype)
    weights = (mean + spread * noise).requires_grad_()
    optimiser = torch.optim.Adam([weights], lr=learning_rate)
    losses: list[float] = []
    iteration = 0
    while True:
        alpha = importances_of(weights)
        cosine = (1 - nn.functional.cosine_similarity(alpha, targets[:, None], dim=2)).mean(1)  # (n_classes,)
        regulariser = strength / 2 * (weights - mean).square().sum(1)
        losses.append(float((cosine + regulariser).mean().detach()))
        before = losses[-1 - PATIENCE] if len(losses) > PATIENCE else float("inf")
        yield TransferStep(
            iteration=iteration,
            weights=weights.detach().clone(),
            cosine=float(cosine.mean().detach()),
            regulariser=float(regulariser.mean().detach()),
            mean_importances=alpha.detach().mean(1),
            converged=before < float("inf") and before - losses[-1] < LEAST_GAIN * abs(before),
        )
        optimiser.zero_grad()
        (cosine + regulariser).sum().backward()  # a sum: each class is its own problem
        optimiser.step()
        iteration += 1


def objective(importances_of: Callable[[Tensor], Tensor], weights: Tensor, targets: Tensor) -> float:
    """Mean 1 - cosine(importances, target) over classes and images: what the two ways are compared by."""
    with torch.no_grad():
        alpha = importances_of(weights)
        return float((1 - nn.functional.cosine_similarity(alpha, targets[:, None], dim=2)).mean())
