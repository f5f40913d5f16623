"""Attributes of drawn birds in the words a person would use."""

from collections.abc import Iterable, Mapping

from niwt_core.birds.attributes import GROUPS

#: What a group is called.
GROUP_WORDS: dict[str, str] = {
    "size": "size",
    "crown_color": "crown",
    "back_color": "back",
    "belly_color": "belly",
    "bill_color": "bill colour",
    "bill_shape": "bill shape",
    "wing_pattern": "wings",
    "breast_pattern": "breast",
    "tail_shape": "tail",
    "leg_color": "leg colour",
    "leg_length": "leg length",
    "eye_ring": "eye ring",
    "crest": "crest",
}

#: What stands after the value in a phrase such as "black crown".
_NOUNS: dict[str, str] = {
    "size": "size",
    "crown_color": "crown",
    "back_color": "back",
    "belly_color": "belly",
    "bill_color": "bill",
    "bill_shape": "bill",
    "wing_pattern": "wings",
    "breast_pattern": "breast",
    "tail_shape": "tail",
    "leg_color": "legs",
    "leg_length": "legs",
    "eye_ring": "eye ring",
    "crest": "crest",
}


def word(group: str, value: str) -> str:
    """An attribute as a label: "crown: black"."""
    return f"{GROUP_WORDS.get(group, group)}: {value}"


def phrase(group: str, value: str) -> str:
    """An attribute as people say it: "black crown", "no eye ring", "white wing bars"."""
    if value == "none":
        return f"no {_NOUNS[group]}"
    if group == "wing_pattern" and value != "plain":
        color, mark = value.split()
        return f"{color} wing {mark}"
    return f"{value} {_NOUNS[group]}"


def phrases(bird: Mapping[str, str], groups: Iterable[str] | None = None) -> str:
    """Attributes of a bird in one line, in the order of GROUPS; only those of `groups` if these are given."""
    wanted = set(GROUPS if groups is None else groups)
    return ", ".join(phrase(group, bird[group]) for group in GROUPS if group in wanted and group in bird)
