"""From a sentence to claims: which part is said to have which colours, shapes and marks."""

from dataclasses import dataclass, replace

from niwt_core.wording.names import Entry
from niwt_core.wording.scanning import Item
from niwt_core.wording.words import PAIRS, SHADES, Weights, weights

_DESCRIBING = ("color", "shade", "adjective")
#: What may stand between the first of several marks and the part that they are all on.
_BEFORE_PLACE = (*_DESCRIBING, "mark", "and", "det", "passed", "feathers")
_LOOKAHEAD = 12
#: More adjectives than this for one noun are no English; the bound keeps reading linear.
_MOST_WAITING = 12
_MARK_COLOR = 0.6  # a white stripe on a wing makes less of it white than a white wing is
_SOME_COLORS = 0.5  # "black and white wings" may be called multi-coloured
_PRONOUNS = ("it", "he", "she", "they")
_PREPOSITIONS = ("above", "below", "underneath")
_NOUNS = ("part", "suffix", "build", "mark", "feathers")


@dataclass(frozen=True)
class Claim:
    """A part of the thing is said to have (or, if denied, not to have) something.

    `sort` is what it has: "color" (in `colors`), "adjective" (`word`), "build" (in `colors`), or "presence" for the
    part itself. [start, end) are the characters that say so.
    """

    part: str
    sort: str
    word: str
    colors: Weights
    strength: float
    wholly: bool
    denied: bool
    start: int
    end: int


def claims(items: list[Item]) -> list[Claim]:
    """Read the items from left to right, once."""
    return _Parser(items).run()


class _Parser:
    """One pass. Adjectives wait until the noun they stand before, or the end of what is said of the subject, comes."""

    def __init__(self, items: list[Item]) -> None:
        self.items = [item for item in items if item.kind != "passed"]
        self.waiting: list[Claim] = []
        self.joined = -1  # how many were waiting when the last "and" or comma came
        self.subjects: list[str] = []  # the parts that "is" and "with" go on about
        self.inherited: list[Claim] = []  # what the noun before was said to have: "black wings and tail"
        self.inherited_at = -1  # where in `done` the last noun's inheritance begins, if it has one
        self.opened = ""  # "det" or "on", when what is waiting began with one: a noun must follow
        self.bare = False  # whether the noun before had nothing of its own
        self.predicate = False  # after "is"
        self.placed = False  # after "white on the wings": "and the tail" goes on
        self.negated = self.wholly = self.than = False
        self.done: list[Claim] = []

    def run(self) -> list[Claim]:
        for at, item in enumerate(self.items):
            getattr(self, f"_on_{item.kind}")(at, item)
        self._flush()
        return self.done

    # -- adjectives ---------------------------------------------------------------------------------------------------

    def _on_color(self, at: int, item: Item) -> None:
        before = self._kind(at - 1)
        colors = item.entry.colors
        if before in ("color", "shade") and self.waiting and self.waiting[-1].sort == "color":
            earlier = self.waiting.pop()
            colors = _shaded(earlier.word, item.entry) if earlier.word in SHADES else _paired(earlier, item.entry)
            self._wait(at, "color", colors, earlier.start)
        else:
            self._wait(at, "color", colors)

    def _on_shade(self, at: int, item: Item) -> None:
        self._wait(at, "color", weights(SHADES[item.entry.value][1][""]))

    def _on_adjective(self, at: int, item: Item) -> None:
        self._wait(at, "adjective", {})

    def _on_same(self, at: int, item: Item) -> None:
        self._wait(at, "adjective", {}, word="medium")
        self.than = True

    def _wait(self, at: int, sort: str, colors: Weights, start: int | None = None, word: str = "") -> None:
        item = self.items[at]
        if not self.waiting:
            before = self._kind(at - 1)
            self.opened = before if before in ("det", "on") else ""
            if self.bare and before in ("part", "feathers"):
                self.predicate = True  # "wings brown, belly white"
        if len(self.waiting) < _MOST_WAITING:
            begin = item.start if start is None else start
            word = word or item.entry.value
            self.waiting.append(Claim("", sort, word, colors, 1.0, False, self.negated, begin, item.end))

    # -- nouns --------------------------------------------------------------------------------------------------------

    def _on_part(self, at: int, item: Item) -> None:
        part, follows = item.entry.value, self._kind(at + 1)
        if self.than:  # "longer than its head" says nothing of the head
            self.than = False
        elif item.text in _PRONOUNS:
            if follows in ("is", "has"):
                self._flush()
                self._begin(["bird"])
        elif item.text in _PREPOSITIONS and (follows in ("det", "part") or self._kind(at - 1) == "mark"):
            pass
        elif follows == "mark" and part != "bird":  # "wing tips": the tips take what is waiting
            self.subjects = [part]
        elif part == "bird" and self._kind(at - 1) in ("on", "det") and self._kind(at - 2) in ("on", "part"):
            pass  # "the wings of this bird are ..."
        else:
            self._name(at, part, item)

    def _name(self, at: int, part: str, item: Item) -> None:
        """A part is named: give it what is waiting or, if it only joins a list, what the one before it has."""
        joins = self.joined == 0 and self._kind(at - 1) in ("and", "det") and bool(self.subjects)
        own = self._own(item)
        placed = "on" in (self._kind(at - 1), self._kind(at - 2)) or (self.placed and joins and not own)
        if part != "bird":
            self.done.append(Claim(part, "presence", part, {}, 1.0, False, self.negated, item.start, item.end))
        if joins and not own and self.bare:
            self._begin([*self.subjects, part][-_MOST_WAITING:], bare=True)
        elif joins and not own and self.inherited:
            before = len(self.done)
            self._begin([part], self.inherited)
            self.inherited_at = before
        else:
            self._begin([part], own, bare=not own)
        self.placed = placed

    def _on_suffix(self, at: int, item: Item) -> None:
        part = item.entry.value
        if self._kind(at - 1) in _DESCRIBING and self.waiting:
            self._say([self.waiting.pop()], [part])
        self.done.append(Claim(part, "presence", part, {}, 1.0, False, self.negated, item.start, item.end))

    def _on_build(self, at: int, item: Item) -> None:
        build = Claim("", "build", "", item.entry.colors, 1.0, False, self.negated, item.start, item.end)
        self._say([build], ["bird"])
        if self._kind(at + 1) not in ("part", "build"):
            self._begin(["bird"], self._own(item))

    def _on_mark(self, at: int, item: Item) -> None:
        own = self._own(item)
        mark = Claim("", "adjective", item.entry.value, {}, 1.0, False, self.negated, item.start, item.end)
        # "no white spots" denies the spots; the white could be elsewhere.
        had = [] if self.negated else [replace(claim, strength=claim.strength * _MARK_COLOR) for claim in own]
        self._begin(self._place(at) or self.subjects or ["bird"], [mark, *had])

    def _on_feathers(self, at: int, item: Item) -> None:
        if self._kind(at - 1) != "part" and not self._place(at):  # not "tail feathers", "black feathers on its back"
            self._begin(["body"], self._own(item))

    def _on_unknown(self, at: int, item: Item) -> None:
        if self.waiting and self.opened and self._kind(at + 1) not in (*_DESCRIBING, *_NOUNS, "unknown"):
            if not self.done:  # the first noun of all names the thing: "a small yellow chickaree"
                self._begin(["bird"], self._own(item))
            self.waiting = []  # "on a brown branch"

    # -- what joins and parts -----------------------------------------------------------------------------------------

    def _on_and(self, at: int, item: Item) -> None:
        self.joined = len(self.waiting)
        if self.negated and item.text not in ("or", "nor") and self._kind(at - 1) != "neg":
            self.negated = False

    def _on_det(self, at: int, item: Item) -> None:
        if self._kind(at - 1) == "is":
            self.predicate = False  # "is a black and white bird"
        elif self._kind(at - 1) == "and":
            if self.waiting:
                self._flush()
            if not self.placed:
                self.inherited = []

    def _on_is(self, at: int, item: Item) -> None:
        if self.inherited_at >= 0 and "part" in (
            self._kind(at - 1),
            self._kind(at - 1) == "that" and self._kind(at - 2),
        ):
            del self.done[self.inherited_at :]  # "a black head and wings that are brown"
        self._flush()
        self.predicate = True

    def _on_has(self, at: int, item: Item) -> None:
        self._flush()

    def _on_that(self, at: int, item: Item) -> None:
        if self.waiting:
            self._flush()

    def _on_break(self, at: int, item: Item) -> None:
        self._flush()
        self.subjects, self.inherited, self.inherited_at, self.bare, self.placed = [], [], -1, False, False

    def _on_neg(self, at: int, item: Item) -> None:
        predicate = self.predicate
        self._flush()
        self.predicate, self.negated = predicate, True

    def _on_all(self, at: int, item: Item) -> None:
        self.wholly = True

    def _on_on(self, at: int, item: Item) -> None:
        """What is waiting goes on to wait: "white on the wings"."""

    def _on_than(self, at: int, item: Item) -> None:
        self.than = True

    # -- giving adjectives to nouns -----------------------------------------------------------------------------------

    def _own(self, item: Item) -> list[Claim]:
        """What is waiting for this noun; after "is", what came before the last "and" belongs to the subject."""
        if self.predicate and self.joined > 0:
            self._say(self.waiting[: self.joined], self.subjects or ["bird"])
            self.waiting = self.waiting[self.joined :]
        own, self.waiting, self.joined, self.predicate = self.waiting, [], -1, False
        return [replace(claim, end=max(claim.end, item.end)) for claim in own]

    def _begin(self, parts: list[str], own: list[Claim] | None = None, bare: bool = False) -> None:
        """Go on about these parts, of which `own` has just been said."""
        self._say(own or [], parts)
        self.subjects, self.inherited, self.inherited_at, self.bare = parts, own or [], -1, bare
        self.placed = self.wholly = False

    def _flush(self) -> None:
        """What is waiting was said of the subject; nothing goes on."""
        if self.waiting:
            self._say(self.waiting, self.subjects or ["bird"])
        self.waiting, self.joined = [], -1
        self.predicate = self.than = self.wholly = self.negated = False

    def _say(self, own: list[Claim], parts: list[str]) -> None:
        colors = {claim.word for claim in own if claim.sort == "color" and not claim.denied}
        for part in parts:
            self.done += [replace(claim, part=part, wholly=self.wholly) for claim in own]
            if len(colors) > 1:
                start, end = min(claim.start for claim in own), max(claim.end for claim in own)
                self.done.append(Claim(part, "adjective", "multicolored", {}, _SOME_COLORS, False, False, start, end))

    # -- looking around -----------------------------------------------------------------------------------------------

    def _kind(self, at: int) -> str:
        return self.items[at].kind if 0 <= at < len(self.items) else ""

    def _place(self, at: int) -> list[str]:
        """The part that a mark is on: "white spots on the wings"."""
        here = at + 1
        while here < min(at + _LOOKAHEAD, len(self.items)) and self.items[here].kind in _BEFORE_PLACE:
            here += 1
        above = self._kind(here) == "part" and self.items[here].text in _PREPOSITIONS
        if self._kind(here) != "on" and not above:
            return []
        here += 1
        while self._kind(here) in ("det", "on", *_DESCRIBING):
            here += 1
        return [self.items[here].entry.value] if self._kind(here) == "part" else []


def _shaded(shade: str, color: Entry) -> Weights:
    """ "dark" and brown -> mostly brown, a little black."""
    best = max(color.colors, key=color.colors.__getitem__)
    shaded = SHADES[shade][1].get(best)
    return weights(shaded) if shaded and len(color.colors) == 1 else color.colors


def _paired(first: Claim, second: Entry) -> Weights:
    """Two colour words in one: "reddish brown" is rufous, "bluish grey" a grey with some blue."""
    colors = [max(meaning, key=meaning.__getitem__) for meaning in (first.colors, second.colors)]
    if colors[0] == colors[1]:
        return second.colors
    pair = PAIRS.get((colors[0], colors[1]))
    return weights(pair) if pair else {**{c: w * 0.5 for c, w in first.colors.items()}, **second.colors}
