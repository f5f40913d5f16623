"""The attributes of a paper bird: groups, their values, and the 0/1 vector that describes a bird with them."""

from collections.abc import Mapping

import numpy as np

from niwt_core.errors import InputError

COLORS = ("black", "white", "gray", "brown", "red", "orange", "yellow", "green", "blue")

#: Each group and its values. A bird has exactly one value of each group; a description may leave groups open.
GROUPS: dict[str, tuple[str, ...]] = {
    "size": ("small", "medium", "large"),
    "crown_color": COLORS,
    "back_color": COLORS,
    "belly_color": COLORS,
    "bill_color": ("black", "gray", "orange", "yellow", "red"),
    "bill_shape": ("short", "long", "hooked", "broad"),
    "wing_pattern": ("plain", "white bars", "black bars", "white spots", "black tips"),
    "breast_pattern": ("plain", "spotted", "streaked", "banded"),
    "tail_shape": ("square", "forked", "fanned", "pointed"),
    "leg_color": ("black", "gray", "orange", "pink"),
    "leg_length": ("short", "long"),
    "eye_ring": ("none", "white", "yellow"),
    "crest": ("none", "tufted"),
}

#: (group, value) of every column of an attribute vector, in order.
ATTRIBUTES: tuple[tuple[str, str], ...] = tuple((group, value) for group, values in GROUPS.items() for value in values)

#: The same as names, "crown_color::black".
ATTRIBUTE_NAMES: tuple[str, ...] = tuple(f"{group}::{value}" for group, value in ATTRIBUTES)


def check(bird: Mapping[str, str], *, complete: bool = False) -> None:
    """Raise InputError unless every group and value exists (and, if `complete`, every group is given)."""
    for group, value in bird.items():
        if group not in GROUPS:
            raise InputError(f"Unknown attribute group {group!r}; expected one of {', '.join(GROUPS)}.")
        if value not in GROUPS[group]:
            raise InputError(f"Unknown {group} {value!r}; expected one of {', '.join(GROUPS[group])}.")
    if complete and (missing := [group for group in GROUPS if group not in bird]):
        raise InputError(f"A whole bird needs a value for every group; missing: {', '.join(missing)}.")


def encode(bird: Mapping[str, str], open_values: np.ndarray | None = None) -> np.ndarray:
    """Attribute vector of a bird, float32 of shape (n_attributes,): 1 for the values it has, 0 elsewhere.

    Groups that `bird` leaves open take their entries from `open_values` (n_attributes,), for example the mean over the
    seen species; without it they are 0.
    """
    check(bird)
    vector = np.zeros(len(ATTRIBUTES), dtype=np.float32)
    for column, (group, value) in enumerate(ATTRIBUTES):
        if group in bird:
            vector[column] = bird[group] == value
        elif open_values is not None:
            vector[column] = open_values[column]
    return vector


def decode(vector: np.ndarray) -> dict[str, str]:
    """The most likely value of each group of an attribute vector (n_attributes,): the inverse of `encode`."""
    best: dict[str, tuple[float, str]] = {}
    for (group, value), strength in zip(ATTRIBUTES, vector, strict=True):
        if group not in best or strength > best[group][0]:
            best[group] = (float(strength), value)
    return {group: value for group, (_, value) in best.items()}
