"""Fair competition between seen and new classes: what can be learned by leaving seen classes out.

In a rehearsal some seen classes play the new ones. Whatever a method has to choose, and the constant of calibrated
stacking (Chao et al., ECCV 2016), it chooses there, by the harmonic mean; NIWT and every baseline by the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from niwt_core.methods.baselines import Method, Scorer, SeenData


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """Seen classes, some of which play new ones.

    Attributes:
        kept: training images of the classes that stay seen.
        descriptions: (n_new, n_attributes), of the classes that play new ones.
        features, labels: images to judge by, (n_images, n_features) and (n_images,): of kept classes (labels below the
            number of kept classes; images that nothing was trained on, where there are such) and of new ones.
        classes: (n_kept + n_new,) row of each class among all seen classes.
    """

    kept: SeenData
    descriptions: Tensor
    features: Tensor
    labels: Tensor
    classes: Tensor

    @property
    def n_kept(self) -> int:
        return len(self.kept.classifier.names)


@dataclass(frozen=True)
class Choice:
    """The constant with the highest harmonic mean in the rehearsal, in units of `score_unit`."""

    harmonic: float
    constant: float


def score_unit(scores: Tensor, n_seen: int) -> float:
    """The unit of stacking constants: how far the seen classes' scores of an image (n_images, n_classes) spread."""
    if n_seen < 2:
        return 1.0
    return max(float(scores[:, :n_seen].std(1).mean()), 1e-12)


def best_constant(scores: Tensor, labels: Tensor, n_seen: int, unit: float) -> Choice:
    """The constant to add to the new classes' scores; 0 where none finds both seen and new classes.

    Args:
        scores: (n_images, n_classes), seen classes first. labels: (n_images,).
    """
    gap, seen, unseen = stacked(scores, labels, n_seen)
    harmonic = 2 * seen * unseen / (seen + unseen).clamp_min(1e-12)
    harmonic[1:-1][gap[1:] == gap[:-1]] = 0  # no constant parts images at the same gap
    if not harmonic.any():
        return Choice(0.0, 0.0)
    edges = torch.cat([gap[:1] - unit, gap, gap[-1:] + unit])
    middles = (edges[:-1] + edges[1:]) / 2
    best = int(harmonic.argmax())
    return Choice(float(harmonic[best]), float(middles[best]) / unit)


def stacked(scores: Tensor, labels: Tensor, n_seen: int) -> tuple[Tensor, Tensor, Tensor]:
    """S and U for every constant that could be added to the new classes' scores.

    Args:
        scores: (n_images, n_classes), seen classes first. labels: (n_images,).

    Returns:
        gap: (n_images,) float64, ascending: at a constant above it an image goes to a new class, below to a seen one.
        seen, unseen: (n_images + 1,), each the mean of per-class accuracies, with the constant below all gaps first,
        then between each and the next, then above all.
    """
    seen_best, seen_class = scores[:, :n_seen].max(1)
    new_best, new_class = scores[:, n_seen:].max(1)
    gap = (seen_best - new_best).double()
    is_seen = labels < n_seen
    right = torch.where(is_seen, seen_class == labels, new_class + n_seen == labels)
    weight = 1.0 / torch.bincount(labels, minlength=scores.shape[1]).double()[labels]  # each class counts alike
    order = gap.argsort()
    gap, is_seen, gain = gap[order], is_seen[order], (right * weight)[order]
    zero = torch.zeros(1, dtype=torch.float64)
    # at constant c the images with gap > c go to seen classes, the others to new ones
    unseen = torch.cat([zero, (gain * ~is_seen).cumsum(0)]) / max(len(labels[labels >= n_seen].unique()), 1)
    seen = torch.cat([zero, (gain * is_seen).flip(0).cumsum(0)]).flip(0) / max(len(labels[labels < n_seen].unique()), 1)
    return gap, seen, unseen


def lone_constant(scores: Tensor, labels: Tensor, n_seen: int, unit: float) -> float:
    """The constant for one new class that competes alone, with images of other unknown classes around it.

    Such images resemble no seen class much, so that a class alone claims them easily; among many new classes they find
    their own. At this constant the harmonic mean of two shares is highest: of a class's own images that it wins from
    the seen classes, and of other new classes' images that it leaves alone; each new class by itself.

    Args:
        scores: (n_images, n_classes), seen classes first. labels: (n_images,).

    Returns:
        the constant, in units of `score_unit`; 0 with fewer than two new classes to try it on.
    """
    new = labels >= n_seen
    behind = (
        scores[new, :n_seen].max(1).values[:, None] - scores[new, n_seen:]
    ).double()  # claimed above this constant
    own = nn.functional.one_hot(labels[new] - n_seen, behind.shape[1]).bool()
    if own.sum(0).gt(0).sum() < 2:
        return 0.0
    needed, spared = behind[own].sort().values, behind[~own].sort().values
    found = torch.arange(1, len(needed) + 1) / len(needed)
    left = 1 - torch.searchsorted(spared, needed, right=True) / len(spared)
    best = int((2 * found * left / (found + left).clamp_min(1e-12)).argmax())
    return float(needed[best] + 1e-6 * unit) / unit


@dataclass(frozen=True)
class Calibrated:
    """A method with the settings and the constant that did best in the rehearsal."""

    method: Method
    settings: dict[str, float]
    choice: Choice

    def fit(self, seen: SeenData) -> Scorer:
        """Fitted on all seen classes; its scores have the constant added to the new classes'."""
        scorer = self.method.fit(seen, **self.settings)
        n_seen = len(seen.classifier.names)
        none = seen.descriptions[:0]
        constant = self.choice.constant * score_unit(scorer(seen.features, none), n_seen)

        def calibrated(features: Tensor, descriptions: Tensor) -> Tensor:
            scores = scorer(features, descriptions).clone()
            scores[:, n_seen:] += constant
            return scores

        return calibrated


def calibrate(method: Method, rehearsal: Rehearsal) -> Calibrated:
    """Choose a method's settings, among its grid, and its constant."""
    best: Calibrated | None = None
    for settings in method.grid:
        scorer = method.fit(rehearsal.kept, **settings)
        unit = score_unit(scorer(rehearsal.kept.features, rehearsal.descriptions[:0]), rehearsal.n_kept)
        scores = scorer(rehearsal.features, rehearsal.descriptions)
        choice = best_constant(scores, rehearsal.labels, rehearsal.n_kept, unit)
        if best is None or choice.harmonic > best.choice.harmonic:
            best = Calibrated(method, dict(settings), choice)
    if best is None:
        raise ValueError(f"expected at least one entry in the grid of {method.name}")
    return best
