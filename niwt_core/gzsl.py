"""Generalized zero-shot classification: join seen and new classes, and measure both fairly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear classifier over features.

    Attributes:
        names: one a class. weight: (n_classes, n_features). bias: (n_classes,).
    """

    names: tuple[str, ...]
    weight: Tensor
    bias: Tensor

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.weight) == len(self.bias):
            raise ValueError(
                f"expected one row of weights and one bias for each of the {len(self.names)} names, "
                f"got {tuple(self.weight.shape)} and {tuple(self.bias.shape)}"
            )

    def __call__(self, features: Tensor) -> Tensor:
        """(n_images, n_features) -> scores (n_images, n_classes)."""
        return features @ self.weight.T + self.bias


def join(seen: Classifier, new: Classifier) -> Classifier:
    """One classifier over the seen classes followed by the new ones (step 3)."""
    return Classifier((*seen.names, *new.names), torch.cat([seen.weight, new.weight]), torch.cat([seen.bias, new.bias]))


@dataclass(frozen=True)
class GZSLResult:
    """Accuracies as fractions, each the mean over classes of the per-class accuracy.

    Attributes:
        seen: S, images of seen classes among all classes. unseen: U, images of unseen classes among all classes.
        harmonic: H of S and U. unseen_only: images of unseen classes among the unseen classes alone.
        seen_only: images of seen classes among the seen classes alone.
    """

    seen: float
    unseen: float
    harmonic: float
    unseen_only: float
    seen_only: float
    n_seen_images: int
    n_unseen_images: int


def per_class_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes that occur in `labels` (n_images,) of the fraction of their images predicted right."""
    if not len(labels):
        raise ValueError("expected at least one image, got none")
    found, images = np.bincount(labels[labels == predicted], minlength=labels.max() + 1), np.bincount(labels)
    return float(np.mean(found[images > 0] / images[images > 0]))


def harmonic_mean(seen: float, unseen: float) -> float:
    """2 S U / (S + U); 0 where both are 0."""
    return 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0


def evaluate(scores: Tensor, labels: Tensor, n_seen: int) -> GZSLResult:
    """S, U, H by the plain joint argmax.

    Args:
        scores: (n_images, n_classes), columns the seen classes first. labels: (n_images,), of seen and unseen images.
        n_seen: how many of the columns are seen classes.
    """
    y, s = labels.numpy(), scores.numpy()
    is_seen = y < n_seen
    if is_seen.all() or not is_seen.any():
        raise ValueError("expected images of seen and of unseen classes")
    joint = s.argmax(1)
    seen = per_class_accuracy(joint[is_seen], y[is_seen])
    unseen = per_class_accuracy(joint[~is_seen], y[~is_seen])
    return GZSLResult(
        seen=seen,
        unseen=unseen,
        harmonic=harmonic_mean(seen, unseen),
        unseen_only=per_class_accuracy(s[~is_seen, n_seen:].argmax(1) + n_seen, y[~is_seen]),
        seen_only=per_class_accuracy(s[is_seen, :n_seen].argmax(1), y[is_seen]),
        n_seen_images=int(is_seen.sum()),
        n_unseen_images=int((~is_seen).sum()),
    )
