"""The same description, several methods: what each makes of one new class that comes alone.

Every method gets the same features and the same row. What it has to choose, it chooses on seen classes alone: its
settings as in the benchmark, by the harmonic mean (`calibration.calibrate`), and its constant by the rule for a class
alone (`calibration.lone_constant`), in the same rehearsal for all.

For Paper Birds the rehearsal has a network of its own, which never saw the species that play new ones, and NIWT's
constant was chosen with that network too. A photo project keeps no such network. There, seen classes are left out of
the fits alone, and the network has been trained on them: an easier rehearsal, and constants that may be too strict or
too lax, but by one rule for all; NIWT's constant is chosen in it as well, so that it has no advantage. With fewer seen
classes than a rehearsal needs all constants are 0.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.birds.training import load_rehearsal_network
from niwt_core.calibration import Rehearsal, calibrate, lone_constant, score_unit
from niwt_core.gzsl import Classifier, join
from niwt_core.images import ImageSource, input_batches
from niwt_core.importance import ClassImportances
from niwt_core.learner import make_learner, measure_classes, seen_classifier
from niwt_core.methods.baselines import BASELINES, Scorer, SeenData
from niwt_core.network.backbone import Backbone
from niwt_core.neurons.evidence import Part
from niwt_core.pipeline import Progress, silent
from niwt_core.project import Project
from niwt_core.rehearsal import LEAST_CLASSES, divide, make_rehearsal
from niwt_core.transfer import TransferStep, jacobian_importances, objective
from niwt_core.worlds.base import World
from niwt_core.worlds.trial import features_of as features_in

#: The methods compared with NIWT, by their names in `baselines`.
RIVALS = ("DEM, ridge", "ESZSL", "Weight regression")
#: Training images of each seen class that the methods learn from, at most, and seen test pictures that judge.
N_EACH, N_SEEN_PICTURES = 6, 300
#: The loop goes no further than this where its stop rule does not hold.
LOOP_LIMIT = 2000
_N_TIMED = 20


@dataclass(frozen=True, eq=False)
class Rival:
    """A method fitted on the seen classes.

    Attributes:
        name, reference: as in `baselines.Method`. settings: those that the rehearsal chose.
        scorer: scores of seen and described classes. constant: for a class alone, in scores.
    """

    name: str
    reference: str
    settings: Mapping[str, float]
    scorer: Scorer
    constant: float


@dataclass(frozen=True, eq=False)
class Ring:
    """All that methods are compared with, whatever the class; made once for a world.

    Attributes:
        rivals: in the order of RIVALS. constant: NIWT's for a class alone, in scores.
        seen_pictures: features of test pictures of seen classes, (n_pictures, n_features), that chose nothing.
        rehearsed: whether there were enough seen classes to choose constants.
    """

    rivals: tuple[Rival, ...]
    constant: float
    seen_pictures: Tensor
    rehearsed: bool


@dataclass(frozen=True)
class Outcome:
    """How one method fares on one new class.

    Attributes:
        found: pictures of the class that it wins. claimed: strangers that it wins. lost: pictures of seen classes that
            it wins.
        seconds: from the row to the classifier, the fits on seen classes made before.
        agreement: mean cosine between the importances that the network has with its weights, as they differ from the
            mean seen class's, and those that the words ask for.
        explains: whether it was built from importances: neuron by neuron, before there were weights.
    """

    name: str
    found: int
    claimed: int
    lost: int
    seconds: float
    agreement: float
    explains: bool


def fit_rivals(seen: SeenData, rehearsal: Rehearsal | None, progress: Progress = silent) -> tuple[Rival, ...]:
    """Each method of RIVALS with its settings and its constant for a class alone; constant 0 without a rehearsal."""
    found = []
    for i, method in enumerate(m for name in RIVALS for m in BASELINES if m.name == name):
        progress("methods fitted", i, len(RIVALS))
        none, n_seen = seen.descriptions[:0], len(seen.classifier.names)
        settings, alone = dict(method.grid[len(method.grid) // 2]), 0.0
        if rehearsal is not None:
            settings = calibrate(method, rehearsal).settings
            played = method.fit(rehearsal.kept, **settings)
            unit = score_unit(played(rehearsal.kept.features, none), rehearsal.n_kept)
            scores = played(rehearsal.features, rehearsal.descriptions)
            alone = lone_constant(scores, rehearsal.labels, rehearsal.n_kept, unit)
        scorer = method.fit(seen, **settings)
        constant = alone * score_unit(scorer(seen.features, none), n_seen)
        found.append(Rival(method.name, method.reference, settings, scorer, constant))
    return tuple(found)


def birds_ring(world: World, folder: Path, progress: Progress) -> Ring:
    """The ring of Paper Birds.

    Args:
        folder: where the rehearsal's network lies, beside the bundled project.
    """
    project, data = world.project, world.data
    network = load_rehearsal_network(data, folder)
    train = _some_of_each(data.train, N_EACH)
    labels = torch.from_numpy(train.labels)
    count = _counter("drawings of known birds", len(labels), progress)
    features, own = _features(train, (project.backbone, network.backbone), count)
    division = divide(labels, data.n_seen, 0)
    if not torch.equal(division.kept, network.division.kept):
        raise ValueError("expected the rehearsal's network to know the classes that its division keeps")
    rehearsal = make_rehearsal(division, network.trained, own, labels, project.descriptions[: data.n_seen])
    seen = SeenData(features, labels, project.descriptions[: data.n_seen], project.trained)
    pictures = _judging(world, data.test_seen, progress)
    return Ring(fit_rivals(seen, rehearsal, progress), project.learner.constant(1), pictures, True)


def photos_ring(world: World, progress: Progress) -> Ring:
    """The ring of a photo project; see the head of this file.

    Raises:
        InputError: the photos are not where they were.
    """
    project, data = world.project, world.data
    n_seen, rows = project.n_seen, project.descriptions[: project.n_seen]
    train = _some_of_each(data.train, N_EACH)
    labels = torch.from_numpy(train.labels)
    count = _counter("photos of known classes", len(labels), progress)
    features = _features(train, (project.backbone,), count)[0]
    seen = SeenData(features, labels, rows, project.trained)
    n_tests = len(data.test_seen.labels)
    choosing = Part(data.test_seen, np.arange(0, n_tests, 2))  # one half chooses, the other judges
    pictures = _judging(world, Part(data.test_seen, np.arange(1, n_tests, 2)), progress)
    if n_seen < LEAST_CLASSES or not len(choosing.labels):
        return Ring(fit_rivals(seen, None, progress), 0.0, pictures, False)
    count = _counter("photos to choose by", len(choosing.labels), progress)
    judged = _features(choosing, (project.backbone,), count)[0]
    rehearsal = leave_out(project, seen, judged, torch.from_numpy(choosing.labels))
    return Ring(fit_rivals(seen, rehearsal, progress), niwt_constant(project, rehearsal), pictures, True)


def leave_out(project: Project, seen: SeenData, features: Tensor, labels: Tensor) -> Rehearsal:
    """A rehearsal with the network as it is: a third of the seen classes is left out of every fit.

    Args:
        features, labels: images to judge by, (n_images, n_features) and (n_images,), among all seen classes.
    """
    division = divide(seen.labels, project.n_seen, 0)
    kept, train = division.kept, torch.isin(seen.labels, division.kept)
    names = tuple(seen.classifier.names[i] for i in kept)
    trained = Classifier(names, seen.classifier.weight[kept], seen.classifier.bias[kept])
    return Rehearsal(
        kept=SeenData(seen.features[train], division.renumber(seen.labels[train]), seen.descriptions[kept], trained),
        descriptions=seen.descriptions[division.played],
        features=features,
        labels=division.renumber(labels),
        classes=torch.cat([kept, division.played]),
    )


def niwt_constant(project: Project, rehearsal: Rehearsal) -> float:
    """NIWT's constant for a class alone, in scores, chosen in a rehearsal with the project's own settings otherwise."""
    kept, settings = rehearsal.kept, replace(project.settings, constant=0.0, alone=0.0)
    measured = measure_classes(kept.classifier.names, kept.descriptions, kept.features, kept.labels, settings.shrinkage)
    rows = rehearsal.classes[: rehearsal.n_kept]
    importances = ClassImportances(project.importances.values[rows], project.importances.n_images[rows])
    learner = make_learner(measured, importances, project.learner.closed_form, settings)
    played = [f"new {i}" for i in range(len(rehearsal.descriptions))]
    new = learner.classifier(played, rehearsal.descriptions)
    scores = join(seen_classifier(measured, learner), new)(rehearsal.features)
    return project.learner.unit * lone_constant(scores, rehearsal.labels, rehearsal.n_kept, learner.unit)


def compare(
    project: Project,
    ring: Ring,
    row: Tensor,
    jacobians: Tensor,
    pictures: Tensor,
    strangers: Tensor,
    last: TransferStep,
    loop_seconds: float,
) -> tuple[Outcome, ...]:
    """All methods on one described class: NIWT's closed form, its loop, then the rivals.

    Args:
        row: (1, n_attributes). jacobians: (n_images, n_features, n_channels), of pictures that nothing was fitted to.
        pictures: features of the class's own pictures; no rows where there are none. strangers: of other new classes.
        last: where the loop stopped, after `loop_seconds` of computing.
    """
    learner, n_seen = project.learner, project.n_seen
    target, sets = learner.importances(row), (pictures, strangers, ring.seen_pictures)
    importances_of = jacobian_importances(jacobians)
    outcomes = []

    def add(name: str, wins: Callable[[Tensor], Tensor], weights: Tensor, seconds: float, explains: bool) -> None:
        found, claimed, lost = (int(wins(features).sum()) if len(features) else 0 for features in sets)
        agreement = 1 - objective(importances_of, weights, target)
        outcomes.append(Outcome(name, found, claimed, lost, seconds, agreement, explains))

    def niwt(name: str, classifier: Classifier, seconds: float) -> None:
        moved = classifier.bias + ring.constant - learner.constant(1)
        joint = join(project.seen, Classifier(classifier.names, classifier.weight, moved))
        add(
            name,
            lambda features: joint(features).argmax(1) == n_seen,
            classifier.weight - project.seen.weight.mean(0),
            seconds,
            explains=True,
        )

    names = ["described"]
    niwt("NIWT, closed form", learner.classifier(names, row), _median_time(lambda: learner.classifier(names, row)))
    niwt("NIWT, the paper's loop", learner.scaled(names, row, last.weights), loop_seconds)
    for rival in ring.rivals:
        add(
            rival.name,
            lambda features, rival=rival: _scores(rival, features, row).argmax(1) == n_seen,  # type: ignore[misc]
            weights_of(rival, row, project.backbone.n_features),
            _median_time(lambda rival=rival: rival.scorer(pictures[:0], row)),  # type: ignore[misc]
            explains=False,
        )
    return tuple(outcomes)


def weights_of(rival: Rival, row: Tensor, n_features: int) -> Tensor:
    """The new class's weights less the mean of the seen ones', (1, n_features): every method here scores linearly."""
    corners = torch.cat([torch.zeros(1, n_features), torch.eye(n_features)])
    scores = rival.scorer(corners, row)
    weights = (scores[1:] - scores[:1]).T  # (n_seen + 1, n_features)
    return weights[-1:] - weights[:-1].mean(0)


def _scores(rival: Rival, features: Tensor, row: Tensor) -> Tensor:
    scores = rival.scorer(features, row).clone()
    scores[:, -1] += rival.constant
    return scores


def _median_time(call: Callable[[], object]) -> float:
    """Seconds, after one call that is not counted."""
    call()
    times = []
    for _ in range(_N_TIMED):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _some_of_each(source: ImageSource, n_each: int) -> Part:
    """The first n images of each class."""
    picks = [np.flatnonzero(source.labels == c)[:n_each] for c in np.unique(source.labels)]
    return Part(source, np.concatenate(picks))


@torch.no_grad()
def _features(source: ImageSource, backbones: Sequence[Backbone], count: Callable[[int], None]) -> list[Tensor]:
    """Features of each image by each network, (n_images, n_features); every image is made once."""
    found: list[list[Tensor]] = [[] for _ in backbones]
    for inputs, labels in input_batches(source, backbones[0]):
        for features, backbone in zip(found, backbones, strict=True):
            features.append(backbone.head(backbone.trunk(inputs)))
        count(len(labels))
    return [torch.cat(features) for features in found]


def _counter(stage: str, total: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(stage, done, total)

    return count


def _judging(world: World, source: ImageSource, progress: Progress) -> Tensor:
    """Features of test pictures of seen classes, N_SEEN_PICTURES at most, evenly over all."""
    n = len(source.labels)
    picks = np.unique(np.linspace(0, n - 1, min(n, N_SEEN_PICTURES)).astype(int)) if n else np.zeros(0, dtype=int)
    return features_in(world, Part(source, picks), _counter("pictures of known classes", len(picks), progress))
