"""Descriptions -> classifiers: the maps, the transfer and its settings, learned from the seen classes alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import product

import torch
from torch import Tensor, nn

from niwt_core.calibration import Choice, Rehearsal, best_constant, lone_constant, score_unit
from niwt_core.discriminant import Discriminant, class_means_of, make_discriminant, within_covariance
from niwt_core.domain import KernelMap, LinearMap, fit_kernel, fit_ridge
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.importance import ClassImportances
from niwt_core.transfer import ClosedForm


@dataclass(frozen=True)
class Settings:
    """What a fit chooses, on seen classes alone.

    Attributes:
        kernel: whether descriptions -> class means is a kernel map; otherwise it is linear. means_ridge: its penalty.
        blend: share of the predicted mean in a seen class's own; its images alone would favour it over new classes.
        shrinkage: of the discriminants' covariance. scale: of all scores, for fair probabilities.
        ridge: penalty of the map descriptions -> importances. strength: lambda of the closed form.
        stretch: of new weights beyond the predicted discriminant's length; a ridge regression predicts class means
            too near the middle.
        constant: added to the new classes' scores (calibrated stacking), in units of `calibration.score_unit`.
        alone: the same for one new class that comes alone, see `calibration.lone_constant`.
    """

    kernel: bool = False
    means_ridge: float = 0.2
    blend: float = 0.0
    shrinkage: float = 0.9
    scale: float = 1.0
    ridge: float = 0.3
    strength: float = 10.0
    stretch: float = 1.2
    constant: float = 0.0
    alone: float = 0.0

    def __post_init__(self) -> None:
        above_0 = (self.means_ridge, self.shrinkage, self.scale, self.ridge, self.strength, self.stretch)
        shares = 0 <= self.blend <= 1 and self.shrinkage <= 1
        if (
            not all(0 < value < math.inf for value in above_0)
            or not shares
            or not math.isfinite(self.constant + self.alone)
        ):
            raise ValueError(
                f"expected finite settings above 0, a blend and a shrinkage of at most 1 and any constant, got {self}"
            )

    def row(self) -> Tensor:
        """The settings as numbers, (n_settings,) float64; `of_row` reads them."""
        return torch.tensor([float(value) for value in astuple(self)], dtype=torch.float64)

    @staticmethod
    def of_row(row: Tensor) -> Settings:
        """The settings in a row of numbers."""
        kernel, *others = row.tolist()
        return Settings(bool(kernel), *others)


@dataclass(frozen=True, eq=False)
class Measured:
    """All that is measured on the seen classes' images before anything is described.

    Attributes:
        descriptions: (n_seen, n_attributes). means: mean features of each class, (n_seen, n_features).
        within: covariance of the features within classes, (n_features, n_features).
        score_unit: unit of `Settings.constant`, in scores at scale 1.
    """

    names: tuple[str, ...]
    descriptions: Tensor
    means: Tensor
    within: Tensor
    score_unit: float


def measure_classes(
    names: Sequence[str], descriptions: Tensor, features: Tensor, labels: Tensor, shrinkage: float
) -> Measured:
    """Means, covariance and unit of scores of seen classes.

    Args:
        descriptions: (n_classes, n_attributes). features: (n_images, n_features). labels: (n_images,).
    """
    means = class_means_of(features, labels, len(names))
    within = within_covariance(features, labels, means)
    seen = make_discriminant(means, within, shrinkage).classifier(tuple(names), means)
    return Measured(tuple(names), descriptions, means, within, score_unit(seen(features), len(names)))


@dataclass(frozen=True, eq=False)
class Learner:
    """Everything that turns a description into a classifier in milliseconds.

    Attributes:
        to_means: descriptions -> mean features of the class, from which the discriminant makes the transfer's prior.
        to_importances: descriptions -> unit-length importances (step 1).
        to_descriptions: unit-length importances -> descriptions, the inverse map.
        closed_form: importances -> weights (step 2).
        importance_length: mean length of the seen importances. weight_length: of the seen weights.
        unit: what `Settings.constant` and `alone` count in, in scores.
    """

    to_means: LinearMap | KernelMap
    to_importances: LinearMap
    to_descriptions: LinearMap
    discriminant: Discriminant
    closed_form: ClosedForm
    importance_length: float
    weight_length: float
    unit: float
    settings: Settings

    def constant(self, n_new: int) -> float:
        """What is added to the bias of each of so many new classes that come together, in scores."""
        return self.unit * (self.settings.alone if n_new == 1 else self.settings.constant)

    def importances(self, descriptions: Tensor) -> Tensor:
        """Descriptions (n_classes, n_attributes) -> importances (n_classes, n_channels), as long as measured ones."""
        expected = len(self.to_importances.input_mean)
        if descriptions.ndim != 2 or descriptions.shape[1] != expected:
            raise InputError(
                f"Descriptions of shape {tuple(descriptions.shape)} came; expected (n_classes, {expected})."
            )
        return self.importance_length * nn.functional.normalize(self.to_importances(descriptions), dim=1)

    def prior(self, descriptions: Tensor) -> Tensor:
        """Weights (n_classes, n_features) of the discriminants of the mean features that the descriptions predict."""
        return self.discriminant.weights(self.to_means(descriptions))

    def classifier(self, names: Sequence[str], descriptions: Tensor) -> Classifier:
        """A classifier for the described classes: closed form from the predicted discriminant, then `scaled`.

        A description that leaves much open predicts a class near the middle, with short weights; its importances are
        asked to be short by the same share.
        """
        importances, prior = self.importances(descriptions), self.prior(descriptions)
        share = prior.norm(dim=1, keepdim=True) / self.weight_length
        weight = self.closed_form.solve(share * importances, prior, self.settings.strength)
        return self.scaled(names, descriptions, weight)

    def scaled(self, names: Sequence[str], descriptions: Tensor, weight: Tensor) -> Classifier:
        """Weights (n_classes, n_features) from either way of transfer, at a length and bias that compete fairly.

        Length: that of the class's predicted discriminant, stretched. Bias: the threshold stands halfway between the
        class's predicted mean features and the mean of all, plus the constant, which is another for a class alone.
        """
        means = self.to_means(descriptions)
        length = self.settings.stretch * self.discriminant.weights(means).norm(dim=1, keepdim=True)
        weight = length * nn.functional.normalize(weight, dim=1)
        return Classifier(tuple(names), weight, self.discriminant.bias(weight, means) + self.constant(len(weight)))


def seen_classifier(measured: Measured, learner: Learner) -> Classifier:
    """The discriminants of the seen classes' mean features, blended with what their descriptions predict."""
    means = _blended(measured, learner.to_means, learner.settings.blend)
    return learner.discriminant.classifier(measured.names, means)


def _blended(measured: Measured, to_means: LinearMap | KernelMap, blend: float) -> Tensor:
    return torch.lerp(measured.means, to_means(measured.descriptions), blend)


def make_learner(
    measured: Measured, importances: ClassImportances, closed_form: ClosedForm, settings: Settings
) -> Learner:
    """Fit every map on the seen classes."""
    discriminant = make_discriminant(measured.means, measured.within, settings.shrinkage, settings.scale)
    return Learner(
        to_means=_map(settings.kernel)(measured.descriptions, measured.means, settings.means_ridge),
        to_importances=fit_ridge(measured.descriptions, importances.directions, settings.ridge),
        to_descriptions=fit_ridge(importances.directions, measured.descriptions, INVERSE_RIDGE),
        discriminant=discriminant,
        closed_form=closed_form,
        importance_length=importances.length,
        weight_length=float(discriminant.weights(measured.means).norm(dim=1).mean()),
        unit=settings.scale * measured.score_unit,
        settings=settings,
    )


def _map(kernel: bool) -> Callable[[Tensor, Tensor, float], LinearMap | KernelMap]:
    return fit_kernel if kernel else fit_ridge


# Of settings that do as well the first is taken: the middle of a range, or what stays nearest to the prior.
MEANS_RIDGES = (0.2, 0.1, 0.4, 0.05)
SHRINKAGES = (0.9, 0.75, 1.0, 0.5)
RIDGES = (0.3, 0.1, 1.0)
STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0)
STRETCHES = (1.0, 1.2, 1.4, 1.7)
BLENDS = (0.0, 0.25, 0.5)
#: Of strengths that come this near to the best harmonic mean, the largest is taken: it stays nearest to the prior, and
#: a rehearsal cannot tell smaller differences.
TOLERANCE = 0.01
SCALES = tuple(2.0 ** (i / 4) for i in range(-48, 25))
INVERSE_RIDGE = 0.1


def choose_prior(rehearsal: Rehearsal) -> Settings:
    """Choose the map to class means, blend, shrinkage and scale by the prior alone, before anything is transferred."""
    best: tuple[float, Settings] | None = None
    kept = rehearsal.kept
    names, played = kept.classifier.names, tuple(map(str, range(len(rehearsal.descriptions))))
    for shrinkage in SHRINKAGES:
        measured = measure_classes(names, kept.descriptions, kept.features, kept.labels, shrinkage)
        discriminant = make_discriminant(measured.means, measured.within, shrinkage)
        for kernel, ridge in product((False, True), MEANS_RIDGES):
            to_means = _map(kernel)(kept.descriptions, measured.means, ridge)
            new = discriminant.classifier(played, to_means(rehearsal.descriptions))(rehearsal.features)
            for blend in BLENDS:
                means = _blended(measured, to_means, blend)
                seen = discriminant.classifier(names, means)(rehearsal.features)
                for stretch in STRETCHES:
                    choice = _judge(seen, stretch * new, rehearsal, measured.score_unit)
                    if best is None or choice.harmonic > best[0]:
                        chosen = Settings(kernel, ridge, blend, shrinkage, stretch=stretch, constant=choice.constant)
                        best = choice.harmonic, replace(chosen, scale=_fair_scale(seen, rehearsal))
    assert best is not None
    return best[1]


def choose_transfer(
    rehearsal: Rehearsal, prior: Settings, importances: ClassImportances, closed_form: ClosedForm
) -> tuple[Settings, Choice]:
    """Choose the ridge of the importances, the transfer's strength and the stacking constants.

    Args:
        importances: of the kept classes, in the rehearsal.

    Returns:
        the settings, and what they reached in the rehearsal.

    Raises:
        InputError: no strength has a finite answer.
    """
    kept = rehearsal.kept
    measured = measure_classes(kept.classifier.names, kept.descriptions, kept.features, kept.labels, prior.shrinkage)
    played = [f"new {i}" for i in range(len(rehearsal.descriptions))]
    tried: list[tuple[Settings, Choice]] = []
    for ridge in RIDGES:
        plain = replace(prior, ridge=ridge, constant=0.0, alone=0.0)
        learner = make_learner(measured, importances, closed_form, plain)
        seen = seen_classifier(measured, learner)(rehearsal.features)
        for strength in STRENGTHS:
            settings = replace(learner.settings, strength=strength)
            new = replace(learner, settings=settings).classifier(played, rehearsal.descriptions)
            scores = new(rehearsal.features) / settings.stretch
            if not torch.isfinite(scores).all():
                continue  # neurons that hardly move the features ask for weights beyond all numbers
            for stretch in STRETCHES:
                choice = _judge(seen, stretch * scores, rehearsal, learner.unit)
                joined = torch.cat([seen, stretch * scores], 1)
                alone = lone_constant(joined, rehearsal.labels, rehearsal.n_kept, learner.unit)
                tried.append((replace(settings, stretch=stretch, constant=choice.constant, alone=alone), choice))
    if not tried:
        raise InputError(
            "At this layer the network’s neurons do not move its features, so no class can be made from them; choose "
            "trained weights, or another layer."
        )
    enough = (1 - TOLERANCE) * max(choice.harmonic for _, choice in tried)
    near_best = [(settings, choice) for settings, choice in tried if choice.harmonic >= enough]
    return max(near_best, key=lambda pair: (pair[0].strength, pair[1].harmonic))


def _judge(seen: Tensor, new: Tensor, rehearsal: Rehearsal, unit: float) -> Choice:
    return best_constant(torch.cat([seen, new], 1), rehearsal.labels, rehearsal.n_kept, unit)


def _fair_scale(seen_scores: Tensor, rehearsal: Rehearsal) -> float:
    """The scale at which the kept classes' softmax is the best probability (temperature scaling, Guo et al. 2017)."""
    known = rehearsal.labels < rehearsal.n_kept
    scores, labels = seen_scores[known], rehearsal.labels[known]
    return min(SCALES, key=lambda scale: float(nn.functional.cross_entropy(scale * scores, labels)))
