"""What if? One word or one attribute is changed, and the class before is set beside the class now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch
from torch import Tensor

from niwt_core.errors import InputError
from niwt_core.gzsl import join
from niwt_core.laboratory.clauses import beside_words, read_or_nothing, together
from niwt_core.laboratory.solving import Solved, cosine, in_own_words, solve, winners, won
from niwt_core.project import Project
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described


@dataclass(frozen=True, eq=False)
class Comparison:
    """A class before an edit, and now."""

    before: Solved
    now: Solved

    @property
    def moved(self) -> Tensor:
        """How far each neuron's importance rose, (n_channels,); negative where it fell."""
        return self.now.importances - self.before.importances

    @property
    def importance_cosine(self) -> float:
        """How much the two patterns of importances are alike."""
        return cosine(self.before.importances, self.now.importances)

    @property
    def weight_change(self) -> float:
        """How far the classifier's weights moved, in lengths of those before."""
        return float((self.now.weights - self.before.weights).norm() / self.before.weights.norm())


@dataclass(frozen=True)
class Fares:
    """How many pictures a class wins among all seen classes: of the class before, of the class now, and of strangers.

    None where there are no pictures.
    """

    of_before: int | None
    of_now: int | None
    claimed: int | None


def compare(world: World, before: Described, now: Described) -> Comparison:
    """Solve both; milliseconds."""
    return Comparison(solve(world, in_own_words(before)), solve(world, in_own_words(now)))


def fare(
    project: Project, solved: Solved, of_before: Tensor | None, of_now: Tensor | None, strangers: Tensor | None
) -> Fares:
    """How one of the two classes does, by the features (n_pictures, n_features) of each kind of picture."""
    return Fares(won(project, solved, of_before), won(project, solved, of_now), won(project, solved, strangers))


@torch.no_grad()
def likeliest(project: Project, solved: Solved, features: Tensor, limit: int = 5) -> tuple[tuple[int, float], ...]:
    """What one picture is taken for, by its features (n_features,): classes and probabilities, the likeliest first.

    The described class is number `n_seen`.
    """
    scores = join(project.seen, solved.classifier)(features[None])[0]
    best = scores.softmax(0).topk(min(limit, len(scores)))
    return tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


@torch.no_grad()
def disagreeing_first(project: Project, found: Comparison, features: Tensor) -> list[int]:
    """Numbers of pictures (n_pictures, n_features): first those that the two classes' classifiers judge differently."""
    differ = winners(project, found.before, features) != winners(project, found.now, features)
    return sorted(range(len(features)), key=lambda i: not differ[i])


def with_text(world: World, before: Described, text: str) -> Described:
    """The class with other words.

    What was picked beside the words stays, but where the words now say something else of it than they did, they win.

    Raises:
        InputError: a text that the world cannot read.
    """
    new, old = world.understand(text).picks, read_or_nothing(world, before.text)[0]
    beside = {
        group: value
        for group, value in beside_words(old, before.picks).items()
        if group not in new or new.get(group) == old.get(group)
    }
    return Described(text, together(new, beside), before.of)


def with_pick(world: World, before: Described, group: str, value: str) -> Described:
    """The class with another value of one attribute group; "" leaves it open.

    Raises:
        InputError: nothing would be left of the description.
    """
    picks = together(before.picks, {group: value})
    if not picks and (world.drawn or not before.text.strip()):
        raise InputError("Nothing would be left of the description; expected at least one attribute or some words.")
    return Described(before.text, picks, before.of)


#: A stretch of words: "same", "gone" or "new", and the words with the blanks after them.
Stretch = tuple[str, str]


def changed_words(before: str, now: str) -> tuple[Stretch, ...]:
    """The words of two texts in one line: what stayed, what is gone, and what is new in its place."""
    a, b = (re.findall(r"\w+(?:['’-]\w+)*|[^\w\s]", text) for text in (before, now))
    stretches: list[Stretch] = []
    for _, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if a[i:j] == b[k:m]:
            stretches.append(("same", _spelled(b[k:m])))
            continue
        stretches += [(kind, _spelled(words)) for kind, words in (("gone", a[i:j]), ("new", b[k:m])) if words]
    return tuple(stretches)


def _spelled(words: list[str]) -> str:
    """Words in a row; no blank stands before a comma or a stop."""
    return re.sub(r" ([,.;:!?)])", r"\1", " ".join(words))


def changed_picks(before: Described, now: Described) -> dict[str, tuple[str, str]]:
    """Groups whose settled value is another: group -> (before, now), "" for open."""
    groups = dict.fromkeys([*before.picks, *now.picks])
    pairs = {group: (before.picks.get(group, ""), now.picks.get(group, "")) for group in groups}
    return {group: (old, new) for group, (old, new) in pairs.items() if old != new}
