"""The charts, on planted numbers: where a cell stands, what it says, and that text stays text."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from pages.shared.charts.figures import BarcodeRow, barcode, channel_order, strongest

NAMES = [f"most moved by {word}" for word in ("crown: red", "crown: red", "crown: red", "tail: forked")]


def planted_project() -> Any:
    """Three channels: moved by the tail, by "crown red", and by "crown blue"."""
    matrix = torch.tensor([[0.1, 0.9, -0.1], [0.0, -0.2, 0.8], [0.0, 0.1, 0.1], [0.7, 0.0, 0.0], [-0.7, 0.1, 0.0]])
    learner = SimpleNamespace(to_importances=SimpleNamespace(matrix=matrix))
    words = ("crown_color::red", "crown_color::blue", "crown_color::black", "tail_shape::forked", "tail_shape::square")
    return SimpleNamespace(learner=learner, attribute_names=words)


def test_channels_stand_by_the_words_that_move_them() -> None:
    order, names = channel_order(planted_project())
    assert names == ["most moved by tail: forked", "most moved by crown: red", "most moved by crown: blue"]
    assert order.tolist() == [1, 2, 0], "crown before tail, red before blue, as the attributes stand"


def test_cells_rise_or_hang_and_follow_the_order() -> None:
    values = np.array([0.5, -0.25, 0.0, 1.0])
    fig = barcode([BarcodeRow("a", values)], NAMES, order=np.array([3, 0, 1, 2]), scale=1.0)
    _, rises, hangs = fig.data[0].z
    np.testing.assert_array_equal(rises, [1.0, 0.5, np.nan, np.nan])
    np.testing.assert_array_equal(hangs, [np.nan, np.nan, -0.25, np.nan])
    assert (fig.data[0].zmin, fig.data[0].zmax) == (-1.0, 1.0)
    assert fig.data[0].text[1][0] == "<b>neuron 3</b> · most moved by tail: forked<br>a: +1.0 for"
    assert fig.data[0].text[2][2] == "<b>neuron 1</b> · most moved by crown: red<br>a: −0.25 against"


def test_rows_share_one_scale_and_each_has_its_value_in_every_hover() -> None:
    rows = [BarcodeRow("mine", np.array([0.1, -0.2])), BarcodeRow("theirs", np.array([0.04, 0.0]))]
    fig = barcode(rows)
    assert fig.data[0].zmax == -fig.data[0].zmin > 0
    assert fig.data[0].text[1][0] == "<b>neuron 0</b><br>mine: +0.10 for<br>theirs: +0.040 for"


def test_a_row_without_importance_draws_nothing() -> None:
    fig = barcode([BarcodeRow("nothing", np.zeros(4))], NAMES)
    assert np.isnan(np.array(fig.data[0].z, dtype=float)).all()


def test_labels_are_text_and_short() -> None:
    fig = barcode([BarcodeRow("<a href='http://x'>" + "long " * 30, np.ones(4))], NAMES)
    (label,) = [a.text for a in fig.layout.annotations if "href" in a.text]
    assert label.startswith("&lt;a href=")
    assert label.endswith("…")


def test_strongest_are_named_signed_and_in_order() -> None:
    fig = strongest(np.array([0.5, -0.25, 0.0, 1.0]), NAMES, "title", n_each=2)
    assert list(fig.data[0].x) == [1.0, 0.5, -0.25], "what is zero is neither for nor against"
    assert fig.data[0].y[0] == "neuron 3: +1.0<br>tail: forked"
    assert list(fig.data[0].marker.pattern.shape) == ["", "", "/"]
