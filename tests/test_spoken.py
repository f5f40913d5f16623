"""Words said of drawn birds, and whether their maps lie on the parts that they name."""

import pytest
import torch

from niwt_core.birds.attributes import ATTRIBUTES, GROUPS
from niwt_core.domain import LinearMap
from niwt_core.explanation.words import WordMap
from niwt_core.faithfulness import spoken
from niwt_core.faithfulness.spoken import Spoken, SpokenWord, spoken_of_fresh_birds
from pages.shared.judging.words_on_parts import tally


@pytest.fixture
def planted(small_project, monkeypatch) -> WordMap:
    """A word map that says the same of every bird: a red crown first, then an orange bill, then small size."""
    monkeypatch.setattr(spoken, "N_REFERENCES", 3)
    read = torch.zeros(len(ATTRIBUTES))
    for strength, word in enumerate((("size", "small"), ("bill_color", "orange"), ("crown_color", "red")), start=1):
        read[ATTRIBUTES.index(word)] = float(strength)
    n_inputs = small_project.backbone.n_channels + small_project.backbone.channels[0]
    inverse = LinearMap(torch.zeros(n_inputs, len(ATTRIBUTES)), torch.zeros(n_inputs), read)
    frequency = torch.tensor([1 / len(GROUPS[group]) for group, _ in ATTRIBUTES])
    return WordMap(inverse, frequency, torch.full_like(frequency, 5.0), small_project.attribute_names)


def test_what_is_said_has_a_place_and_is_checked_against_the_drawing(small_project, planted, monkeypatch):
    heats = torch.zeros(len(ATTRIBUTES), 64, 64)

    def maps(route, inputs, directions, references):
        """The crown's map peaks where the crown is, the bill's in a corner."""
        masks = drawn[-1].masks
        heats.zero_()
        heats[ATTRIBUTES.index(("crown_color", "red"))] = torch.from_numpy(masks["crown"]).float()
        heats[ATTRIBUTES.index(("bill_color", "orange"))][0, 0] = 1.0
        return heats.clone()

    drawn = []
    real = spoken.draw
    monkeypatch.setattr(spoken, "draw", lambda *a, **k: drawn.append(real(*a, **k)) or drawn[-1])
    monkeypatch.setattr(spoken, "word_maps", maps)
    birds = list(spoken_of_fresh_birds(small_project, planted, 4, 500))
    assert birds
    for bird, drawing in zip(birds, drawn[3:], strict=False):
        found = {word.group: word for word in bird.words}
        assert "size" not in found  # it has no place
        for group, value, hit in (("crown_color", "red", True), ("bill_color", "orange", False)):
            if group in found:
                assert found[group].hit is hit
                assert found[group].true is (drawing.attributes[group] == value)
    assert any(word.group == "crown_color" for bird in birds for word in bird.words)


def test_the_same_seeds_give_the_same_words_and_real_maps(small_project, planted):
    first, again = (list(spoken_of_fresh_birds(small_project, planted, 2, 700)) for _ in range(2))
    assert [b.truth for b in first] == [b.truth for b in again]
    for one, other in zip(first, again, strict=True):
        for a, b in zip(one.words, other.words, strict=True):
            assert torch.equal(a.heat, b.heat)
            assert torch.isfinite(a.heat).all() and a.heat.std() > 0
            assert all(0 < at < 1 for at in a.peak)


def test_the_tally_counts_by_part():
    def word(group: str, true: bool, hit: bool) -> SpokenWord:
        return SpokenWord(group, "red", true, hit, torch.zeros(2, 2), (0.5, 0.5))

    said = [word("crown_color", True, True), word("bill_color", True, False), word("bill_color", False, True)]
    birds = [Spoken(None, "A", tuple(said[:2])), Spoken(None, "B", tuple(said[2:]))]
    assert tally(birds) == [("bill colour", 2, 1, 1), ("crown", 1, 1, 1)]
