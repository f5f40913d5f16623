"""What a data set's attributes are about, as their names say it: of which part they tell which value."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from niwt_core.errors import InputError
from niwt_core.wording.shapes import ADJECTIVES, ALIKE, BUILDS, ELSEWHERE, MARKS, SHAPES
from niwt_core.wording.words import (
    COLORS,
    FUNCTIONS,
    PARTS,
    PASSED_OVER,
    PRESENCE,
    SHADES,
    SPREAD,
    SUFFIXES,
    WHOLLY,
    Weights,
    weights,
)

_ASPECTS = {"color": "color", "colour": "color", "pattern": "pattern", "shape": "shape", "length": "length"} | {
    "size": "size"
}
#: How much "black legs" says of a black animal, where a data set has colours for the whole alone.
_PART_OF_WHOLE = 0.4


@dataclass(frozen=True)
class Entry:
    """What a word or phrase is: its kind, and its value there; for colours what they mean."""

    kind: str
    value: str
    colors: Weights = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Target:
    """An attribute that words give: how directly they speak of its group, and how surely they give it."""

    attribute: int
    directness: float
    weight: float


def words_of(name: str) -> list[str]:
    """The words of a name: "curved_(up_or_down)" -> ["curved"]; what stands in brackets only explains."""
    return re.findall(r"[^\W\d_]+", re.sub(r"\([^()]*\)", " ", name.lower()))


def stem(word: str) -> str:
    """The word without the endings that tell "stripes", "striped" and "striping" apart."""
    for ending, instead in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("y", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 - len(instead):
            word = word[: len(word) - len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


class Catalogue:
    """The attributes of a data set by part, aspect and value, and every word that can lead to one.

    A name is "group::value" (the group may begin with "has_" and end in color, pattern, shape, length or size, and what
    remains is the part) or a single predicate ("black", "longneck"), which is a group of its own.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.groups = tuple(name.split("::")[0] for name in names)
        #: (part, aspect) -> value -> attributes
        self.slots: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self.literals: dict[str, list[int]] = defaultdict(list)
        self.lexicon = dict(_BASE)
        for at, name in enumerate(names):
            group, two, value = name.partition("::")
            if two:
                self._add_value(at, group, value)
            else:
                self._add_predicate(at, group)
        #: how many words the longest phrase has that a word begins
        self.longest: dict[str, int] = {}
        for words in self.lexicon:
            self.longest[words[0]] = max(len(words), self.longest.get(words[0], 1))
        self._whole_only = not any(aspect == "color" and part != "bird" for part, aspect in self.slots)

    def _add_value(self, at: int, group: str, value: str) -> None:
        about = [word for word in words_of(group) if word != "has"]
        aspect = next((_ASPECTS[word] for word in about if word in _ASPECTS), "")
        part = self._part(tuple(word for word in about if word not in _ASPECTS))
        key = [word for word in words_of(value) if stem(word) != stem(part)] or words_of(value)
        key = [word for word in key if word not in ("like", "shaped")] or key
        if not key:
            return
        self.slots[part, aspect][_canonical(tuple(key))].append(at)
        if tuple(key) not in self.lexicon:
            self.lexicon[tuple(key)] = Entry("adjective", " ".join(key))
        if not aspect:
            self.literals[stem("".join(key))].append(at)

    def _part(self, words: tuple[str, ...]) -> str:
        if not words or words == ("primary",):
            return "bird"
        known = self.lexicon.get(words)
        if known is None or known.kind != "part":
            known = self.lexicon[words] = Entry("part", " ".join(words))
            self.lexicon.setdefault((*words[:-1], words[-1] + "s"), known)
        return known.value

    def _add_predicate(self, at: int, name: str) -> None:
        words = tuple(words_of(name))
        known = _canonical(words)
        if known in _COLOR_NAMES:
            self.slots["bird", "color"][known].append(at)
        elif known in SHAPES["bird", "size"]:
            self.slots["bird", "size"][known].append(at)
        elif words:
            self.literals[stem("".join(words))].append(at)
            for line in ALIKE:
                if words[-1] in line.split() and len(words) == 1:
                    for word in line.split():
                        self.literals[stem(word)] = list(dict.fromkeys([*self.literals[stem(word)], at]))

    def color(self, part: str, colors: Weights, wholly: bool) -> list[Target]:
        """The attributes that a colour of a part gives, there and on its neighbours."""
        targets = [
            Target(at, directness, weight)
            for place, directness in self._places(part, wholly)
            for value, weight in colors.items()
            for at in self._at(place, "color", value)
        ]
        if not targets and self._whole_only:
            return [Target(at, _PART_OF_WHOLE, w) for v, w in colors.items() for at in self._at("bird", "color", v)]
        return targets

    def adjective(self, part: str, word: str) -> list[Target]:
        """The attributes that any other adjective of a part gives."""
        part = "bird" if part == "body" else part
        targets = []
        for place, directness in self._places(part, wholly=False):
            for aspect in ("pattern",) if place != part else ("pattern", "shape", "length", "size", ""):
                meaning = {word: 1.0, **SHAPES.get((place, aspect), {}).get(word, {})}
                given = [Target(at, directness, w) for v, w in meaning.items() for at in self._at(place, aspect, v)]
                targets += given or [Target(at, directness, 1.0) for at in self._alike(place, aspect, word)]
        if (part, word) in ELSEWHERE:
            slot, meaning = ELSEWHERE[part, word]
            targets += self._all(slot, meaning)
        return targets

    def _alike(self, part: str, aspect: str, word: str) -> list[int]:
        """The attributes whose value is another word for the same: a "fan" tail is "fanned"."""
        found = []
        for value, attributes in self.slots.get((part, aspect), {}).items():
            known = self.lexicon.get(split(value))
            if known is not None and known.kind == "adjective" and known.value == word:
                found += attributes
        return found

    def presence(self, part: str) -> list[Target]:
        """The attributes that a part gives by being named: a crest makes a head crested."""
        return [target for slot, meaning in PRESENCE.get(part, {}).items() for target in self._all(slot, meaning)]

    def build(self, meaning: Weights) -> list[Target]:
        """The attributes that a kind of bird gives: ducks share a build."""
        return self._all(("bird", "shape"), meaning)

    def literal(self, word: str) -> list[Target]:
        """The attributes whose own name is the word, however it ends."""
        return [Target(at, 1.0, 1.0) for at in self.literals.get(stem(word), ())] if self.literals else []

    def _all(self, slot: tuple[str, str], meaning: Weights) -> list[Target]:
        return [Target(at, 1.0, weight) for value, weight in meaning.items() for at in self._at(*slot, value)]

    def _at(self, part: str, aspect: str, value: str) -> list[int]:
        return self.slots[part, aspect].get(value, []) if (part, aspect) in self.slots else []

    @staticmethod
    def _places(part: str, wholly: bool) -> list[tuple[str, float]]:
        spread = SPREAD.get(part, {})
        return [(part, 1.0), *((place, max(near, WHOLLY) if wholly else near) for place, near in spread.items())]


@lru_cache(maxsize=8)
def catalogue(names: tuple[str, ...]) -> Catalogue:
    """The catalogue of a data set's attribute names, made once."""
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(f"Expected the names of a data set's attributes, none of them empty; got {names[:3]!r}.")
    return Catalogue(names)


def split(phrase: str) -> tuple[str, ...]:
    """The words of a phrase as the reader sees them: hyphens and spaces alike."""
    return tuple(phrase.lower().replace("-", " ").split())


def _phrases(text: str) -> list[tuple[str, ...]]:
    """ "bill beaks|upper bill" -> ("bill",), ("beaks",), ("upper", "bill")."""
    single, *several = text.split("|")
    return [split(phrase) for phrase in (*single.split(), *several)]


def _base() -> dict[tuple[str, ...], Entry]:
    """Every word that is known whatever the data set; where tables share one, the later of them counts."""
    entries: dict[tuple[str, ...], Entry] = {(word,): Entry("passed", word) for word in PASSED_OVER}
    for phrase in ("for its size", "for its body", "primary color", "primary colour"):
        entries[split(phrase)] = Entry("passed", phrase)
    for meaning, text in BUILDS.items():
        entries.update({words: Entry("build", words[0], weights(meaning)) for words in _phrases(text)})
    for line in ADJECTIVES:
        for word in line.split():
            entries[split(word)] = Entry("mark" if word in MARKS else "adjective", line.split()[0])
    for meaning, text in COLORS.items():
        for words in _phrases(text):
            earlier = entries.get(words)
            known = earlier.colors if earlier and earlier.kind == "color" else {}
            entries[words] = Entry("color", text.split()[0], {**known, **weights(meaning)})
    for shade, (text, _) in SHADES.items():
        entries.update({(word,): Entry("shade", shade) for word in text.split()})
    for part, text in PARTS.items():
        entries.update({words: Entry("part", part) for words in _phrases(text)})
    for part, text in SUFFIXES.items():
        entries.update({(word,): Entry("suffix", part) for word in text.split()})
    for kind, text in FUNCTIONS.items():
        entries.update({words: Entry(kind, words[-1]) for words in _phrases(text)})
    return entries


_BASE = _base()
_COLOR_NAMES = {next(iter(weights(meaning))) for meaning in COLORS}


def _canonical(words: tuple[str, ...]) -> str:
    """The value a name means: "gray" is grey and "big" is large, wherever the words are known."""
    known = _BASE.get(words)
    if known and known.kind == "color" and known.colors.get(max(known.colors, key=known.colors.__getitem__)) == 1:
        first = next(iter(known.colors))
        return words[0] if words[0] in _COLOR_NAMES else first
    if known and known.kind == "adjective" and known.value in SHAPES["bird", "size"]:
        return known.value
    return " ".join(words)
