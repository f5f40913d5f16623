"""Write a caption: one bird, described the way different people would describe it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from niwt_core.birds.attributes import GROUPS, check
from niwt_core.birds.words import COLOR_WORDS, PART_WORDS, SHAPE_WORDS
from niwt_core.errors import InputError

#: Groups that a caption keeps at least, as far as the bird has them.
KEPT = 4

#: Values that people seldom mention: what a bird does not have.
_QUIET = {("wing_pattern", "plain"), ("breast_pattern", "plain"), ("eye_ring", "none"), ("crest", "none")}


@dataclass(frozen=True)
class Caption:
    """A caption and the groups it mentions, in the order of GROUPS."""

    text: str
    mentioned: tuple[str, ...]


@dataclass(frozen=True)
class _Phrase:
    """One thing to say, as what the bird has ("a black cap") and as a clause ("its cap is black")."""

    noun: str
    clause: str


def write_caption(bird: Mapping[str, str], *, seed: int, omit: float = 0.3) -> str:
    """A description of a bird, complete or partial, in varied English; the same seed gives the same words.

    Each group is left out with probability `omit`, and more often if it only says what the bird does not have; four
    groups at least are kept.
    """
    return compose(bird, seed=seed, omit=omit).text


def compose(bird: Mapping[str, str], *, seed: int, omit: float = 0.3) -> Caption:
    """The caption of `write_caption` with the groups it mentions."""
    check(bird)
    if not bird:
        raise InputError("Expected a bird with at least one attribute to describe; got none.")
    if not 0 <= omit < 1:
        raise InputError(f"Expected omit to be at least 0 and less than 1; got {omit}.")
    rng = Random(seed)
    said = _choose(bird, rng, omit)
    text = _Writer(said, rng).write()
    return Caption(text, tuple(group for group in GROUPS if group in said))


def _choose(bird: Mapping[str, str], rng: Random, omit: float) -> dict[str, str]:
    """The attributes that the caption will mention."""
    left: dict[str, float] = {}
    for group in GROUPS:
        if group in bird:
            quiet = omit > 0 and (group, bird[group]) in _QUIET
            # How easily the group is left out: below 0 it is kept.
            left[group] = (omit + (1 - omit) * 0.5 if quiet else omit) - rng.random()
    kept = sorted(left, key=left.__getitem__)
    kept = kept[: max(KEPT, sum(value <= 0 for value in left.values()))]
    return {group: bird[group] for group in GROUPS if group in kept}


class _Writer:
    """Turns attributes into phrases and phrases into sentences. Every attribute given is said exactly once."""

    def __init__(self, said: Mapping[str, str], rng: Random) -> None:
        self.left = dict(said)  # what is still to say
        self.rng = rng
        self.british = rng.random() < 0.5
        self.whole = ""  # the colour of the whole bird, once it is chosen
        self.bill = rng.choice(PART_WORDS["bill"])

    def write(self) -> str:
        style = self.rng.choice(("with", "with", "this has", "this has", "two sentences", "is", "notes"))
        adjectives = self._bird_adjectives(hyphens=style != "is")
        phrases = self._phrases()
        self.rng.shuffle(phrases)
        if not phrases:
            text = self.rng.choice(("This is {}.", "{}.", "It is {}.")).format(self._bird(adjectives))
        else:
            text = {
                "with": self._with, "this has": self._this_has, "two sentences": self._two_sentences,
                "is": self._is, "notes": self._notes,
            }[style](adjectives, phrases)  # fmt: skip
        text = text[0].upper() + text[1:]
        return text if self.rng.random() < 0.6 else text.lower().replace("v-shaped", "V-shaped")

    # -- sentences -----------------------------------------------------------------------------------------------------

    def _with(self, adjectives: list[str], phrases: list[_Phrase]) -> str:
        start = self.rng.choice(("{}", "{}", "this is {}", "I see {}", "picture {}")).format(self._bird(adjectives))
        joint = self.rng.choice((" with ", " with ", " that has "))
        return f"{start}{joint}{_join([phrase.noun for phrase in phrases])}."

    def _this_has(self, adjectives: list[str], phrases: list[_Phrase]) -> str:
        start = self.rng.choice(("this {}", "the {}", "here, the {}")).format(_words(adjectives, "bird"))
        has = self.rng.choice(("has", "has", "shows"))
        if len(phrases) > 1 and self.rng.random() < 0.4:
            return f"{start} {has} {_join([phrase.noun for phrase in phrases[:-1]])}, and {phrases[-1].clause}."
        return f"{start} {has} {_join([phrase.noun for phrase in phrases])}."

    def _two_sentences(self, adjectives: list[str], phrases: list[_Phrase]) -> str:
        cut = self.rng.randint(0, len(phrases) - 1)
        first, second = phrases[:cut], phrases[cut:]
        text = self.rng.choice(("this is {}", "{}", "it is {}")).format(self._bird(adjectives))
        text += f" with {_join([phrase.noun for phrase in first])}. " if first else ". "
        if self.rng.random() < 0.5:
            return (
                text
                + self.rng.choice(("It has ", "It also has " if first else "It has "))
                + (_join([phrase.noun for phrase in second]) + ".")
            )
        return text + _capital(_join([phrase.clause for phrase in second])) + "."

    def _is(self, adjectives: list[str], phrases: list[_Phrase]) -> str:
        subject = self.rng.choice(("this bird", "the bird"))
        if not adjectives:
            return f"{subject} has {_join([phrase.noun for phrase in phrases])}."
        joint = self.rng.choice((" with ", " and has "))
        if self.whole and self.rng.random() < 0.4:
            joint = (" in colour" if self.british else " in color") + joint
        return f"{subject} is {_join(adjectives)}{joint}{_join([phrase.noun for phrase in phrases])}."

    def _notes(self, adjectives: list[str], phrases: list[_Phrase]) -> str:
        """As people write in a field book: "Small bird, black cap, forked tail"."""
        nouns = [_bare(phrase.noun) for phrase in phrases]
        return ", ".join([_words(adjectives, "bird"), *nouns]) + self.rng.choice((".", ""))

    def _bird(self, adjectives: list[str]) -> str:
        return _article(_words(adjectives, "bird"))

    # -- phrases -------------------------------------------------------------------------------------------------------

    def _bird_adjectives(self, hyphens: bool) -> list[str]:
        """What can stand before "bird": its size, a colour of the whole, and a part or two in a compound."""
        adjectives = []
        if "size" in self.left:
            adjectives.append(self._shape("size"))
        back, belly = self.left.get("back_color"), self.left.get("belly_color")
        if hyphens and self.rng.random() < 0.25:
            adjectives += self._compounds()
        if back and back == belly and "back_color" in self.left and "belly_color" in self.left:
            # Every part unmentioned would take this colour too, so the crown must be spoken for.
            if self.left.get("crown_color") == back and self.rng.random() < 0.8:
                self._take("crown_color", "back_color", "belly_color")
                self.whole = self._color(back)
            elif self.left.get("crown_color", back) != back and self.rng.random() < 0.5:
                self._take("back_color", "belly_color")
                self.whole = self._color(back)
        return adjectives + ([self.whole] if self.whole else [])

    def _compounds(self) -> list[str]:
        """ "black-capped", "long-billed": one of those that are possible."""
        options: list[tuple[str, Callable[[], str]]] = [
            ("crown_color", lambda: f"{self.left['crown_color']}-{self.rng.choice(('capped', 'crowned', 'headed'))}"),
            ("belly_color", lambda: f"{self.left['belly_color']}-bellied"),
            ("back_color", lambda: f"{self.left['back_color']}-backed"),
            ("bill_color", lambda: f"{self.left['bill_color']}-{self.bill}ed"),
            ("leg_color", lambda: f"{self.left['leg_color']}-legged"),
            (
                "tail_shape",
                lambda: f"{self.left['tail_shape']}-tailed".replace("forked", "fork").replace("fanned", "fan"),
            ),
        ]
        group, words = self.rng.choice(options)
        if group not in self.left:
            return []
        compound = self._spell(words())
        self._take(group)
        return [compound]

    def _phrases(self) -> list[_Phrase]:
        """Everything that is left to say."""
        phrases = self._body() + self._pair("bill", "bill_shape", "bill_color")
        phrases += self._pair("legs", "leg_length", "leg_color")
        rest = {"wing_pattern": self._wings, "breast_pattern": self._breast, "tail_shape": self._tail}
        for group, words in (rest | {"eye_ring": self._eye_ring, "crest": self._crest}).items():
            if group in self.left:
                phrases.append(words(self._take(group)[0]))
        return phrases

    def _body(self) -> list[_Phrase]:
        """The colours of crown, back and belly: together where they agree, one by one otherwise."""
        phrases = []
        parts = {"crown_color": "crown", "back_color": "back", "belly_color": "belly"}
        groups = [group for group in parts if group in self.left]
        if {"back_color", "belly_color"} <= self.left.keys() and self.rng.random() < 0.3:
            above, below = map(self._color, self._take("back_color", "belly_color"))
            if self.left.get("crown_color") and self.rng.random() < 0.5:
                phrases.append(_Phrase(f"{above} upperparts and {below} underparts",
                                       f"it is {above} above and {below} below"))  # fmt: skip
            else:
                upper, under = self.rng.choice(PART_WORDS["upper"]), self.rng.choice(PART_WORDS["under"])
                phrases.append(_Phrase(f"{_some(above, upper)} and {_some(below, under)}",
                                       f"it is {above} above and {below} below"))  # fmt: skip
            groups = [group for group in groups if group in self.left]
        while groups:
            group = groups.pop(0)
            alike = [other for other in groups if self.left[other] == self.left[group]]
            if alike and self.rng.random() < 0.7:
                color = self._color(self.left[group])
                nouns = [self.rng.choice([word for word in PART_WORDS[parts[each]] if " " not in word])
                         for each in (group, *alike)]  # fmt: skip
                groups = [each for each in groups if each not in alike]
                self._take(group, *alike)
                phrases.append(_Phrase(_article(f"{color} {_join(nouns)}"), f"its {_join(nouns)} are {color}"))
            else:
                color, noun = self._color(self._take(group)[0]), self._part(parts[group])
                if noun == "top of the head":
                    phrases.append(_Phrase(f"{color} on the top of its head", f"the top of its head is {color}"))
                    continue
                is_ = "are" if noun in ("upperparts", "underparts") else "is"
                said = f"{_article(noun)} of {color}" if is_ == "is" and self.rng.random() < 0.1 else _some(color, noun)
                phrases.append(_Phrase(said, f"its {noun} {is_} {color}"))
        return phrases

    def _part(self, part: str) -> str:
        """A word for a part; the wider words for back and belly too."""
        wider = {"back": "upper", "belly": "under", "crown": "head"}[part]
        return self.rng.choice((*PART_WORDS[part], self.rng.choice(PART_WORDS[wider])))

    def _pair(self, part: str, shape_group: str, color_group: str) -> list[_Phrase]:
        """ "a short orange beak", "long pink legs"."""
        adjectives = []
        if shape_group in self.left:
            adjectives.append(self._shape(shape_group))
        if color_group in self.left:
            adjectives.append(self._color(self._take(color_group)[0]))
        if not adjectives:
            return []
        between = ", " if len(adjectives) > 1 and self.rng.random() < 0.2 else " "
        before = between.join(adjectives)
        if part == "legs":
            return [_Phrase(f"{before} legs", f"its legs are {_join(adjectives)}")]
        clause = f"its {self.bill} is {_join(adjectives)}"
        if len(adjectives) > 1 and self.rng.random() < 0.2:
            return [_Phrase(f"{_article(adjectives[0])} {self.bill} that is {adjectives[1]}", clause)]
        return [_Phrase(_article(f"{before} {self.bill}"), clause)]

    def _wings(self, value: str) -> _Phrase:
        if value == "plain":
            word = self.rng.choice(SHAPE_WORDS["wing_pattern", "plain"])
            return self.rng.choice((
                _Phrase(f"{word} wings", f"its wings are {word}"),
                _Phrase("wings without any markings", "its wings have no markings"),
            ))  # fmt: skip
        color, mark = value.split()
        color = self._color(color)
        options = [
            _Phrase(f"{color} {mark} on its wings", f"there are {color} {mark} on its wings"),
            _Phrase(f"wings with {color} {mark}", f"its wings have {color} {mark}"),
        ]
        if mark == "bars":
            noun = self.rng.choice(PART_WORDS["wingbars"])
            options += [_Phrase(f"{color} {noun}", f"its {noun} are {color}")] * 2
            options += [_Phrase(f"bars of {color} on its wings", f"its wings carry bars of {color}")]
        elif mark == "spots":
            options += [_Phrase(f"{color.replace(' ', '-')}-spotted wings", f"its wings are spotted with {color}")]
        else:
            noun = self.rng.choice(PART_WORDS["wingtips"])
            options += [_Phrase(f"{color.replace(' ', '-')}-tipped wings", f"its wings are tipped with {color}"),
                        _Phrase(f"{color} {noun}", f"its {noun} are {color}")]  # fmt: skip
        return self.rng.choice(options)

    def _breast(self, value: str) -> _Phrase:
        word, noun = self.rng.choice(SHAPE_WORDS["breast_pattern", value]), self.rng.choice(PART_WORDS["breast"])
        marks = {"spotted": ("spots", "speckles"), "streaked": ("streaks",), "banded": ("bands",)}
        if value == "plain" or self.rng.random() < 0.7:
            return _Phrase(_article(f"{word} {noun}"), f"its {noun} is {word}")
        mark = self.rng.choice(marks[value])
        return _Phrase(f"{mark} on its {noun}", f"there are {mark} on its {noun}")

    def _tail(self, value: str) -> _Phrase:
        word = self.rng.choice(SHAPE_WORDS["tail_shape", value])
        return _Phrase(_article(f"{word} tail"), f"its tail is {word}")

    def _eye_ring(self, value: str) -> _Phrase:
        if value == "none":
            return _Phrase("no eye ring", "it has no eye ring")
        color, noun = self._color(value), self.rng.choice(PART_WORDS["eyering"])
        clause = f"its eye ring is {color}" if noun != "ring around the eye" else f"the {noun} is {color}"
        return _Phrase(_article(f"{color} {noun}"), clause)

    def _crest(self, value: str) -> _Phrase:
        if value == "none":
            return self.rng.choice((_Phrase("no crest", "it has no crest"), _Phrase("no crest", "it lacks a crest")))
        noun = self.rng.choice(("a crest", "a tufted crest", "a tuft on its head", "a tuft of feathers on its head"))
        return _Phrase(noun, f"it has {noun}" if noun != "a crest" else "it wears a crest")

    # -- words ---------------------------------------------------------------------------------------------------------

    def _take(self, *groups: str) -> list[str]:
        return [self.left.pop(group) for group in groups]

    def _color(self, color: str) -> str:
        """The plain word more often than not; "white" for a mark may be "snow white", and gray may be grey."""
        words = COLOR_WORDS[color]
        return self._spell(words[0] if self.rng.random() < 0.6 else self.rng.choice(words))

    def _shape(self, group: str) -> str:
        value = self._take(group)[0]
        words = SHAPE_WORDS[group, value]
        return words[0] if self.rng.random() < 0.4 else self.rng.choice(words)

    def _spell(self, words: str) -> str:
        return words.replace("gray", "grey") if self.british else words


def _words(adjectives: list[str], noun: str) -> str:
    return " ".join([*adjectives, noun])


def _article(words: str) -> str:
    """ "a cap", "an orange cap". No word of the lexicon breaks the rule by vowel except none that begin a phrase."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _some(color: str, noun: str) -> str:
    """ "a white belly", "white underparts"."""
    return f"{color} {noun}" if noun in ("upperparts", "underparts") else _article(f"{color} {noun}")


def _bare(words: str) -> str:
    """Without its article, as in notes."""
    return words.removeprefix("a ").removeprefix("an ")


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
