"""The whole way: images and descriptions -> fine-tuned network -> importances -> maps -> transfer -> S, U, H."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from niwt_core.calibration import Choice, Rehearsal
from niwt_core.datasets import ZeroShotData
from niwt_core.discriminant import make_discriminant
from niwt_core.errors import InputError
from niwt_core.files.checkpoints import UNKEPT, Checkpoint
from niwt_core.gzsl import Classifier, GZSLResult, evaluate, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.importance import layer_teaches_nothing
from niwt_core.learner import Settings, measure_classes
from niwt_core.methods.contest import Contest
from niwt_core.network.backbone import Backbone
from niwt_core.network.finetune import CachedActivations, cache_activations, finetune
from niwt_core.processes import ALONE, Team
from niwt_core.processes.devices import device_of, moved
from niwt_core.project import Project
from niwt_core.rehearsal import (
    LEAST_CLASSES,
    Division,
    choose_settings,
    divide,
    kept_importances,
    kept_statistics,
    make_rehearsal,
)

#: Told the stage, how many of its units are done, and how many there are.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """A Progress that says nothing."""


@dataclass(frozen=True)
class FitOptions:
    """How much work a fit puts in.

    Attributes:
        n_views: augmented views of each training image. epochs: of fine-tuning. n_samples: images for the statistics.
        n_parts: of a batch's gradient, see `finetune`; None: 1 in one process, in a team `PARTS`, or else its size.
            Above 1 the trunk sees full batches alone, so that what is learned from is the same in any team.
    """

    n_views: int = 2
    epochs: int = 5
    n_samples: int = 256
    seed: int = 0
    n_workers: int = 0
    n_parts: int | None = None

    def parts_for(self, team: Team) -> int:
        """Parts of a batch's gradient in this team.

        Raises:
            InputError: parts that cannot be dealt out to the processes.
        """
        if self.n_parts is None:
            return 1 if team.size == 1 else PARTS if PARTS % team.size == 0 else team.size
        if self.n_parts % team.size:
            raise InputError(f"{self.n_parts} parts of a batch came for {team.size} processes; expected a multiple.")
        return self.n_parts


#: Parts of a batch's gradient in a team that has a divisor of it as its size: 2, 4 and 8 processes find the same.
PARTS = 8


def fit(
    data: ZeroShotData,
    backbone: Backbone,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> Project:
    """Rehearse, fine-tune on the seen classes, then `measure`.

    All processes of a team call this alike, and all get the same project, on the CPU.

    Args:
        samples: the "any images" of the transfer; default: some of the seen classes' training images.
        progress: told by the main process alone.
    """
    started = time.perf_counter()
    check(data)
    _check_size(data, options, samples, team)
    network = moved(backbone, team.device)
    cached = activations_of(data, network, options, progress, team, checkpoint)
    shared: Any = {"options": options, "progress": progress, "team": team, "checkpoint": checkpoint}
    rehearsed = rehearse(data, network, cached, **shared)
    project = fit_head(data, network, cached, rehearsed, samples=samples, **shared)
    card = {**project.card, "seconds": round(time.perf_counter() - started, 1)}
    return replace(project, backbone=moved(project.backbone, torch.device("cpu")), card=card)


def _check_size(data: ZeroShotData, options: FitOptions, samples: ImageSource | None, team: Team) -> None:
    """Refuse a team in which somebody would have nothing to do."""
    n_train, n_samples = len(data.train.labels), min(options.n_samples, len((samples or data.train).labels))
    if team.size > max(1, min(n_train, n_samples) // 8):
        raise InputError(
            f"{team.size} processes came for {n_train} training images and {n_samples} sample images; expected at "
            "least 8 of each for every process."
        )
    options.parts_for(team)


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
    data: ZeroShotData,
    backbone: Backbone,
    options: FitOptions,
    progress: Progress = silent,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> CachedActivations:
    """Activations of the training images and of their augmented views; of a team each process holds its share.

    Raises:
        InputError: the network answers nothing, or beyond all numbers, to the images.
    """
    n_passes, n_images = 1 + options.n_views, len(data.train.labels)
    count = _counter("activations", n_passes * n_images, progress, team, n_passes * len(team.share(n_images)))
    cached = cache_activations(
        data.train,
        backbone,
        options.n_views,
        count,
        options.n_workers,
        is_filled=options.parts_for(team) > 1,
        team=team,
        checkpoint=checkpoint,
    )
    if not cached.plain.any() or not torch.isfinite(cached.plain).all():
        answers = "beyond all numbers" if cached.plain.any() else "nothing"
        raise InputError(
            f"With these weights {backbone.name} answers {answers} at layer {backbone.layer}; expected activations "
            "that can be told apart. Choose trained weights, or another layer."
        )
    return cached


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
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
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
    if (kept := checkpoint.common("rehearsed")) is not None:
        return _rehearsed_of(kept, division, data, cached)
    if trained:
        linear = trained[0]
    else:
        part = cached.of(division.train, division.renumber(cached.labels)[division.train])
        backbone, linear = finetune(
            backbone,
            part,
            tuple(data.class_names[i] for i in division.kept),
            epochs=options.epochs,
            seed=options.seed,
            progress=_counter("rehearsal", len(division.train) * options.epochs, progress, team),
            n_parts=options.parts_for(team),
            team=team,
            checkpoint=checkpoint,
            name="rehearsal",
        )
    features = features_of(backbone, cached.batches(), team)
    rehearsal = make_rehearsal(division, linear, features, cached.labels, data.attributes[: data.n_seen])
    n_samples = min(max(options.n_samples // 4, 8), len(division.train))
    n_mine = sum(int((cached.place[rows] >= 0).sum()) for rows in (division.train, division.train[:n_samples]))
    prior, settings, choice = choose_settings(
        backbone,
        cached,
        division,
        rehearsal,
        n_samples=n_samples,
        seed=options.seed,
        progress=_counter("settings", len(division.train) + n_samples, progress, team, n_mine),
        team=team,
        checkpoint=checkpoint,
    )
    rows = {"prior": prior.row(), "settings": settings.row()}
    rows["choice"] = torch.tensor([choice.harmonic, choice.constant], dtype=torch.float64)
    rows = team.told(rows) or rows  # one process decides: on different machines the last digits may differ
    found = {"features": features, "weight": linear.weight, "bias": linear.bias, **rows}
    checkpoint.keep_common("rehearsed", found)
    return _rehearsed_of(found, division, data, cached)


def _rehearsed_of(
    kept: Mapping[str, Tensor], division: Division, data: ZeroShotData, cached: CachedActivations
) -> Rehearsed:
    """A rehearsal from what was found in it: now, or before a checkpoint."""
    linear = Classifier(tuple(data.class_names[i] for i in division.kept), kept["weight"], kept["bias"])
    rehearsal = make_rehearsal(division, linear, kept["features"], cached.labels, data.attributes[: data.n_seen])
    choice = Choice(*kept["choice"].tolist())
    return Rehearsed(rehearsal, Settings.of_row(kept["prior"]), Settings.of_row(kept["settings"]), choice)


def fit_head(
    data: ZeroShotData,
    backbone: Backbone,
    cached: CachedActivations,
    rehearsed: Rehearsed,
    *,
    options: FitOptions = FitOptions(),
    samples: ImageSource | None = None,
    progress: Progress = silent,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> Project:
    """Fine-tune the head on all seen classes, then `measure`."""
    two = cached.plain[:2].float().to(device_of(backbone.head))
    warning = layer_teaches_nothing(backbone.head, two)
    tuned, trained = finetune(
        backbone,
        cached,
        data.class_names[: data.n_seen],
        epochs=options.epochs,
        seed=options.seed,
        progress=_counter("fine-tuning", len(cached.labels) * options.epochs, progress, team),
        n_parts=options.parts_for(team),
        team=team,
        checkpoint=checkpoint,
    )
    options = replace(options, n_parts=options.parts_for(team))
    card: dict[str, Any] = {"options": asdict(options), "warning": warning}
    return measure(
        data,
        tuned,
        trained,
        cached,
        rehearsed,
        options=options,
        samples=samples,
        progress=progress,
        card=card,
        team=team,
        checkpoint=checkpoint,
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
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> Project:
    """Class means, importances and statistics of a trained network: everything that new classes are made from."""
    settings = rehearsed.settings
    names, descriptions = data.class_names[: data.n_seen], data.attributes
    features = features_of(backbone, cached.batches(), team)
    measured = measure_classes(names, descriptions[: data.n_seen], features, cached.labels, settings.shrinkage)
    discriminant = make_discriminant(measured.means, measured.within, settings.shrinkage, settings.scale)
    weights = discriminant.weights(measured.means)
    count = _counter("importances", len(cached.labels), progress, team, cached.n_held)
    importances = kept_importances("importances", backbone, cached, weights, count, team, checkpoint)

    chosen = np.random.default_rng(options.seed)
    n_samples = len(samples.labels if samples else cached.labels)
    picks = np.sort(chosen.choice(n_samples, min(options.n_samples, n_samples), replace=False))
    if samples is None:
        held = torch.from_numpy(picks)
        n_mine, sample_batches = int((cached.place[held] >= 0).sum()), partial(cached.singles, held)
    else:
        mine = [int(picks[i]) for i in team.share(len(picks))]
        n_mine, sample_batches = len(mine), partial(_activations_from, samples, backbone, mine)
    count = _counter("statistics", len(picks), progress, team, n_mine)
    statistics = kept_statistics("statistics", backbone, sample_batches, count, team, checkpoint)
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


def _activations_from(source: ImageSource, backbone: Backbone, indices: list[int], start: int) -> Iterator[Tensor]:
    """Activations of some images of a source, without so many of the first."""
    return (activations for activations, _ in activation_batches(source, backbone, indices=indices[start:]))


@torch.no_grad()
def features_of(backbone: Backbone, batches: Iterable[tuple[Tensor, Tensor]], team: Team = ALONE) -> Tensor:
    """Features (n_images, n_features) of batches of activations; in a team each process gives those of its share."""
    device = device_of(backbone.head)
    found = [backbone.head(activations.to(device)).cpu() for activations, _ in batches]
    return team.gathered(torch.cat(found) if found else torch.zeros(0, backbone.n_features))


def features_of_tests(
    data: ZeroShotData, backbone: Backbone, progress: Progress = silent, n_workers: int = 0, team: Team = ALONE
) -> tuple[Tensor, Tensor]:
    """Features and labels of all test images, seen and unseen."""
    sources = (data.test_seen, data.test_unseen)
    shares = [team.share(len(source.labels)) for source in sources]
    n_images = sum(len(source.labels) for source in sources)
    count = _counter("test images", n_images, progress, team, sum(map(len, shares)))
    features = [
        features_of(backbone, activation_batches(source, backbone, count, indices=mine, n_workers=n_workers), team)
        for source, mine in zip(sources, shares, strict=True)
    ]
    labels = [torch.as_tensor(np.array(source.labels), dtype=torch.int64) for source in sources]
    return torch.cat(features), torch.cat(labels)


def evaluate_project(
    project: Project, data: ZeroShotData, progress: Progress = silent, n_workers: int = 0, team: Team = ALONE
) -> GZSLResult:
    """S, U, H of a project on a data set's test images, by the plain joint argmax."""
    if data.class_names != project.class_names or data.n_seen != project.n_seen:
        raise InputError(
            f"The project knows {project.n_seen} seen and {len(project.class_names) - project.n_seen} unseen classes, "
            f"the data set has {data.n_seen} and {len(data.class_names) - data.n_seen}, or others; expected the same "
            "split as in the fit."
        )
    network = moved(project.backbone, team.device)
    features, labels = features_of_tests(data, network, progress, n_workers, team)
    return evaluate(join(project.seen, project.new)(features), labels, project.n_seen)


def _counter(
    stage: str, total: int, progress: Progress, team: Team = ALONE, n_mine: int | None = None
) -> Callable[[int], None]:
    """Counts a stage's images and tells `progress` of them.

    Args:
        n_mine: how many of them this process counts; what the others count is taken to be as far. None: all.
    """
    team.enters(stage)
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if team.is_main and n:
            progress(stage, done if n_mine is None else round(total * done / max(n_mine, 1)), total)

    return count
