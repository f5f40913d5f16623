from niwt_core.birds.attributes import ATTRIBUTES, COLORS, GROUPS
from niwt_core.birds.words import (
    COLOR_WORDS,
    LEXICON,
    NEAR_COLORS,
    NEAREST_VALUE,
    PART_WORDS,
    READ_COLORS,
    READ_SHAPES,
    SHAPE_WORDS,
    SHAPES,
    split,
)


def test_every_value_has_several_wordings() -> None:
    said_by_marks = {"white bars", "black bars", "white spots", "black tips", "tufted", "none"}
    for group, value in ATTRIBUTES:
        if value in said_by_marks:
            continue
        words = COLOR_WORDS.get(value) or SHAPE_WORDS[group, value]
        assert len(words) >= 2, (group, value)


def test_every_word_of_the_writer_is_read_as_the_value_it_was_written_for() -> None:
    for color, words in COLOR_WORDS.items():
        for word in words:
            for spelling in (word, word.replace("gray", "grey")):
                entry = LEXICON[split(spelling)]
                assert (entry.kind, entry.value, entry.near) == ("color", color, False)
    for (group, value), words in SHAPE_WORDS.items():
        for word in words:
            assert SHAPES[group][" ".join(split(word))] == value
    for part, words in PART_WORDS.items():
        for word in words:
            assert LEXICON[split(word)].value == part


def test_no_colour_word_means_two_colours() -> None:
    seen: dict[str, str] = {}
    for table in (READ_COLORS, NEAR_COLORS):
        for color, words in table.items():
            for word in words.split():
                assert seen.setdefault(word, color) == color, word


def test_tables_name_only_values_that_exist() -> None:
    for group, value in (*SHAPE_WORDS, *READ_SHAPES):
        assert value in GROUPS[group]
    for table in (COLOR_WORDS, READ_COLORS, NEAR_COLORS):
        assert set(table) <= {*COLORS, "pink"}
    for group, nearest in NEAREST_VALUE.items():
        assert set(nearest.values()) <= set(GROUPS[group])
        assert not set(nearest) & set(GROUPS[group])
