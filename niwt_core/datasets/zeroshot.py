"""The one shape that every zero-shot data set has."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from niwt_core.images import ImageSource


@dataclass(frozen=True, eq=False)
class ZeroShotData:
    """Seen classes first, then unseen ones; every label is a row of `class_names`.

    Attributes:
        attributes: (n_classes, n_attributes) float32, one description a class; n_attributes is 0 where classes are
            described by `texts` alone.
        train: images of seen classes. test_seen, test_unseen: images for evaluation alone.
        notes: sentences on what was left out and why, for a person to read.
        texts: a description in words for each class ("" where none), or empty where the data set has no texts.
    """

    name: str
    class_names: tuple[str, ...]
    n_seen: int
    attributes: Tensor
    attribute_names: tuple[str, ...]
    train: ImageSource
    test_seen: ImageSource
    test_unseen: ImageSource
    notes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
