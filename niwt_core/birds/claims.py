"""What a phrase about a part of the bird means: the claims it makes about attribute values."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.scanning import Item
from niwt_core.birds.words import NEAREST_VALUE, SHAPES

#: Part -> the colour groups it speaks for, and how strongly. A stronger claim wins without being a contradiction:
#: "a yellow bird with a white belly", "a black head with a red crown".
COLOR_TARGETS: dict[str, tuple[tuple[str, float], ...]] = {
    "crown": (("crown_color", 3.0),),
    "head": (("crown_color", 2.0),),
    "crest": (("crown_color", 1.5),),
    "back": (("back_color", 3.0),),
    "upper": (("back_color", 2.5),),
    "wings": (("back_color", 2.0),),
    "belly": (("belly_color", 3.0),),
    "under": (("belly_color", 2.5),),
    "breast": (("belly_color", 2.0),),
    "body": (("back_color", 1.2), ("belly_color", 1.2), ("crown_color", 0.5)),
    "bird": (("back_color", 1.0), ("belly_color", 1.0), ("crown_color", 1.0)),
    # Colours without a noun: the bird's, unless it has one ("it is black with white").
    "rest": (("back_color", 0.9), ("belly_color", 0.9), ("crown_color", 0.9)),
    "bill": (("bill_color", 3.0),),
    "legs": (("leg_color", 3.0),),
    "eyering": (("eye_ring", 3.0),),
}

#: Part -> the groups in which its adjectives are looked up.
SHAPE_TARGETS: dict[str, tuple[str, ...]] = {
    "bird": ("size", "crest"),
    "rest": ("size", "crest"),
    "body": ("size",),
    "bill": ("bill_shape",),
    "wings": ("wing_pattern",),
    "breast": ("breast_pattern",),
    "belly": ("breast_pattern",),
    "under": ("breast_pattern",),
    "tail": ("tail_shape",),
    "legs": ("leg_length",),
    "eyering": ("eye_ring",),
    "crest": ("crest",),
    "crown": ("crest",),
    "head": ("crest",),
}

#: The parts that are the whole bird.
WHOLE = ("bird", "rest", "body")

#: Mark -> the part it is on when the words do not say.
MARK_HOME = {"bars": "wings", "tips": "wings", "spots": "breast", "streaks": "breast", "bands": "breast"} | {
    "ring": "eyering", "fork": "tail", "fan": "tail", "point": "tail"
}  # fmt: skip
_TAIL_MARKS = {"fork": "forked", "fan": "fanned", "point": "pointed"}
_BREAST_MARKS = {"spots": "spotted", "streaks": "streaked", "stripes": "streaked", "bars": "banded", "bands": "banded"}
_PALE = {"white", "yellow", "gray", "pink", "orange"}

LABELS = {group: group.replace("_", " ").replace("color", "colour") for group in GROUPS}


@dataclass(frozen=True)
class Claim:
    """One value that the words give to one group."""

    group: str
    value: str
    strength: float
    part: str
    items: tuple[Item, ...]  # the words it rests on
    phrase: int  # claims of one phrase describe the part together
    note: str = ""

    @property
    def saying(self) -> str:
        """The words of the claim, in the order people say them: "black crown"."""
        return " ".join(item.text for item in self.items)


@dataclass(frozen=True)
class Adjective:
    """A colour, shape or pattern word on its way to a noun."""

    item: Item
    join: str = ""  # what stood between it and the adjective before: "", ",", or a joining word
    colors: tuple[Item, ...] = ()  # of a pattern: "black-tipped"


@dataclass
class Found:
    """What a text turned out to say: `say`, `mark` and `presence` turn its phrases into claims."""

    claims: list[Claim] = field(default_factory=list)
    unknown: list[tuple[int, int]] = field(default_factory=list)
    phrases: list[tuple[int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def say(self, adjectives: list[Adjective], part: str, noun: Item | None = None, negated: bool = False) -> None:
        """Claim for a part what its adjectives say; "rest" is the bird when no noun says so."""
        if not adjectives:
            return
        nouns = (noun,) if noun else ()
        extent = [adjective.item for adjective in adjectives] + list(nouns)
        self.phrases.append((min(i.start for i in extent), max(i.end for i in extent)))
        adjectives = self._first_of_ranges(adjectives)
        adjectives = _own_pattern_colors(adjectives) if part in ("wings", "wingbars") else adjectives
        colors = [adjective for adjective in adjectives if adjective.item.kind == "color"]
        if colors and part in COLOR_TARGETS:
            if negated:
                self._open(colors[0].item)
            else:
                self._color(colors, part, nouns)
        elif colors:
            self.lose([*(color.item for color in colors), *nouns])
            if noun and part == "other":
                said = " ".join([*(color.item.text for color in colors), noun.text])
                self.notes.append(f'These birds take no colour there, so "{said}" is left out.')
        for adjective in adjectives:
            if adjective.item.kind == "pattern":
                self.mark([Adjective(color) for color in adjective.colors], adjective.item.value, part,
                           adjective.item, *nouns, negated=negated)  # fmt: skip
            elif adjective.item.kind == "shape":
                self._shape(adjective.item, part, nouns, negated)

    def _first_of_ranges(self, adjectives: list[Adjective]) -> list[Adjective]:
        """ "small to medium": the first of the two, with a note."""
        kept: list[Adjective] = []
        for adjective in adjectives:
            if adjective.join in ("to", "or") and kept and kept[-1].item.kind == adjective.item.kind == "shape":
                self.notes.append(f'Of "{kept[-1].item.text} {adjective.join} {adjective.item.text}" I used the first.')
            else:
                kept.append(adjective)
        return kept

    def _shape(self, item: Item, part: str, nouns: tuple[Item, ...], negated: bool) -> None:
        for group in SHAPE_TARGETS.get(part, ()):
            value = SHAPES[group].get(item.value)
            if value is None:
                continue
            if not negated:
                self._claim(group, value, 3.0, part, (item, *nouns))
            elif group == "crest":
                self._claim("crest", "none" if value == "tufted" else "tufted", 3.0, part, (item, *nouns))
            else:
                self._open(item)
            return
        if part == "bill" and item.value in SHAPES["size"]:  # "a large beak" is broad rather than long
            value = {"large": "broad"}.get(SHAPES["size"][item.value])
            if value and not negated:
                note = f'I read "{item.text}" as {value}, the nearest bill shape I can draw.'
                self._claim("bill_shape", value, 2.0, part, (item, *nouns), note)
                return
        self.lose([item])

    def _color(self, colors: list[Adjective], part: str, nouns: tuple[Item, ...]) -> None:
        distinct = list({color.item.value: color for color in colors}.values())
        targets = COLOR_TARGETS[part]
        if len(distinct) == 1 or part not in WHOLE:
            # "blue-gray" is a gray; of "black and white" the first is the main colour.
            chosen = distinct[-1] if all(not color.join for color in distinct[1:]) else distinct[0]
            if len(distinct) > 1:
                others = " and ".join(f'"{color.item.text}"' for color in distinct if color is not chosen)
                self.notes.append(f'One part has one colour here: I used "{chosen.item.text}" and not {others}.')
            per_group = dict.fromkeys((group for group, _ in targets), chosen)
        elif all(not color.join for color in distinct[1:]):
            self.notes.append(f'I read "{" ".join(c.item.text for c in distinct)}" as {distinct[-1].item.value}.')
            per_group = dict.fromkeys((group for group, _ in targets), distinct[-1])
        else:
            self.notes.append(
                f'I used "{distinct[0].item.text}" for the upper side and "{distinct[1].item.text}" for the belly.'
            )
            per_group = {group: distinct[group == "belly_color"] for group, _ in targets}
        for group, strength in targets:
            self._claim_color(group, strength, part, per_group[group].item, nouns)

    def _claim_color(self, group: str, strength: float, part: str, item: Item, nouns: tuple[Item, ...]) -> None:
        value = item.value if item.value in GROUPS[group] else NEAREST_VALUE.get(group, {}).get(item.value, "")
        if not value:
            self.lose([item])
            self.notes.append(f"The {LABELS[group]} cannot be {item.value} here, so it stays open.")
            return
        note = ""
        if item.entry.near or value != item.value:
            note = f'I read "{item.text}" as {value}, the nearest colour I can draw{_where(group, item)}.'
        elif part == "wings":
            note = "Wings and back share one colour here, so the colour of the wings is also that of the back."
        elif part == "crest":
            note = "Crest and crown share one colour here."
        self._claim(group, value, strength, part, (item, *nouns), note)

    def mark(self, adjectives: list[Adjective], mark: str, part: str, *items: Item, negated: bool = False) -> None:
        """Claim what a mark ("bars", "spots", "ring") in these colours on this part stands for."""
        colors = [adjective.item for adjective in adjectives if adjective.item.kind == "color"]
        resting = tuple(dict.fromkeys([*colors[:1], *items]))
        extent = [*colors, *items]
        self.phrases.append((min(i.start for i in extent), max(i.end for i in extent)))
        if part in ("breast", "belly", "under", *WHOLE) and (mark in _BREAST_MARKS or mark == "marks"):
            if negated:
                self._claim("breast_pattern", "plain", 0.5, part, resting)
            elif mark in _BREAST_MARKS:
                strength = 3.0 if part == "breast" else 2.0
                self._claim("breast_pattern", _BREAST_MARKS[mark], strength, part, resting)
        elif part == "wings" and negated and mark in {*_BREAST_MARKS, "tips", "marks"}:
            self._claim("wing_pattern", "plain", 0.5, part, resting)
        elif part == "wings" and (value := _wing_value(mark, colors[0].value if colors else "")):
            assumed = not colors or colors[0].value not in value
            note = f"I took these to be {value} on the wings." if assumed else ""
            self._claim("wing_pattern", value, 3.0, part, resting, note)
        elif part == "tail" and mark in _TAIL_MARKS:
            self._claim("tail_shape", _TAIL_MARKS[mark], 3.0, part, resting)
        elif part == "eyering" or (mark == "ring" and part in (*WHOLE, "head")):
            for color in colors[:1]:
                self._claim_color("eye_ring", 3.0, "eyering", color, items)
            if negated:
                self._claim("eye_ring", "none", 3.0, "eyering", resting)
        else:
            self.lose(resting)

    def presence(self, noun: Item, negated: bool) -> None:
        """A crest or an eye ring is said to be there, or not to be."""
        group = {"crest": "crest", "eyering": "eye_ring"}[noun.value]
        self.phrases.append((noun.start, noun.end))
        if any(claim.group == group and noun in claim.items for claim in self.claims):
            return  # "crest: none" and "a tufted crest" have said it already
        if negated:
            self._claim(group, "none", 3.0, noun.value, (noun,))
        elif group == "crest":
            self._claim(group, "tufted", 2.0, noun.value, (noun,))
        else:
            note = "The words give the eye ring no colour; I took it to be white."
            self._claim(group, "white", 0.3, noun.value, (noun,), note)

    def _claim(
        self, group: str, value: str, strength: float, part: str, items: tuple[Item, ...], note: str = ""
    ) -> None:
        self.claims.append(Claim(group, value, strength, part, items, len(self.phrases), note))

    def _open(self, item: Item) -> None:
        self.notes.append(f'I left "not {item.text}" open: it does not say what is there instead.')

    def lose(self, items: Iterable[Item]) -> None:
        """Count words as not understood."""
        self.unknown.extend((item.start, item.end) for item in items)


def _own_pattern_colors(adjectives: list[Adjective]) -> list[Adjective]:
    """ "white spotted wings": without a hyphen too the colour is that of the spots."""
    chain: list[Adjective] = []
    for adjective in adjectives:
        before = chain[-1] if chain else None
        if adjective.item.kind == "pattern" and not adjective.join and before and before.item.kind == "color":
            chain[-1] = Adjective(adjective.item, before.join, (before.item,))
        else:
            chain.append(adjective)
    return chain


def fits(item: Item, part: str) -> bool:
    """Whether an adjective can be said of a part at all."""
    if item.kind == "color":
        return part in COLOR_TARGETS or part in ("mark", "wingbars", "wingtips")
    return any(item.value in SHAPES[group] for group in SHAPE_TARGETS.get(part, ()))


def _wing_value(mark: str, color: str) -> str:
    """The wing pattern that a mark of a colour ("" for none given) makes, or "" for none that can be drawn."""
    if mark in ("bars", "bands", "stripes"):
        return "white bars" if not color or color in _PALE else "black bars" if color in ("black", "brown") else ""
    if mark == "spots":
        return "white spots" if color in ("", "white") else ""
    return "black tips" if mark == "tips" and color in ("", "black", "brown") else ""


def _where(group: str, item: Item) -> str:
    return "" if item.value in GROUPS[group] else f" as {LABELS[group]}"
