"""Zips of photos for "Bring your own": coloured noise, a kind for each class."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

CLASSES = ("amber", "birch", "coral", "dune", "ebony", "fern", "garnet", "hazel")
#: Pixels of a side; the network sees it larger.
SIDE = 96


def zip_of_photos(marker: str, n_photos: int, seed: int) -> bytes:
    """A zip of `n_photos` JPEGs in eight class folders, whose names hold the marker; two classes have no photos to
    learn from, see `classes.csv`."""
    chance = np.random.default_rng(seed)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for i in range(n_photos):
            c = i % len(CLASSES)
            archive.writestr(f"{marker} {CLASSES[c]}/{i:05d}.jpg", _photo(chance, c))
    return found.getvalue()


def _photo(chance: np.random.Generator, kind: int) -> bytes:
    color = np.array([(kind & 1) * 150, (kind >> 1 & 1) * 150, (kind >> 2 & 1) * 150]) + 50
    rough = chance.normal(color, 40, (12, 12, 3)).clip(0, 255).astype(np.uint8)
    found = io.BytesIO()
    Image.fromarray(rough).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(found, "JPEG", quality=85)
    return found.getvalue()
