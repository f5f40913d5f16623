"""Zero-shot data sets: images and descriptions of seen and unseen classes, in one shape whatever their origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.errors import InputError
from niwt_core.images import ImageFiles, ImageSource


@dataclass(frozen=True, eq=False)
class ZeroShotData:
    """Seen classes first, then unseen ones; every label is a row of `class_names`.

    Attributes:
        attributes: (n_classes, n_attributes) float32, one description a class.
        train: images of seen classes. test_seen, test_unseen: images for evaluation alone.
    """

    name: str
    class_names: tuple[str, ...]
    n_seen: int
    attributes: Tensor
    attribute_names: tuple[str, ...]
    train: ImageSource
    test_seen: ImageSource
    test_unseen: ImageSource


def load_cub(root: Path, split: Path | None = None) -> ZeroShotData:
    """CUB-200-2011 in the official layout, whole or in part.

    Args:
        root: the folder with images.txt, classes.txt, image_class_labels.txt, images/ and attributes/.
        split: a folder with trainvalclasses.txt and testclasses.txt (class names, one a line) and, if the seen test
            photos are fixed, test_seen_images.txt (file names as in images.txt); default: root/splits. Without the
            last file the official train_test_split.txt divides the seen classes' photos.

    Raises:
        InputError: a file that is missing or is not as expected, an unknown class, a class without photos.
    """
    split = split or root / "splits"
    for folder, what in ((root, "a CUB-200-2011 folder"), (split, "a folder with the split's class lists")):
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; expected {what}.")
    class_of = dict(_pairs(root / "classes.txt"))
    names = list(class_of.values())
    file_of = dict(_pairs(root / "images.txt"))
    label_of = dict(_pairs(root / "image_class_labels.txt"))
    seen, unseen = (_class_list(split / f, names) for f in ("trainvalclasses.txt", "testclasses.txt"))
    if both := set(seen) & set(unseen):
        raise InputError(f"Class {min(both)} is listed as seen and as unseen in {split}; expected one of the two.")
    attributes = _attribute_matrix(root / "attributes" / "class_attribute_labels_continuous.txt", len(names))

    chosen = [*seen, *unseen]
    row = {name: i for i, name in enumerate(chosen)}
    try:
        photos = [(i, file, row.get(class_of[label_of[i]])) for i, file in file_of.items()]
    except KeyError as error:
        raise InputError(f"Image or class {error} of images.txt has no entry in the other lists of {root}.") from error
    held = split / "test_seen_images.txt"
    if held.is_file():
        test_files = set(held.read_text().split())
        is_test = {i for i, file, _ in photos if file in test_files}
    else:
        is_test = {i for i, flag in _pairs(root / "train_test_split.txt") if flag == "0"}

    def files(wanted: list[tuple[str, int]]) -> ImageFiles:
        return ImageFiles(
            tuple(root / "images" / file for file, _ in wanted), np.array([y for _, y in wanted], dtype=np.int64)
        )

    n_seen = len(seen)
    train = files([(f, y) for i, f, y in photos if y is not None and y < n_seen and i not in is_test])
    test_seen = files([(f, y) for i, f, y in photos if y is not None and y < n_seen and i in is_test])
    test_unseen = files([(f, y) for i, f, y in photos if y is not None and y >= n_seen])
    for source, expected in ((train, range(n_seen)), (test_unseen, range(n_seen, len(chosen)))):
        if missing := sorted(set(expected) - set(source.labels.tolist())):
            raise InputError(
                f"Class {chosen[missing[0]]} has no photos in {root}"
                + (f" (and {len(missing) - 1} more classes)" if len(missing) > 1 else "")
                + "; expected at least one for each class of the split."
            )
    if not len(test_seen.labels):
        raise InputError(f"The split {split} leaves no test photos of seen classes in {root}.")
    return ZeroShotData(
        name="cub",
        class_names=tuple(chosen),
        n_seen=n_seen,
        attributes=attributes[[names.index(name) for name in chosen]],
        attribute_names=tuple(name for _, name in _pairs(root / "attributes" / "attributes.txt")),
        train=train,
        test_seen=test_seen,
        test_unseen=test_unseen,
    )


def _pairs(path: Path) -> list[tuple[str, str]]:
    """The "number value" lines of the official lists."""
    if not path.is_file():
        raise InputError(f"{path} is missing; expected the official list of CUB-200-2011.")
    pairs = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        if line.strip():
            parts = line.split(maxsplit=1)
            if len(parts) != 2:
                raise InputError(f"Line {number} of {path} is {line[:60]!r}; expected a number and a value.")
            pairs.append((parts[0], parts[1].strip()))
    return pairs


def _class_list(path: Path, known: list[str]) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path} is missing; expected one class name a line.")
    names = path.read_text(errors="replace").split()
    if not names:
        raise InputError(f"{path} is empty; expected one class name a line.")
    for name in names:
        if name not in known:
            raise InputError(f"{path} names the class {name[:60]!r}, which classes.txt does not list.")
    return names


def _attribute_matrix(path: Path, n_classes: int) -> Tensor:
    """The percentages, each row at unit length as Xian et al. (2017) use them, (n_classes, n_attributes)."""
    if not path.is_file():
        raise InputError(f"{path} is missing; expected the class attributes, one row of percentages a class.")
    try:
        matrix = np.loadtxt(path, dtype=np.float32, ndmin=2)
    except ValueError as error:
        raise InputError(f"{path} is no table of numbers ({error}).") from error
    if len(matrix) != n_classes:
        raise InputError(f"{path} has {len(matrix)} rows; expected one for each of the {n_classes} classes.")
    if not np.isfinite(matrix).all():
        raise InputError(f"{path} holds values that are no numbers; expected percentages.")
    return nn.functional.normalize(torch.from_numpy(matrix), dim=1)
