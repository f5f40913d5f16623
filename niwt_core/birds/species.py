"""The species of Paper Birds: invented birds, some of which a network is shown and some of which it never sees."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from niwt_core.birds.attributes import GROUPS
from niwt_core.errors import InputError

MIN_DISTANCE = 3  # any two species differ in at least this many groups
MIN_SIGHTINGS = 5  # every value occurs at least this often among many seen species

# A word for a place, a season or a mood, and a kind of bird: nothing here may claim a colour, a size or a shape.
_WORDS = (
    "Maple", "Harbour", "Willow", "Lantern", "Meadow", "Cinder", "Thistle", "Orchard", "Juniper", "Marble", "Winter",
    "Summer", "Autumn", "April", "Evening", "Morning", "Moonlit", "Highland", "Island", "River", "Canyon", "Prairie",
    "Chapel", "Garden", "Heather", "Clover", "Cedar", "Hazel", "Bramble", "Fern", "Monsoon", "Lagoon", "Valley",
    "Tundra", "Abbey", "Cottage", "Village", "Wander", "Whisper", "Velvet", "Paper", "Puppet", "Carnival", "Minstrel",
    "Pilgrim", "Nomad", "Sonnet", "Waltz", "Ballad", "Echo", "Ember", "Comet", "Zephyr", "Drizzle", "Thunder", "Breeze",
    "Solstice", "Aurora", "Horizon", "Delta",
)  # fmt: skip
_KINDS = (
    "Wren", "Lark", "Finch", "Warbler", "Thrush", "Bunting", "Pipit", "Sparrow", "Flycatcher", "Oriole", "Tanager",
    "Starling", "Robin", "Jay",
)  # fmt: skip


@dataclass(frozen=True)
class Species:
    """A kind of bird: its name, its value in every group, and whether a network may be shown pictures of it."""

    name: str
    attributes: Mapping[str, str]
    seen: bool


def is_drawable(bird: Mapping[str, str]) -> bool:
    """Whether the marks of a complete bird stand out: a wing has the back's colour, so its marks need another one."""
    mark = bird["wing_pattern"].split()[0]
    return mark != bird["back_color"]


def make_species(n_seen: int = 150, n_unseen: int = 50, seed: int = 0) -> tuple[Species, ...]:
    """Invent species, the seen ones first; the same numbers and seed give the same species.

    Any two differ in at least MIN_DISTANCE groups, and names are unique. Among 60 or more seen species every value of
    every group occurs at least MIN_SIGHTINGS times. Raises InputError for counts below 1 and 0, or for more species
    than there are names.
    """
    n_species = n_seen + n_unseen
    if n_seen < 1 or n_unseen < 0 or n_species > len(_WORDS) * len(_KINDS):
        raise InputError(
            f"Expected at least 1 seen species, no fewer than 0 unseen ones and at most {len(_WORDS) * len(_KINDS)} "
            f"together; got {n_seen} seen and {n_unseen} unseen."
        )
    traits, naming = (np.random.default_rng((seed, purpose)) for purpose in range(2))
    birds = _invent(n_seen, [], traits)
    birds += _invent(n_unseen, birds, traits)
    names = _name(n_species, naming)
    return tuple(Species(name, bird, i < n_seen) for i, (name, bird) in enumerate(zip(names, birds, strict=True)))


def _invent(n_birds: int, known: list[dict[str, str]], rng: np.random.Generator) -> list[dict[str, str]]:
    """New birds, far enough from each other and from the known ones, with the values of each group in equal shares."""
    decks = {group: _deck(values, n_birds, rng) for group, values in GROUPS.items()}
    birds: list[dict[str, str]] = []
    for i in range(n_birds):
        bird = {group: deck[i] for group, deck in decks.items()}
        while not is_drawable(bird) or any(distance(bird, other) < MIN_DISTANCE for other in known + birds):
            # Trading one card with a later bird (or, for the last ones, redrawing it) keeps the shares equal.
            group = "wing_pattern" if not is_drawable(bird) else str(rng.choice(list(GROUPS)))
            other_place = int(rng.integers(i, n_birds))
            deck = decks[group]
            if other_place == i:
                deck[i] = GROUPS[group][rng.integers(len(GROUPS[group]))]
            else:
                deck[i], deck[other_place] = deck[other_place], deck[i]
            bird[group] = deck[i]
        birds.append(bird)
    return birds


def _deck(values: tuple[str, ...], n_cards: int, rng: np.random.Generator) -> list[str]:
    """The values in equal shares and random order."""
    cards = [values[i % len(values)] for i in range(n_cards)]
    return [cards[i] for i in rng.permutation(n_cards)]


def distance(bird: Mapping[str, str], other: Mapping[str, str]) -> int:
    """In how many groups two complete birds differ."""
    return sum(bird[group] != other[group] for group in GROUPS)


def _name(n_names: int, rng: np.random.Generator) -> list[str]:
    """Unique names; no word comes up again before all of them have been used."""
    names: dict[str, None] = {}
    while len(names) < n_names:
        for word in rng.permutation(_WORDS):
            names[f"{word} {rng.choice(_KINDS)}"] = None
    return list(names)[:n_names]
