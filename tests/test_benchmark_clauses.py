"""Leaving clauses out, measured: the neurons that are named after what a clause says, and all others, by hand."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from niwt_core.benchmark.clauses import Fall, clause_tables, fall_of, told
from niwt_core.neurons import Dictionary
from niwt_core.neurons.dictionary import Neuron

BUNDLED = Path(__file__).parents[1] / "assets" / "paper_birds"


@dataclass
class Planted:
    """An effect with what the measure looks at alone."""

    falls: torch.Tensor
    said: dict[str, str] = field(default_factory=lambda: {"crown_color": "red"})


def dictionary(*names: str | None) -> Dictionary:
    neurons = tuple(Neuron(i, name != "dead", (1, 1), name=name) for i, name in enumerate(names))
    return Dictionary("", "mean", True, "", (), neurons)


NAMES = ("crown_color::red", "crown_color::red", "crown_color::black", "size::small", None, "dead")


def test_means_over_the_right_neurons() -> None:
    fall = fall_of(Planted(torch.tensor([3.0, 1.0, -4.0, 0.5, -1.5, 100.0])), dictionary(*NAMES))
    assert fall.named == 2.0
    assert fall.others == pytest.approx((-4 + 0.5 - 1.5) / 3)
    assert (fall.deepest, fall.elsewhere) == (2.0, 0.5)
    assert fall.moved == pytest.approx(8 / 3)
    assert fall.others_moved == 1.0
    assert fall.right
    assert fall.first
    assert fall.moves


def test_a_wrong_fall_is_told() -> None:
    fall = fall_of(Planted(torch.tensor([-1.0, -1.0, 0.0, 2.0, 3.0, 0.0])), dictionary(*NAMES))
    assert not fall.right
    assert not fall.first
    assert not fall.moves


def test_a_clause_without_a_named_neuron_is_never_right() -> None:
    fall = fall_of(Planted(torch.ones(6), {"crest": "tufted"}), dictionary(*NAMES))
    assert fall.named is None
    assert fall.moved is None
    assert not fall.right
    assert not fall.moves


def test_the_line_counts_descriptions() -> None:
    good, bad = Fall(1.0, 0.0, 1.0, 0.0, 1.0, 0.0), Fall(0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    line = told([[good, bad], [bad, good], [good], []])
    assert "in 2 of 4 (0.500; target 0.8: missed)" in line, "the first clause counts, and none counts as wrong"
    assert "Of all 5 such clauses: 0.600" in line
    assert "right in 1 of 4 captions" in line


def test_on_the_bundled_network_the_target_is_met() -> None:
    (line,) = clause_tables(BUNDLED, lambda *_: None, 25)
    assert "target 0.8: met" in line
