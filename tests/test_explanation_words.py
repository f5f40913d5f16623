"""Words with probabilities: planted worlds, and numbers worked out by hand."""

import math
from itertools import product

import pytest
import torch

from niwt_core.domain import LinearMap
from niwt_core.errors import InputError
from niwt_core.explanation.words import (
    LEAST_STRENGTH,
    MOST_RELIABLE,
    Word,
    WordMap,
    _groups,
    _reliability,
    activity_of,
    evidence,
    fit_word_ridge,
    fit_words,
    reasons,
)

COLORS, TAILS, SIZES = ("red", "green", "blue", "gray"), ("forked", "square", "round"), ("small", "large")
#: Sizes are planted in no channel; every class has two eyes.
NAMES = (
    *(f"crown::{c}" for c in COLORS), *(f"tail::{t}" for t in TAILS), *(f"size::{s}" for s in SIZES),
    "eyes::two", "eyes::three",
)  # fmt: skip
N_CHANNELS = 12


def rows_of(kinds: list[tuple[str, str, str]]) -> torch.Tensor:
    """(n, n_attributes) of (crown, tail, size)."""
    said = [{f"crown::{c}", f"tail::{t}", f"size::{s}", "eyes::two"} for c, t, s in kinds]
    return torch.tensor([[float(name in own) for name in NAMES] for own in said])


def planted_importances(rows: torch.Tensor, seed: int) -> torch.Tensor:
    """Importances in which crown and tail stand, in directions of their own, beside noise and one constant channel."""
    mix = torch.randn(7, N_CHANNELS, generator=torch.Generator().manual_seed(0))
    noise = 0.1 * torch.randn(len(rows), N_CHANNELS, generator=torch.Generator().manual_seed(seed))
    alpha = rows[:, :7] @ mix + noise
    alpha[:, -1] = 2.0
    return alpha


KINDS = list(product(COLORS, TAILS, SIZES))
LEFT_OUT = [("red", "square", "small"), ("green", "round", "large"), ("blue", "forked", "small"), KINDS[-1]]


@pytest.fixture(scope="module")
def planted() -> WordMap:
    """Fitted on all kinds but LEFT_OUT, six images each."""
    rows = rows_of([kind for kind in KINDS if kind not in LEFT_OUT])
    labels = torch.arange(len(rows)).repeat_interleave(6)
    return fit_words(evidence(planted_importances(rows[labels], 1)), labels, rows, NAMES)


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_kinds_that_it_was_not_fitted_to_get_their_planted_words_first(planted, kind):
    inputs = evidence(planted_importances(rows_of([kind]), 2))
    words = planted.words(inputs)
    assert {(w.group, w.value) for w in words[:2]} == {("crown", kind[0]), ("tail", kind[1])}
    assert all(w.probability > 0.9 for w in words[:2])
    assert {w.group for w in reasons(words)} == {"crown", "tail"}


def test_what_all_share_is_never_named_and_what_cannot_be_read_promises_no_more_than_its_frequency(planted):
    inputs = evidence(planted_importances(rows_of(KINDS), 3))
    said = [planted.words(row[None]) for row in inputs]
    assert not any(w.group == "eyes" for words in said for w in words)
    p, sizes = planted.probabilities(inputs), [i for i, n in enumerate(NAMES) if n.startswith("size")]
    assert (p[:, sizes] - planted.frequency[sizes]).abs().max() < 0.2
    assert planted.reliability[0] > 5 * planted.reliability[sizes[0]]


@pytest.fixture
def by_hand() -> WordMap:
    """Attribute i is read from input i. Reliability ln 3 for the crown, ln 2 for the tail."""
    names = ("crown::red", "crown::blue", "tail::forked", "tail::square", "tail::round")
    reliability = torch.tensor([math.log(3)] * 2 + [math.log(2)] * 3)
    inverse = LinearMap(torch.eye(5), torch.zeros(5), torch.zeros(5))
    return WordMap(inverse, torch.tensor([0.5, 0.5, 0.7, 0.2, 0.1]), reliability, names)


def test_probabilities_and_strengths_worked_out_by_hand(by_hand):
    """Crown: 1/2 * 3^(1/2) to 1/2 * 3^(-1/2), that is 3 to 1. Tail: 0.7 * 2^1, 0.2 * 2^3, 0.1 * 2^0 of 3.1."""
    read = torch.tensor([[1.0, 0.0, 1.7, 3.2, 0.1]])
    p = by_hand.probabilities(read)
    assert torch.allclose(p, torch.tensor([[0.75, 0.25, 1.4 / 3.1, 1.6 / 3.1, 0.1 / 3.1]]))
    crown, square, rounded = 0.5, (1.6 / 3.1 - 0.2) / 0.8, (0.1 / 3.1 - 0.1) / 0.9
    strengths = by_hand.strengths(p)
    assert torch.allclose(strengths, torch.tensor([[crown, -crown, 0.0, square, rounded]]))  # forked: most have it
    words = by_hand.words(read)
    assert [(w.group, w.value) for w in words] == [("crown", "red"), ("tail", "square")]
    assert [w.strength for w in words] == pytest.approx([crown, square])
    assert [w.probability for w in words] == pytest.approx([0.75, 1.6 / 3.1])
    assert by_hand.words(read, limit=1) == words[:1]


def test_what_most_classes_have_is_no_word_however_sure(by_hand):
    read = torch.tensor([[0.5, 0.5, 50.0, 0.0, 0.0]])
    assert by_hand.probabilities(read)[0, 2] > 0.999
    assert by_hand.words(read) == ()  # and a crown as likely as for any class says nothing either


def test_groups_sum_to_1_for_any_input_and_without_reliability_only_frequencies_are_said(by_hand):
    read = 100 * torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    p = by_hand.probabilities(read)
    assert torch.allclose(p[:, :2].sum(1), torch.ones(50))
    assert torch.allclose(p[:, 2:].sum(1), torch.ones(50))
    mute = WordMap(by_hand.inverse, by_hand.frequency, torch.zeros(5), by_hand.attribute_names)
    assert torch.allclose(mute.probabilities(read), by_hand.frequency.expand(50, 5))
    assert mute.words(read[:1]) == ()


def test_reliability_makes_the_promise_what_comes_true():
    """Always read 1/2 above for one of two: right in 3 of 4 cases, so 3/4 must be promised, e^r = 3 (crown). Right in
    half of the cases or fewer: 0 (tail). Always: the most there is (size)."""
    groups, frequency = (
        _groups(("crown::a", "crown::b", "tail::a", "tail::b", "size::a", "size::b")),
        torch.full((6,), 0.5),
    )
    read = torch.tensor([0.5, -0.5]).repeat(4, 3)
    true = torch.tensor([1.0, 0.0])
    false = 1 - true
    truth = torch.stack([torch.cat([true if i < 3 else false, true if i < 1 else false, true]) for i in range(4)])
    found = _reliability(read, truth, frequency, groups)
    assert found.tolist() == pytest.approx([math.log(3)] * 2 + [0, 0, MOST_RELIABLE, MOST_RELIABLE], abs=1e-4)


def test_reliability_is_learned_on_classes_left_out():
    """Noise alone, in as many dimensions as there are images, is fitted well and says nothing of other classes."""
    rows = torch.eye(2).repeat(20, 1)
    inputs = torch.randn(40, 60, generator=torch.Generator().manual_seed(0))
    words = fit_words(inputs, torch.arange(40), rows, ("crown::red", "crown::blue"))
    assert (words.inverse(inputs) - rows).abs().max() < 0.5  # fitted
    assert float(words.reliability.max()) < 2  # and not believed: there e^(2 * 1/2) would say 88 of 100


def test_evidence_has_two_parts_of_unit_length_and_no_scale():
    alpha, active = torch.tensor([[3.0, 4.0], [0.0, -2.0]]), torch.tensor([[0.0, 5.0], [1.0, 1.0]])
    expected = torch.tensor([[0.6, 0.8, 0, 1], [0, -1, 0.5**0.5, 0.5**0.5]])
    assert torch.allclose(evidence(alpha, active), expected)
    assert torch.allclose(evidence(50 * alpha, 0.01 * active), expected)
    assert torch.equal(evidence(alpha), evidence(alpha, active)[:, :2])


def test_activity_is_the_root_mean_square_over_positions():
    activations = torch.tensor([[[[3.0, 4.0], [0.0, 0.0]], [[1.0, -1.0], [1.0, 1.0]]]])
    assert torch.allclose(activity_of(activations), torch.tensor([[2.5, 1.0]]))


def test_a_sentence_claims_the_first_likely_words_and_nothing_of_the_papers_map():
    chances = (0.95, 0.5, 0.8, 0.7, 0.9)
    words = tuple(Word(f"g{i}", "v", 1 - i / 10, p) for i, p in enumerate(chances))
    assert [w.group for w in reasons(words)] == ["g0", "g2", "g3"]
    assert [w.group for w in reasons(words, limit=1)] == ["g0"]
    assert reasons(words[1:2]) == ()
    assert reasons((Word("g", "v", 3.0),)) == ()


def test_descriptions_that_are_no_shares_and_too_few_classes_are_refused():
    inputs, labels = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 6
    names = ("crown::red", "crown::blue")
    good = torch.eye(2).repeat(3, 1)
    assert isinstance(fit_words(inputs, labels, good, names), WordMap)
    for bad in (2 * good, torch.tensor([[1.5, -0.5]]).repeat(6, 1), torch.zeros(6, 2)):
        with pytest.raises(InputError, match=r"sum to|0 or more"):
            fit_words(inputs, labels, bad, names)
    with pytest.raises(InputError, match="Images of 4 classes came; expected at least 5"):
        fit_words(inputs, labels % 4, good, names)


def test_a_word_ridge_reads_what_is_planted_and_trusts_noise_in_nothing():
    generator = torch.Generator().manual_seed(0)
    descriptions = torch.randn(40, 2, generator=generator) + torch.tensor([5.0, -3.0])  # no shares, no sums of 1
    labels = torch.arange(40).repeat_interleave(6)
    told = descriptions[labels, :1] + 0.1 * torch.randn(240, 1, generator=generator)
    inputs = torch.cat([told, torch.randn(240, 4, generator=generator)], 1)  # of the second attribute they say nothing
    reader = fit_word_ridge(inputs, labels, descriptions, ("size", "color::red"))
    assert reader.worth[0] > 0.9
    spread = reader.strengths(inputs).std(0)
    assert spread[1] < 0.25 * spread[0]
    large = descriptions[:, 0].argmax()
    (word,) = [w for w in reader.words(inputs[labels == large][:1]) if w.group == "size"]
    expected = (descriptions[large, 0] - descriptions[:, 0].mean()) / descriptions[:, 0].std()
    assert (word.value, word.probability) == ("", None)
    assert word.strength == pytest.approx(float(expected), rel=0.15)
    assert reasons((word,), least_strength=LEAST_STRENGTH) == (word,)
    assert reasons((Word("size", "", 0.1),), least_strength=LEAST_STRENGTH) == ()


def test_a_word_ridge_needs_classes_to_leave_out():
    with pytest.raises(InputError, match="Images of 2 classes"):
        fit_word_ridge(torch.randn(4, 3), torch.tensor([0, 0, 1, 1]), torch.randn(2, 3), ("a", "b", "c"))
