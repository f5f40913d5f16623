"""Words for drawn birds, checked against the drawings."""

import pytest
import torch

from niwt_core.__main__ import BUNDLED
from niwt_core.benchmark.explained_words import even_number, true_shares
from niwt_core.birds.trust import BANDS, N_DRAWINGS, N_WORDS, Explained, checked, explain, in_bands, map_of, word_trust
from niwt_core.birds.world import TEST_SEED, drawings_of, load_birds
from niwt_core.explanation.words import Word, evidence
from niwt_core.gzsl import join
from niwt_core.images import to_input
from niwt_core.importance import importances
from niwt_core.project import load_project

BIRD = {"crown_color": "red", "crest": "none", "size": "small"}
WORDS = (Word("crown_color", "red", 0.9, 0.95), Word("crest", "tufted", 0.4, 0.7), Word("size", "small", 0.1, 0.4))


@pytest.fixture(scope="module")
def project():
    return load_project(BUNDLED)


@pytest.fixture(scope="module")
def measured(project):
    return word_trust(project)


def test_surer_words_for_unseen_species_are_true_more_often(project, measured):
    assert [band.least for band in measured] == [*BANDS[:-1], None]
    n_unseen = len(project.class_names) - project.n_seen
    assert 0 < sum(band.n_words for band in measured) <= n_unseen * 3 * N_DRAWINGS * N_WORDS
    shares = [band.n_true / band.n_words for band in measured if band.n_words >= 100]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.85


def test_the_bundled_card_says_what_the_measurement_gives(project, measured):
    for band, card in zip(measured, project.card["word_trust"], strict=True):
        assert band.least == card["least"]
        assert band.n_words == pytest.approx(card["n_words"], abs=20)
        assert band.n_true == pytest.approx(card["n_true"], abs=20)


def test_words_are_checked_against_the_bird_and_counted_by_probability():
    said = checked(WORDS, BIRD)
    assert said == [(0.95, True), (0.7, False), (0.4, True)]
    assert checked([Word("size", "small", 2.0)], BIRD) == []  # the paper's map promises nothing
    high, middle, low = in_bands([*said, (0.9, False), (0.5, False), (0.1, False)])
    assert (high.least, high.n_true, high.n_words, high.promised) == (0.9, 1, 2, pytest.approx(0.925))
    assert (middle.least, middle.n_true, middle.n_words, middle.promised) == (0.7, 0, 1, pytest.approx(0.7))
    assert (low.least, low.n_true, low.n_words, low.promised) == (None, 1, 3, pytest.approx(1 / 3))
    assert in_bands([])[0].n_words == 0


def test_each_drawing_is_explained_for_its_own_class_or_for_the_one_that_wins(project):
    joint, data = join(project.seen, project.new), load_birds()
    first = project.n_seen
    drawings = drawings_of(data.test_unseen.birds[first : first + 3], 2, TEST_SEED, first_label=first)
    own, winner = (explain(project, drawings, joint, own=value) for value in (True, False))
    assert own.labels.tolist() == [first, first, first + 1, first + 1, first + 2, first + 2]
    assert torch.equal(own.predicted, winner.predicted)
    same = own.predicted == own.labels
    assert torch.equal(own.importances[same], winner.importances[same])
    relabelled = drawings_of([drawings.birds[-1]], 1, TEST_SEED + 5, first_label=0)  # the last one, called class 0
    shown = explain(project, relabelled, joint)
    assert torch.allclose(shown.activity[0], own.activity[5], atol=1e-5)
    assert not torch.allclose(shown.importances[0], own.importances[5], rtol=0.1)


def test_explained_drawings_are_those_of_the_network(project):
    """Importances and activity against the network's own halves, on one drawing."""
    drawings = drawings_of([load_birds().train.birds[0]], 1, TEST_SEED)
    shown = explain(project, drawings, project.seen)
    activations = project.backbone.trunk(to_input(drawings[0], project.backbone)[None])
    alpha = importances(project.backbone.head, activations, project.seen.weight[0])
    assert torch.allclose(shown.importances, alpha, rtol=1e-3, atol=1e-4)


def test_a_map_is_weighed_against_the_species_that_it_was_fitted_on(project):
    labels = torch.arange(0, 60, 3).repeat_interleave(2)
    noise = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    words = map_of(project, labels, noise)
    assert torch.allclose(words.frequency, project.descriptions[0:60:3].mean(0))
    assert words.attribute_names == project.attribute_names


def test_some_of_the_drawings_keep_all_that_belongs_to_them():
    alpha, active = torch.eye(4), 2 * torch.eye(4)
    shown = Explained(alpha, active, torch.arange(4), torch.arange(4) + 1)
    part = shown.of(torch.tensor([False, True, False, True]))
    assert part.labels.tolist() == [1, 3]
    assert part.predicted.tolist() == [2, 4]
    assert torch.equal(part.evidence(), evidence(alpha, active)[[1, 3]])


def test_shares_of_true_words_count_missing_words_as_wrong():
    shares = true_shares([WORDS, WORDS[:1]], [BIRD, BIRD], 3)
    assert shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert true_shares([WORDS, WORDS[1:]], [BIRD, BIRD], 1).tolist() == [1, 0]


def test_an_even_number_counts_what_comes_up_equally_often():
    assert even_number(["a", "b", "c", "a", "b", "c"]) == pytest.approx(3)
    assert even_number(["a"] * 9) == pytest.approx(1)
    assert 1 < even_number(["a"] * 9 + ["b"]) < 2
