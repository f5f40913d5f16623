"""A sentence in pieces, each a thing with what is said of it: "a black cap", "white wing bars"."""

import re

from niwt_core.wording.reading import MAX_CHARACTERS
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
    text = text[:MAX_CHARACTERS]
    sentences = [" ".join(sentence.split()) for sentence in _STOP.split(text)]
    pieces = [piece for sentence in sentences for piece in _cut(sentence)]
    return [piece for piece in pieces if _WORD.search(piece)] or [text.strip()]


def _cut(sentence: str) -> list[str]:
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
    return [sentence[start:stop].strip(" ,") for start, stop in spans]


def _goes_on(before: str, telling: list[str], describes: bool) -> bool:
    """Whether a piece only goes on with the one before it: a bare noun, or an adjective after "is"."""
    if telling and describes:
        return any(word in _IS for word in before.lower().split())
    return len(telling) == 1
