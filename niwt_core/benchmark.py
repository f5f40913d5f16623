"""The figures of the README, measured in one run: drawn birds, photos where they are, closed form against loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.backbone import load_backbone
from niwt_core.birds.attributes import encode
from niwt_core.birds.captions import write_caption
from niwt_core.birds.described import description_of, fresh_features, try_out
from niwt_core.birds.reading import read
from niwt_core.birds.species import make_species
from niwt_core.birds.world import FRESH_SEED, load_birds
from niwt_core.datasets import ZeroShotData, load_cub
from niwt_core.finetune import cache_activations
from niwt_core.gzsl import GZSLResult, evaluate, join
from niwt_core.importance import channel_jacobian
from niwt_core.learner import STRENGTHS, Learner, choose_settings, make_learner
from niwt_core.pipeline import FitOptions, Progress, features_of, features_of_tests, fit
from niwt_core.project import Project, load_project
from niwt_core.text import class_embeddings, load_encoder
from niwt_core.transfer import (
    ClosedForm,
    derivative_importances,
    jacobian_importances,
    objective,
    statistics_of,
    transfer_steps,
)

EXAMPLE = "a small yellow bird with a black cap, white wing bars and a short orange beak"
N_TRAINING_CAPTIONS = 30
N_ONE_CAPTION_DRAWS = 5
N_SAMPLES, N_JUDGES = 128, 64
LOOP_LIMIT = 3000


@dataclass(frozen=True)
class Race:
    """The loop and the closed form on the same targets; objectives on images that neither has seen.

    Attributes:
        loop_seconds, closed_seconds: for all `n_classes` at once. derivative_seconds: one step of the loop when the
            network is differentiated anew, as the paper's code does, instead of using cached Jacobians.
    """

    n_classes: int
    iterations: int
    loop_seconds: float
    loop_objective: float
    derivative_seconds: float
    closed_seconds: float
    closed_objective: float
    strength: float

    @property
    def ratio(self) -> float:
        return self.loop_seconds / self.closed_seconds


def race(project: Project, samples: Tensor, fresh: Tensor) -> Race:
    """Transfer all unseen classes by the paper's loop and by the closed form, both towards the mean seen weights.

    Args:
        samples, fresh: activations (n_images, n_channels, height, width); both ways learn from the first and are
            judged on the second.
    """
    head, seen = project.backbone.head, project.seen.weight
    targets = project.learner.importances(project.descriptions[project.n_seen :])
    jacobians = torch.cat([channel_jacobian(head, a) for a in samples.split(1)])
    importances_of = jacobian_importances(jacobians)
    started = time.perf_counter()
    for step in transfer_steps(importances_of, targets, seen):
        if step.converged or step.iteration >= LOOP_LIMIT:
            break
    loop_seconds = time.perf_counter() - started

    few = samples[:8]  # the time of a step grows with the images; eight of them tell it
    slow_steps = transfer_steps(derivative_importances(head, few), targets, seen)
    next(slow_steps)
    started = time.perf_counter()
    next(slow_steps)
    derivative_seconds = (time.perf_counter() - started) * len(samples) / len(few)

    closed_form = ClosedForm(statistics_of(jacobians))
    strength = _choose_strength(jacobians, targets, seen.mean(0))
    times = []
    for _ in range(20):
        started = time.perf_counter()
        weights = closed_form.solve(targets, seen.mean(0), strength)
        times.append(time.perf_counter() - started)
    judge = jacobian_importances(torch.cat([channel_jacobian(head, a) for a in fresh.split(1)]))
    return Race(
        n_classes=len(targets),
        iterations=step.iteration,
        loop_seconds=loop_seconds,
        loop_objective=objective(judge, step.weights, targets),
        derivative_seconds=derivative_seconds,
        closed_seconds=float(np.median(times)),
        closed_objective=objective(judge, weights, targets),
        strength=strength,
    )


def _choose_strength(jacobians: Tensor, targets: Tensor, prior: Tensor) -> float:
    """The strength with the lowest objective on a quarter of the sample images, solved on the rest."""
    n_kept = 3 * len(jacobians) // 4
    closed_form, judge = ClosedForm(statistics_of(jacobians[:n_kept])), jacobian_importances(jacobians[n_kept:])
    return min(STRENGTHS, key=lambda s: objective(judge, closed_form.solve(targets, prior, s), targets))


def run_benchmark(
    cub: Path, split: Path | None, backbone: str, weights: str, layer: str, seed: int, bundled: Path, progress: Progress
) -> str:
    """Every table, as Markdown."""
    parts = [*_birds(bundled, seed, progress)]
    if cub.is_dir():
        parts += _photos(load_cub(cub, split), backbone, weights, layer, seed, progress)
    else:
        parts.append(f"Photos: not measured, there is no folder {cub} (give one with --cub).")
    return "\n\n".join(parts)


def _birds(bundled: Path, seed: int, progress: Progress) -> list[str]:
    project, data = load_project(bundled), load_birds()
    features, labels = features_of_tests(data, project.backbone, progress)
    train = cache_activations(data.train, project.backbone, 0)
    train_features = features_of(project.backbone, train.batches())
    birds = [s.attributes for s in make_species()]
    seen_birds, unseen_birds = birds[: data.n_seen], birds[data.n_seen :]

    def result(learner: Learner, descriptions: Tensor) -> GZSLResult:
        new = learner.classifier(data.class_names[data.n_seen :], descriptions)
        return evaluate(join(project.seen, new)(features), labels, data.n_seen)

    def captions(n_each: int, first_seed: int) -> list[list[str]]:
        return [
            [write_caption(bird, seed=first_seed + 1000 * i + j) for j in range(n_each)]
            for i, bird in enumerate(unseen_birds)
        ]

    encoder = load_encoder()
    taught = [
        [write_caption(bird, seed=1000 * i + j) for j in range(N_TRAINING_CAPTIONS)]
        for i, bird in enumerate(seen_birds)
    ]
    seen_embeddings = torch.from_numpy(class_embeddings(encoder, taught))
    measured = (project.seen, project.importances, project.class_means, project.learner.closed_form)
    settings = choose_settings(seen_embeddings, *measured, train_features, train.labels)
    by_embedding = make_learner(seen_embeddings, *measured, settings)

    def embedded(texts: list[list[str]]) -> Tensor:
        return torch.from_numpy(class_embeddings(encoder, texts))

    def understood(texts: list[list[str]]) -> Tensor:
        ground = project.descriptions[: data.n_seen].mean(0).numpy()
        return torch.from_numpy(np.stack([encode(_merge(t), ground) for t in texts]))

    ten = captions(10, 10_000_000)
    ones = [captions(1, 20_000_000 + 1_000_000 * k) for k in range(N_ONE_CAPTION_DRAWS)]
    rows = [
        ("attributes", [result(project.learner, data.attributes[data.n_seen :])]),
        ("ten captions, read into attributes", [result(project.learner, understood(ten))]),
        ("one caption, read into attributes", [result(project.learner, understood(o)) for o in ones]),
        ("ten captions, sentence embeddings", [result(by_embedding, embedded(ten))]),
        ("one caption, sentence embedding", [result(by_embedding, embedded(o)) for o in ones]),
    ]
    picks = torch.randperm(len(train.plain), generator=torch.Generator().manual_seed(seed))[: N_SAMPLES + N_JUDGES]
    images = train.plain[picks].float()
    title = f"**Paper Birds**, {data.n_seen} seen / {len(unseen_birds)} unseen species, {len(labels)} fresh drawings"
    return [
        title + f"; one caption: mean of {N_ONE_CAPTION_DRAWS} draws",
        _gzsl_table(rows),
        _example(project),
        _race_table("Paper Birds", race(project, images[:N_SAMPLES], images[N_SAMPLES:])),
    ]


def _merge(texts: Sequence[str]) -> dict[str, str]:
    """What several captions of one bird say together; the first to mention a group decides."""
    merged: dict[str, str] = {}
    for text in texts:
        for group, value in read(text).attributes.items():
            merged.setdefault(group, value)
    return merged


def _example(project: Project) -> str:
    bird = read(EXAMPLE).attributes
    drawings = fresh_features(project, bird, 100, FRESH_SEED)
    started = time.perf_counter()
    new = project.learner.classifier(["described"], description_of(project, bird))
    seconds = time.perf_counter() - started
    trial = try_out(project, new, drawings)
    forward = time.perf_counter()
    fresh_features(project, bird, 1, FRESH_SEED)
    one_bird = time.perf_counter() - forward
    return (
        f"“{EXAMPLE}”: a classifier in {1000 * seconds:.1f} ms ({seconds / one_bird:.2f} times as long as drawing and "
        f"classifying one bird); it finds {trial.found} of 100 fresh drawings among {project.n_seen + 1} classes."
    )


def _photos(data: ZeroShotData, backbone: str, weights: str, layer: str, seed: int, progress: Progress) -> list[str]:
    options = FitOptions(seed=seed)
    network = load_backbone(backbone, layer, None if weights == "random" else weights)
    project = fit(data, network, options=options, progress=progress)
    features, labels = features_of_tests(data, project.backbone, progress)
    result = evaluate(join(project.seen, project.new)(features), labels, data.n_seen)
    n_unseen = len(data.class_names) - data.n_seen
    picks = np.random.default_rng(seed).permutation(len(data.train.labels))[: N_SAMPLES + N_JUDGES]
    train = _source_activations(data, project, picks.tolist())
    return [
        f"**CUB photos**, {backbone} cut at {layer}, {data.n_seen} seen / {n_unseen} unseen species, {len(labels)} "
        f"test photos; fitted in {project.card['seconds']:.0f} s",
        _gzsl_table([("attributes", [result])]),
        _race_table("CUB photos", race(project, train[:N_SAMPLES], train[N_SAMPLES:])),
    ]


def _source_activations(data: ZeroShotData, project: Project, indices: list[int]) -> Tensor:
    from niwt_core.images import activation_batches

    return torch.cat([a for a, _ in activation_batches(data.train, project.backbone, indices=indices)])


def _gzsl_table(rows: Sequence[tuple[str, Sequence[GZSLResult]]]) -> str:
    lines = ["| description | S | U | H | unseen only |", "|---|---|---|---|---|"]
    of: list[Callable[[GZSLResult], float]] = [
        lambda r: r.seen, lambda r: r.unseen, lambda r: r.harmonic, lambda r: r.unseen_only
    ]  # fmt: skip
    for name, results in rows:
        lines.append(f"| {name} | " + " | ".join(f"{np.mean([f(r) for r in results]):.3f}" for f in of) + " |")
    return "\n".join(lines)


def _race_table(where: str, r: Race) -> str:
    return "\n".join(
        [
            f"| {where}: {r.n_classes} classes at once | time | ratio | objective on fresh images |",
            "|---|---|---|---|",
            f"| the paper's loop, {r.iterations} steps, cached Jacobians | {r.loop_seconds:.2f} s | {r.ratio:,.0f} | "
            f"{r.loop_objective:.4f} |",
            f"| one step of it, differentiating anew | {r.derivative_seconds:.2f} s | "
            f"{r.derivative_seconds / r.closed_seconds:,.0f} | |",
            f"| closed form, strength {r.strength:g} | {1000 * r.closed_seconds:.2f} ms | 1 | "
            f"{r.closed_objective:.4f} |",
        ]
    )
