"""Pictures of kept classes: a portrait for the shelf, more of them for a report."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.drawing import draw
from niwt_core.errors import InputError
from niwt_core.notebook import Kept
from niwt_core.notebook.face import face
from niwt_core.notebook.report import Chapter, Picture, report
from niwt_core.notebook.telling import told_picks
from niwt_core.worlds.described import Described
from pages.shared import resources, state
from pages.shared.style import AGAINST, FOR

if TYPE_CHECKING:
    from niwt_core.worlds.base import World

SEED = 10_000_001
PORTRAIT_SIZE, REPORT_SIZE = 240, 320
#: Pictures of one class in a report: of a few classes many, of many a few.
MANY, FEW = 8, 3


def drawable(kept: Kept) -> dict[str, str]:
    """The picks that Paper Birds can draw; {} for a class of photos."""
    if kept.project != state.BIRDS:
        return {}
    return {group: value for group, value in kept.picks.items() if value in GROUPS.get(group, ())}


def portrait(kept: Kept) -> str | None:
    """A drawing of a kept bird as an address for `<img>`; None for a class of photos."""
    bird = drawable(kept)
    return _uri("image/webp", _drawing(tuple(bird.items()), SEED, PORTRAIT_SIZE)) if bird else None


def face_of(kept: Kept) -> str:
    """The class's barcode as an address for `<img>`."""
    return _uri("image/svg+xml", face(kept.importances, kept.order, rises=FOR, hangs=AGAINST).encode())


def report_of(entries: Sequence[Kept]) -> bytes:
    """Entries as one HTML file with the pictures that this app draws, or that a project has."""
    return report(chapters(entries, resources.world_of), rises=FOR, hangs=AGAINST)


def chapters(entries: Sequence[Kept], world_of: Callable[[str], World]) -> list[Chapter]:
    """Entries with the pictures that a report shows of them.

    Args:
        world_of: opens a photo project by its key.
    """
    n = MANY if len(entries) <= MANY else FEW
    return [_chapter(entry, n, world_of) for entry in entries]


def _chapter(kept: Kept, n: int, world_of: Callable[[str], World]) -> Chapter:
    if kept.project == state.BIRDS:
        bird = drawable(kept)
        alt = f"A drawing of {told_picks(bird)}"
        drawings = (_drawing(tuple(bird.items()), SEED + i, REPORT_SIZE) for i in range(n if bird else 0))
        return Chapter(kept, tuple(Picture(webp, alt) for webp in drawings))
    try:
        source = world_of(kept.project).pictures_of(Described(kept.text, kept.picks, kept.of), n)
        photos = [] if source is None else [source[i] for i in range(len(source.labels))]
    except InputError as error:
        return Chapter(kept, without=f"Without pictures: {error}")
    return Chapter(kept, tuple(Picture(_webp(photo, REPORT_SIZE), f"A photo of {kept.of}") for photo in photos))


@lru_cache(maxsize=1000)
def _drawing(bird: tuple[tuple[str, str], ...], seed: int, size: int) -> bytes:
    return _webp(
        Image.fromarray(np.asarray(draw(dict(bird), seed=seed, size=size, masks=False, calm=True).image)), size
    )


def _webp(image: Image.Image, size: int) -> bytes:
    """A WebP file without anything but the picture."""
    small = image.convert("RGB")
    small.thumbnail((size, size))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return file.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
