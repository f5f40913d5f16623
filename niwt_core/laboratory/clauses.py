"""Which words made this classifier? Each clause of a description is left out in turn, and the class is solved again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from niwt_core.errors import InputError
from niwt_core.laboratory.solving import Solved, cosine, in_own_words, solve, won
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described

#: How a clause hangs on to the one before it: what is left of a text must not begin or end with it.
_JOINT = re.compile(r"^[\s,;.:]*(?:(?:and|with|that|which|has|have|but|also|it)\b[\s,]*)+", re.IGNORECASE)
_BEGINS = re.compile(r"^[\s,;:]*(?:(?:and|but|also|plus)\b[\s,]*)?", re.IGNORECASE)
_HANGING = re.compile(r"[\s,]+(?:and|but|plus|while|with|that has|has|have|having|&)$", re.IGNORECASE)
_STOPS = ".;!?"


@dataclass(frozen=True)
class Clause:
    """A part of a description that can be left out: words of the text, or one thing picked beside the words.

    Attributes:
        start, end: where its words stand in the text; both 0 for a pick.
        group: what was picked beside the words; "" for words. value: the picked value, "" where the words give one and
            the person left it open by hand.
    """

    start: int = 0
    end: int = 0
    group: str = ""
    value: str = ""

    def words_in(self, text: str) -> str:
        """Its words without "and" or "with" before them: "a black cap"; "" for a pick."""
        piece = text[self.start : self.end]
        return _JOINT.sub("", piece) or piece


@dataclass(frozen=True, eq=False)
class ClauseEffect:
    """What leaving one clause out does.

    Attributes:
        full, without: the class with all its clauses, and without this one.
        said: what is settled with the clause and is not, or is otherwise, without it; group -> value. {} where texts
            are not read into picks.
        found: how many pictures of the *full* description the class without the clause wins. claimed: how many
            strangers. full_found, full_claimed: the same with all clauses. None where there are no pictures.
    """

    clause: Clause
    full: Solved
    without: Solved
    said: Mapping[str, str]
    full_found: int | None
    full_claimed: int | None
    found: int | None
    claimed: int | None

    @property
    def falls(self) -> Tensor:
        """How far each neuron's importance falls, (n_channels,); negative where it rises."""
        return self.full.importances - self.without.importances

    @property
    def importance_cosine(self) -> float:
        """How much the two patterns of importances are alike."""
        return cosine(self.full.importances, self.without.importances)

    @property
    def weight_cosine(self) -> float:
        """How much the two classifiers' weights point the same way."""
        return cosine(self.full.weights, self.without.weights)

    @property
    def weight(self) -> float:
        """The clause's weight in the classifier: how far the weights move without it, in lengths of the full ones."""
        return float((self.full.weights - self.without.weights).norm() / self.full.weights.norm())

    def fallen(self, limit: int = 3) -> tuple[int, ...]:
        """The neurons that fall most, the deepest fall first."""
        falls = self.falls
        return tuple(int(k) for k in falls.argsort(descending=True)[:limit] if falls[k] > 0)


def leave_one_out(
    world: World, described: Described, features: Tensor | None = None, strangers: Tensor | None = None
) -> tuple[ClauseEffect, ...]:
    """Leave each clause of a description out, and solve again.

    Args:
        features: of pictures of the described class, (n_pictures, n_features). strangers: of pictures of other unseen
            classes. None where there are none.

    Returns:
        one effect a clause, in the text's order, then those of what was picked beside the words.
    """
    full, project = solve(world, in_own_words(described)), world.project
    full_found, full_claimed = won(project, full, features), won(project, full, strangers)
    effects = []
    for clause in clauses_of(world, described):
        without = solve(world, leave_out(world, described, clause))
        rest = without.described.picks
        said = {g: v for g, v in described.picks.items() if rest.get(g) != v}
        counts = won(project, without, features), won(project, without, strangers)
        effects.append(ClauseEffect(clause, full, without, said, full_found, full_claimed, *counts))
    return tuple(effects)


def clauses_of(world: World, described: Described) -> tuple[Clause, ...]:
    """The clauses of the text in order, then what was picked, or left open, beside the words."""
    read, ranges = read_or_nothing(world, described.text)
    beside = beside_words(read, described.picks)
    return (*(Clause(*range_) for range_ in ranges), *(Clause(group=g, value=v) for g, v in beside.items()))


def leave_out(world: World, described: Described, clause: Clause) -> Described:
    """The description without a clause. What was picked beside the words stays, if it is not the clause itself.

    Where nothing is left that can be read, nothing is known but what was picked: the average class.
    """
    beside = beside_words(read_or_nothing(world, described.text)[0], described.picks)
    if clause.group:
        text = described.text
        beside.pop(clause.group)
    else:
        text = text_without(described.text, clause.start, clause.end)
    read, ranges = read_or_nothing(world, text)
    return Described(text if ranges else "", together(read, beside))


def text_without(text: str, start: int, end: int) -> str:
    """A text without the characters [start, end), and without the comma or "and" that would be left hanging."""
    before, after = text[:start].rstrip(" \t\n,"), text[end:].lstrip(" \t\n")
    before = _HANGING.sub("", before)
    if not before:
        return _JOINT.sub("", after.lstrip(_STOPS + " \t\n"))
    if before[-1] in _STOPS:
        after = _BEGINS.sub("", after.lstrip(_STOPS))
    return f"{before}{'' if after[:1] in ('', ',', *_STOPS) else ' '}{after}"


def together(read: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, str]:
    """What the words settle with what was picked beside them; "" leaves a group open whatever the words say."""
    return {group: value for group, value in (dict(read) | dict(beside)).items() if value}


def read_or_nothing(world: World, text: str) -> tuple[Mapping[str, str], tuple[tuple[int, int], ...]]:
    """What the words settle, and the ranges of the clauses; nothing and none where nothing can be read."""
    try:
        understood = world.understand(text)
    except InputError:
        return {}, ()
    return understood.picks, understood.clauses


def beside_words(read: Mapping[str, str], picks: Mapping[str, str]) -> dict[str, str]:
    """What the picks have that the words do not give; "" for what the words give and the picks leave open."""
    beside = {group: value for group, value in picks.items() if read.get(group) != value}
    return beside | {group: "" for group in read if group not in picks}
