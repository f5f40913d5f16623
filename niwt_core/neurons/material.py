"""The images that a dictionary is made from: some to choose names, others to judge them, others again to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.images import ImageSource
from niwt_core.neurons.causal import Redraws
from niwt_core.neurons.evidence import Part


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images, and the attributes that each shows, (n_images, n_attributes) of 0 and 1."""

    source: ImageSource
    attributes: Tensor


@dataclass(frozen=True, eq=False)
class Material:
    """Everything a dictionary is made from.

    Attributes:
        naming: names are chosen on these. evidence: and their AUC measured on these others.
        classes: images with class numbers, for ablation and as top images. numbers: what each is called in a
            `TopImage`, (n_images,). seeds: of its drawing, or None for photos. images: the source in words.
        fitting: redraws that confidence is learned from. judging: redraws, of other bases, that judge every name.
    """

    naming: Labelled
    evidence: Labelled
    classes: ImageSource
    numbers: np.ndarray
    seeds: np.ndarray | None
    images: str
    attribute_names: tuple[str, ...]
    fitting: Redraws | None = None
    judging: Redraws | None = None


def binary(attributes: Tensor) -> Tensor:
    """Class descriptions as 0 and 1: above the mean over classes or not. (n_classes, n_attributes)."""
    return (attributes > attributes.mean(0)).float()


def material_of(data: ZeroShotData, n_images: int = 3000, n_of_class: int = 8, seed: int = 0) -> Material:
    """Photos: every image is taken to show the attributes of its class; nothing can be redrawn.

    Half of the training images (at most `n_images` in all) choose the names, the other half are evidence; classes are
    shown and ablated on up to `n_of_class` test images of each seen class.

    Raises:
        InputError: classes that are described by sentences alone, or too few images.
    """
    if not data.attribute_names or data.attributes.shape[1] == 0:
        raise InputError(
            f"The classes of {data.name} have no attributes; names for neurons need them (sentences are not enough)."
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.train.labels))
    order = order[np.argsort(data.train.labels[order], kind="stable")]  # class by class, shuffled within
    half = [np.sort(rng.permutation(part)[: n_images // 2]) for part in (order[::2], order[1::2])]
    if not len(half[1]):
        raise InputError(f"{data.name} has {len(order)} training images; expected at least 2.")
    rows = binary(data.attributes[: data.n_seen])
    naming, evidence = (
        Labelled(Part(data.train, part), rows[torch.from_numpy(data.train.labels[part])]) for part in half
    )
    tests = data.test_seen.labels
    shown = [rng.permutation(np.flatnonzero(tests == c))[:n_of_class] for c in range(data.n_seen)]
    numbers = np.sort(np.concatenate(shown))
    if not len(numbers):
        raise InputError(f"{data.name} has no test images of seen classes; expected some to show and to ablate.")
    return Material(
        naming=naming,
        evidence=evidence,
        classes=Part(data.test_seen, numbers),
        numbers=numbers,
        seeds=None,
        images=f"test images of the seen classes of {data.name}",
        attribute_names=data.attribute_names,
    )
