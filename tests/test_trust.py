import pytest

from niwt_core.__main__ import BUNDLED
from niwt_core.birds.trust import BANDS, N_WORDS, word_trust
from niwt_core.project import load_project


def test_the_bundled_card_says_what_the_measurement_gives():
    project = load_project(BUNDLED)
    measured = word_trust(project)
    written = project.card["word_trust"]
    for band, card in zip(measured, written, strict=True):
        assert band.least == card["least"]
        assert band.n_true / band.n_words == pytest.approx(card["n_true"] / card["n_words"], abs=0.02)
    assert sum(t.n_words for t in measured) == 150 * 4 * N_WORDS
    shares = [t.n_true / t.n_words for t in measured]
    assert len(shares) == len(BANDS)
    assert shares == sorted(shares, reverse=True)  # stronger words are true more often
    assert shares[0] > 0.7
