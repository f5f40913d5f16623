"""A project against the methods of the field on its test images: S, U, H, the curve behind them, and each class.

Every method scores the same features. Its settings and its constant of calibrated stacking come from the rehearsal,
on seen classes alone (`calibration`); no test image has a part in any choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from niwt_core.calibration import calibrate, score_unit, stacked
from niwt_core.gzsl import Classifier, GZSLResult, evaluate, harmonic_mean, join
from niwt_core.learner import make_learner, seen_classifier
from niwt_core.methods.baselines import BASELINES, Method, SeenData
from niwt_core.methods.contest import Contest
from niwt_core.project import Project
from niwt_core.transfer import ClosedForm

NIWT = "NIWT"
PRIOR = "its prior alone, without importances"
N_RESAMPLES = 2000


class Rule(Enum):
    """How settings and constants were chosen: in the rehearsal; by nobody, where there were too few seen classes for
    one (every method takes the middle of its grid and no constant); or NIWT alone can be judged, as nothing was kept
    of its rehearsal."""

    REHEARSED = "rehearsed"
    DEFAULTS = "defaults"
    ALONE = "alone"


def rule_of(contest: Contest | None) -> Rule:
    """The rule that a contest allows."""
    if contest is None:
        return Rule.ALONE
    return Rule.DEFAULTS if contest.rehearsal is None else Rule.REHEARSED


@dataclass(frozen=True, eq=False)
class Contender:
    """A method, learned.

    Attributes:
        score: features (n_images, n_features) -> scores (n_images, n_classes), seen classes first, no constant added.
        constant: to be added to the new classes' scores.
    """

    name: str
    score: Callable[[Tensor], Tensor]
    constant: float


def contenders(project: Project, contest: Contest | None) -> Iterator[Contender]:
    """Every method in the order of the tables, NIWT last; each is learned when it is asked for."""
    n_seen, new_rows = project.n_seen, project.descriptions[project.n_seen :]
    if contest is not None:
        seen = SeenData(contest.features, contest.labels, project.descriptions[:n_seen], project.trained)
        for method in BASELINES:
            yield _baseline(method, seen, new_rows, contest)
        prior = make_learner(project.measured, project.importances, ClosedForm(project.statistics), contest.prior)
        alone = prior.scaled(project.class_names[n_seen:], new_rows, prior.prior(new_rows))
        yield _linear(PRIOR, seen_classifier(project.measured, prior), alone, prior.constant(len(new_rows)))
    yield _linear(NIWT, project.seen, project.new, project.learner.constant(len(new_rows)))


def n_contenders(contest: Contest | None) -> int:
    """How many `contenders` there are."""
    return 1 if contest is None else len(BASELINES) + 2


def _baseline(method: Method, seen: SeenData, new_rows: Tensor, contest: Contest) -> Contender:
    if contest.rehearsal is None:
        scorer, constant = method.fit(seen, **middle(method.grid)), 0.0
    else:
        calibrated = calibrate(method, contest.rehearsal)
        scorer = method.fit(seen, **calibrated.settings)
        unit = score_unit(scorer(seen.features, new_rows[:0]), len(seen.descriptions))
        constant = calibrated.choice.constant * unit
    return Contender(method.name, lambda features: scorer(features, new_rows), constant)


def middle(grid: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The middle value of each setting of a grid; of an even number the upper one."""
    values = {key: sorted({settings[key] for settings in grid}) for key in grid[0]}
    return {key: found[len(found) // 2] for key, found in values.items()}


def _linear(name: str, known: Classifier, new: Classifier, constant: float) -> Contender:
    """`new` has the constant in its bias; a contender's scores are without it."""
    return Contender(name, join(known, Classifier(new.names, new.weight, new.bias - constant)), constant)


@dataclass(frozen=True, eq=False)
class Curve:
    """S and U as the constant of calibrated stacking moves (Chao et al., ECCV 2016).

    Attributes:
        seen, unseen: (n_points,), from the constant that lets seen classes win always to the one that never does.
        chosen: S and U at the constant that the rule chose. area: under U over S (AUSUC).
    """

    seen: np.ndarray
    unseen: np.ndarray
    chosen: tuple[float, float]
    area: float


@dataclass(frozen=True, eq=False)
class Standing:
    """What a method reached.

    Attributes:
        raw: by the plain joint argmax. calibrated: with its constant.
        predicted: (n_images,) class numbers, with its constant.
    """

    name: str
    raw: GZSLResult
    calibrated: GZSLResult
    curve: Curve
    predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All methods on the same images.

    Attributes:
        standings: by name, in the order of the tables, NIWT last.
        labels: (n_images,) class numbers. n_seen: how many classes are seen; they stand first.
    """

    rule: Rule
    class_names: tuple[str, ...]
    n_seen: int
    labels: np.ndarray
    standings: Mapping[str, Standing]

    @property
    def rivals(self) -> list[Standing]:
        """The methods of others, best H first."""
        others = [s for name, s in self.standings.items() if name not in (NIWT, PRIOR)]
        return sorted(others, key=lambda s: -s.calibrated.harmonic)


def judge(contender: Contender, features: Tensor, labels: Tensor, n_seen: int) -> Standing:
    """What a method reaches on test images of seen and unseen classes, (n_images, n_features) and (n_images,)."""
    scores = contender.score(features)
    moved = scores.clone()
    moved[:, n_seen:] += contender.constant
    calibrated = evaluate(moved, labels, n_seen)
    curve = seen_unseen_curve(scores, labels, n_seen, (calibrated.seen, calibrated.unseen))
    return Standing(contender.name, evaluate(scores, labels, n_seen), calibrated, curve, moved.argmax(1).numpy())


def seen_unseen_curve(scores: Tensor, labels: Tensor, n_seen: int, chosen: tuple[float, float]) -> Curve:
    """Every pair of S and U that some constant reaches, and the area under them by trapezoids.

    Args:
        scores: (n_images, n_classes), seen classes first, no constant added. labels: (n_images,).
    """
    gap, seen, unseen = stacked(scores, labels, n_seen)
    reached = torch.ones(len(seen), dtype=torch.bool)
    reached[1:-1] = gap[1:] > gap[:-1]  # no constant parts images at the same gap
    s, u = seen[reached].numpy(), unseen[reached].numpy()
    moves = np.ones(len(s), dtype=bool)
    moves[1:] = (np.diff(s) != 0) | (np.diff(u) != 0)
    s, u = s[moves], u[moves]
    return Curve(s, u, chosen, float(np.trapezoid(u[::-1], s[::-1])))


def per_class(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Share of each class's images that were predicted right, (n_classes,); NaN for a class without images."""
    found = np.bincount(labels[labels == predicted], minlength=n_classes)
    total = np.bincount(labels, minlength=n_classes)
    return np.divide(found, total, out=np.full(n_classes, np.nan), where=total > 0)


@dataclass(frozen=True)
class Confusion:
    """Images of the class `true`, by number, that were taken for `taken`: n of its `of`."""

    true: int
    taken: int
    n: int
    of: int


def confusions(labels: np.ndarray, predicted: np.ndarray) -> list[Confusion]:
    """Every pair of classes of which the one was taken for the other, the most confused first."""
    wrong = labels != predicted
    pairs, n = np.unique(np.stack([labels[wrong], predicted[wrong]]), axis=1, return_counts=True)
    total = np.bincount(labels)
    found = [Confusion(int(a), int(b), int(k), int(total[a])) for (a, b), k in zip(pairs.T, n, strict=True)]
    return sorted(found, key=lambda c: (-c.n / c.of, -c.n, c.true, c.taken))


def lead(evaluation: Evaluation, rival: Standing, seed: int = 0) -> tuple[float, float, float]:
    """By how much NIWT's H is above a rival's, and between what values 95 of 100 draws of the classes lie.

    Classes are drawn with replacement, seen and unseen apart (a paired bootstrap); both methods are judged on the same.
    """
    mine = evaluation.standings[NIWT]
    n_classes, n_seen = len(evaluation.class_names), evaluation.n_seen
    rates = np.stack([per_class(evaluation.labels, s.predicted, n_classes) for s in (mine, rival)])  # (2, n_classes)
    seen, unseen = (part[:, ~np.isnan(part[0])] for part in (rates[:, :n_seen], rates[:, n_seen:]))
    rng = np.random.default_rng(seed)
    s, u = (part[:, rng.integers(0, part.shape[1], (N_RESAMPLES, part.shape[1]))].mean(2) for part in (seen, unseen))
    h = 2 * s * u / np.maximum(s + u, 1e-12)
    low, high = np.percentile(h[0] - h[1], [2.5, 97.5])
    means = [harmonic_mean(float(seen[i].mean()), float(unseen[i].mean())) for i in (0, 1)]
    return means[0] - means[1], float(low), float(high)
