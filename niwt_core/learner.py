"""Descriptions -> classifiers: the maps, the transfer and its settings, learned from the seen classes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
        ridge: penalty of the map descriptions -> importances. prior_ridge: of descriptions -> weights.
        strength: lambda of the closed form.
        shift: added to every new class's bias, in units of the spread of the seen classes' biases' scores.
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
        to_weights: descriptions -> class weights, the prior of the transfer.
        to_descriptions: unit-length importances -> descriptions, the inverse map.
        closed_form: importances -> weights (step 2).
        importance_length: mean length of the seen importances. weight_length: of the seen weights.
        bias_of: features' mean and predicted class means give the bias; see `classifier`.
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
    settings: Settings

    def importances(self, descriptions: Tensor) -> Tensor:
        """(n_classes, n_description) -> predicted importances (n_classes, n_channels), at the length of measured ones."""
        self._check(descriptions)
        return self.importance_length * nn.functional.normalize(self.to_importances(descriptions), dim=1)

    def classifier(self, names: Sequence[str], descriptions: Tensor) -> Classifier:
        """A classifier for the described classes, fit to compete with the seen ones.

        Weights by the closed form, from the regressed prior, at the seen weights' mean length. Each bias puts the
        class's threshold halfway between its predicted mean features and the mean of all features.
        """
        prior = self.to_weights(descriptions)
        weight = self.closed_form.solve(self.importances(descriptions), prior, self.settings.strength)
        return self.scaled(names, descriptions, weight)

    def scaled(self, names: Sequence[str], descriptions: Tensor, weight: Tensor) -> Classifier:
        """Weights (n_classes, n_features) from either way of transfer, at a length and bias that compete fairly."""
        weight = self.weight_length * nn.functional.normalize(weight, dim=1)
        return Classifier(tuple(names), weight, self.bias(descriptions, weight))

    def bias(self, descriptions: Tensor, weight: Tensor) -> Tensor:
        halfway = (self.to_means(descriptions) + self.feature_mean) / 2
        return self.bias_offset + self.settings.shift - (weight * halfway).sum(1)

    def _check(self, descriptions: Tensor) -> None:
        expected = len(self.to_importances.input_mean)
        if descriptions.ndim != 2 or descriptions.shape[1] != expected:
            raise InputError(
                f"A description of shape {tuple(descriptions.shape)} came; expected one row of {expected} numbers a class."
            )
