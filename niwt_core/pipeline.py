"""The whole way: images and descriptions -> fine-tuned network -> importances -> maps -> transfer -> S, U, H."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from niwt_core.backbone import Backbone
from niwt_core.calibration import Choice, Rehearsal
from niwt_core.contest import Contest
from niwt_core.datasets import ZeroShotData
from niwt_core.discriminant import make_discriminant
from niwt_core.errors import InputError
from niwt_core.finetune import CachedActivations, cache_activations, finetune
from niwt_core.gzsl import Classifier, GZSLResult, evaluate, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.importance import class_importances, layer_teaches_nothing
from niwt_core.learner import Settings, measure_classes
from niwt_core.project import Project
from niwt_core.rehearsal import LEAST_CLASSES, Division, choose_settings, divide, make_rehearsal
from niwt_core.transfer import channel_statistics

#: Told the stage, how many of its units are done, and how many there are.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """A Progress that says nothing."""


@dataclass(frozen=True)
class FitOptions:
    """How much work a fit puts in.

    Attributes:
        n_views: augmented views of each training image. epochs: of fine-tuning. n_samples: images for the statistics.
    """

    n_views: int = 2
    epochs: int = 5
    n_samples: int = 256
    seed: int = 0
    n_workers: int = 0


def fit(
    data: ZeroShotData,
    backbone: Backbone,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
) -> Project:
    """Rehearse, fine-tune on the seen classes, then `measure`.

    Args:
        samples: the "any images" of the transfer; default: some of the seen classes' training images.
    """
    started = time.perf_counter()
    check(data)
    cached = activations_of(data, backbone, options, progress)
    rehearsed = rehearse(data, backbone, cached, options=options, progress=progress)
    project = fit_head(data, backbone, cached, rehearsed, options=options, samples=samples, progress=progress)
    return replace(project, card={**project.card, "seconds": round(time.perf_counter() - started, 1)})


def check(data: ZeroShotData) -> None:
    """Refuse what no fit can learn from.

    Raises:
        InputError: fewer than two seen classes, no unseen class, descriptions that do not match the classes, are no
            numbers, or tell no two seen classes apart.
    """
    n_classes, rows = len(data.class_names), data.attributes
    if data.n_seen < 2:
        raise InputError(f"The data set has {data.n_seen} seen class(es); expected at least 2 to learn maps from.")
    if n_classes == data.n_seen:
        raise InputError("The data set has no unseen class; expected at least one to transfer to.")
    if len(set(data.class_names)) < n_classes:
        twice = next(name for name in data.class_names if data.class_names.count(name) > 1)
        raise InputError(f"The class name {twice[:60]!r} occurs more than once; expected different names.")
    if rows.ndim != 2 or len(rows) != n_classes or rows.shape[1] == 0:
        raise InputError(
            f"Descriptions of shape {tuple(rows.shape)} came; expected one row of numbers for each of the {n_classes} "
            "classes."
        )
    if not torch.isfinite(rows).all():
        bad = int((~torch.isfinite(rows)).any(1).nonzero()[0])
        raise InputError(f"The description of {data.class_names[bad]} holds values that are no numbers.")
    if (rows[: data.n_seen] == rows[0]).all():
        raise InputError("All seen classes have the same description; expected descriptions that tell them apart.")


def activations_of(
    data: ZeroShotData, backbone: Backbone, options: FitOptions, progress: Progress = silent
) -> CachedActivations:
    """Activations of the training images and of their augmented views."""
    total = len(data.train.labels) * (1 + options.n_views)
    count = _counter("activations", total, progress)
    return cache_activations(data.train, backbone, options.n_views, count, options.n_workers)


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """A rehearsal, and what NIWT chose and reached in it; defaults without one, where classes or images are too few.

    Attributes:
        prior: settings of the prior alone. settings: those with the transfer. choice: what the latter reached.
    """

    rehearsal: Rehearsal | None
    prior: Settings
    settings: Settings
    choice: Choice | None


def rehearse(
    data: ZeroShotData,
    backbone: Backbone,
    cached: CachedActivations,
    *,
    options: FitOptions = FitOptions(),
    trained: tuple[Classifier, Division] | None = None,
    progress: Progress = silent,
) -> Rehearsed:
    """Choose all settings on seen classes that play new ones (see `rehearsal`).

    Args:
        trained: where `backbone` is a network that was trained on the kept classes alone: its linear classifier, and
            the division it was trained by. Otherwise the head is fine-tuned here, on the kept classes.
    """
    if data.n_seen < LEAST_CLASSES:
        return Rehearsed(None, Settings(), Settings(), None)
    division = trained[1] if trained else divide(cached.labels, data.n_seen, options.seed)
    if not torch.isin(cached.labels[division.judged], division.kept).any():
        return Rehearsed(None, Settings(), Settings(), None)
    if trained:
        linear = trained[0]
    else:
        names = tuple(data.class_names[i] for i in division.kept)
        part = cached.of(division.train, division.renumber(cached.labels)[division.train])
        count = _counter("rehearsal", len(division.train) * options.epochs, progress)
        backbone, linear = finetune(backbone, part, names, epochs=options.epochs, seed=options.seed, progress=count)
    features = features_of(backbone, cached.batches())
    rehearsal = make_rehearsal(division, linear, features, cached.labels, data.attributes[: data.n_seen])
    n_samples = min(max(options.n_samples // 4, 8), len(division.train))
    prior, settings, choice = choose_settings(
        backbone,
        cached,
        division,
        rehearsal,
        n_samples=n_samples,
        seed=options.seed,
        progress=_counter("settings", len(division.train) + n_samples, progress),
    )
    return Rehearsed(rehearsal, prior, settings, choice)


def fit_head(
    data: ZeroShotData,
    backbone: Backbone,
    cached: CachedActivations,
    rehearsed: Rehearsed,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
) -> Project:
    """Fine-tune the head on all seen classes, then `measure`."""
    warning = layer_teaches_nothing(backbone.head, cached.plain[:2].float())
    tuned, trained = finetune(
        backbone,
        cached,
        data.class_names[: data.n_seen],
        epochs=options.epochs,
        seed=options.seed,
        progress=_counter("fine-tuning", len(cached.labels) * options.epochs, progress),
    )
    card: dict[str, Any] = {"options": asdict(options), "warning": warning}
    return measure(
        data, tuned, trained, cached, rehearsed, options=options, samples=samples, progress=progress, card=card
    )


def measure(
    data: ZeroShotData,
    backbone: Backbone,
    trained: Classifier,
    cached: CachedActivations,
    rehearsed: Rehearsed,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
    card: Mapping[str, Any] | None = None,
) -> Project:
    """Class means, importances and statistics of a trained network: everything that new classes are made from."""
    settings = rehearsed.settings
    names, descriptions = data.class_names[: data.n_seen], data.attributes
    features = features_of(backbone, cached.batches())
    measured = measure_classes(names, descriptions[: data.n_seen], features, cached.labels, settings.shrinkage)
    discriminant = make_discriminant(measured.means, measured.within, settings.shrinkage, settings.scale)
    count = _counter("importances", len(cached.labels), progress)
    weights = discriminant.weights(measured.means)
    importances = class_importances(backbone.head, cached.batches(), weights, count)

    chosen = np.random.default_rng(options.seed)
    source, n_samples = (samples, len(samples.labels)) if samples else (None, len(cached.labels))
    picks = np.sort(chosen.choice(n_samples, min(options.n_samples, n_samples), replace=False))
    if source is None:
        sample_batches = (cached.plain[int(i)][None].float() for i in picks)
    else:
        sample_batches = (a for a, _ in activation_batches(source, backbone, indices=picks.tolist()))
    statistics = channel_statistics(backbone.head, sample_batches, _counter("statistics", len(picks), progress))
    reached = {"rehearsal_harmonic": round(rehearsed.choice.harmonic, 4)} if rehearsed.choice else {}
    return Project(
        backbone=backbone,
        class_names=data.class_names,
        n_seen=data.n_seen,
        attribute_names=data.attribute_names,
        descriptions=descriptions,
        trained=trained,
        importances=importances,
        measured=measured,
        statistics=statistics,
        settings=settings,
        card={"data": data.name, "n_train_images": len(cached.labels), **reached, **(card or {})},
        contest=Contest(rehearsed.rehearsal, rehearsed.prior, features, cached.labels),
    )


@torch.no_grad()
def features_of(backbone: Backbone, batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Features (n_images, n_features) of batches of activations."""
    return torch.cat([backbone.head(activations) for activations, _ in batches])


@torch.no_grad()
def features_of_tests(
    data: ZeroShotData, backbone: Backbone, progress: Progress = silent, n_workers: int = 0
) -> tuple[Tensor, Tensor]:
    """Features and labels of all test images, seen and unseen."""
    count = _counter("test images", len(data.test_seen.labels) + len(data.test_unseen.labels), progress)
    features, labels = [], []
    for source in (data.test_seen, data.test_unseen):
        for activations, y in activation_batches(source, backbone, count, n_workers=n_workers):
            features.append(backbone.head(activations))
            labels.append(y)
    return torch.cat(features), torch.cat(labels)


def evaluate_project(
    project: Project, data: ZeroShotData, progress: Progress = silent, n_workers: int = 0
) -> GZSLResult:
    """S, U, H of a project on a data set's test images, by the plain joint argmax."""
    if data.class_names != project.class_names or data.n_seen != project.n_seen:
        raise InputError(
            f"The project knows {project.n_seen} seen and {len(project.class_names) - project.n_seen} unseen classes, "
            f"the data set has {data.n_seen} and {len(data.class_names) - data.n_seen}, or others; expected the same "
            "split as in the fit."
        )
    features, labels = features_of_tests(data, project.backbone, progress, n_workers)
    return evaluate(join(project.seen, project.new)(features), labels, project.n_seen)


def _counter(stage: str, total: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        progress(stage, done, total)

    return count
