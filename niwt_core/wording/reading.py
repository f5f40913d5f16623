"""Read free sentences into the attributes of a data set: what was said of which part, and by which words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.wording.clauses import Claim, claims
from niwt_core.wording.names import Catalogue, Target, catalogue
from niwt_core.wording.scanning import Item, scan
from niwt_core.wording.words import DETAILS

#: Words about a group's own part, or about one that it is nearly all of, such as the crown of a head.
_DIRECT = 0.9


@dataclass(frozen=True)
class Phrase:
    """Characters [start, end) of caption number `caption` that gave an attribute, or denied it."""

    caption: int
    start: int
    end: int
    attribute: int
    weight: float
    denied: bool


@dataclass(frozen=True, eq=False)
class Reading:
    """What captions of one thing say in a data set's attributes.

    Attributes:
        attribute_names: the names that the columns below stand for.
        evidence: (n_attributes,) >= 0, for how many of the captions, as it were, an attribute was said to hold; words
            that speak of it less directly or less surely count for less than 1.
        denied: (n_attributes,) >= 0, the same for attributes said not to hold.
        n_captions: how many captions were read.
        phrases: which words gave what, in the order of the captions.
        unknown: the words that were not understood, each once.
    """

    attribute_names: tuple[str, ...]
    evidence: np.ndarray
    denied: np.ndarray
    n_captions: int
    phrases: tuple[Phrase, ...]
    unknown: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of attributes that something was said about."""
        said = (name for name, e, d in zip(self.attribute_names, self.evidence, self.denied, strict=True) if e or d)
        return tuple(dict.fromkeys(name.split("::")[0] for name in said))


def read_captions(captions: Sequence[str], attribute_names: Sequence[str]) -> Reading:
    """Read sentences about one thing.

    Args:
        captions: the sentences, or several in one string; what is not understood is passed over, so that an empty
            reading is what nothing understood looks like.
        attribute_names: "group::value" ("has_wing_color::blue") or single predicates ("black", "longneck").

    Raises:
        InputError: captions that are no list of texts, or attributes without names.
    """
    if isinstance(captions, str) or not all(isinstance(caption, str) for caption in captions):
        raise InputError("Expected a list of captions, each a text; put a single one into a list.")
    names = catalogue(tuple(attribute_names))
    evidence, denied = np.zeros(len(names.names)), np.zeros(len(names.names))
    phrases: list[Phrase] = []
    unknown: dict[str, None] = {}
    for number, caption in enumerate(captions):
        items = scan(caption[: limits.CAPTION], names.lexicon, names.longest)
        found = _settle(number, items, names)
        for tally, no in ((evidence, False), (denied, True)):
            best: dict[int, float] = {}
            for phrase in found:
                if phrase.denied is no:
                    best[phrase.attribute] = max(phrase.weight, best.get(phrase.attribute, 0.0))
            for attribute, weight in best.items():
                tally[attribute] += weight
        phrases += found
        unknown.update(dict.fromkeys(item.text for item in items if item.kind == "unknown"))
    return Reading(names.names, evidence, denied, len(captions), tuple(phrases), tuple(unknown))


def _settle(number: int, items: list[Item], names: Catalogue) -> list[Phrase]:
    """The phrases of one caption; what a group's own part is said to be drives out what only its surroundings are.

    "A black bird with a red crown" says of the crown that it is red, although "black bird" alone would make it black.
    Marks and details stand beside what is said of the whole: a wing with white spots is still black.
    """
    found = [(claim, target) for claim in claims(items) for target in _targets(claim, names)]
    found += _literals(items, names)
    settled = {names.groups[target.attribute] for claim, target in found if _is_direct(claim, target)}
    kept: dict[tuple[int, int, int, bool], Phrase] = {}
    for claim, target in found:
        indirect = target.directness < _DIRECT and claim.part not in DETAILS
        # A denial is about the very part that it names, and drives out nothing.
        if indirect and (claim.denied or names.groups[target.attribute] in settled):
            continue
        weight = target.directness * target.weight * claim.strength
        key = (claim.start, claim.end, target.attribute, claim.denied)
        if key not in kept or weight > kept[key].weight:
            kept[key] = Phrase(number, claim.start, claim.end, target.attribute, weight, claim.denied)
    return list(kept.values())


def _is_direct(claim: Claim, target: Target) -> bool:
    whole = claim.strength == 1.0 and claim.part not in DETAILS and not claim.denied
    return whole and target.directness >= _DIRECT


def _targets(claim: Claim, names: Catalogue) -> list[Target]:
    if claim.sort == "color":
        return names.color(claim.part, claim.colors, claim.wholly)
    if claim.sort == "adjective":
        return names.adjective(claim.part, claim.word)
    return names.build(claim.colors) if claim.sort == "build" else names.presence(claim.part)


def _literals(items: list[Item], names: Catalogue) -> list[tuple[Claim, Target]]:
    """Words, and two words in one, that are the very name of an attribute ("a long neck": longneck)."""
    found = []
    negated = False
    for at, item in enumerate(items):
        if item.kind in ("neg", "break", "and"):
            negated = item.kind == "neg" or (negated and item.text in ("or", "nor"))
        last = items[at - 1] if at else None
        for word, start in ((item.text, item.start), (f"{last.text}{item.text}" if last else "", last and last.start)):
            for target in names.literal(word) if word else ():
                claim = Claim("", "literal", word, {}, 1.0, False, negated, start or 0, item.end)
                found.append((claim, target))
    return found
