"""NIWT and the methods that people would use instead: same features, same descriptions, same rule for every choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from niwt_core import evaluation
from niwt_core.benchmark.tables import cell, table
from niwt_core.evaluation import PRIOR, contenders
from niwt_core.gzsl import GZSLResult, evaluate
from niwt_core.methods.baselines import BASELINES
from niwt_core.methods.contest import Contest
from niwt_core.pipeline import Progress, Rehearsed
from niwt_core.project import Project

#: As the tables have it, to stand out.
NIWT = f"**{evaluation.NIWT}**"


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
    contest = Contest(rehearsed.rehearsal, rehearsed.prior, *train)
    entries = {}
    for i, contender in enumerate(contenders(project, contest)):
        name = NIWT if contender.name == evaluation.NIWT else contender.name
        entries[name] = _entry(contender.score(test[0]), contender.constant, test[1], project.n_seen)
        if i < len(BASELINES):
            progress("other methods", i + 1, len(BASELINES))
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
