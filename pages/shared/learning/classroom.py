"""The lesson of a described class, in any world: pictures and measurements are made once a server, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from PIL import ImageOps
from torch import Tensor

from niwt_core.birds.easel import Wish, jpeg
from niwt_core.methods.rivals import Ring, birds_ring, photos_ring
from niwt_core.pipeline import Progress
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described
from niwt_core.worlds.trial import jacobians_of
from pages.shared import resources, state, wording
from pages.shared.jobs.contest import RingHolder
from pages.shared.jobs.tidying import forgettable
from pages.shared.learning.lesson import N_PICTURES, Lesson, n_samples

#: The side of a picture in the tray, in pixels.
_SIDE = 128
#: Of these small pictures.
_QUALITY = 84


@dataclass
class _Samples:
    """The Jacobians of one world, made by whoever comes first while others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    own: Tensor | None = None
    check: Tensor | None = None


def lesson_of(world: World, described: Described) -> Lesson:
    """Everything to learn from and to judge with; slow once for each world, and a second for each class.

    Raises:
        InputError: the world's pictures are not where they were.
    """
    own, check = _jacobians(world)
    project, row = world.project, world.row(described)
    with st.spinner(f"Getting {N_PICTURES} pictures for the test …"):
        pictures, strangers = resources.features(described, N_PICTURES), resources.strangers(described)
    return Lesson(project, row, project.learner.importances(row), own, check, pictures, strangers)


def thumbnails(world: World, described: Described, n: int) -> list[bytes]:
    """The first n of the class's fresh pictures, JPEGs of 128 x 128; fewer where there are fewer."""
    return _thumbnails(resources.identity(), described.identity, n, world, described)


def _jacobians(world: World) -> tuple[Tensor, Tensor]:
    """Of the sample pictures, and of those that only compare; see `Lesson`."""
    kept, n = _samples(resources.identity()), n_samples(world)
    with kept.lock:
        if kept.own is None or kept.check is None:
            done, bar = 0, st.progress(0.0, f"Measuring how the network reacts to {2 * n} pictures (once) …")

            def count(more: int) -> None:
                nonlocal done
                done += more
                bar.progress(min(1.0, done / n / 2), f"Measuring how the network reacts to {2 * n} pictures (once) …")

            kept.own, kept.check = (jacobians_of(world, n, fresh=fresh, progress=count) for fresh in (False, True))
            bar.empty()
        return kept.own, kept.check


@st.cache_resource(show_spinner=False, max_entries=4)
def _samples(world_id: str) -> _Samples:
    return _Samples()


@forgettable
@st.cache_resource(show_spinner=False, max_entries=40)
def _thumbnails(world_id: str, key: str, n: int, _world: World, _described: Described) -> list[bytes]:
    if _world.drawn:
        from niwt_core.birds.world import FRESH_SEED

        # larger than the network sees them, from the same seeds
        wishes = [Wish(_described.picks, FRESH_SEED + i, _SIDE) for i in range(n)]
        return [sheet.data for sheet in resources.artist()(wishes, _QUALITY)]
    source = _world.pictures_of(_described, N_PICTURES)
    count = 0 if source is None else min(n, len(source.labels))
    fitted = (np.asarray(ImageOps.fit(source[i].convert("RGB"), (_SIDE, _SIDE))) for i in range(count))
    return [jpeg(picture, _QUALITY) for picture in fitted]


def told(described: Described) -> str:
    """The class in Markdown: as it was typed, or else what was picked, or whose numbers it has."""
    if described.text or state.noun() != "bird":
        return wording.plain(described.text or ", ".join(described.picks.values()) or described.of)
    return wording.phrases(described.picks)


def ring_holder() -> RingHolder:
    """The holder of the other methods, fitted to the person's world."""
    return _ring_holder(resources.identity())


@st.cache_resource(show_spinner=False, max_entries=8)
def _ring_holder(world_id: str) -> RingHolder:
    return RingHolder()


def ring_maker(world: World) -> Callable[[Progress], Ring]:
    """What fits the other methods to a world; it may run in a thread without a session."""
    if world.drawn:
        return lambda progress: birds_ring(world, resources.BUNDLED, progress)
    return lambda progress: photos_ring(world, progress)
