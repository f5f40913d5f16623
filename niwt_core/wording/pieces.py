"""A sentence in pieces, each a thing with what is said of it: "a black cap", "white wing bars"."""

import re

from niwt_core.limits import CAPTION
from niwt_core.wording.shapes import ADJECTIVES, MARKS
from niwt_core.wording.words import COLORS, FUNCTIONS, PASSED_OVER, SHADES

_STOP = re.compile(r"\.+(?=\s|$|\))|[;:!?()\n]")
_JOINT = re.compile(r" ?, ?(?:and )?| (and|with|has|have|having|but|while|plus|&) ", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

#: Words that wait for a noun: colours, shades, shapes.
_DESCRIBING = {word for words in (*COLORS.values(), *ADJECTIVES) for word in words.split()} - MARKS
_DESCRIBING |= {word for words, _ in SHADES.values() for word in words.split()}
_IS = set(FUNCTIONS["is"].split())
#: Words that tell nothing by themselves.
_EMPTY = {word for words in FUNCTIONS.values() for word in words.partition("|")[0].split()} | PASSED_OVER
_EMPTY |= {"it", "he", "she", "they", "i", "see", "picture", "also"}


def clauses_of(text: str) -> list[str]:
    """The pieces between stops, commas, "and", "with" and "has"; the whole text where there is nothing to cut.

    What describes stays with its noun: "black and white wings", "a long, hooked bill" and "its wings are brown and
    white" are one piece each, and so is "black wings and tail".
    """
    text = text[:CAPTION]
    return [" ".join(text[start:end].split()) for start, end in clause_spans(text)] or [text.strip()]


def clause_spans(text: str) -> list[tuple[int, int]]:
    """The same pieces as ranges [start, end) of the text; none where it has no word."""
    spans: list[tuple[int, int]] = []
    text = text[:CAPTION]
    stops = [(match.start(), match.end()) for match in _STOP.finditer(text)]
    starts, ends = [0, *(end for _, end in stops)], [*(start for start, _ in stops), len(text)]
    for begin, end in zip(starts, ends, strict=True):
        words = list(re.finditer(r"\S+", text[begin:end]))
        # One blank between words, and where each character of that stands in the text.
        places = [begin + i for word in words for i in (*range(word.start(), word.end()), word.end())][:-1]
        line = " ".join(word[0] for word in words)
        spans += [(places[start], places[stop - 1] + 1) for start, stop in _cut(line) if stop > start]
    return [(start, end) for start, end in spans if _WORD.search(text[start:end])]


def _cut(sentence: str) -> list[tuple[int, int]]:
    joints = list(_JOINT.finditer(sentence))
    spans: list[tuple[int, int]] = []
    begin = 0  # where the piece begins that is being put together
    for i in range(len(joints) + 1):
        start = joints[i - 1].end() if i else 0
        stop = joints[i].start() if i < len(joints) else len(sentence)
        telling = [word for word in map(str.lower, _WORD.findall(sentence[start:stop])) if word not in _EMPTY]
        describes = all(word in _DESCRIBING for word in telling)
        # ", wings with white bars": the piece opens a new one.
        opens = 0 < i < len(joints) and "," in joints[i - 1][0] and joints[i][1] == "with"
        bare = len(telling) < 2 and (opens or not spans)
        if begin == start and spans and _goes_on(sentence[slice(*spans[-1])], telling, describes) and not bare:
            spans[-1] = (spans[-1][0], stop)
        elif describes or bare:
            continue  # its noun is still to come
        else:
            spans.append((begin, stop))
        begin = joints[i].end() if i < len(joints) else len(sentence)
    if begin < len(sentence):  # no noun came
        first = spans.pop()[0] if spans else begin
        spans.append((first, len(sentence)))
    return [_stripped(sentence, start, stop) for start, stop in spans]


def _stripped(sentence: str, start: int, stop: int) -> tuple[int, int]:
    """The range without the blanks and commas at its ends."""
    piece = sentence[start:stop]
    return start + len(piece) - len(piece.lstrip(" ,")), start + len(piece.rstrip(" ,"))


def _goes_on(before: str, telling: list[str], describes: bool) -> bool:
    """Whether a piece only goes on with the one before it: a bare noun, or an adjective after "is"."""
    if telling and describes:
        return any(word in _IS for word in before.lower().split())
    return len(telling) == 1
