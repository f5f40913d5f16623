import time
from itertools import product

import numpy as np
import pytest

from niwt_core.errors import InputError
from niwt_core.wording import describe, learn_seen, log_likelihoods, rank_captions, ranks, read_captions
from niwt_core.wording.pieces import clause_spans
from niwt_core.wording.saying import is_embedded, label

COLORS = ("black", "white", "red", "yellow", "grey", "brown", "rufous", "buff", "olive", "orange")
COLORED = ("primary", "wing", "back", "crown", "nape", "throat", "breast", "belly", "upper_tail", "bill", "leg", "eye")
NAMES = (
    *(f"has_{part}_color::{color}" for part, color in product(COLORED, COLORS)),
    *(f"has_bill_shape::{shape}" for shape in ("hooked", "curved_(up_or_down)", "cone", "dagger")),
    *(f"has_bill_length::{length}_than_head" for length in ("longer", "shorter")),
    *(f"has_size::{size}" for size in ("large_(16_-_32_in)", "small_(5_-_9_in)", "very_small_(3_-_5_in)")),
    *(f"has_head_pattern::{pattern}" for pattern in ("eyering", "crested", "capped", "eyebrow", "striped")),
    *(f"has_wing_pattern::{pattern}" for pattern in ("spotted", "striped", "multi-colored")),
    *(f"has_tail_shape::{shape}_tail" for shape in ("forked", "fan-shaped")),
    *(f"has_shape::{shape}-like" for shape in ("duck", "gull", "owl")),
)
PREDICATES = ("black", "gray", "big", "small", "longneck", "stripes", "flys", "furry", "horns", "fast", "ocean", "tail")


def surely(text, names=NAMES):
    """The attributes that a text gives at full weight, without "has_"."""
    evidence = read_captions([text], names).evidence
    return {name.removeprefix("has_") for name, weight in zip(names, evidence, strict=True) if weight >= 0.9}


def weight(text, attribute):
    return read_captions([text], NAMES).evidence[NAMES.index(f"has_{attribute}")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("black wings and a white belly", {"wing_color::black", "belly_color::white"}),
        ("a grey back, a red throat", {"back_color::grey", "throat_color::red"}),
        ("the belly is white and the wings are black", {"belly_color::white", "wing_color::black"}),
        ("its bill is black, yellow legs", {"bill_color::black", "leg_color::yellow"}),
        ("wings brown, belly white", {"wing_color::brown", "belly_color::white"}),
        ("white on its wings and tail, and a yellow bill",
         {"wing_color::white", "upper_tail_color::white", "bill_color::yellow"}),
        ("yellow throat and breast", {"throat_color::yellow", "breast_color::yellow"}),
        ("the nape, the back and the wings are brown", {"nape_color::brown", "back_color::brown", "wing_color::brown"}),
        ("a black throat and wings that are brown", {"throat_color::black", "wing_color::brown"}),
        ("wings that are black with red eyes", {"wing_color::black", "eye_color::red"}),
        ("a black and white throat", {"throat_color::black", "throat_color::white"}),
        ("a red crown. Black wings.", {"crown_color::red", "wing_color::black"}),
        ("the wings of this bird are black", {"wing_color::black"}),
    ],
)  # fmt: skip
def test_which_part_has_which_colour(text, expected):
    assert surely(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a gray beak", "bill_color::grey"),
        ("yellow tummy", "belly_color::yellow"),
        ("orange feet", "leg_color::orange"),
        ("a yellow-billed bird", "bill_color::yellow"),
        ("reddish brown breast", "breast_color::rufous"),
        ("a rusty chest", "breast_color::rufous"),
        ("a tan back", "back_color::buff"),
        ("brown tail feathers", "upper_tail_color::brown"),
        ("a long beak", "bill_length::longer_than_head"),
        ("a bill longer than its head", "bill_length::longer_than_head"),
        ("a bent bill", "bill_shape::curved_(up_or_down)"),
        ("a bird with a white ring around its eye", "head_pattern::eyering"),
        ("a pale supercilium", "head_pattern::eyebrow"),
        ("white wing bars", "wing_pattern::striped"),
        ("white spots on the wings", "wing_pattern::spotted"),
        ("a V-shaped tail", "tail_shape::forked_tail"),
        ("a huge bird", "size::large_(16_-_32_in)"),
        ("a tiny bird", "size::very_small_(3_-_5_in)"),
        ("a seagull", "shape::gull-like"),
        ("an orange bird", "primary_color::orange"),
    ],
)
def test_synonyms(text, expected):
    assert weight(text, expected) >= 0.8


def test_the_length_of_one_part_is_not_the_size_of_another():
    assert surely("a small bill compared to its head") == {"bill_length::shorter_than_head"}
    assert not surely("a long tail and short legs")


def test_a_colour_for_the_whole_bird_reaches_its_parts_weakly():
    assert weight("a brown bird", "primary_color::brown") == 1
    assert 0 < weight("a brown bird", "wing_color::brown") < weight("an all brown bird", "wing_color::brown") < 1
    assert weight("a brown bird", "bill_color::brown") == 0


def test_what_a_part_is_said_to_be_drives_out_what_the_whole_bird_is():
    assert weight("a black bird with a red crown", "crown_color::black") == 0
    assert weight("a black bird with a red crown", "crown_color::red") == 1
    assert weight("a black head with a white throat", "throat_color::black") == 0
    # A mark leaves the rest as it is.
    assert weight("black wings with white spots", "wing_color::black") == 1
    assert 0 < weight("black wings with white spots", "wing_color::white") < 1


def test_a_head_is_a_crown_and_less_surely_a_nape():
    assert weight("a grey head", "crown_color::grey") > weight("a grey head", "nape_color::grey") > 0
    assert weight("a grey head", "belly_color::grey") == 0


def test_webbed_feet_tell_the_build():
    assert weight("webbed feet", "shape::duck-like") > 0
    assert weight("webbed feet", "shape::owl-like") == 0


@pytest.mark.parametrize(
    ("text", "denied", "held"),
    [
        ("no crest and a red throat", "head_pattern::crested", "throat_color::red"),
        ("a red throat without white on the wings", "wing_color::white", "throat_color::red"),
        ("its bill is not black; a red throat", "bill_color::black", "throat_color::red"),
        ("it lacks wing bars, but has a red throat", "wing_pattern::striped", "throat_color::red"),
    ],
)
def test_negation(text, denied, held):
    reading = read_captions([text], NAMES)
    at = NAMES.index(f"has_{denied}")
    assert reading.denied[at] > 0
    assert reading.evidence[at] == 0
    assert reading.evidence[NAMES.index(f"has_{held}")] == 1
    assert reading.denied[NAMES.index(f"has_{held}")] == 0


def test_a_reading_counts_captions_and_shows_their_words():
    captions = ["A bird with Red Wings, red wings!", "red wings and a long frobnicated bill"]
    reading = read_captions(captions, NAMES)
    assert reading.evidence.shape == reading.denied.shape == (len(NAMES),)
    assert (reading.evidence >= 0).all()
    at = NAMES.index("has_wing_color::red")
    assert reading.evidence[at] == 2  # however often one caption says it
    said = {(p.caption, captions[p.caption][p.start : p.end]) for p in reading.phrases if p.attribute == at}
    assert said == {(0, "Red Wings"), (0, "red wings"), (1, "red wings")}
    assert {"has_wing_color", "has_bill_length"} <= set(reading.groups)
    assert "has_eye_color" not in reading.groups
    assert reading.unknown == ("frobnicated",)


def test_nouns_that_are_no_part_keep_their_colours():
    assert surely("a red throat, sitting on a brown branch") == {"throat_color::red"}


def test_predicates_are_groups_of_their_own():
    text = "a huge grey animal with a long neck and no horns; it swims in the sea, is quick and flies"
    assert surely(text, PREDICATES) == {"big", "gray", "longneck", "ocean", "fast", "flys"}
    assert read_captions([text], PREDICATES).denied[PREDICATES.index("horns")] == 1
    assert surely("a striped, hairy animal", PREDICATES) == {"stripes", "furry"}
    assert 0 < read_captions(["black legs"], PREDICATES).evidence[0] < 1


def test_a_data_set_brings_its_own_parts_and_values():
    names = ("has_fin_shape::rounded", "has_fin_shape::sickle", "has_fin_color::red", "habitat::reef", "habitat::river")
    assert surely("its fins are red and sickle-shaped", names) == {"fin_shape::sickle", "fin_color::red"}
    assert surely("lives at the reef", names) == {"habitat::reef"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "鳥は黒い",
        "чёрная птица",
        "\x00\x01\x7f",
        "a" * 100_000,
        "(" * 100_000,
        "<" * 100_000,
        "no " * 33_000,
    ],
)
def test_nothing_understood_is_an_empty_reading(text):
    started = time.perf_counter()
    reading = read_captions([text], NAMES)
    assert time.perf_counter() - started < 5
    assert not reading.evidence.any()
    assert not reading.denied.any()
    assert reading.phrases == reading.groups == ()


@pytest.mark.parametrize(
    "text",
    [
        *("black " * 17_000, "black and " * 10_000, "wings and tail and " * 5_000, "black dark wings, tail, " * 4_000),
        *("white spots and " * 6_000, "wings are " * 10_000, "spots of of " * 8_000, "İ" * 9 + " dark black bird" * 9),
    ],
)
@pytest.mark.parametrize("names", [NAMES, PREDICATES])
def test_endless_text_is_read_quickly(text, names):
    started = time.perf_counter()
    read_captions([text], names)
    assert time.perf_counter() - started < 5


def test_html_is_passed_over():
    assert surely("<p class='red'><b>black</b> wings</p>") == {"wing_color::black"}


def test_any_order_of_known_words_can_be_read():
    words = "black and , is the wings with no spots on - dark longer than its that bird all feathers bellied . gull"
    chosen = np.random.default_rng(0).choice(words.split(), size=(500, 14))
    for row in chosen:
        assert np.isfinite(read_captions([" ".join(row)], NAMES).evidence).all()


def test_what_cannot_be_read_is_refused():
    with pytest.raises(InputError, match="list of captions"):
        read_captions("a black bird", NAMES)
    with pytest.raises(InputError, match="names"):
        read_captions(["a black bird"], [])


TINY = ("has_wing_color::black", "has_wing_color::white", "has_eye_color::red", "has_eye_color::black")
#: Black wings go with red eyes; each group sums to 10.
TINY_ROWS = np.array([[8, 2, 9, 1], [7, 3, 8, 2], [6, 4, 7, 3], [2, 8, 2, 8], [1, 9, 1, 9], [3, 7, 3, 7.0]])


def test_a_silent_caption_describes_the_mean_of_the_seen_classes():
    described = describe(read_captions(["hello"], TINY), learn_seen(TINY_ROWS))
    np.testing.assert_allclose(described, TINY_ROWS.mean(axis=0))


def test_a_description_goes_where_the_words_point_and_takes_along_what_goes_with_it():
    seen = learn_seen(TINY_ROWS)
    once = describe(read_captions(["black wings"], TINY), seen)
    often = describe(read_captions(["black wings"] * 10, TINY), seen)
    assert seen.mean[0] < once[0] < often[0] < 10
    assert seen.mean[1] > once[1] > often[1]
    assert once[2] > seen.mean[2]  # nobody spoke of the eyes
    assert describe(read_captions(["no black on the wings"], TINY), seen)[0] < seen.mean[0]


def test_a_description_scales_with_the_units_of_the_rows():
    reading = read_captions(["black wings"], TINY)
    np.testing.assert_allclose(
        describe(reading, learn_seen(TINY_ROWS / 100)), describe(reading, learn_seen(TINY_ROWS)) / 100
    )


def test_the_covariance_keeps_variances_and_shrinks_the_rest():
    seen = learn_seen(TINY_ROWS)
    sample = np.cov(TINY_ROWS.T)
    np.testing.assert_allclose(np.diag(seen.covariance), np.diag(sample))
    assert 0 < seen.covariance[0, 2] < sample[0, 2]


def test_descriptions_refuse_rows_of_another_data_set():
    with pytest.raises(InputError, match="one data set"):
        describe(read_captions(["black wings"], NAMES), learn_seen(TINY_ROWS))
    with pytest.raises(InputError, match="three seen classes"):
        learn_seen(TINY_ROWS[:2])


def test_likelihoods_by_hand():
    reading = read_captions(["black wings", "black wings, no red on the eyes"], TINY)
    np.testing.assert_allclose(reading.evidence, [2, 0, 0, 0])
    rows = np.array([[9, 1, 6, 4], [3, 7, 0, 10.0]])
    # A value's share of its group two times in three, else one of the two values, or yes or no, by chance.
    first = 2 * np.log(2 / 3 * 0.9 + 1 / 6) + np.log(2 / 3 * 0.4 + 1 / 6)
    second = 2 * np.log(2 / 3 * 0.3 + 1 / 6) + np.log(2 / 3 * 1.0 + 1 / 6)
    np.testing.assert_allclose(log_likelihoods([reading], rows), [[first, second]])


def test_likelihoods_of_a_predicate_by_hand():
    reading = read_captions(["black", "black animal"], ("black", "fast"))
    expected = 2 * np.log(np.array([2 / 3 + 1 / 6, 1 / 3 + 1 / 6, 1 / 6]))
    np.testing.assert_allclose(log_likelihoods([reading], np.array([[80, 1], [40, 1], [0, 1.0]])), [expected])


def test_ranks_by_hand():
    scores = np.array([[3.0, 2.0, 1.0, 9.0], [3.0, 2.0, 1.0, 9.0], [5.0, 5.0, 5.0, 9.0]])
    np.testing.assert_array_equal(ranks(scores, [0, 2, 1], [0, 1, 2]), [1, 3, 3])  # of equals the own class is last
    np.testing.assert_array_equal(ranks(scores, [0, 2, 1], [0, 1, 2, 3]), [2, 4, 4])
    with pytest.raises(InputError, match="candidates"):
        ranks(scores, [0, 2, 3], [0, 1, 2])
    with pytest.raises(InputError, match="once"):
        ranks(scores, [0, 2, 1], [0, 1, 1, 2])


def test_captions_find_their_class():
    readings = [read_captions([text], TINY) for text in ("black wings, red eyes", "white wings", "hello")]
    np.testing.assert_array_equal(rank_captions(readings, [0, 4, 0], TINY_ROWS, range(6)), [1, 1, 6])
    with pytest.raises(InputError, match="4 columns"):
        rank_captions(readings, [0, 4, 0], TINY_ROWS[:, :3], range(6))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a red  cap ;blue\twings", ["a red  cap", "blue\twings"]),
        ("a red cap, blue wings and tail.", ["a red cap", "blue wings and tail"]),
        ("  black and white   wings ,", ["black and white   wings"]),
        (" .. ", []),
    ],
)
def test_clauses_are_ranges_of_the_text_as_typed(text, pieces):
    assert [text[start:end] for start, end in clause_spans(text)] == pieces


def test_a_value_is_known_by_other_words_for_the_same():
    names = ("tail_shape::fanned", "tail_shape::forked")
    for text in ("a fan tail", "a fanned tail", "a tail that is fan-shaped"):
        assert read_captions([text], names).evidence.argmax() == 0, text
        assert read_captions([text], names).evidence[1] == 0


def test_labels_leave_out_what_only_explains():
    assert label("has_bill_shape", "curved_(up_or_down)") == "bill shape: curved"
    assert label("stripes", "") == "stripes"
    assert is_embedded("text 17") and not is_embedded("texture 17")
