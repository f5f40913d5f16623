"""Where the birds of uncropped CUB photos are: boxes and part points, in the coordinates of what the network sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.datasets.tables import numbered, read_text
from niwt_core.errors import InputError
from niwt_core.images import ImageFiles, read_image


@dataclass(frozen=True, eq=False)
class BoxedPhotos:
    """Photos with one box and some part points each.

    Attributes:
        photos: the files; labels count the rows of classes.txt.
        class_names: of classes.txt. ids: of images.txt.
        boxes: (n_photos, 4) pixels of the photo: left, top, width, height.
        points: (n_photos, n_parts, 2) pixels of the photo, x and y; NaN where the part is not visible.
        parts: the parts' names.
    """

    photos: ImageFiles
    class_names: tuple[str, ...]
    boxes: np.ndarray
    points: np.ndarray
    parts: tuple[str, ...]


def read_boxed(root: Path) -> BoxedPhotos:
    """Read a folder in CUB's official layout: images.txt, bounding_boxes.txt, parts/.

    Raises:
        InputError: a file that is missing or is not as expected.
    """
    files = numbered(root / "images.txt", "the official list of images")
    boxes = numbered(root / "bounding_boxes.txt", "the official list of boxes")
    label_of = numbered(root / "image_class_labels.txt", "the official list of labels")
    classes = numbered(root / "classes.txt", "the official list of classes")
    parts = numbered(root / "parts" / "parts.txt", "the official list of parts")
    column_of, row_of = {key: i for i, key in enumerate(parts)}, {key: i for i, key in enumerate(files)}
    class_of = {key: i for i, key in enumerate(classes)}
    points = np.full((len(files), len(parts), 2), np.nan)
    path = root / "parts" / "part_locs.txt"
    try:
        for line in read_text(path, "the official part locations").splitlines():
            image, part, x, y, visible = line.split()
            if visible == "1" and image in row_of:
                points[row_of[image], column_of[part]] = float(x), float(y)
        table = np.array([[float(v) for v in boxes[key].split()] for key in files])
        labels = np.array([class_of[label_of[key]] for key in files])
    except (KeyError, ValueError) as error:
        raise InputError(f"The lists of {root} do not fit together ({type(error).__name__} {error}).") from error
    if table.ndim != 2 or table.shape[1] != 4:
        raise InputError(f"{root / 'bounding_boxes.txt'} holds no rows of four numbers; expected x, y, width, height.")
    photos = ImageFiles(tuple(root / "images" / f for f in files.values()), labels)
    return BoxedPhotos(photos, tuple(classes.values()), table, points, tuple(parts.values()))


def seen_square(width: float, height: float) -> tuple[float, float, float]:
    """The centred square that `images.to_input` takes of a photo: (left, top, side), pixels of the photo."""
    side = min(width, height)
    return (width - side) / 2, (height - side) / 2, side


def box_mask(box: np.ndarray, width: float, height: float, size: int) -> Tensor:
    """Which of the (size, size) pixels that the network sees have their middle inside the box; bool.

    Args:
        box: left, top, width, height in pixels of the (width, height) photo.
    """
    left, top, side = seen_square(width, height)
    middle = (np.arange(size) + 0.5) * side / size
    columns = (middle + left >= box[0]) & (middle + left <= box[0] + box[2])
    rows = (middle + top >= box[1]) & (middle + top <= box[1] + box[3])
    return torch.from_numpy(rows[:, None] & columns)


def seen_points(points: np.ndarray, width: float, height: float, size: int) -> np.ndarray:
    """Points (n, 2), x and y in pixels of the photo, in pixels of what the network sees; NaN outside of it."""
    left, top, side = seen_square(width, height)
    moved = (points - (left, top)) * size / side
    inside = ((moved >= 0) & (moved <= size)).all(1, keepdims=True)
    return np.where(inside, moved, np.nan)


def ground_truth(data: BoxedPhotos, index: int, size: int) -> tuple[Tensor, np.ndarray]:
    """The box as a mask (size, size) and the part points (n_parts, 2) of one photo, as the network sees it."""
    width, height = read_image(data.photos.paths[index]).size
    return box_mask(data.boxes[index], width, height, size), seen_points(data.points[index], width, height, size)
