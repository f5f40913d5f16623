"""Descriptions -> classifiers: the maps, the transfer and its settings, learned from the seen classes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from niwt_core.domain import LinearMap, fit_ridge
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, harmonic_mean
from niwt_core.importance import ClassImportances
from niwt_core.transfer import ClosedForm


@dataclass(frozen=True)
class Settings:
    """What a fit chooses, on seen classes alone.

    Attributes:
        ridge: penalty of the map descriptions -> importances. prior_ridge: of descriptions -> weights and class means.
        strength: lambda of the closed form.
        shift: added to the bias of new classes, in units of the seen classes' typical margin.
    """

    ridge: float = 0.1
    prior_ridge: float = 0.1
    strength: float = 10.0
    shift: float = 0.0


@dataclass(frozen=True, eq=False)
class Learner:
    """Everything that turns a description into a classifier in milliseconds.

    Attributes:
        to_importances: descriptions -> unit-length importances (step 1).
        to_weights: descriptions -> class weights, the prior of the transfer. to_means: -> mean features of the class.
        to_descriptions: unit-length importances -> descriptions, the inverse map.
        closed_form: importances -> weights (step 2).
        importance_length: mean length of the seen importances. weight_length: of the seen weights.
        feature_mean: (n_features,), over the seen classes. bias_offset: what seen classes' biases add, on average, to
            the halfway bias (see `scaled`). margin: unit of `Settings.shift`, in scores.
    """

    to_importances: LinearMap
    to_weights: LinearMap
    to_means: LinearMap
    to_descriptions: LinearMap
    closed_form: ClosedForm
    importance_length: float
    weight_length: float
    feature_mean: Tensor
    bias_offset: float
    margin: float
    settings: Settings

    def importances(self, descriptions: Tensor) -> Tensor:
        """Descriptions (n_classes, n_attributes) -> importances (n_classes, n_channels), as long as measured ones."""
        expected = len(self.to_importances.input_mean)
        if descriptions.ndim != 2 or descriptions.shape[1] != expected:
            raise InputError(
                f"Descriptions of shape {tuple(descriptions.shape)} came; expected (n_classes, {expected})."
            )
        return self.importance_length * nn.functional.normalize(self.to_importances(descriptions), dim=1)

    def classifier(self, names: Sequence[str], descriptions: Tensor) -> Classifier:
        """A classifier for the described classes: closed form from the regressed prior, then `scaled`."""
        prior = self.to_weights(descriptions)
        weight = self.closed_form.solve(self.importances(descriptions), prior, self.settings.strength)
        return self.scaled(names, descriptions, weight)

    def scaled(self, names: Sequence[str], descriptions: Tensor, weight: Tensor) -> Classifier:
        """Weights (n_classes, n_features) from either way of transfer, at a length and bias that compete fairly.

        Length: the seen weights' mean. Bias: the threshold stands halfway between the class's predicted mean features
        and the mean of all features, plus what the seen classes' biases add to that on average, plus the shift.
        """
        weight = self.weight_length * nn.functional.normalize(weight, dim=1)
        halfway = _halfway(weight, self.to_means(descriptions), self.feature_mean)
        return Classifier(tuple(names), weight, self.bias_offset + self.settings.shift * self.margin - halfway)


def _halfway(weight: Tensor, class_means: Tensor, feature_mean: Tensor) -> Tensor:
    """Score of the point halfway between a class's mean features and the mean of all, (n_classes,)."""
    return (weight * (class_means + feature_mean) / 2).sum(1)


def make_learner(
    descriptions: Tensor,
    seen: Classifier,
    importances: ClassImportances,
    class_means: Tensor,
    closed_form: ClosedForm,
    settings: Settings,
) -> Learner:
    """Fit every map on the seen classes.

    Args:
        descriptions: (n_seen, n_attributes). class_means: (n_seen, n_features).
    """
    feature_mean = class_means.mean(0)
    halfway = _halfway(seen.weight, class_means, feature_mean)
    return Learner(
        to_importances=fit_ridge(descriptions, importances.directions, settings.ridge),
        to_weights=fit_ridge(descriptions, seen.weight, settings.prior_ridge),
        to_means=fit_ridge(descriptions, class_means, settings.prior_ridge),
        to_descriptions=fit_ridge(importances.directions, descriptions, INVERSE_RIDGE),
        closed_form=closed_form,
        importance_length=importances.length,
        weight_length=float(seen.weight.norm(dim=1).mean()),
        feature_mean=feature_mean,
        bias_offset=float((seen.bias + halfway).mean()),
        margin=float((seen.weight * (class_means - feature_mean)).sum(1).mean()) / 2,
        settings=settings,
    )


RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
SHIFTS = tuple(i / 20 for i in range(-20, 21))
INVERSE_RIDGE = 0.1
N_FOLDS = 5
#: Classes left out helped to train the features, so they are easier to find than truly new ones, and quality hardly
#: changes over a range of shifts. Of all that come within this fraction of the best, the boldest is taken.
TOLERANCE = 0.005


def choose_settings(
    descriptions: Tensor,
    seen: Classifier,
    importances: ClassImportances,
    class_means: Tensor,
    closed_form: ClosedForm,
    features: Tensor,
    labels: Tensor,
    seed: int = 0,
) -> Settings:
    """Choose every setting by leaving seen classes out and building them from their descriptions as if unseen.

    A fifth of the classes at a time. First the ridge of each map, by how well it predicts the classes left out; then
    the strength and the shift together, by the harmonic mean of the classes left out and the others.

    Args:
        features, labels: images of seen classes, (n_images, n_features) and (n_images,).
    """
    n_seen = len(seen.weight)
    if n_seen < 4:
        return Settings()  # too few classes to leave any out
    order = torch.randperm(n_seen, generator=torch.Generator().manual_seed(seed))
    folds = [order[i :: min(N_FOLDS, n_seen)].sort().values for i in range(min(N_FOLDS, n_seen))]

    def misfit(outputs: Tensor, ridge: float) -> float:
        total = 0.0
        for fold in folds:
            kept = _others(fold, n_seen)
            predicted = fit_ridge(descriptions[kept], outputs[kept], ridge)(descriptions[fold])
            total += float((1 - nn.functional.cosine_similarity(predicted, outputs[fold], dim=1)).sum())
        return total

    ridge = min(RIDGES, key=lambda r: misfit(importances.directions, r))
    prior_ridge = min(RIDGES, key=lambda r: misfit(seen.weight, r))
    seen_scores = seen(features)

    def rebuilt(fold: Tensor, strength: float) -> tuple[Tensor, float]:
        """Scores (n_images, len(fold)) of the classes left out, built from their descriptions; the unit of shifts."""
        kept = _others(fold, n_seen)
        rest = Classifier(tuple(seen.names[i] for i in kept), seen.weight[kept], seen.bias[kept])
        part = ClassImportances(importances.values[kept], importances.n_images[kept])
        settings = Settings(ridge, prior_ridge, strength)
        learner = make_learner(descriptions[kept], rest, part, class_means[kept], closed_form, settings)
        names = [seen.names[i] for i in fold]
        return learner.classifier(names, descriptions[fold])(features), learner.margin

    together = torch.zeros(len(STRENGTHS), len(SHIFTS))
    for i, strength in enumerate(STRENGTHS):
        for fold in folds:
            built, margin = rebuilt(fold, strength)
            together[i] += _harmonic_together(seen_scores, built, fold, labels, margin)
    best = int(together.max(1).values.argmax())
    return Settings(
        ridge=ridge,
        prior_ridge=prior_ridge,
        strength=STRENGTHS[best],
        shift=_boldest(together[best]),
    )


def _harmonic_together(seen_scores: Tensor, built: Tensor, fold: Tensor, labels: Tensor, margin: float) -> Tensor:
    """H of the classes left out (rebuilt together) and the others, for each of SHIFTS, (n_shifts,)."""
    is_new = torch.isin(labels, fold)
    harmonic = torch.zeros(len(SHIFTS))
    for j, shift in enumerate(SHIFTS):
        scores = seen_scores.clone()
        scores[:, fold] = built + shift * margin
        right = (scores.argmax(1) == labels).float()
        harmonic[j] = harmonic_mean(
            _class_mean(right[~is_new], labels[~is_new]), _class_mean(right[is_new], labels[is_new])
        )
    return harmonic


def _boldest(quality: Tensor) -> float:
    """The largest shift whose quality (n_shifts,) is within TOLERANCE of the best."""
    good = (quality >= (1 - TOLERANCE) * quality.max()).nonzero()
    return SHIFTS[int(good[-1])]


def _others(fold: Tensor, n: int) -> Tensor:
    left_out = set(fold.tolist())
    return torch.tensor([i for i in range(n) if i not in left_out])


def _class_mean(right: Tensor, labels: Tensor) -> float:
    counts = torch.bincount(labels)
    sums = torch.bincount(labels, weights=right)
    return float((sums[counts > 0] / counts[counts > 0]).mean())
