"""The rehearsal of a fit: seen classes that are kept out of everything play the new ones.

Classes that helped to train the features are easier to find than truly new ones, and images that were trained on are
easier than fresh ones. So, before the network is fine-tuned for good, it is fine-tuned on two thirds of the seen
classes and most of their images; the rest says which settings work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from niwt_core.calibration import Choice, Rehearsal
from niwt_core.discriminant import make_discriminant
from niwt_core.files.checkpoints import UNKEPT, Checkpoint
from niwt_core.gzsl import Classifier
from niwt_core.importance import ClassImportances, ImportanceSums, class_importances
from niwt_core.learner import Settings, choose_prior, choose_transfer, measure_classes
from niwt_core.methods.baselines import SeenData
from niwt_core.network.backbone import Backbone
from niwt_core.network.finetune import CachedActivations
from niwt_core.processes import ALONE, Team
from niwt_core.transfer import ClosedForm, JacobianSums, Statistics, channel_statistics

#: One class in so many plays a new one; of the kept classes' images, one in so many is kept to judge by.
ONE_CLASS_IN, ONE_IMAGE_IN = 3, 7
#: With fewer seen classes than this there is nothing to leave out.
LEAST_CLASSES = 6


@dataclass(frozen=True, eq=False)
class Division:
    """Which classes and images do what.

    Attributes:
        kept, played: rows of the seen classes that stay seen, and of those that play new ones.
        train: training images of kept classes. judged: the other images of kept classes and all of the played ones.
    """

    kept: Tensor
    played: Tensor
    train: Tensor
    judged: Tensor

    def renumber(self, labels: Tensor) -> Tensor:
        """Labels among all seen classes -> labels with the kept classes first."""
        order = torch.cat([self.kept, self.played])
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        return place[labels]


def divide(labels: Tensor, n_seen: int, seed: int) -> Division:
    """Choose the classes and images of a rehearsal; a class with a single image is trained on, never judged by.

    Args:
        labels: (n_images,), of all training images.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n_seen, generator=generator)
    n_played = n_seen // ONE_CLASS_IN
    played, kept = order[:n_played].sort().values, order[n_played:].sort().values
    train, judged = [], [torch.isin(labels, played).nonzero()[:, 0]]
    for c in kept.tolist():
        own = (labels == c).nonzero()[:, 0]
        own = own[torch.randperm(len(own), generator=generator)]
        n_judged = min(-(-len(own) // ONE_IMAGE_IN), len(own) - 1)
        judged.append(own[:n_judged])
        train.append(own[n_judged:])
    return Division(kept, played, torch.cat(train).sort().values, torch.cat(judged).sort().values)


def make_rehearsal(
    division: Division, trained: Classifier, features: Tensor, labels: Tensor, descriptions: Tensor
) -> Rehearsal:
    """The rehearsal's data, for NIWT and for every other method.

    Args:
        trained: the linear classifier of the kept classes. features: (n_images, n_features), of all training images.
        labels: (n_images,), among all seen classes. descriptions: (n_seen, n_attributes).
    """
    place = division.renumber(labels)
    return Rehearsal(
        kept=SeenData(features[division.train], place[division.train], descriptions[division.kept], trained),
        descriptions=descriptions[division.played],
        features=features[division.judged],
        labels=place[division.judged],
        classes=torch.cat([division.kept, division.played]),
    )


def choose_settings(
    backbone: Backbone,
    cached: CachedActivations,
    division: Division,
    rehearsal: Rehearsal,
    *,
    n_samples: int,
    seed: int,
    progress: Callable[[int], None] = lambda n_images: None,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> tuple[Settings, Settings, Choice]:
    """NIWT's settings, chosen in a rehearsal.

    Args:
        backbone: with the head of the rehearsal. cached: of all training images.
        n_samples: images for the closed form's statistics.

    Returns:
        the settings of the prior alone, those with the transfer, and what the latter reached.
    """
    prior = choose_prior(rehearsal)
    kept = rehearsal.kept
    names = kept.classifier.names
    measured = measure_classes(names, kept.descriptions, kept.features, kept.labels, prior.shrinkage)
    discriminant = make_discriminant(measured.means, measured.within, prior.shrinkage, prior.scale)
    part = cached.of(division.train, kept.labels)
    weights = discriminant.weights(measured.means)
    importances = kept_importances("rehearsal importances", backbone, part, weights, progress, team, checkpoint)
    some = torch.randperm(len(division.train), generator=torch.Generator().manual_seed(seed))[:n_samples]
    samples = partial(cached.singles, division.train[some])
    statistics = kept_statistics("rehearsal statistics", backbone, samples, progress, team, checkpoint)
    return prior, *choose_transfer(rehearsal, prior, importances, ClosedForm(statistics))


def kept_importances(
    name: str,
    backbone: Backbone,
    cached: CachedActivations,
    weights: Tensor,
    progress: Callable[[int], None],
    team: Team,
    checkpoint: Checkpoint,
) -> ClassImportances:
    """`class_importances` of cached images, going on from what a checkpoint kept under this name."""
    sums = ImportanceSums.of(checkpoint.own(name), len(weights))
    progress(sums.n_images)

    def keep(sums: ImportanceSums) -> None:
        if checkpoint.is_due() or sums.n_images == cached.n_held:
            checkpoint.keep_own(name, sums.tensors())

    batches = cached.batches(start=sums.n_images)
    return class_importances(backbone.head, batches, weights, progress, team=team, sums=sums, keep=keep)


def kept_statistics(
    name: str,
    backbone: Backbone,
    samples: Callable[[int], Iterable[Tensor]],
    progress: Callable[[int], None],
    team: Team,
    checkpoint: Checkpoint,
) -> Statistics:
    """`channel_statistics`, going on from what a checkpoint kept under this name.

    Args:
        samples: this process's sample images without so many of the first, as batches of activations.
    """
    sums = JacobianSums.of(checkpoint.own(name))
    progress(sums.n_images)

    def keep(sums: JacobianSums) -> None:
        if checkpoint.is_due():
            checkpoint.keep_own(name, sums.tensors())

    batches = samples(sums.n_images)
    return channel_statistics(backbone.head, batches, progress, team=team, sums=sums, keep=keep)
