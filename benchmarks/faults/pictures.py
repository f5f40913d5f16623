"""A small upload: a few classes of tiny pictures, with numbers that describe them."""

from __future__ import annotations

import io
import random
import zipfile
from functools import cache

from PIL import Image

CLASSES = {"coal": (20, 20, 20), "grass": (30, 160, 40), "rose": (200, 30, 60), "sky": (90, 160, 230)}
TABLE = "name,seen,description,red,green,blue\n" + "".join(
    f"{name},{'seen' if name != 'sky' else 'unseen'},all {name},{','.join(str(part / 255) for part in colour)}\n"
    for name, colour in CLASSES.items()
)


@cache
def zipped(life: int, n_each: int = 6, size: int = 16) -> bytes:
    """Another zip for each life."""
    rng, file = random.Random(life), io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("classes.csv", TABLE)
        for name, colour in CLASSES.items():
            for i in range(n_each):
                noisy = bytes(min(255, max(0, part + rng.randint(-20, 20))) for _ in range(size**2) for part in colour)
                picture = io.BytesIO()
                Image.frombytes("RGB", (size, size), noisy).save(picture, "PNG")
                archive.writestr(f"{name}/{i}.png", picture.getvalue())
    return file.getvalue()
