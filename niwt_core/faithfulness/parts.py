"""Which part of a drawn bird each word is about: the ground truth of part pointing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from niwt_core.birds.attributes import ATTRIBUTES
from niwt_core.birds.drawing import Drawing

#: The parts that a group of attributes names. Size has none.
NAMED: dict[str, tuple[str, ...]] = {
    "crown_color": ("crown",),
    "back_color": ("back",),
    "belly_color": ("belly", "breast"),
    "bill_color": ("bill",),
    "bill_shape": ("bill",),
    "wing_pattern": ("wing",),
    "breast_pattern": ("breast",),
    "tail_shape": ("tail",),
    "leg_color": ("legs",),
    "leg_length": ("legs",),
    "eye_ring": ("eye",),
    "crest": ("crest",),
}
#: The parts that a group decides the look of: a crown's colour is its crest's too (see `birds.anatomy`).
PAINTED: dict[str, tuple[str, ...]] = {
    **NAMED,
    "crown_color": ("crown", "crest"),
    "back_color": ("back", "wing", "tail"),
    "belly_color": ("belly", "breast", "cheek"),
}
#: Values that say that something is not there: they have no place.
ABSENT = ("none", "plain")
#: A part of fewer pixels (in 64 x 64) counts as hidden.
LEAST_SHARE = 8 / 64**2


@dataclass(frozen=True, eq=False)
class PlacedWord:
    """One word about a drawn bird whose part is seen.

    Attributes:
        group: "crown_color". column: its row of `birds.attributes.ATTRIBUTES`.
        named, painted: (size, size) bool, where the parts that it names, or decides the look of, are seen.
    """

    group: str
    column: int
    named: Tensor
    painted: Tensor


def placed(drawing: Drawing, words: Collection[tuple[str, str]]) -> list[PlacedWord]:
    """Those of the words (group, value) that have a place in a drawing: true or not, it is where one would look."""
    found = []
    for column, (group, value) in enumerate(ATTRIBUTES):
        if (group, value) not in words or group not in NAMED or value in ABSENT:
            continue
        named, painted = (_union(drawing, parts[group]) for parts in (NAMED, PAINTED))
        if float(named.float().mean()) >= LEAST_SHARE:
            found.append(PlacedWord(group, column, named, painted))
    return found


def _union(drawing: Drawing, parts: tuple[str, ...]) -> Tensor:
    return torch.from_numpy(np.any([drawing.masks[part] for part in parts], axis=0))
