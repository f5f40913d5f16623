"""Class means -> class weights: linear discriminants with a shrunk covariance.

The seen classes' weights are discriminants of their own mean features; a new class's prior is the discriminant of the
mean features that its description predicts. Both speak the same language, so that they compete fairly, which weights
found by cross-entropy and predicted ones do not.

Source: Fisher's linear discriminant with equal class weights; the covariance within classes is shrunk towards a
multiple of the identity (Friedman, 1989, regularised discriminant analysis). At full shrinkage the nearest class mean
wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.gzsl import Classifier


def class_means_of(features: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Mean features of each class, (n_classes, n_features); of a class without images they are no numbers.

    The images are sorted by class once: looking through all of them for each class would take n_classes as long.
    """
    images_of = labels.argsort(stable=True).split(torch.bincount(labels, minlength=n_classes).tolist())
    return torch.stack([features[own].mean(0) for own in images_of[:n_classes]])


def within_covariance(features: Tensor, labels: Tensor, class_means: Tensor) -> Tensor:
    """Covariance of the features (n_images, n_features) around their own class means, (n_features, n_features)."""
    aside = features - class_means[labels]
    return aside.T @ aside / len(aside)


@dataclass(frozen=True, eq=False)
class Discriminant:
    """Turns class means into weights and biases.

    A score compares the class with one that would stand at the mean of all seen class means; halfway between, it is 0.

    Attributes:
        center: (n_features,), mean of the seen class means.
        precision: (n_features, n_features), inverse of the shrunk covariance; None for the identity.
        scale: what scores are multiplied by, so that their softmax is a fair probability.
    """

    center: Tensor
    precision: Tensor | None
    scale: float = 1.0

    def weights(self, means: Tensor) -> Tensor:
        """Weights (n_classes, n_features) of classes with these mean features (n_classes, n_features)."""
        aside = self.scale * (means - self.center)
        return aside if self.precision is None else aside @ self.precision

    def bias(self, weights: Tensor, means: Tensor) -> Tensor:
        """Biases (n_classes,) that put each class's threshold halfway between its mean features and the center."""
        return -(weights * (means + self.center)).sum(1) / 2

    def classifier(self, names: tuple[str, ...], means: Tensor) -> Classifier:
        """The discriminants of classes with these mean features."""
        weights = self.weights(means)
        return Classifier(names, weights, self.bias(weights, means))


def make_discriminant(class_means: Tensor, within: Tensor, shrinkage: float, scale: float = 1.0) -> Discriminant:
    """The discriminant of classes with these means, (n_classes, n_features), and covariance within, (D, D).

    Args:
        shrinkage: 0 to 1; (1 - shrinkage) * within / t + shrinkage * identity, with t the mean variance, is inverted.
    """
    if not 0 < shrinkage <= 1:
        raise ValueError(f"expected a shrinkage above 0 and at most 1, got {shrinkage}")
    size = float(within.diagonal().mean())
    if shrinkage == 1 or size <= 0:
        return Discriminant(class_means.mean(0), None, scale)
    shrunk = (1 - shrinkage) / size * within.double()
    shrunk.diagonal().add_(shrinkage)
    precision = torch.cholesky_inverse(torch.linalg.cholesky(shrunk)).to(within.dtype)
    return Discriminant(class_means.mean(0), precision, scale)
