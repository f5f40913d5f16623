"""From known words to phrases: which adjectives belong to which part of the bird."""

from collections.abc import Sequence

from niwt_core.birds.claims import MARK_HOME, Adjective, Found, fits
from niwt_core.birds.scanning import Item
from niwt_core.birds.words import SHAPES

_ADJECTIVES = {"color", "shape", "pattern"}
_NOUNS = {"part", "mark"}
_JOINS = {"and", "or", "to"}
_LINKS = {"is", "has", "of"}

#: Parts that "with ..." and "has ..." can go on about: "wings with white bars".
MARKED = {"wings", "breast", "belly", "under", "tail", "crown", "head", "other"}


def parse(items: Sequence[Item]) -> Found:
    """Read the items from left to right, once."""
    return _Parser(items).run()


class _Parser:
    """One pass over the items. Adjectives wait until the noun they belong to, or the end of their clause, arrives."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.found = Found()
        self.waiting: list[Adjective] = []
        self.join = ""
        self.negated = False
        self.subject = ""  # the part that "with", "has" or "is" goes on about
        self.modifier: Item | None = None  # "wing" in "wing tips"
        self.met_bird = False

    def run(self) -> Found:
        at = 0
        while at < len(self.items):
            at = getattr(self, f"_on_{self.items[at].kind}", self._on_other)(at)
        self._orphans()
        return self.found

    # -- one method for each kind of item; each returns where to go on ------------------------------------------------

    def _on_color(self, at: int) -> int:
        self._wait(self.items[at], self.join)
        self.join = ""
        return at + 1

    _on_shape = _on_pattern = _on_color

    def _on_and(self, at: int) -> int:
        self.join = self.join if self.join not in ("", ",") else self.items[at].value
        follows = self._kind(at + 1)
        # "no crest or ring" goes on denying; "no crest, white ring" does not.
        if self.negated and not self.waiting and self.items[at].kind == "and" and follows != "or":
            described = self._kind(at + 2) in ("on", "of")  # "no crest and bars of white on its wings"
            self.negated = follows in _NOUNS and self.items[at].value != "," and not described
        return at + 1

    _on_or = _on_and

    def _on_to(self, at: int) -> int:
        if not self.waiting and self._kind(at - 1) == "unknown":  # "a belly that fades to white"
            chain, end = self._chain(at + 1)
            if chain and self._noun_after(end) != end:
                self.found.lose(adjective.item for adjective in chain)
                return end
        return self._on_and(at)

    def _on_neg(self, at: int) -> int:
        if self.waiting:
            self._orphans()
        self.negated = True
        return at + 1

    def _on_det(self, at: int) -> int:
        if self._kind(at - 1) == "and":
            self.negated = False
        return at + 1

    def _on_has(self, at: int) -> int:
        self._orphans()
        return at + 1

    def _on_break(self, at: int) -> int:
        self._orphans()
        self.negated, self.subject = False, ""
        return at + 1

    def _on_other(self, at: int) -> int:
        return at + 1

    def _on_unknown(self, at: int) -> int:
        item = self.items[at]
        self.found.unknown.append((item.start, item.end))
        if self.waiting and self._kind(at + 1) not in _ADJECTIVES | _NOUNS | {"unknown"}:
            if self.met_bird or self.found.claims:  # a noun that is no part of a bird: its adjectives are lost too
                self.found.lose(adjective.item for adjective in self.waiting)
            else:  # the first noun of all names the bird: "a small yellow wren"
                self.found.notes.append(f'I took "{item.text}" for the bird itself.')
                self.found.say(self.waiting, "bird")
                self.met_bird = True
            self.waiting = []
        self.join = ""
        return at + 1

    def _on_part(self, at: int) -> int:
        item = self.items[at]
        part = item.value
        if item.text.lower() in ("above", "below", "beneath") and (
            not self.waiting or self._kind(at + 1) in ("det", "part")
        ):
            return at + 1  # a preposition
        if self._kind(at + 1) == "mark" and part not in ("bird", "crest", "wingbars") and not item.entry.suffix:
            self.modifier = item
            return at + 1
        if item.text.lower() in ("it", "he", "she", "they"):
            self._orphans()
            self.subject = ""
        if part == "body" and self._kind(at + 1) in ("on", "of") and self._is_feathered(self._noun_after(at + 2)):
            return at + 1  # "black feathers on its back": the colour is the back's
        if item.entry.suffix:
            return self._suffix(at)
        self.met_bird |= part == "bird"
        had = bool(self.waiting)
        # "It lacks a crest and its back is black" says nothing black of the crest.
        subject = not had and not self.negated and part not in ("crest", "eyering")
        parts, end = self._list(at, across_determiners=not had, subject=subject)
        after, after_end = self._after(end, had, part)
        if len(parts) > 1 and not had and not (after and self._is_linked(end)):
            parts, end = parts[:1], at + 1
            after, after_end = self._after(end, had, part)
        own = self._leave_orphans(part)
        for each in parts:
            if mark := {"wingtips": "tips", "wingbars": "bars"}.get(each.value):
                self.found.mark(own + after[0] if after else own, mark, "wings", each, negated=self.negated)
                continue
            self.found.say(own, each.value, each, self.negated)
            if after:
                self.found.say(after[0], each.value, each, after[1])
            if each.value in ("crest", "eyering"):
                self.found.presence(each, self.negated or bool(after and after[1]))
        self.subject = parts[-1].value
        self.join = ""
        self.negated = self.negated and self._kind(end) in ("or", "and")
        return after_end if after else end

    def _on_mark(self, at: int) -> int:
        item, mark = self.items[at], self.items[at].value
        end = at + 1
        if self._kind(end) == "part" and self.items[end].entry.suffix:  # "fork-tailed"
            self.found.mark([], mark, self.items[end].value, item, self.items[end], negated=self.negated)
            return end + 1
        of: list[Adjective] = []
        if self._kind(end) in ("of", "is") and (chain := self._chain(end + 1))[0] and not self._noun_after(chain[1]):
            of, end = chain  # "bars of white"
        places = [self.modifier.value] if self.modifier else []
        if self._kind(end) in ("on", "of", "to"):
            noun = self._noun_after(end + 1)
            if noun and self.items[noun].kind == "part":
                parts, list_end = self._list(noun, across_determiners=True, subject=False)
                places = [_ringed(each, mark) for each in parts]
                if not self._has_adjectives(end + 1, noun):  # else those are still to be read, with their noun
                    end = list_end
                    more, more_end = self._after(end, True, places[0])
                    if more:
                        of, end = more[0], more_end
        if not places and mark != "ring" and self.subject in MARKED:
            places = [self.subject]
        own = self._leave_orphans("mark")
        for place in places or [MARK_HOME.get(mark, "other")]:
            self.found.mark(own + of, mark, place, self.modifier or item, item, negated=self.negated)
        self.modifier, self.join = None, ""
        self.negated = self.negated and self._kind(end) in ("or", "and")
        return end

    # -- looking around ------------------------------------------------------------------------------------------------

    def _kind(self, at: int) -> str:
        return self.items[at].kind if 0 <= at < len(self.items) else ""

    def _noun_after(self, at: int) -> int:
        """Where the noun is that the next determiners and adjectives lead up to; 0 for none."""
        while self._kind(at) in _ADJECTIVES | {"det"}:
            at += 1
        return at if self._kind(at) in _NOUNS else 0

    def _is_feathered(self, at: int) -> bool:
        return at > 0 and self.items[at].kind == "part" and self.items[at].value not in ("bill", "legs", "bird")

    def _has_adjectives(self, start: int, end: int) -> bool:
        return any(self._kind(at) in _ADJECTIVES for at in range(start, end))

    def _is_linked(self, at: int) -> bool:
        """Whether "is" comes next, after no more than a determiner or two."""
        while self._kind(at) in ("det", "neg"):
            if self.items[at].text.lower() in ("isn't", "aren't"):
                return True
            at += 1
        return self._kind(at) == "is"

    def _list(self, at: int, across_determiners: bool, subject: bool) -> tuple[list[Item], int]:
        """The parts of "cap, throat and back", and where the list ends. Commas alone do not make a list."""
        parts, end = [self.items[at]], at + 1
        open_parts: list[Item] = []
        before_comma = parts, end
        look = end
        while self._kind(look) in ("and", "or"):
            joined = False
            while self._kind(look) in ("and", "or"):
                before_comma = before_comma if self.items[look].value != "," else (parts, end)
                joined |= self.items[look].value != ","
                look += 1
            while across_determiners and self._kind(look) == "det" and self.items[look].text.lower() not in ("a", "an"):
                look += 1
            if self._kind(look) != "part" or self.items[look].entry.suffix or self._kind(look + 1) == "mark":
                break
            if self.items[look].value == "bird" or self._kind(look + 1) in ("has", "neg"):
                break  # "a black cap and wings with bars"
            if not subject and self._is_linked(look + 1):
                return before_comma if len(parts) > 1 else (parts, end)  # "a black cap, and its tail is forked"
            open_parts.append(self.items[look])
            look += 1
            if joined:
                parts, end, open_parts = parts + open_parts, look, []
        return parts, end

    def _chain(self, at: int) -> tuple[list[Adjective], int]:
        """The adjectives from here on, with what joins them, and where they end."""
        chain: list[Adjective] = []
        join, end = "", at
        while at < len(self.items):
            item = self.items[at]
            if item.kind in _ADJECTIVES:
                chain = _with(chain, item, join)
                join, end = "", at + 1
            elif item.kind in _JOINS and chain:
                join = item.value if join in ("", ",") else join
            elif item.kind != "det":
                break
            at += 1
        return chain, end

    def _after(self, at: int, had: bool, part: str) -> tuple[tuple[list[Adjective], bool] | None, int]:
        """Adjectives that follow their noun ("its cap is black", "cap of black", "crown red"), and whether denied."""
        start, links, negated = at, set(), False
        while self._kind(at) in _LINKS | {"det", "neg"}:
            links.add(self._kind(at))
            negated |= self._kind(at) == "neg"
            if self.items[at].text.lower() in ("isn't", "aren't", "doesn't", "don't", "hasn't"):
                links.add("is")
            at += 1
        if ("neg" in links and "is" not in links) or (at > start and not links & _LINKS):
            return None, start
        pattern_first = self._kind(at) == "pattern"
        if had and "is" not in links and not (pattern_first and not links):
            return None, start
        chain, end = self._chain(at)
        if self._kind(end) == "on":  # "is orange, red on its crown"
            noun = self._noun_after(end + 1)
            claimed = noun > 0
        else:
            noun = self._noun_after(end)
            one_group = part != "bird" and all(not adjective.join for adjective in chain)
            # "crown: black back: white" has no comma, but the next noun has its own adjective.
            claimed = noun == end and not (one_group and "has" not in links and self._is_linked(noun + 1))
        if chain and claimed:
            if "has" in links and "is" not in links:
                return None, start  # "the bird has long, pink legs"
            if links or part == "bird":
                chain = _before_noun(chain, self.items[noun])
                end = self._end_of(chain, start)
            elif len(chain) > 1:
                chain, end = chain[:1], at + 1
        if not chain:
            return None, start
        if chain[-1].item.kind == "pattern" and self._kind(end) in ("has", "of"):
            colors, color_end = self._chain(end + 1)  # "tipped with black"
            if colors and self._noun_after(color_end) != color_end and all(c.item.kind == "color" for c in colors):
                chain[-1] = Adjective(chain[-1].item, chain[-1].join, tuple(color.item for color in colors))
                end = color_end
        return (chain, negated), end

    def _end_of(self, chain: list[Adjective], start: int) -> int:
        if not chain:
            return start
        at = start
        while self.items[at] is not chain[-1].item:
            at += 1
        return at + 1

    # -- saying it -----------------------------------------------------------------------------------------------------

    def _wait(self, item: Item, join: str) -> None:
        self.waiting = _with(self.waiting, item, join if self.waiting else "")

    def _suffix(self, at: int) -> int:
        """ "black-capped": only the nearest adjective is the part's; those before wait for the bird."""
        item = self.items[at]
        taken = self.waiting[-1:]
        while taken and taken[0].item.glued and len(taken) < len(self.waiting):
            taken = self.waiting[-len(taken) - 1 :]
        self.waiting = self.waiting[: len(self.waiting) - len(taken)]
        self.found.say(taken, item.value, item, self.negated)
        self.join = ""
        return at + 1

    def _leave_orphans(self, part: str) -> list[Adjective]:
        """The waiting adjectives that are this noun's; those before a bare comma may be the bird's instead."""
        own, self.waiting = self.waiting, []
        commas = [at for at, adjective in enumerate(own) if adjective.join == ","]
        if part == "bird" or not commas or any(adjective.join not in ("", ",") for adjective in own):
            return own
        last = own[commas[-1] :]
        earlier = own[: commas[-1]]
        sized = self.met_bird or self.found.claims  # then "a large, yellow beak" is not about the bird
        kept = [
            adjective
            for adjective in earlier
            if (fits(adjective.item, part) or (sized and adjective.item.value in SHAPES["size"]))
            and not (adjective.item.kind == "color" and any(each.item.kind == "color" for each in last))
        ]
        self.found.say([adjective for adjective in earlier if adjective not in kept], "rest", None, self.negated)
        return kept + last

    def _orphans(self) -> None:
        """Adjectives without a noun describe the bird: "all black", "small and yellow"."""
        if self.waiting:
            self.found.say(self.waiting, "rest", None, self.negated)
        self.waiting, self.join, self.negated = [], "", False


def _before_noun(chain: list[Adjective], noun: Item) -> list[Adjective]:
    """The adjectives without the last ones, which are the next noun's: "is short | and black legs"."""
    joins = [at for at, adjective in enumerate(chain) if adjective.join not in ("", ",")]
    commas = [at for at, adjective in enumerate(chain) if adjective.join == ","]
    cut = (joins or commas or [0])[-1]
    if not joins and cut > 1 and chain[cut - 1].item.kind == "shape" and fits(chain[cut - 1].item, noun.value):
        cut -= 1  # "is orange | , long, pink legs"
    return chain[:cut]


def _ringed(noun: Item, mark: str) -> str:
    """The part a mark is on; a ring on an eye is the eye ring."""
    return "eyering" if mark == "ring" and noun.text.lower() in ("eye", "eyes") else noun.value


def _with(chain: list[Adjective], item: Item, join: str) -> list[Adjective]:
    """The chain with one more adjective; a colour glued before a pattern becomes the pattern's."""
    if item.kind == "pattern" and item.glued and chain and chain[-1].item.kind == "color":
        return [*chain[:-1], Adjective(item, chain[-1].join, (chain[-1].item,))]
    return [*chain, Adjective(item, join)]
