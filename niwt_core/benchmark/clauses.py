"""Is leaving a clause out right? Do the neurons that are named after what it says lose their importance?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor

from niwt_core.birds.captions import write_caption
from niwt_core.birds.probing import wandering_birds
from niwt_core.laboratory.clauses import ClauseEffect, leave_one_out
from niwt_core.neurons import Dictionary, load_dictionary
from niwt_core.pipeline import Progress
from niwt_core.project import load_project
from niwt_core.worlds.base import World
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described

N_DESCRIPTIONS = 200
#: Of the birds, the words of their captions, and which clause of each is left out: apart from all other seeds.
SEED = 76_000_000
TARGET = 0.8


@dataclass(frozen=True)
class Fall:
    """What the neurons did when one clause was left out, as means over neurons.

    Attributes:
        named: fall of the importances of those named after what the clause says; None where it names no neuron.
        others: fall of all other live neurons' importances.
        deepest: the deepest fall of the neurons of one value that the clause says. elsewhere: of one that it does not.
        moved: size of change of neurons named after any value of the clause's groups. others_moved: of all others.
    """

    named: float | None
    others: float
    deepest: float
    elsewhere: float
    moved: float | None
    others_moved: float

    @property
    def right(self) -> bool:
        """The named neurons fall more than the others."""
        return self.named is not None and self.named > self.others

    @property
    def first(self) -> bool:
        """Of all values, one that the clause says has the neurons that fall most."""
        return self.named is not None and self.deepest > self.elsewhere

    @property
    def moves(self) -> bool:
        """The neurons named after the clause's groups change more than the others."""
        return self.moved is not None and self.moved > self.others_moved


def clause_tables(bundled: Path, progress: Progress, n_descriptions: int = N_DESCRIPTIONS) -> list[str]:
    """The share of captions where leaving a clause out lowers the right neurons, as a Markdown line."""
    project = load_project(bundled)
    dictionary = load_dictionary(bundled, project)
    return [told(measured(BirdWorld(project), dictionary, n_descriptions, progress))]


def measured(world: World, dictionary: Dictionary, n: int, progress: Progress) -> list[list[Fall]]:
    """Of each of n captions of birds of no species: what happens for each clause that names a neuron.

    The clauses stand in a random order: the first of each is one taken by chance.
    """
    falls = []
    for i, bird in enumerate(wandering_birds(n, SEED)):
        text = write_caption(bird, seed=SEED + i)
        effects = leave_one_out(world, Described(text, world.understand(text).picks))
        found = [fall for effect in effects if (fall := fall_of(effect, dictionary)).named is not None]
        Random(SEED + i).shuffle(found)
        falls.append(found)
        progress("clauses", i + 1, n)
    return falls


def fall_of(effect: ClauseEffect, dictionary: Dictionary) -> Fall:
    """How the neurons fare when a clause is left out, by clear names from the dictionary."""
    said = {f"{group}::{value}" for group, value in effect.said.items()}
    names = {n.channel: n.name for n in dictionary.live}
    groups = {name.partition("::")[0] for name in said}
    named = [k for k, name in names.items() if name in said]
    others = [k for k, name in names.items() if name not in said]
    about = [k for k, name in names.items() if name is not None and name.partition("::")[0] in groups]
    unsaid = [k for k in names if k not in about]
    falls, sizes = effect.falls, effect.falls.abs()
    by_value = _by_value(falls, names)
    return Fall(
        named=_mean(falls, named),
        others=_mean(falls, others) or 0.0,
        deepest=max((fall for value, fall in by_value.items() if value in said), default=0.0),
        elsewhere=max((fall for value, fall in by_value.items() if value not in said), default=0.0),
        moved=_mean(sizes, about),
        others_moved=_mean(sizes, unsaid) or 0.0,
    )


def _by_value(falls: Tensor, names: Mapping[int, str | None]) -> dict[str, float]:
    """Mean fall of the neurons of each name."""
    of: dict[str, list[int]] = {}
    for k, name in names.items():
        if name is not None:
            of.setdefault(name, []).append(k)
    return {name: float(falls[channels].mean()) for name, channels in of.items()}


def _mean(values: Tensor, channels: Sequence[int]) -> float | None:
    return float(values[torch.tensor(channels)].mean()) if channels else None


def told(falls: Sequence[Sequence[Fall]]) -> str:
    """The figures with their definition, as Markdown."""
    by_chance = [found[0] for found in falls if found]
    each = [fall for found in falls for fall in found]
    right = sum(fall.right for fall in by_chance)
    share = right / max(len(falls), 1)
    return (
        f"**Leaving one clause out**, {len(falls)} captions of birds of no species, of each one clause by chance that "
        "says something after which a neuron is clearly named (part and value): the predicted importance of the "
        "neurons named so falls more, on average, than that of all other live neurons in "
        f"{right} of {len(falls)} ({share:.3f}; target {TARGET}: {'met' if share >= TARGET else 'missed'}). Of "
        f"all values, one that the clause says has the neurons that fall most in {sum(f.first for f in by_chance)} of "
        f"{len(falls)}; the neurons named after any value of the part change more, either way, than all others in "
        f"{sum(f.moves for f in by_chance)} of {len(falls)}. Of all {len(each)} such clauses: "
        f"{_share(f.right for f in each)}, {_share(f.first for f in each)} and {_share(f.moves for f in each)}; all "
        f"clauses of a caption are right in {sum(all(f.right for f in found) and bool(found) for found in falls)} of "
        f"{len(falls)} captions."
    )


def _share(those: Iterable[bool]) -> str:
    values = list(those)
    return f"{sum(values) / max(len(values), 1):.3f}"
