"""From characters to known words and phrases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from niwt_core.wording.names import Entry

# A word, a contraction, or one mark of punctuation.
_TOKEN = re.compile(r"[^\W\d_]+'[^\W\d_]+|[^\W\d_]+|[,;.!?():&/+]")
_TAG = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True)
class Item:
    """A known word or phrase, or one unknown word, and the characters it came from."""

    entry: Entry
    start: int
    end: int
    text: str

    @property
    def kind(self) -> str:
        return self.entry.kind


def scan(text: str, lexicon: Mapping[tuple[str, ...], Entry], longest: Mapping[str, int]) -> list[Item]:
    """The text as the longest known phrases, in order; a word that begins none stands alone, as "unknown".

    `longest` says of a word how many words the longest phrase has that it begins.
    """
    # One letter for one, so that positions stay those of the text.
    plain = "".join(small if len(small := letter.lower()) == 1 else letter for letter in text).replace("’", "'")
    plain = _TAG.sub(lambda tag: " " * len(tag[0]), plain)
    tokens = [(match[0].removesuffix("'s"), match.start(), match.end()) for match in _TOKEN.finditer(plain)]
    items, at = [], 0
    while at < len(tokens):
        for length in range(min(longest.get(tokens[at][0], 1), len(tokens) - at), 0, -1):
            words = tuple(token[0] for token in tokens[at : at + length])
            entry = lexicon.get(words)
            if entry is not None or length == 1:
                start, end = tokens[at][1], tokens[at + length - 1][2]
                items.append(Item(entry or Entry("unknown", words[0]), start, end, plain[start:end]))
                at += length
                break
    return items
