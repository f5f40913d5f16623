"""NIWT and the methods that people would use instead: same features, same descriptions, same rule for every choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from niwt_core.baselines import BASELINES, SeenData
from niwt_core.benchmark.tables import cell, table
from niwt_core.calibration import calibrate, score_unit
from niwt_core.gzsl import Classifier, GZSLResult, evaluate, join
from niwt_core.learner import make_learner, seen_classifier
from niwt_core.pipeline import Progress, Rehearsed
from niwt_core.project import Project
from niwt_core.transfer import ClosedForm

NIWT = "**NIWT**"
PRIOR = "its prior alone, without importances"


@dataclass(frozen=True)
class Entry:
    """A method's results by the plain joint argmax, and with the constant that its rehearsal chose."""

    raw: GZSLResult
    calibrated: GZSLResult


def compete(
    project: Project,
    rehearsed: Rehearsed,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    progress: Progress,
) -> dict[str, Entry]:
    """Every method, by name.

    Args:
        train: features (n_images, n_features) and labels of the seen classes' training images.
        test: the same of all test images, seen and unseen.
    """
    if rehearsed.rehearsal is None:
        raise ValueError("expected enough seen classes for a rehearsal")
    n_seen, new_rows = project.n_seen, project.descriptions[project.n_seen :]
    seen = SeenData(*train, project.descriptions[:n_seen], project.trained)
    entries = {}
    for i, method in enumerate(BASELINES):
        calibrated = calibrate(method, rehearsed.rehearsal)
        scorer = method.fit(seen, **calibrated.settings)
        scores = scorer(test[0], new_rows)
        constant = calibrated.choice.constant * score_unit(scorer(seen.features, new_rows[:0]), n_seen)
        entries[method.name] = _entry(scores, constant, test[1], n_seen)
        progress("other methods", i + 1, len(BASELINES))
    prior = make_learner(project.measured, project.importances, ClosedForm(project.statistics), rehearsed.prior)
    names = project.class_names[n_seen:]
    alone = prior.scaled(names, new_rows, prior.prior(new_rows))
    known = seen_classifier(project.measured, prior)
    for name, classifier, new, constant in (
        (PRIOR, known, alone, prior.constant(len(names))),
        (NIWT, project.seen, project.new, project.learner.constant(len(names))),
    ):
        plain = Classifier(new.names, new.weight, new.bias - constant)
        entries[name] = _entry(join(classifier, plain)(test[0]), constant, test[1], n_seen)
    return entries


def _entry(scores: Tensor, constant: float, labels: Tensor, n_seen: int) -> Entry:
    moved = scores.clone()
    moved[:, n_seen:] += constant
    return Entry(evaluate(scores, labels, n_seen), evaluate(moved, labels, n_seen))


def competition_table(runs: Sequence[Mapping[str, Entry]]) -> str:
    """One row a method, mean and spread over the runs, and the ratios that NIWT is judged by."""
    head = ["method", "unseen only", "S", "U", "H", "H uncalibrated"]
    rows = []
    for name in runs[0]:
        entries = [run[name] for run in runs]
        rows.append(
            [name]
            + [cell([getattr(e.calibrated, key) for e in entries]) for key in ("unseen_only", "seen", "unseen")]
            + [cell([e.calibrated.harmonic for e in entries]), cell([e.raw.harmonic for e in entries])]
        )
    others = [name for name in runs[0] if name not in (NIWT, PRIOR)]

    def mean(name: str, key: str) -> float:
        return float(np.mean([getattr(run[name].calibrated, key) for run in runs]))

    lines = []
    for key, what in (("harmonic", "H"), ("unseen_only", "accuracy on unseen classes only")):
        best = max(others, key=lambda name: mean(name, key))
        lines.append(f"NIWT's {what} is {mean(NIWT, key) / mean(best, key):.3f} times that of {best}, the next best.")
    return table(head, rows) + "\n\n" + " ".join(lines)
