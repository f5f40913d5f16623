"""The whole way: images and descriptions -> fine-tuned network -> importances -> maps -> transfer -> S, U, H."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from niwt_core.backbone import Backbone
from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.finetune import CachedActivations, cache_activations, finetune
from niwt_core.gzsl import Classifier, GZSLResult, evaluate, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.importance import class_importances, layer_teaches_nothing
from niwt_core.learner import choose_settings
from niwt_core.project import Project
from niwt_core.transfer import ClosedForm, channel_statistics

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
    epochs: int = 10
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
    """Fine-tune on the seen classes, then `measure`.

    Args:
        samples: the "any images" of the transfer; default: some of the seen classes' training images.
    """
    started = time.perf_counter()
    n_images = len(data.train.labels)
    cached = cache_activations(
        data.train,
        backbone,
        options.n_views,
        _counter("activations", n_images * (1 + options.n_views), progress),
        options.n_workers,
    )
    warning = layer_teaches_nothing(backbone.head, cached.plain[:2].float())
    trained, seen = finetune(
        backbone,
        cached,
        data.class_names[: data.n_seen],
        epochs=options.epochs,
        seed=options.seed,
        progress=_counter("fine-tuning", n_images * options.epochs, progress),
    )
    card: dict[str, Any] = {"options": asdict(options), "warning": warning}
    project = measure(data, trained, seen, cached, options=options, samples=samples, progress=progress, card=card)
    return replace(project, card={**project.card, "seconds": round(time.perf_counter() - started, 1)})


def measure(
    data: ZeroShotData,
    backbone: Backbone,
    seen: Classifier,
    cached: CachedActivations,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
    card: Mapping[str, Any] | None = None,
) -> Project:
    """Importances, statistics and settings of a trained network: everything that new classes are made from."""
    batches = cached.batches()
    importances = class_importances(
        backbone.head, batches, seen.weight, _counter("importances", len(cached.labels), progress)
    )
    features = features_of(backbone, batches)
    class_means = torch.stack([features[cached.labels == c].mean(0) for c in range(data.n_seen)])

    chosen = np.random.default_rng(options.seed)
    source, n_samples = (samples, len(samples.labels)) if samples else (None, len(cached.labels))
    picks = np.sort(chosen.choice(n_samples, min(options.n_samples, n_samples), replace=False))
    if source is None:
        sample_batches = iter([cached.plain[torch.from_numpy(picks)].float()])
    else:
        sample_batches = (a for a, _ in activation_batches(source, backbone, indices=picks.tolist()))
    statistics = channel_statistics(backbone.head, sample_batches, _counter("statistics", len(picks), progress))
    descriptions = data.attributes
    settings = choose_settings(
        descriptions[: data.n_seen],
        seen,
        importances,
        class_means,
        ClosedForm(statistics),
        features,
        cached.labels,
    )
    return Project(
        backbone=backbone,
        class_names=data.class_names,
        n_seen=data.n_seen,
        attribute_names=data.attribute_names,
        descriptions=descriptions,
        seen=seen,
        importances=importances,
        class_means=class_means,
        statistics=statistics,
        settings=settings,
        card={"data": data.name, "n_train_images": len(cached.labels), **(card or {})},
    )


@torch.no_grad()
def features_of(backbone: Backbone, batches: list[tuple[Tensor, Tensor]]) -> Tensor:
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
