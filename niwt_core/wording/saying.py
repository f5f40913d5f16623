"""Attributes of any data set as people say them: "has_wing_color::blue" is "blue wing", or "wing color: blue"."""

from __future__ import annotations

import re

#: What can be picked of an attribute that is a single predicate ("stripes").
YES, NO = "yes", "no"
#: Words of a group's name that people leave out, unless nothing else would be left.
_UNSAID = {"has", "color", "colour", "pattern", "shape", "length"}
#: What people say for a word of the attributes.
_SAME = {"grey": "gray", "colour": "color", "beak": "bill", "cap": "crown", "chest": "breast", "stomach": "belly"}
_WORDS = re.compile(r"[^\W_]+")
_BRACKETS = re.compile(r"[_ ]?\([^()]*\)")
_EMBEDDED = re.compile(r"(text|caption) \d+")


def is_embedded(name: str) -> bool:
    """Whether a column is one number of a sentence's embedding ("text 17"), which stands for nothing with a name."""
    return _EMBEDDED.fullmatch(name) is not None


def plain(attribute: str) -> str:
    """An attribute in a sentence: "crown_color::red" is "red crown", "eye_ring::none" is "no eye ring".

    What stands in brackets only explains, and is left out.
    """
    group, two, value = _BRACKETS.sub("", attribute).strip("_ ").partition("::")
    group_words, value_words = canonical_words(group), value.replace("_", " ").split()
    if not two or value == YES:
        return " ".join(w for w in group_words if w != "has")
    said = [w for w in group_words if w not in _UNSAID] or [w for w in group_words if w != "has"]
    if value_words in (["none"], [NO]):
        return " ".join(["no", *said])
    if said == ["primary"]:
        return " ".join(["mainly", *value_words])
    return " ".join([*value_words, *said])


def label(group: str, value: str) -> str:
    """An attribute as a label: "wing color: blue"; a predicate alone where no value is given."""
    about = " ".join(_BRACKETS.sub("", group).removeprefix("has_").replace("_", " ").split())
    said = " ".join(_BRACKETS.sub("", value).replace("_", " ").split())
    return f"{about}: {said}" if said else about


def canonical_words(text: str) -> list[str]:
    """The words of a name or of a question, each in the spelling that stands for its like: "cap" is "crown"."""
    return [_SAME.get(w, w) for w in _WORDS.findall(text.lower())]
