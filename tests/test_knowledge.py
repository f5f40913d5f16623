"""Attributes, sentences and both as one description a class: planted geometry, new rows in old columns, bad input."""

import hashlib

import numpy as np
import pytest
import torch

from niwt_core.birds.matching import found
from niwt_core.errors import InputError
from niwt_core.knowledge import (
    Knowledge,
    NothingReadError,
    captions_of,
    combine,
    from_attributes,
    from_read_sentences,
    from_sentences,
)
from niwt_core.text import DEFAULT
from niwt_core.wording.pieces import clauses_of

NAMES = (
    "has_crown_color::red",
    "has_crown_color::blue",
    "has_wing_color::red",
    "has_wing_color::blue",
    "has_size::small",
)
ROWS = torch.tensor([[1, 0, 1, 0, 1], [1, 0, 0, 1, 0], [0, 1, 1, 0, 1], [0, 1, 0, 1, 0], [1.0, 0, 0, 1, 1]])
SENTENCES = {
    "ruby": ["a small bird with a red crown and red wings"],
    "flag": ["a red crown, blue wings", "its crown is red"],
    "gaff": ["a small bird with a blue crown and red wings"],
    "navy": ["blue crown and blue wings"],
    "tiny": ["a small bird, a red crown and blue wings"],
}


class WordEncoder:
    """A sentence is a point: each word, hashed, one direction; `rows` counts what it was asked for."""

    def __init__(self, name: str = "words") -> None:
        self.name, self.asked = name, []

    def encode(self, sentences: list[str]) -> np.ndarray:
        self.asked += sentences
        return np.stack([sum(map(self.direction, s.lower().split())) for s in sentences]).astype(np.float32)

    @staticmethod
    def direction(word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).standard_normal(64)


class Fixed:
    """Answers every sentence with the same row."""

    def __init__(self, *row: float) -> None:
        self.row = row

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.array([self.row] * len(sentences), dtype=np.float32)


class Short:
    """Answers with one row, whatever it is asked."""

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.ones((1, 2), dtype=np.float32)


# -- clauses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("A small yellow bird with a black cap, white wing bars and a short orange beak.",
         ["A small yellow bird", "a black cap", "white wing bars", "a short orange beak"]),
        ("This bird has black and white wings; it has a long, hooked bill",
         ["This bird has black and white wings", "it has a long, hooked bill"]),
        ("its wings are brown and white and its belly is red", ["its wings are brown and white", "its belly is red"]),
        ("a red cap, wings with white spots and a square tail",
         ["a red cap", "wings with white spots", "a square tail"]),
        ("a red crown and tail with a short bill", ["a red crown and tail", "a short bill"]),
        ("a tool with a 3.5 cm blade.\nIt cuts wood", ["a tool with a 3.5 cm blade", "It cuts wood"]),
        ("red", ["red"]),
        ("  ...  ", ["..."]),
        ("黒い鳥、白い翼", ["黒い鳥、白い翼"]),
    ],
)  # fmt: skip
def test_clauses_keep_the_noun_with_its_colour(text, clauses):
    assert clauses_of(text) == clauses


def test_cutting_long_texts_is_quick_and_loses_no_words():
    text = ("a red cap, blue wings, " * 500).strip(", ")
    assert clauses_of(text) == ["a red cap", "blue wings"] * 500
    for hostile in ("red, " * 4000, "cap and " * 3000, " " * 100_000, "is red and " * 2000, "(" * 20_000):
        assert clauses_of(hostile)


# -- embeddings ------------------------------------------------------------------------------------------------------


def test_clauses_tell_apart_what_whole_sentences_cannot():
    """The same words, exchanged: a bag of words sees one bird, clauses of it two."""

    class Squaring(WordEncoder):
        def encode(self, sentences: list[str]) -> np.ndarray:
            return super().encode(sentences) ** 2  # "red cap" is more than "red" and "cap"

    swapped = {"a": ["red cap, blue tail"], "b": ["blue cap, red tail"]}
    same = from_sentences(Squaring(), {k: [v[0].replace(",", "")] for k, v in swapped.items()}, "sentences").rows
    torch.testing.assert_close(same[0], same[1])
    rows = from_sentences(Squaring(), swapped, "clauses").rows
    assert float(rows[0] @ rows[1]) < 0.99


@pytest.mark.parametrize("pooling", ["sentences", "clauses"])
def test_embeddings_are_means_at_unit_length_and_new_texts_land_beside_them(pooling):
    encoder = WordEncoder()
    known = from_sentences(encoder, SENTENCES, pooling, label="caption")
    assert known.rows.shape == (5, 64) and known.rows.dtype == torch.float32
    assert known.names[17] == "caption 17"
    torch.testing.assert_close(known.rows.norm(dim=1), torch.ones(5))
    for row, said in zip(known.rows, SENTENCES.values(), strict=True):
        torch.testing.assert_close(known.describe(said), row)
    parts = SENTENCES["flag"] if pooling == "sentences" else ["a red crown", "blue wings", "its crown is red"]
    mean = torch.from_numpy(WordEncoder().encode(parts).mean(0))
    torch.testing.assert_close(known.rows[1], mean / mean.norm())


def test_nothing_is_encoded_twice():
    encoder = WordEncoder()
    from_sentences(encoder, {"a": ["a red cap"] * 50, "b": ["a red cap", "a blue cap"]})
    assert sorted(encoder.asked) == ["a blue cap", "a red cap"]


def test_the_real_encoder_keeps_apart_which_part_has_which_colour():
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    from niwt_core.text import load_encoder

    try:
        encoder = load_encoder()
    except InputError as error:
        pytest.skip(str(error))
    swapped = {"a": ["a bird with a red crown and a blue belly"], "b": ["a bird with a blue crown and a red belly"]}
    near = [
        float(rows[0] @ rows[1])
        for rows in (from_sentences(encoder, swapped, p).rows for p in ("sentences", "clauses"))
    ]
    assert near[1] < near[0]
    with pytest.raises(InputError, match="another script"):
        from_sentences(encoder, {"a": ["красная птица"]})


# -- attributes ------------------------------------------------------------------------------------------------------


def test_attributes_stay_as_they_are_and_sentences_are_read_into_their_columns():
    known = from_attributes(ROWS, NAMES, 4)
    assert known.rows is ROWS and known.names == NAMES
    row, mean = known.describe(["it has a red crown"]), ROWS[:4].mean(0)
    assert row.shape == (5,) and row.dtype == torch.float32
    assert row[0] > mean[0] + 0.3 and row[1] < mean[1] - 0.3
    torch.testing.assert_close(row, known.describe(["it has a red crown"]))


def test_read_sentences_describe_each_class_as_a_new_text_would_be():
    known = from_read_sentences(SENTENCES, NAMES, ROWS)
    assert known.names == NAMES
    for row, said in zip(known.rows, SENTENCES.values(), strict=True):
        torch.testing.assert_close(known.describe(said), row)
    centred, truth = known.rows - ROWS.mean(0), ROWS - ROWS.mean(0)
    assert (centred @ truth.T / truth.norm(dim=1)).argmax(1).tolist() == [0, 1, 2, 3, 4]


# -- together --------------------------------------------------------------------------------------------------------


def test_parts_weigh_the_same_whatever_their_units_and_columns():
    many = from_sentences(WordEncoder(), SENTENCES)
    large = Knowledge(1000 * ROWS + 7, NAMES, lambda said: 1000 * ROWS[0] + 7)
    both = combine([many, large], 4)
    assert both.rows.shape == (5, 69) and both.names == (*many.names, *NAMES)
    for block in both.rows.split([64, 5], dim=1):
        torch.testing.assert_close(block[:4].mean(0), torch.zeros(block.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(block[:4].square().sum(1).mean(), torch.tensor(1.0))
    weighted = combine([many, large], 4, weights=[1, 3]).rows
    torch.testing.assert_close(weighted[:, :64], both.rows[:, :64])
    torch.testing.assert_close(weighted[:, 64:], 3 * both.rows[:, 64:])
    torch.testing.assert_close(both.describe(SENTENCES["ruby"]), both.rows[0])


def test_unseen_classes_change_nothing_for_the_seen_ones():
    other = ROWS.clone()
    other[4] = 100
    one, two = (combine([from_attributes(rows, NAMES, 4)], 4).rows for rows in (ROWS, other))
    assert torch.equal(one[:4], two[:4])


def test_what_one_part_cannot_read_the_others_may():
    both = combine([from_attributes(ROWS, NAMES, 4), from_sentences(WordEncoder(), SENTENCES)], 4)
    row = both.describe(["quite enigmatic"])
    assert torch.equal(row[:5], torch.zeros(5)) and row[5:].any()
    with pytest.raises(NothingReadError, match="“quite enigmatic”"):
        combine([from_attributes(ROWS, NAMES, 4)], 4).describe(["quite enigmatic"])


# -- input that cannot be used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ({}, "at least one class"),
        ({"a": ["x"], "b": []}, "no sentence on b"),
        ({"a": ["x"], "b": ["  "]}, "no sentence on b"),
        ({"b": "a red cap"}, "sentences on b are no list"),
        ({"b": None}, "sentences on b are no list"),
        ({"b": [3]}, "sentences on b are no list"),
        ({"b": [None]}, "sentences on b are no list"),
    ],
)
@pytest.mark.parametrize("make", [
    lambda said: from_sentences(WordEncoder(), said),
    lambda said: from_read_sentences(said, NAMES, ROWS),
])  # fmt: skip
def test_what_is_no_list_of_sentences_is_named(make, sentences, message):
    with pytest.raises(InputError, match=message) as caught:
        make(sentences)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: from_sentences(WordEncoder(DEFAULT), {"a": ["赤い鳥"]}), "said of a, is in another script"),
        (lambda: from_read_sentences({"a": ["красная птица"]}, NAMES, ROWS), "said of .* is in another script"),
        (lambda: from_read_sentences({"zoo": ["enigmatic"]}, NAMES, ROWS), "zoo: Nothing in “enigmatic”"),
        (lambda: from_sentences(Fixed(1, np.nan), SENTENCES), "numbers for ruby"),
        (lambda: from_sentences(Fixed(np.inf), SENTENCES), "numbers for ruby"),
        (lambda: from_sentences(Fixed(0, 0), SENTENCES), "numbers for ruby"),
        (lambda: from_sentences(Short(), SENTENCES), "one row for each"),
        (lambda: from_sentences(WordEncoder(), SENTENCES, "words"), "Unknown pooling 'words'"),
        (lambda: from_attributes(ROWS, NAMES[:3], 4), r"shape \(5, 5\) came with 3 names"),
        (lambda: from_attributes(ROWS[0], NAMES, 4), "came with 5 names"),
        (lambda: from_attributes(ROWS / 0, NAMES, 4), "class 0, counted from 0, holds values that are no numbers"),
        (lambda: combine([], 4), "0 kinds"),
        (lambda: combine([from_attributes(ROWS, NAMES, 4)], 4, [1, 2]), "1 kinds of knowledge came with weights"),
        (lambda: combine([from_attributes(ROWS, NAMES, 4)], 4, [0]), "expected one above 0"),
        (lambda: combine([from_attributes(ROWS, NAMES, 4), from_attributes(ROWS[:4], NAMES, 4)], 4), "describe .4, 5."),
        (lambda: combine([from_attributes(ROWS * 0, NAMES, 4)], 4), "same 'has_crown_color::red' and so on"),
    ],
)  # fmt: skip
def test_knowledge_that_cannot_be_used_is_one_sentence(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_an_encoder_of_ones_own_may_know_other_scripts():
    assert from_sentences(WordEncoder("multilingual"), {"a": ["赤い鳥"]}).rows.shape == (1, 64)


# -- captions --------------------------------------------------------------------------------------------------------


def test_captions_leave_out_seen_test_photos_and_name_classes_without(cub):
    from niwt_core.datasets import load_cub

    data = load_cub(cub)
    for name in data.class_names:
        (cub / "text_c10" / name).mkdir(parents=True)
        for i in range(3):
            (cub / "text_c10" / name / f"{i}.txt").write_text(f"photo {i} of {name}\n")
    captions = captions_of(data, cub)
    assert list(captions) == list(data.class_names)
    assert len(captions["004.Gray_Bird"]) == 3
    tests = {(p.parent.name, p.stem) for p in data.test_seen.paths}
    assert len(tests) == 2 and sum(map(len, captions.values())) == 7
    assert not any(f"photo {stem} of {name}" in captions[name] for name, stem in tests)
    for photo in (cub / "text_c10" / "004.Gray_Bird").iterdir():
        photo.unlink()
    with pytest.raises(InputError, match=r"no captions of 004.Gray_Bird; expected"):
        captions_of(data, cub)
    with pytest.raises(InputError, match="has no captions"):
        captions_of(data, None)


# -- the measurement -------------------------------------------------------------------------------------------------


def test_species_are_found_by_rows_that_tell_them_and_not_by_noise():
    generator = torch.Generator().manual_seed(0)
    truth = torch.eye(8)[torch.randint(8, (60, 4), generator=generator)].flatten(1)
    texts = [{str(i): ["x"] for i in range(60)}]
    noise = torch.randn(60, 32, generator=generator)
    turned = truth @ torch.randn(32, 40, generator=generator)
    assert found(lambda said, rows: turned, texts * 2, truth, 48) == 1.0
    assert found(lambda said, rows: noise, texts * 2, truth, 48) < 0.4
