"""From characters to known words: the first half of reading a description."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from string import ascii_lowercase

from niwt_core.birds.words import FOREIGN_WORDS, LEXICON, LONGEST, REAL_WORDS, STOP_WORDS, Entry

# A word, a contraction, or one mark of punctuation. Digits and underscores carry nothing here and fall between.
_TOKEN = re.compile(r"[^\W\d_]+'t\b|[^\W\d_]+|[^\w\s]")
_ALIKE = {"’": "'", "‘": "'", "–": ",", "—": ",", "‐": "-", "‑": "-", "−": "-"}
_KNOWN_WORDS = {words[0] for words in LEXICON if len(words) == 1}
_LONGEST_TYPO = 16


@dataclass(frozen=True)
class Item:
    """A known word or phrase (or one unknown word) and the characters it came from."""

    entry: Entry
    start: int
    end: int
    text: str  # as it was typed
    glued: bool = False  # by a hyphen to the item before

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def value(self) -> str:
        return self.entry.value


def scan(text: str) -> tuple[list[Item], list[str]]:
    """The items of a text in order, without the words one passes over, and a note for each corrected typing mistake."""
    lowered = "".join(_plain(letter) for letter in text)
    tokens = [match for match in _TOKEN.finditer(lowered) if match[0] != "-" or not _is_hyphen(lowered, match.start())]
    items: list[Item] = []
    notes: list[str] = []
    for words, start, end in _phrases(tokens):
        glued = start > 0 and lowered[start - 1] == "-" and start > 1 and lowered[start - 2].isalnum()
        entry = LEXICON.get(words)
        if entry is None:
            entry, note = _guess(words[0], text[start:end])
            notes += [note] if note else []
        if entry.kind != "stop":
            items.append(Item(entry, start, end, text[start:end], glued))
    return items, list(dict.fromkeys(notes))


def is_foreign(text: str) -> bool:
    """Whether the small words of a text are those of another language and none is English."""
    words = {match[0] for match in _TOKEN.finditer(text.lower())}
    english = words & _ENGLISH
    return len(words & FOREIGN_WORDS) >= 2 and not english


def named(item: Item, entry: Entry) -> Item:
    """The same characters, understood as `entry`."""
    return replace(item, entry=entry)


_ENGLISH = {"the", "with", "and", "bird", "has", "is", "its", "this", "of", "no", "it", "birds", "are", "that"} | (
    {"yellow", "black", "white", "blue", "green", "brown", "small", "tail", "wings", "beak", "crown", "belly"}
)


def _plain(letter: str) -> str:
    """The letter in lower case, one for one, so that positions stay those of the typed text."""
    letter = _ALIKE.get(letter, letter)
    small = letter.lower()
    return small if len(small) == 1 and (small.isprintable()) else " "


def _is_hyphen(text: str, at: int) -> bool:
    """Whether the "-" at a place joins two words (and is not a dash between phrases)."""
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _phrases(tokens: list[re.Match[str]]) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Cut the tokens into the longest known phrases; a token that begins none stands alone."""
    at = 0
    while at < len(tokens):
        for length in range(min(LONGEST, len(tokens) - at), 0, -1):
            words = tuple(token[0] for token in tokens[at : at + length])
            if length == 1 or words in LEXICON:
                yield words, tokens[at].start(), tokens[at + length - 1].end()
                at += length
                break


def _guess(word: str, typed: str) -> tuple[Entry, str]:
    """What a token outside the lexicon is: punctuation, a known word with one typing mistake, or unknown."""
    if not word[0].isalpha():
        kind = {",": "and", "-": "is"}.get(word)
        return Entry(kind or "stop", word), ""
    if 4 <= len(word) <= _LONGEST_TYPO and word.isascii() and word not in REAL_WORDS:
        known = sorted(
            candidate
            for candidate in _one_edit(word) & _KNOWN_WORDS
            if len(candidate) >= 5 and LEXICON[(candidate,)].kind != "stop"
        )
        # Of several, the first letter decides: people seldom mistype it.
        known.sort(key=lambda candidate: candidate[0] != word[0])
        if known:
            return LEXICON[(known[0],)], f'I took "{typed}" for "{known[0]}".'
        if _one_edit(word) & STOP_WORDS and len(word) >= 6:
            return Entry("stop", word), ""
    return Entry("unknown", word), ""


def _one_edit(word: str) -> set[str]:
    """Every string one insertion, deletion, replacement or swap of neighbours away."""
    halves = [(word[:cut], word[cut:]) for cut in range(len(word) + 1)]
    return (
        {left + right[1:] for left, right in halves if right}
        | {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
        | {left + letter + right[1:] for left, right in halves if right for letter in ascii_lowercase}
        | {left + letter + right for left, right in halves for letter in ascii_lowercase}
    )
