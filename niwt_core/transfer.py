"""Importances -> weights (step 2): the paper's loop, and the closed form that it falls towards.

Find class weights w whose importances, averaged over any images, point along the target p:

    mean over x of (1 - cos(M(x)^T w, p)) + strength / 2 * ||w - prior||^2          (paper, Eq. 3 and 4)

Importances are linear in w, so the squared form of the same aim is one ridge problem with a closed form; see
METHOD in the README's map of the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import torch
from torch import Tensor, fx, nn
from torch.func import vjp, vmap
from torch.fx.experimental.optimization import fuse

from niwt_core.importance import channel_jacobian, features_with_offsets, zero_offsets
from niwt_core.network.channelwise import split_channelwise
from niwt_core.network.cutting import offsets_in
from niwt_core.processes import ALONE, Team
from niwt_core.processes.devices import device_of

#: The paper's stop rule: 40 steps brought less than 1 %.
PATIENCE = 40
LEAST_GAIN = 0.01


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


class JacobianSums:
    """The running sums of `Statistics`, over Jacobians (n_features, n_channels) that come one by one.

    Products are taken in the Jacobians' own precision and summed in it over a few images only, then in float64: the
    relative error of float32 stays near 1e-7, at a fraction of the time.
    """

    def __init__(self) -> None:
        self.n_images, self._norms = 0, 0.0
        self._gram: Tensor | None = None
        self._jacobian: Tensor | None = None
        self._few: Tensor | None = None

    @staticmethod
    def of(tensors: Mapping[str, Tensor] | None) -> JacobianSums:
        """Sums that were kept, to go on with; empty ones of None."""
        sums = JacobianSums()
        if tensors is not None:
            sums.n_images, sums._norms = int(tensors["n_images"]), float(tensors["norms"])
            sums._gram, sums._jacobian = tensors["gram"], tensors["jacobian"]
        return sums

    @property
    def is_whole(self) -> bool:
        """Whether all products are in the sums in float64: then `tensors` leaves nothing out."""
        return self.n_images % BLOCK == 0

    def tensors(self) -> dict[str, Tensor]:
        """The sums, to be kept; `of` goes on with them."""
        if self._gram is None or self._jacobian is None or self._few is None:
            raise ValueError("expected at least one image, got none")
        self._gram += self._few
        self._few.zero_()
        norms, n_images = torch.tensor(self._norms, dtype=torch.float64), torch.tensor(self.n_images)
        return {"gram": self._gram, "jacobian": self._jacobian, "norms": norms, "n_images": n_images}

    def add(self, jacobian: Tensor) -> None:
        """Take in one more image."""
        norm = float(jacobian.norm())
        unit = jacobian / norm if norm > 0 else jacobian
        if self._few is None:
            self._few = unit.new_zeros(len(unit), len(unit))
        if self._gram is None or self._jacobian is None:
            self._gram = torch.zeros_like(self._few, dtype=torch.float64)
            self._jacobian = unit.to(torch.float64, copy=True)
        else:
            self._gram, self._jacobian = self._gram.to(unit.device), self._jacobian.to(unit.device)
            self._jacobian += unit
        self._norms += norm
        self._few.addmm_(unit, unit.T)
        self.n_images += 1
        if self.n_images % BLOCK == 0:
            self._gram += self._few
            self._few.zero_()

    def mean(self, team: Team = ALONE) -> Statistics:
        """The statistics of the whole team's images, on the CPU. The sums are used up.

        Raises:
            ValueError: no Jacobian came.
        """
        if self._gram is None or self._jacobian is None:
            raise ValueError("expected at least one image, got none")
        if self._few is not None:
            self._gram += self._few
        totals = team.summed(torch.tensor([self._norms, self.n_images], dtype=torch.float64))
        n_images = int(totals[1])
        size = float(totals[0]) / n_images
        gram, jacobian = team.summed(self._gram), team.summed(self._jacobian)
        return Statistics(gram.mul_(size**2 / n_images).cpu(), jacobian.mul_(size / n_images).cpu(), n_images)


def channel_statistics(
    head: nn.Module,
    batches: Iterable[Tensor],
    progress: Callable[[int], None] = lambda n_images: None,
    *,
    team: Team = ALONE,
    sums: JacobianSums | None = None,
    keep: Callable[[JacobianSums], None] = lambda sums: None,
) -> Statistics:
    """Stream the statistics over batches of activations (n, channels[0], height, width).

    Memory: O(n_features^2 + n_channels n_features), whatever the number of images.

    Args:
        batches: of this process's images, on any device. team: whose images the statistics are of, all together.
        sums: of images before these. keep: called with the sums whenever they are whole.
    """
    head = _fold_batch_norms(head)
    together = 1 if split_channelwise(head) is None else BLOCK  # they share one reading of the large linear layer
    device = device_of(head)
    sums = JacobianSums() if sums is None else sums
    for activations in batches:
        for block in activations.split(together):
            for jacobian in channel_jacobian(head, block.to(device)):
                sums.add(jacobian)
                progress(1)
                if sums.is_whole:
                    keep(sums)
    return sums.mean(team)


def _fold_batch_norms(head: nn.Module) -> nn.Module:
    """A copy of the head whose convolutions have taken in the batch norms after them: the same features, sooner."""
    norms = any(isinstance(module, nn.BatchNorm2d) for module in head.modules())
    if not norms or offsets_in(head) or not isinstance(head, fx.GraphModule):
        return head
    return fuse(head).requires_grad_(False)


def statistics_of(jacobians: Iterable[Tensor]) -> Statistics:
    """The statistics of Jacobians (n_features, n_channels) that come one by one.

    Raises:
        ValueError: no Jacobian came.
    """
    sums = JacobianSums()
    for jacobian in jacobians:
        sums.add(jacobian)
    return sums.mean()


#: Images whose Jacobians are taken, where that saves time, and whose products are summed, together.
BLOCK = 8


class ClosedForm:
    """The minimiser of mean ||M(x)^T w - p||^2 + strength * t * ||w - prior||^2, with t = trace(G) / n_features.

    M(x) is each image's Jacobian at the common size of `Statistics`. Solved for w:
    w = prior + (G + strength t I)^-1 (mean(M) p - G prior) = (G + strength t I)^-1 (mean(M) p + strength t prior).

    That is linear in p and in the prior. `solve` computes the two matrices once for each strength and keeps the last
    of them, so that a class is two matrix-vector products. `path` takes one eigendecomposition, which serves every
    strength. VGG16's 4096 features on one core: 2 s and 75 MB a strength, against 11 s and 134 MB.
    """

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics
        self._mean_diagonal = float(statistics.gram.trace()) / len(statistics.gram)
        self._maps: dict[tuple[float, torch.dtype], tuple[Tensor, Tensor]] = {}

    def solve(self, targets: Tensor, prior: Tensor, strength: float) -> Tensor:
        """Weights (n_classes, n_features) for target importances (n_classes, n_channels).

        Args:
            targets: predicted importances, at the length of measured ones (`ClassImportances.length`).
            prior: (n_classes, n_features) or (n_features,), the weights to stay near.
            strength: lambda, above 0.
        """
        maps = self._maps_at(strength, targets.dtype)
        if maps is None:
            return self.path(targets, prior, (strength,))[0]
        of_targets, of_prior = maps
        return targets @ of_targets + torch.atleast_2d(prior).to(targets.dtype) @ of_prior

    def path(self, targets: Tensor, prior: Tensor, strengths: Sequence[float]) -> Tensor:
        """`solve` at each strength, from one factorisation: (n_strengths, n_classes, n_features)."""
        for strength in strengths:
            _check_strength(strength)
        values, vectors, jacobian = self._eigenbasis
        w0 = torch.atleast_2d(prior).double() @ vectors
        pull = targets.double() @ jacobian.T - w0 * values
        found = targets.new_empty(len(strengths), *pull.shape)
        for i, strength in enumerate(strengths):  # one after the other: in float64 all would take four times the result
            found[i] = (w0 + pull / (values + strength * self._mean_diagonal)) @ vectors.T
        return found

    def _maps_at(self, strength: float, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
        """What targets (n_channels, n_features) and priors (n_features, n_features) are multiplied by.

        None where rounding left G + strength t I not positive.
        """
        _check_strength(strength)
        maps = self._maps.get((strength, dtype))
        if maps is None:
            scale = strength * self._mean_diagonal
            penalised = self.statistics.gram.clone()
            penalised.diagonal().add_(scale)
            factor, failed = torch.linalg.cholesky_ex(penalised)
            if failed:
                return None
            inverse = torch.cholesky_inverse(factor)
            maps = (self.statistics.jacobian.T @ inverse).to(dtype), (scale * inverse).to(dtype)
            kept = list(self._maps.items())[1 - N_KEPT :]
            self._maps = dict([*kept, ((strength, dtype), maps)])  # replaced whole: an app solves from several threads
        return maps

    @cached_property
    def _eigenbasis(self) -> tuple[Tensor, Tensor, Tensor]:
        """Eigenvalues (n_features,) and vectors (n_features, n_features) of G; mean(M) in that basis."""
        values, vectors = torch.linalg.eigh(self.statistics.gram)
        return values.clamp_min(0), vectors, vectors.T @ self.statistics.jacobian


#: Strengths whose matrices a closed form keeps.
N_KEPT = 2


def _check_strength(strength: float) -> None:
    if strength <= 0:
        raise ValueError(f"expected a strength above 0, got {strength}")


@dataclass(frozen=True, eq=False)
class SampleImportances:
    """Importances of any class weights on the sample images, on all of them or on some.

    Attributes:
        of: weights (n_classes, n_features) and image numbers (n_some,), or None for all, -> importances
            (n_classes, n_some, n_channels).
    """

    n_images: int
    of: Callable[[Tensor, Tensor | None], Tensor]

    def __call__(self, weights: Tensor, images: Tensor | None = None) -> Tensor:
        return self.of(weights, images)


def jacobian_importances(jacobians: Tensor) -> SampleImportances:
    """Importances from cached Jacobians (n_images, n_features, n_channels): the derivative's numbers, faster."""
    n_images, n_features, n_channels = jacobians.shape
    by_feature = jacobians.permute(1, 0, 2).reshape(n_features, n_images * n_channels)  # one matrix product a call

    def of(weights: Tensor, images: Tensor | None) -> Tensor:
        if images is None:
            return (weights @ by_feature).view(len(weights), n_images, n_channels)
        some = by_feature.view(n_features, n_images, n_channels)[:, images]
        return (weights @ some.flatten(1)).view(len(weights), len(images), n_channels)

    return SampleImportances(n_images, of)


def derivative_importances(head: nn.Module, activations: Tensor) -> SampleImportances:
    """Importances by differentiating the head for every weight asked for, as the paper's code does.

    On all images the head runs forward once: its derivative at these activations does not depend on the weights. On
    some it runs forward on those, each time.
    """

    def pull_back_of(some: Tensor) -> Callable[[Tensor], Tensor]:
        offsets = zero_offsets(head, some)
        features, pull_back = vjp(lambda s: features_with_offsets(head, some, s), offsets)[:2]
        return vmap(lambda w: pull_back(w.expand_as(features))[0])

    on_all = cache(lambda: pull_back_of(activations))

    def of(weights: Tensor, images: Tensor | None) -> Tensor:
        return (on_all() if images is None else pull_back_of(activations[images]))(weights)

    return SampleImportances(len(activations), of)


@dataclass(frozen=True, eq=False)
class TransferStep:
    """One step of the loop, all values before the update.

    Attributes:
        weights: (n_classes, n_features).
        cosine: mean over classes and images of 1 - cosine(importances, target).
        regulariser: strength / 2 * mean squared distance to the prior, in the seen weights' spread; mean over classes.
        mean_importances: (n_classes, n_channels), over the images of this step.
        converged: the stop rule holds.
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


def transfer_steps(
    importances_of: Callable[[Tensor], Tensor],
    targets: Tensor,
    seen_weights: Tensor,
    *,
    strength: float = 1e-3,
    learning_rate: float = 0.05,
    seed: int = 0,
    prior: Tensor | None = None,
    batch: int | None = None,
    patience: int = PATIENCE,
    least_gain: float = LEAST_GAIN,
) -> Iterator[TransferStep]:
    """The paper's loop as an endless generator of steps; stop where you like, or where a step says `converged`.

    Rate and regulariser are in units of the seen weights' spread (root mean square over the features), so that they
    mean the same for every network: the regulariser is strength / 2 times the mean over dimensions of
    ((w - prior) / spread)^2.

    Args:
        importances_of: weights (n_classes, n_features) -> importances (n_classes, n_images, n_channels); with `batch`,
            `SampleImportances`.
        targets: (n_classes, n_channels); only their direction matters.
        seen_weights: (n_seen, n_features); the start is drawn from the Gaussian fitted to them (one mean and one
            spread a feature).
        strength: lambda. learning_rate: Adam's, as a share of the spread.
        prior: (n_features,) or (n_classes, n_features), the weights that the regulariser pulls towards; default, as in
            the paper, the mean of the seen ones.
        batch: images a step, drawn anew in each round over all of them; default: all images in every step.
        patience, least_gain: the stop rule: `patience` steps brought less than this share of the loss. With a batch,
            whose losses scatter, means over `patience` steps are compared (a deviation: the paper's are single).
    """
    mean, spread = seen_weights.mean(0), seen_weights.std(0)
    prior = mean if prior is None else prior.detach()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(len(targets), len(mean), generator=generator, dtype=seen_weights.dtype)
    weights = (mean + spread * noise).requires_grad_()
    unit = float(spread.square().mean().sqrt())
    optimiser = torch.optim.Adam([weights], lr=learning_rate * unit)
    batches = None if batch is None else _image_batches(importances_of, batch, generator)
    losses: list[float] = []
    iteration = 0
    while True:
        alpha = importances_of(weights) if batches is None else next(batches)(weights)
        cosine = (1 - nn.functional.cosine_similarity(alpha, targets[:, None], dim=2)).mean(1)  # (n_classes,)
        regulariser = strength / 2 * ((weights - prior) / unit).square().mean(1)
        losses.append(float((cosine + regulariser).mean().detach()))
        optimiser.zero_grad()
        (cosine + regulariser).sum().backward()  # a sum: each class is its own problem; now, so that no graph waits
        yield TransferStep(
            iteration=iteration,
            weights=weights.detach().clone(),
            cosine=float(cosine.mean().detach()),
            regulariser=float(regulariser.mean().detach()),
            mean_importances=alpha.detach().mean(1),
            converged=_has_converged(losses, patience, least_gain, 1 if batch is None else patience),
        )
        optimiser.step()
        iteration += 1


def _image_batches(
    importances_of: Callable[[Tensor], Tensor], batch: int, generator: torch.Generator
) -> Iterator[Callable[[Tensor], Tensor]]:
    """Importances on one batch of images after the other; every round takes each image once, in a new order."""
    if not isinstance(importances_of, SampleImportances) or not 1 <= batch <= importances_of.n_images:
        n_images = getattr(importances_of, "n_images", None)
        raise ValueError(
            f"expected SampleImportances and a batch of 1 to all of its images; got a batch of {batch} and "
            f"{type(importances_of).__name__} of {n_images} images"
        )
    while True:
        for images in torch.randperm(importances_of.n_images, generator=generator).split(batch):
            yield partial(importances_of, images=images)


def _has_converged(losses: Sequence[float], patience: int, least_gain: float, window: int) -> bool:
    """Whether the mean of the last `window` losses is less than `least_gain` below that of `patience` steps before."""
    if len(losses) < patience + window:
        return False
    now, before = losses[-window:], losses[-patience - window : -patience]
    gain = (sum(before) - sum(now)) / window
    return gain < least_gain * abs(sum(before) / window)


def objective(importances_of: Callable[[Tensor], Tensor], weights: Tensor, targets: Tensor) -> float:
    """Mean 1 - cosine(importances, target) over classes and images: what the two ways are compared by."""
    with torch.no_grad():
        alpha = importances_of(weights)
        return float((1 - nn.functional.cosine_similarity(alpha, targets[:, None], dim=2)).mean())
