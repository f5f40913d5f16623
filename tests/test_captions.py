import random
import re

import pytest

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.captions import KEPT, compose, write_caption
from niwt_core.birds.reading import read
from niwt_core.errors import InputError
from niwt_core.limits import DESCRIPTION

N_CAPTIONS = 600
BIRD = {group: values[0] for group, values in GROUPS.items()}


def birds(count: int, seed: int = 0) -> list[dict[str, str]]:
    """Random birds, complete and partial, a good part of them in few colours as real species are."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        bird = {group: rng.choice(values) for group, values in GROUPS.items()}
        if rng.random() < 0.5:
            bird["belly_color"] = bird["back_color"]
        if rng.random() < 0.4:
            bird["crown_color"] = bird["back_color"]
        if rng.random() < 0.2:
            bird = {group: bird[group] for group in rng.sample(list(GROUPS), rng.randint(1, 6))}
        out.append(bird)
    return out


def test_reading_a_caption_gives_back_what_it_says_and_nothing_else() -> None:
    said = read_again = 0
    for seed, bird in enumerate(birds(N_CAPTIONS)):
        caption = compose(bird, seed=seed, omit=(0.0, 0.3, 0.6)[seed % 3])
        understood = read(caption.text).attributes
        wrong = {group: value for group, value in understood.items() if bird.get(group) != value}
        assert not wrong, (caption.text, wrong)
        assert set(understood) <= set(caption.mentioned), caption.text
        said += len(caption.mentioned)
        read_again += len(set(understood) & set(caption.mentioned))
    assert read_again / said >= 0.99


def test_the_same_seed_writes_the_same_caption_and_others_differ() -> None:
    assert write_caption(BIRD, seed=3) == write_caption(BIRD, seed=3)
    assert len({write_caption(BIRD, seed=seed) for seed in range(100)}) > 95


def test_nothing_is_omitted_unless_asked_and_some_always_stays() -> None:
    for seed in range(50):
        assert set(compose(BIRD, seed=seed, omit=0.0).mentioned) == set(GROUPS)
        assert len(compose(BIRD, seed=seed, omit=0.99).mentioned) >= KEPT
        assert compose({"crest": "none"}, seed=seed, omit=0.9).mentioned == ("crest",)


def test_captions_are_clean_english() -> None:
    for seed, bird in enumerate(birds(N_CAPTIONS, seed=1)):
        text = write_caption(bird, seed=seed)
        assert not re.search(r"\b(\w+) \1\b", text.lower()), text
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|\ba \w+parts|  | [,.]|[,.]{2}|_", text.lower()), text
        assert len(text) <= DESCRIPTION
        assert not ("gray" in text and "grey" in text), text


def test_both_spellings_and_both_words_for_the_bill_occur() -> None:
    texts = " ".join(write_caption({**BIRD, "belly_color": "gray"}, seed=seed, omit=0.0) for seed in range(100))
    for word in ("gray", "grey", "beak", "bill", "cap", "crown", "underparts", "tummy"):
        assert re.search(rf"\b{word}", texts), word


@pytest.mark.parametrize(
    ("bird", "omit", "message"),
    [
        ({}, 0.3, "at least one attribute"),
        ({"hat": "red"}, 0.3, "Unknown attribute group"),
        ({"crest": "blue"}, 0.3, "Unknown crest"),
        (BIRD, 1.0, "omit"),
        (BIRD, -0.1, "omit"),
    ],
)
def test_what_cannot_be_described_is_refused(bird: dict[str, str], omit: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_caption(bird, seed=0, omit=omit)
