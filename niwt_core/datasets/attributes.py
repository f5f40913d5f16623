"""Class attributes: the kinds there are, and the shape in which everything else takes them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core import limits
from niwt_core.errors import InputError

#: How a class is described: percentages, yes or no, or what people saw in its images.
KINDS = ("continuous", "binary", "images")


def check_kind(kind: str, known: tuple[str, ...] = KINDS, of: str = "classes") -> None:
    """Raises InputError for a kind of attributes that is not among the known ones."""
    if kind not in known:
        raise InputError(f"There are no {kind[:40]!r} attributes of {of}; expected {' or '.join(known)}.")


def unit_rows(matrix: np.ndarray) -> Tensor:
    """Rows at unit length as Xian et al. (2017) use them, (n_classes, n_attributes) float32; a zero row stays zero."""
    return nn.functional.normalize(torch.from_numpy(np.ascontiguousarray(matrix, dtype=np.float32)), dim=1)


def above_mean(matrix: np.ndarray, n_seen: int) -> np.ndarray:
    """Yes or no from percentages: 1 where a class has more than the seen classes have on average, else 0.

    The threshold knows the seen classes alone. There is no agreed one: official binary matrices exist for AwA2 only.

    Args:
        matrix: (n_classes, n_attributes), seen classes first.
    """
    return (matrix > matrix[:n_seen].mean(axis=0, keepdims=True)).astype(np.float32)


def image_means(path: Path, rows: Mapping[int, int], n_classes: int, n_attributes: int) -> np.ndarray:
    """Per-image attributes averaged over each class, (n_classes, n_attributes) in 0..1.

    Args:
        path: lines "image_id attribute_id is_present certainty_id time"; further columns, as some official lines have,
            are ignored, and so is the certainty. An attribute that no image of a class has a line for counts as absent.
        rows: the row of `class_names` for each image id that counts.

    Raises:
        InputError: a missing or damaged file, an unknown attribute, a class of which no image has attributes.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing; expected lines of image, attribute and 0 or 1.")
    if (size := path.stat().st_size) > limits.IMAGE_ATTRIBUTES_BYTES:
        most = limits.IMAGE_ATTRIBUTES_BYTES / limits.MB
        raise InputError(f"{path} has {size / limits.MB:.1f} MB; expected at most {most:g} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on an empty file, which is named below
            lines = np.loadtxt(path, dtype=np.int64, usecols=(0, 1, 2), ndmin=2, encoding="utf-8", comments=None)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is no list of image, attribute and 0 or 1 ({str(error)[:100]}).") from error
    image, attribute, present = lines.T
    if len(lines) and not (attribute.min() >= 1 and attribute.max() <= n_attributes):
        wrong = attribute.min() if attribute.min() < 1 else attribute.max()
        raise InputError(f"{path} names attribute {wrong}; expected 1 to {n_attributes}.")
    if not np.isin(present, (0, 1)).all():
        raise InputError(f"{path} holds {present[~np.isin(present, (0, 1))][0]} in its third column; expected 0 or 1.")
    known = np.array(sorted(rows), dtype=np.int64)
    counts = np.isin(image, known)
    row_of_known = np.array([rows[i] for i in known.tolist()], dtype=np.int64)
    row = row_of_known[np.searchsorted(known, image[counts])]
    cell = row * n_attributes + attribute[counts] - 1
    size = n_classes * n_attributes
    seen = np.bincount(cell, minlength=size).reshape(n_classes, n_attributes)
    yes = np.bincount(cell, weights=present[counts], minlength=size).reshape(n_classes, n_attributes)
    if len(empty := np.flatnonzero(seen.sum(axis=1) == 0)):
        raise InputError(f"{path} has no line for the images of {len(empty)} of {n_classes} classes; expected some.")
    return (yes / np.maximum(seen, 1)).astype(np.float32)
