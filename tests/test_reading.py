import contextlib
import random
import string
import time

import numpy as np
import pytest

from niwt_core.birds.attributes import COLORS, GROUPS
from niwt_core.birds.reading import SIMILARITY, read
from niwt_core.errors import InputError
from niwt_core.limits import DESCRIPTION

SHORT = {"crown": "crown_color", "back": "back_color", "belly": "belly_color", "bill": "bill_shape",
         "billcolor": "bill_color", "wing": "wing_pattern", "breast": "breast_pattern", "tail": "tail_shape",
         "legs": "leg_color", "leglength": "leg_length", "ring": "eye_ring"}  # fmt: skip


def attributes(**values: str) -> dict[str, str]:
    return {SHORT.get(name, name): value for name, value in values.items()}


def whole(color: str) -> dict[str, str]:
    return {"crown_color": color, "back_color": color, "belly_color": color}


SENTENCES = [
    (
        "a small yellow bird with a black cap, white wing bars and a short orange beak",
        attributes(size="small", crown="black", back="yellow", belly="yellow", wing="white bars", bill="short",
                   billcolor="orange"),
    ),
    # colour before and after the part
    ("black cap", attributes(crown="black")),
    ("its cap is black", attributes(crown="black")),
    ("a cap of jet black", attributes(crown="black")),
    ("bill: orange, legs: pink", attributes(billcolor="orange", legs="pink")),
    ("Crown black, back white, belly yellow", attributes(crown="black", back="white", belly="yellow")),
    ("Size: small; crown: black; eye ring: none; crest: none",
     attributes(size="small", crown="black", ring="none", crest="none")),
    ("red on its crown", attributes(crown="red")),
    ("a bird with a crown that is black", attributes(crown="black")),
    ("a yellow belly that fades to white", attributes(belly="yellow")),
    ("a beak which is hooked", attributes(bill="hooked")),
    ("a bill that is orange, red on its crown", attributes(billcolor="orange", crown="red")),
    # lists
    ("black cap and back", attributes(crown="black", back="black")),
    ("red crown, throat and breast", attributes(crown="red", belly="red")),
    ("The crown, the back and the belly are blue.", attributes(crown="blue", back="blue", belly="blue")),
    ("black crown, wings with white bars", attributes(crown="black", wing="white bars")),
    ("its beak is short and orange and black legs", attributes(bill="short", billcolor="orange", legs="black")),
    ("the bird has long, pink legs", attributes(leglength="long", legs="pink")),
    ("it has a long beak that is gray, orange upperparts and pink legs",
     attributes(bill="long", billcolor="gray", back="orange", legs="pink")),
    # the whole bird, and above and below
    ("yellow bird with white belly", whole("yellow") | attributes(belly="white")),
    ("all black", whole("black")),
    ("it is yellow overall with a long bill", whole("yellow") | attributes(bill="long")),
    ("black above and white below", attributes(back="black", belly="white")),
    ("a small yellow wren", whole("yellow") | attributes(size="small")),
    ("the bird has black feathers", whole("black")),
    ("black feathers on its back", attributes(back="black")),
    ("black with a white belly", whole("black") | attributes(belly="white")),
    # words that stand for other parts
    ("a red head", attributes(crown="red")),
    ("a red chest", attributes(belly="red")),
    ("a green mantle and a white tummy", attributes(back="green", belly="white")),
    ("a black head with a red crown", attributes(crown="red")),
    ("a red head and yellow wings", attributes(crown="red", back="yellow")),
    ("a blue back and yellow wings", attributes(back="blue")),
    ("orange feet", attributes(legs="orange")),
    # negation
    ("no crest", attributes(crest="none")),
    ("without an eye ring", attributes(ring="none")),
    ("it has neither a crest nor an eye ring", attributes(crest="none", ring="none")),
    ("no crest or eye ring, plain wings", attributes(crest="none", ring="none", wing="plain")),
    ("no crest and a white eye ring", attributes(crest="none", ring="white")),
    ("it lacks a crest and its back is black", attributes(crest="none", back="black")),
    ("its breast is not spotted", attributes(breast="plain")),
    ("no wing bars, black cap", attributes(wing="plain", crown="black")),
    ("not a small bird, black cap", attributes(crown="black")),
    ("the crown isn't red, the back is green", attributes(back="green")),
    # hyphens
    ("a black-capped, white-bellied bird", attributes(crown="black", belly="white")),
    ("a red-headed, long-billed bird", attributes(crown="red", bill="long")),
    ("small fork-tailed black bird", whole("black") | attributes(size="small", tail="forked")),
    ("small short-billed bird", attributes(size="small", bill="short")),
    ("grey bird with black-tipped wings", whole("gray") | attributes(wing="black tips")),
    ("white-spotted wings", attributes(wing="white spots")),
    # marks
    ("wings tipped with black", attributes(wing="black tips")),
    ("white bars on black wings", attributes(wing="white bars", back="black")),
    ("spots of white on its wings and streaks on the breast", attributes(wing="white spots", breast="streaked")),
    ("the breast is spotted with black", attributes(breast="spotted")),
    ("a white ring around its eye", attributes(ring="white")),
    ("eyes ringed with yellow", attributes(ring="yellow")),
    ("a tuft of feathers on its head", attributes(crest="tufted")),
    ("its tail ends in a fork", attributes(tail="forked")),
    # capitals, spelling, plural, limits of colour, mistakes
    ("WHITE EYE RING AND GREY BELLY", attributes(ring="white", belly="gray")),
    ("dark blue bird with bright orange legs", whole("blue") | attributes(legs="orange")),
    ("a smal yelow bird with a blakc crown", whole("yellow") | attributes(size="small", crown="black")),
    ("<b>black</b> cap", attributes(crown="black")),
    ("black\x00cap\x1band\tback", attributes(crown="black", back="black")),
    # more than the vocabulary can say
    ("a black and white bird", attributes(crown="black", back="black", belly="white")),
    ("black and white wings", attributes(back="black")),
    ("a blue-gray bird", whole("gray")),
    ("a long, hooked bill", attributes(bill="hooked")),
    ("a small to medium-sized brown bird", whole("brown") | attributes(size="small")),
    ("a purple bird with teal underparts", whole("blue") | attributes(belly="green")),
    ("this bird has a white belly and breast with brown wings and a long, pink beak",
     attributes(belly="white", back="brown", bill="long", billcolor="red")),
    ("the bird is mostly black with hints of white, and its eyes are yellow", whole("black")),
    ("this little guy has fluffy brown feathers, a white throat and a stout beak",
     whole("brown") | attributes(size="small", bill="broad")),
    ("grey bird with webbed feet and a large, yellow beak",
     whole("gray") | attributes(bill="broad", billcolor="yellow")),
    ("black bird, head and nape of the bird are red", whole("black") | attributes(crown="red")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text[:40] for text, _ in SENTENCES])
def test_sentence(text: str, expected: dict[str, str]) -> None:
    reading = read(text)
    assert reading.attributes == expected
    assert set(reading.open_groups) == set(GROUPS) - set(expected)
    # Every attribute rests on words, and every span lies in the text.
    assert {(span.group, span.value) for span in reading.spans} == set(expected.items())
    assert all(0 <= span.start < span.end <= len(text) for span in reading.spans)


@pytest.mark.parametrize("color", COLORS)
def test_every_colour_reaches_every_coloured_part(color: str) -> None:
    reading = read(f"{color} crown, {color} back and a {color} belly")
    assert reading.attributes == whole(color)


def test_spans_say_which_words_gave_what() -> None:
    text = "a yellow bird with a black cap and back"
    spans = {(text[span.start : span.end], span.group) for span in read(text).spans}
    assert spans == {
        ("yellow bird", "belly_color"),
        ("black cap", "crown_color"),
        ("black", "back_color"),
        ("back", "back_color"),
    }


def test_clauses_divide_the_text_where_something_new_is_said() -> None:
    text = "a small yellow bird with a black cap, white wing bars and a short orange beak"
    pieces = [text[start:end] for start, end in read(text).clauses]
    assert pieces == ["a small yellow bird", "with a black cap", "white wing bars", "and a short orange beak"]
    assert list(read("red crown, throat and breast").clauses) == [(0, 28)]


def test_unknown_words_are_marked_and_small_words_are_not() -> None:
    text = "a yellow bird with a gorgeous black cap and webbed feet"
    assert [text[start:end] for start, end in read(text).unknown] == ["gorgeous", "webbed"]
    text = "a white throat and a red crown"
    assert [text[start:end] for start, end in read(text).unknown] == ["white throat"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("purple crown", 'I read "purple" as blue, the nearest colour I can draw.'),
        ("yelow crown", 'I took "yelow" for "yellow".'),
        ("yellow wings", "share one colour"),
        ("a black and white bird", '"white" for the belly'),
        ("blue back and yellow wings", 'left out "yellow wings"'),
        ("an eye ring", "took it to be white"),
        ("wing bars", "white bars"),
        ("red crown and a green throat", '"green throat" is left out'),
        ("a pink bill", "bill color"),
    ],
)
def test_what_was_assumed_is_noted(text: str, part: str) -> None:
    assert any(part.replace("color", "colour") in note for note in read(text).notes), read(text).notes


def test_a_plain_reading_has_no_notes() -> None:
    assert read("a small yellow bird with a black cap, white wing bars and a short orange beak").notes == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("empty", "description of a bird")),
        (" \n\t ", ("empty",)),
        ("black cap " * 101, (str(DESCRIPTION), "1010")),
        ("black crown and a white crown", ("black crown", "white crown")),
        ("small large bird", ("small bird", "large bird")),
        ("a small bird. It is large.", ("small bird", "large")),
        ("a short long beak", ("short beak", "long beak")),
        ("ein kleiner gelber Vogel mit schwarzer Kappe", ("English", "small yellow bird")),
        ("een kleine gele vogel met een zwarte kap en oranje snavel", ("English",)),
        ("un oiseau avec un bec orange", ("English",)),
        ("小さな黄色い鳥", ("English",)),
        ("عصفور أصفر صغير", ("English",)),
        ("😀🐦", ("English",)),
        ("." * 1000, ("English",)),
        ("the quick fox jumps over the lazy dog", ("English",)),
        ("a bird", ("English",)),
        ("\x00\x01\x02", ("description of a bird",)),
    ],
    ids=lambda value: str(value)[:24],
)
def test_bad_text_is_refused_in_one_sentence(text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "\n" not in message and message.endswith(".")


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(InputError, match="NoneType"):
        read(None)  # type: ignore[arg-type]


def test_no_text_breaks_the_reader() -> None:
    rng = random.Random(0)
    words = [
        "a",
        "the",
        "no",
        "not",
        "of",
        "on",
        "in",
        "with",
        "has",
        "is",
        "and",
        "or",
        ",",
        ".",
        ";",
        ":",
        "-",
        "(",
        ")",
        "'",
        "&",
        "/",
        "black",
        "white",
        "red",
        "yellow",
        "small",
        "short",
        "long",
        "hooked",
        "spotted",
        "plain",
        "crown",
        "cap",
        "back",
        "belly",
        "wings",
        "wing",
        "tail",
        "bill",
        "legs",
        "eye",
        "ring",
        "bars",
        "spots",
        "tips",
        "crest",
        "bird",
        "it",
        "below",
        "above",
        "-tipped",
        "-capped",
        "tufted",
        "none",
        "fork",
        "around",
        "to",
        "\n",
        "\x00",
        "<b>",
        "$x$",
        "é",
        "ß",
        "İ",
        "😀",
        "鳥",
        "\u202e",
        "zorp",
        "which",
    ]
    letters = string.printable + "éßİ鳥😀\u202e\ud800"
    for trial in range(1500):
        if trial % 3:
            text = rng.choice(("", " ")).join(rng.choices(words, k=rng.randint(1, 40)))
        else:
            text = "".join(rng.choices(letters, k=rng.randint(1, 200)))
        try:
            reading = read(text[:DESCRIPTION])
        except InputError:
            continue
        for start, end in (*reading.clauses, *reading.unknown, *((span.start, span.end) for span in reading.spans)):
            assert 0 <= start <= end <= len(text)
        assert all(value in GROUPS[group] for group, value in reading.attributes.items())


@pytest.mark.parametrize(
    "piece", ["(", "no ", "black ", "black and ", "crown and ", "bird ", "-", "wing bars on ", "qzxv "]
)
def test_a_full_length_text_takes_little_time(piece: str) -> None:
    text = (piece * DESCRIPTION)[:DESCRIPTION]
    start = time.process_time()
    with contextlib.suppress(InputError):
        read(text)
    assert time.process_time() - start < 1


COLUMNS: dict[str, int] = {}


def toy_encoder(sentences: list[str]) -> np.ndarray:
    """Embeds "smaragdine" exactly as "emerald", and every other string at a right angle to all the rest."""
    rows = np.zeros((len(sentences), 4096), dtype=np.float32)
    for row, sentence in zip(rows, sentences, strict=True):
        row[COLUMNS.setdefault({"smaragdine": "emerald"}.get(sentence, sentence), len(COLUMNS))] = 1
    return rows


def test_an_unlisted_word_is_read_by_its_nearest_known_one_where_an_adjective_belongs() -> None:
    assert "crown_color" not in read("smaragdine crown, red back").attributes
    reading = read("smaragdine crown, red back", toy_encoder)
    assert reading.attributes == {"crown_color": "green", "back_color": "red"}
    assert reading.notes == ('I read "smaragdine" as green, the nearest word I know.',)
    assert reading.unknown == ()


def test_an_unlisted_noun_is_never_read_as_a_colour() -> None:
    reading = read("red back, eats smaragdine", toy_encoder)
    assert reading.attributes == {"back_color": "red"}


def test_the_real_encoder_reads_words_that_no_list_holds() -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    from niwt_core.text import load_encoder

    try:
        encoder = load_encoder()
    except InputError as error:
        pytest.skip(str(error))
    assert 0.5 < SIMILARITY < 1
    reading = read("a bluey crown, a greeny back and a goldish belly", encoder)
    assert reading.attributes == {"crown_color": "blue", "back_color": "green", "belly_color": "yellow"}
    assert len(reading.notes) == 3
    # Words that mean no colour stay unknown.
    reading = read("a happy noisy migratory black bird with a fast crown", encoder)
    assert reading.attributes == whole("black")
