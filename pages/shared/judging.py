"""Features of the pictures that judge a class: computed once for all sessions, some at a time where they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared import resources

if TYPE_CHECKING:
    from torch import Tensor

    from niwt_core.worlds.base import World
    from niwt_core.worlds.described import Described

#: Pictures of a class, at most; and how many are drawn between two looks at the page.
N_PICTURES, STEP = 100, 20


def pictures_of(world: World, described: Described, n: int = N_PICTURES) -> Tensor:
    """Features (n, n_features) of pictures of the class that nothing was fitted to; no rows where there are none.

    The first n drawings are the same for every n; only drawings that are missing are made.

    Raises:
        InputError: the world's pictures are not where they were.
    """
    import torch

    if not world.drawn:
        return _features(resources.identity(), "", described.of, 0, n, world, described)
    from niwt_core.birds.world import FRESH_SEED

    starts = range(0, n, STEP)
    identity, key = resources.identity(), described.key  # what a drawing shows follows from the picks, not the words
    return torch.cat([_features(identity, key, "", FRESH_SEED + i, STEP, world, described) for i in starts])[:n]


def strangers_of(world: World, described: Described) -> Tensor:
    """Features of up to 100 pictures of other unseen classes, see `World.strangers`.

    Raises:
        InputError: the world's pictures are not where they were.
    """
    return _strangers(resources.identity(), described.of, world, described)


@st.cache_resource(show_spinner=False, max_entries=400)
def _features(identity: str, key: str, of: str, seed: int, n: int, _world: World, _described: Described) -> Tensor:
    from niwt_core.worlds.trial import features_of

    return features_of(_world, _world.pictures_of(_described, n, seed))


@st.cache_resource(show_spinner=False, max_entries=32)
def _strangers(identity: str, of: str, _world: World, _described: Described) -> Tensor:
    from niwt_core.worlds.trial import features_of

    return features_of(_world, _world.strangers(_described))


def picture(world: World, described: Described, number: int, size: int = 320) -> np.ndarray:
    """One of the pictures of `pictures_of` for people, (size, size, 3) uint8; there must be so many."""
    if world.drawn:
        from niwt_core.birds.world import FRESH_SEED

        return resources.portrait(described.key, dict(described.picks), FRESH_SEED + number, size, calm=False)
    source = world.pictures_of(described, N_PICTURES)
    assert source is not None, "a picture was asked for where there is none"
    return resources.squared(source[number], size)
