"""Find neurons by number or by words: "17", "red crown", "crown red", "fork"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from niwt_core import limits
from niwt_core.neurons.dictionary import Dictionary, Neuron
from niwt_core.wording.saying import canonical_words, plain

_NUMBER = re.compile(r"(?:neuron|channel|no\.?|#)?\s*#?\s*(\d+)", re.IGNORECASE)


def _matches(wanted: list[str], attribute: str | None) -> bool:
    """Whether every wanted word begins a word of the attribute."""
    if attribute is None:
        return False
    own = {*canonical_words(attribute), *canonical_words(plain(attribute))}
    return all(any(word.startswith(w) for word in own) for w in wanted)


@dataclass(frozen=True)
class Found:
    """A neuron that a search brought up, and why.

    Attributes:
        why: "number", "name" (its clear name), "unclear" (its best name, not clear enough to be shown), or
            "alternative" (one of its further candidates).
        attribute: the attribute that matched; None for a number.
    """

    neuron: Neuron
    why: str
    attribute: str | None


def search(dictionary: Dictionary, query: str) -> tuple[Found, ...]:
    """Neurons for a number or for words in either order, parts of words included; the surest first.

    Clear names come first, then names that are not clear, then further candidates; each by confidence (where there is
    none, by AUC). An empty query finds nothing.
    """
    query = query.strip()[: limits.SEARCH]
    if number := _NUMBER.fullmatch(query):
        digits = number[1].lstrip("0") or "0"
        return tuple(Found(n, "number", None) for n in dictionary.neurons if str(n.channel) == digits)
    wanted = canonical_words(query)
    if not wanted:
        return ()
    found: dict[str, list[Found]] = {"name": [], "unclear": [], "alternative": []}
    for neuron in dictionary.live:
        if _matches(wanted, neuron.best_name):
            why = "unclear" if neuron.name is None else "name"
            found[why].append(Found(neuron, why, neuron.best_name))
            continue
        for alternative in neuron.alternatives:
            if _matches(wanted, alternative.attribute):
                found["alternative"].append(Found(neuron, "alternative", alternative.attribute))
                break
    return tuple(f for kind in found.values() for f in sorted(kind, key=lambda f: -_sureness(f.neuron)))


def _sureness(neuron: Neuron) -> float:
    return neuron.confidence if neuron.confidence is not None else neuron.auc or 0.0
