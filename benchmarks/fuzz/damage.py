"""Damage that any file can have, as Hypothesis strategies: bits, cuts, repeats, numbers that lie; and odd texts."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

#: Numbers at the edges of what fields can hold.
EDGES = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 1000, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31,
         2**32 - 2, 2**32 - 1, 2**53, 2**63 - 1, 2**64 - 1)  # fmt: skip
#: Names as nobody should write them.
NAMES = ("a", "b", "cat", "Cat", "", " ", ".", "..", "../x", "/etc/passwd", "C:\\x", "a/b", "a\\b", "a\0b",
         "a\nb", "\ufeff",
         "\u202e\u2066x", "\u2028", "ä", "a\u0308", "猫", "😀", "é" * 200, "x" * 300, "x" * 5000, "CON", "a.",
         "a:b", "\ud800",
         "<b>x</b>", "=1+1", "$x$", "%s%n", "{0}", "[x](y)", "__MACOSX", "\x1b[31m")  # fmt: skip
NUMBERS = ("0", "1", "-1", "0.5", "1e400", "-1e400", "nan", "NaN", "inf", "-Infinity", "1e-400", "1_0", "٣",
           "0x10", "1,5", "1e15",
           "9" * 400, "9" * 5000, "--1", "+1", " 1 ", "", "true", "1e", ".", "½")  # fmt: skip


@st.composite
def damaged(draw: Callable, seeds: Sequence[bytes], most: int = 5) -> bytes:
    """One of the files, with up to `most` kinds of damage."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.sampled_from((1, 2, 4, 8, 30, 300)))
        match draw(st.integers(0, 9)):
            case 0 if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case 1 if data:
                data[at] = draw(st.integers(0, 255))
            case 2:
                del data[at:]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length] * draw(st.sampled_from((1, 2, 20)))
            case 5:
                number = draw(st.sampled_from(EDGES))
                form = draw(st.sampled_from(("<H", ">H", "<I", ">I", "<Q", ">Q")))
                part = struct.pack(form, number & (256 ** struct.calcsize(form) - 1))
                data[at : at + len(part)] = part
            case 6:
                other = draw(st.sampled_from(seeds))
                data[at:] = other[min(at, len(other)) :]
            case 7:
                data[at:at] = draw(st.binary(max_size=12))
            case 8:
                data[at : at + length] = bytes(len(data[at : at + length]))
            case _:
                data[0:0] = draw(st.sampled_from((b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"PK", b"\n")))
    return bytes(data)


names = st.one_of(st.sampled_from(NAMES), st.text(max_size=12))
cells = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), names)


@st.composite
def encoded(draw: Callable, texts: st.SearchStrategy[str]) -> bytes:
    """A text as some program saved it."""
    text = draw(texts)
    how = draw(st.sampled_from(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32")))
    return text.encode(how, "surrogatepass" if how.startswith("utf") else "replace")


def _odd(depth: int) -> list[Any]:
    deep: Any = 0
    for _ in range(depth):
        deep = [deep]
    return [deep]


#: Values that no field expects.
VALUES: tuple[Any, ...] = (None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, float("inf"),
                           float("nan"), 0.5, "", "x",
                           [], {}, [[]], [None], {"a": 1}, ["a"] * 2, "\ud800", "a\nb", "x" * 5000, [1] * 3000,
                           *_odd(50),
                           "../../x", "/etc/passwd", "\u202e", "1e999", [{}] * 3, *NAMES[:6])  # fmt: skip
_DEEP = "[" * 100_000


@st.composite
def documents(draw: Callable, whole: Sequence[Any], most: int = 3) -> bytes:
    """A JSON document with some values replaced, left out or doubled, written as JSON, or nearly."""
    document = json.loads(json.dumps(draw(st.sampled_from(whole))))
    for _ in range(draw(st.integers(0, most))):
        place: Any = document
        for _ in range(draw(st.integers(0, 5))):
            keys = list(place) if isinstance(place, dict) else range(min(len(place), 50))
            inner = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
            if not inner:
                break
            place = place[draw(st.sampled_from(inner))]
        if not place:
            continue
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(min(len(place), 50))))
        match draw(st.integers(0, 5)):
            case 0:
                del place[key]
            case 1 if isinstance(place, list):
                place.append(place[key])
            case 2 if isinstance(place, dict):
                place[draw(names)] = place[key]
            case _:
                place[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    text = json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 1))))
    match draw(st.integers(0, 60)):
        case 0:
            text = text[: draw(st.integers(0, len(text)))]
        case 1:
            text = text.replace('"', '"\\ud800', 1)
        case 2:
            text = text.replace("1", "1e999", 3)
        case 3:
            text = _DEEP
        case 4:
            text = '{"a":' * 5000 + "1" + "}" * 5000
        case 5:
            text = text.replace("1", "9" * draw(st.sampled_from((400, 4300, 4301))), 2)
        case 6:
            text = "\ufeff" + text
        case 7:
            return draw(damaged([text.encode("utf-8", "replace")]))
        case 8:
            return text.encode(draw(st.sampled_from(("utf-16", "utf-32", "utf-7"))), "replace")
    return text.encode("utf-8", "surrogatepass" if draw(st.integers(0, 9)) == 0 else "replace")
