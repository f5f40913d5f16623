"""CUB-200-2011: 200 species of birds with 312 attributes, in the official layout, whole or in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from niwt_core.datasets.attributes import above_mean, check_kind, image_means, unit_rows
from niwt_core.datasets.division import Division, divide
from niwt_core.datasets.splits import read_split
from niwt_core.datasets.tables import check_inside, check_unique, number_table, numbered
from niwt_core.datasets.zeroshot import ZeroShotData
from niwt_core.errors import InputError


def load_cub(root: Path, split: Path | None = None, attributes: str = "continuous") -> ZeroShotData:
    """CUB-200-2011, whole or in part: photos and classes that are not there are left out and named in the notes.

    Args:
        root: the folder with images.txt, classes.txt, image_class_labels.txt, images/ and attributes/.
        split: a folder with the split, see `read_split`; default: root/splits. Where the split names no test photos of
            seen classes, the official train_test_split.txt divides their photos.
        attributes: the rows, each at unit length. "continuous": the official percentages. "binary": 1 where a class's
            percentage is above the seen classes' mean. "images": attributes/image_attribute_labels.txt averaged over
            the training photos of seen classes and all photos of unseen classes. The last uses what people said of the
            unseen classes' photos, never the photos: knowledge of a class, as the percentages are.

    Raises:
        InputError: a file that is missing or is not as expected, an unknown class, too few classes with photos.
    """
    check_kind(attributes)
    if not root.is_dir():
        raise InputError(f"{root} is no folder; expected a CUB-200-2011 folder.")
    class_of_number = numbered(root / "classes.txt", "the official list of classes")
    classes = list(class_of_number.values())
    check_unique(classes, root / "classes.txt")
    file_of_id = numbered(root / "images.txt", "the official list of images")
    check_unique(file_of_id.values(), root / "images.txt")
    for file in file_of_id.values():
        check_inside(file, root / "images.txt", folders=True)
    label_of_id = numbered(root / "image_class_labels.txt", "the official list of labels")
    try:
        class_of = {file: class_of_number[label_of_id[i]] for i, file in file_of_id.items()}
    except KeyError as error:
        raise InputError(f"Image or class {error} of images.txt has no entry in the other lists of {root}.") from error

    plan = read_split(split or root / "splits", classes, "images")
    if plan.test_seen is None:
        is_train = numbered(root / "train_test_split.txt", "the official list of training images")
        chosen = set(plan.seen)
        held = (f for i, f in file_of_id.items() if is_train.get(i) == "0" and class_of[f] in chosen)
        plan = replace(plan, test_seen=frozenset(held))
    division = divide(root / "images", class_of, plan)

    names = list(numbered(_attribute_list(root), "the official list of attributes").values())
    if attributes == "images":
        matrix = _image_attributes(root, division, file_of_id, len(names))
    else:
        matrix = number_table(
            root / "attributes" / "class_attribute_labels_continuous.txt", len(classes), len(names)
        ).clip(min=0)[[classes.index(name) for name in division.class_names]]
        if attributes == "binary":
            matrix = above_mean(matrix, division.n_seen)
    return division.data("cub", unit_rows(matrix), names)


def _attribute_list(root: Path) -> Path:
    """The list of attributes; the official archive has it beside the data set's folder, not in it."""
    places = (root / "attributes" / "attributes.txt", root / "attributes.txt", root.resolve().parent / "attributes.txt")
    return next((path for path in places if path.is_file()), places[0])


def _image_attributes(root: Path, division: Division, file_of_id: dict[str, str], n_attributes: int) -> np.ndarray:
    row_of = dict(division.train) | dict(division.test_unseen)
    try:
        rows = {int(i): row_of[file] for i, file in file_of_id.items() if file in row_of}
    except ValueError as error:
        raise InputError(f"{root / 'images.txt'} numbers an image otherwise than with a whole number.") from error
    path = root / "attributes" / "image_attribute_labels.txt"
    return image_means(path, rows, len(division.class_names), n_attributes)
