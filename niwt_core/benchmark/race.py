"""The paper's loop against the closed form: the same targets, the same images, judged on others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from niwt_core.benchmark.tables import table
from niwt_core.importance import channel_jacobian
from niwt_core.learner import STRENGTHS
from niwt_core.project import Project
from niwt_core.transfer import (
    ClosedForm,
    TransferStep,
    derivative_importances,
    jacobian_importances,
    objective,
    statistics_of,
    transfer_steps,
)

N_SAMPLES, N_JUDGES = 128, 64
N_TIMED = 10
LOOP_LIMIT = 3000
RACE_STRENGTHS = (0.03, 0.1, 0.3, *STRENGTHS)


@dataclass(frozen=True)
class Race:
    """The loop and the closed form on the same targets; objectives on images that neither has seen.

    Attributes:
        loop_seconds, closed_seconds: for all `n_classes` at once, with the statistics at hand and cached Jacobians.
        one_loop_seconds: the loop to its stop for one class, differentiating the network anew at each step as the
            paper's code does (the trunk's activations cached): the time of N_TIMED steps, times the steps it takes.
        one_closed_seconds: the closed form for one class.
    """

    n_classes: int
    iterations: int
    loop_seconds: float
    loop_objective: float
    one_loop_seconds: float
    closed_seconds: float
    one_closed_seconds: float
    closed_objective: float
    strength: float

    @property
    def ratio(self) -> float:
        return self.loop_seconds / self.closed_seconds

    @property
    def one_ratio(self) -> float:
        return self.one_loop_seconds / self.one_closed_seconds


def race(project: Project, samples: Tensor, fresh: Tensor) -> Race:
    """Transfer all unseen classes by the paper's loop and by the closed form, both towards the mean seen weights.

    Args:
        samples, fresh: activations (n_images, n_channels, height, width); both ways learn from the first and are
            judged on the second.
    """
    head, seen = project.backbone.head, project.seen.weight
    targets = project.learner.importances(project.descriptions[project.n_seen :])
    jacobians = torch.cat([channel_jacobian(head, a) for a in samples.split(1)])
    started = time.perf_counter()
    last = _to_the_stop(jacobian_importances(jacobians), targets, seen)
    loop_seconds = time.perf_counter() - started
    n_steps = _to_the_stop(jacobian_importances(jacobians), targets[:1], seen).iteration
    slow_steps = transfer_steps(derivative_importances(head, samples), targets[:1], seen)
    next(slow_steps)  # what is worked out once is not counted
    started = time.perf_counter()
    for _ in range(N_TIMED):
        next(slow_steps)
    one_loop_seconds = n_steps * (time.perf_counter() - started) / N_TIMED

    closed_form = ClosedForm(statistics_of(jacobians))
    strength = _choose_strength(jacobians, targets, seen.mean(0))
    weights = closed_form.solve(targets, seen.mean(0), strength)
    closed_seconds = _median_time(lambda: closed_form.solve(targets, seen.mean(0), strength))
    one_closed_seconds = _median_time(lambda: closed_form.solve(targets[:1], seen.mean(0), strength))
    judge = jacobian_importances(torch.cat([channel_jacobian(head, a) for a in fresh.split(1)]))
    return Race(
        n_classes=len(targets),
        iterations=last.iteration,
        loop_seconds=loop_seconds,
        loop_objective=objective(judge, last.weights, targets),
        one_loop_seconds=one_loop_seconds,
        closed_seconds=closed_seconds,
        one_closed_seconds=one_closed_seconds,
        closed_objective=objective(judge, weights, targets),
        strength=strength,
    )


def _to_the_stop(importances_of: Callable[[Tensor], Tensor], targets: Tensor, seen: Tensor) -> TransferStep:
    """The last step of the loop by the paper's stop rule, or the one at LOOP_LIMIT."""
    for step in transfer_steps(importances_of, targets, seen):
        if step.converged or step.iteration >= LOOP_LIMIT:
            return step
    raise AssertionError("the loop is endless")


def _median_time(call: Callable[[], object], n: int = 20) -> float:
    """Seconds, after one call that is not counted."""
    call()
    times = []
    for _ in range(n):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def _choose_strength(jacobians: Tensor, targets: Tensor, prior: Tensor) -> float:
    """The strength with the lowest objective on a quarter of the sample images, solved on the rest."""
    n_kept = 3 * len(jacobians) // 4
    closed_form, judge = ClosedForm(statistics_of(jacobians[:n_kept])), jacobian_importances(jacobians[n_kept:])
    return min(RACE_STRENGTHS, key=lambda s: objective(judge, closed_form.solve(targets, prior, s), targets))


def race_table(where: str, r: Race) -> str:
    """The race as Markdown."""
    head = [f"{where}: importances to weights", "time", "times the closed form's", "objective on other images"]
    return table(
        head,
        [
            [
                f"the paper's loop, 1 class, {N_SAMPLES} images",
                f"{r.one_loop_seconds:.1f} s",
                f"{r.one_ratio:,.0f}",
                "",
            ],
            ["closed form, 1 class", f"{1000 * r.one_closed_seconds:.2f} ms", "1", ""],
            [
                f"the loop, {r.n_classes} classes at once, {r.iterations} steps, Jacobians cached",
                f"{r.loop_seconds:.2f} s",
                f"{r.ratio:,.0f}",
                f"{r.loop_objective:.4f}",
            ],
            [
                f"closed form, {r.n_classes} classes at once, strength {r.strength:g}",
                f"{1000 * r.closed_seconds:.2f} ms",
                "1",
                f"{r.closed_objective:.4f}",
            ],
        ],
    )
