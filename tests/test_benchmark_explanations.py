"""The tables on explanations, on a small scale: their rows, their numbers, and what they measure."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from stages import small

from niwt_core.benchmark import explanation_costs, explanations, explanations_on_photos
from niwt_core.benchmark.explanation_costs import alternating, costs_of, relative
from niwt_core.benchmark.explanations import clustered, drawing_tables, explanation_tables, mean_error, said_words
from niwt_core.benchmark.explanations_on_photos import nearest_part, photo_tables, quick_classifier
from niwt_core.birds.attributes import ATTRIBUTES, GROUPS
from niwt_core.datasets import load_cub
from niwt_core.domain import LinearMap
from niwt_core.explanation.words import WordMap

needs_captum = pytest.mark.skipif(
    find_spec("captum") is None or find_spec("pytorch_grad_cam") is None,
    reason="captum and grad-cam are in requirements-test.txt",
)


def single():
    """The small network in float32, as the benchmark's images are."""
    b = small("third")
    return replace(b, trunk=b.trunk.float(), head=b.head.float())


def rows_of(text):
    """A Markdown table as lists of cells, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_means_and_errors_by_hand():
    assert mean_error(torch.tensor([0.0, 1.0, 0.0, 1.0])) == "0.500 ± 0.289"  # 0.577 / 2
    # Two drawings, one always hit and one never: the standard error knows two, not four.
    assert clustered(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([3, 3, 8, 8])) == "0.500 ± 0.500"


def test_times_alternate_and_the_median_counts():
    calls = []
    seconds = alternating({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 4  # the first round is not counted
    assert set(seconds) == {"a", "b"}
    assert relative({"bare": 2.0, "other": 5.0}) == {"bare": 1.0, "other": 2.5}


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="stop"), explanation_costs.one_thread():
        assert torch.get_num_threads() == 1
        raise ValueError("stop")
    assert torch.get_num_threads() == before


def test_distance_to_the_nearest_part_by_hand():
    """A peak in pixel (row 1, column 3) has its middle at (3.5, 1.5); the box is 3 wide and 4 high: diagonal 5."""
    boxes = torch.zeros(3, 8, 8, dtype=torch.bool)
    boxes[:, 2:6, 1:4] = True
    points = np.full((3, 2, 2), np.nan)
    points[0] = [[3.5, 4.0], [9.0, 1.5]]
    points[1, 1] = [6.5, 1.5]
    found = nearest_part(torch.tensor([[1, 3]] * 3), points, boxes)
    assert found.tolist() == pytest.approx([0.5, 0.6])  # 2.5 / 5, 3 / 5; the third shows no part


@needs_captum
def test_the_tables_of_drawings_have_every_method_and_numbers_in_their_range(small_project, monkeypatch):
    monkeypatch.setattr(explanations, "N_CURVES", 2)
    monkeypatch.setattr(explanations, "N_RANDOMISED", 2)
    monkeypatch.setattr(explanations, "N_WORDED", 2)
    monkeypatch.setattr(explanations, "N_REFERENCES", 2)
    monkeypatch.setattr(explanations, "N_STEPS", 2)
    every = {(group, value) for group, value in ATTRIBUTES}
    monkeypatch.setattr(explanations, "said_words", lambda project, images: [every] * len(images))
    seen = []
    title, classes, words_title, words, groups = drawing_tables(
        small_project, lambda stage, done, n: seen.append((stage, done, n)), n_drawings=4
    )
    names = ["ours", "ours, plain Grad-CAM", "captum LayerGradCam", "captum IntegratedGradients", "captum Occlusion"]
    assert [row[0] for row in rows_of(classes)] == [*names, "random map", "centre map"]
    assert [row[0] for row in rows_of(words)] == ["**ours, for words**", *names, "random map", "centre map"]
    assert "4 fresh drawings" in title
    assert "every method explains the same direction" in words_title
    numbers = {row[0]: [float(cell.split(" ±")[0]) for cell in row[1:] if cell] for row in rows_of(classes)}
    assert numbers["centre map"][0] == 1  # a drawn bird always stands at the centre
    assert numbers["ours, plain Grad-CAM"] == pytest.approx(numbers["captum LayerGradCam"], abs=2e-3)
    for values in numbers.values():
        assert all(-1 <= v <= 1 for v in values)
    assert sum(int(row[1]) for row in rows_of(groups)) == int(words_title.split(": the ")[1].split(" words")[0])
    assert ("maps of words", 2, 2) in seen


def test_the_words_said_are_those_of_the_word_map(small_project, monkeypatch):
    """A word map that reads red crowns and orange legs everywhere, the first more clearly."""
    read = torch.zeros(len(ATTRIBUTES))
    read[ATTRIBUTES.index(("crown_color", "red"))], read[ATTRIBUTES.index(("leg_color", "orange"))] = 2.0, 1.0
    n_inputs = small_project.backbone.n_channels + small_project.backbone.channels[0]
    inverse = LinearMap(torch.zeros(n_inputs, len(ATTRIBUTES)), torch.zeros(n_inputs), read)
    frequency = torch.tensor([1 / len(GROUPS[group]) for group, _ in ATTRIBUTES])
    planted = WordMap(inverse, frequency, torch.full_like(frequency, 5.0), small_project.attribute_names)
    monkeypatch.setattr(explanations, "learn_words", lambda project: planted)
    drawings, _ = explanations.unseen_drawings(2)
    images = explanations.inputs_of(drawings, small_project)
    monkeypatch.setattr(explanations, "N_SAID", 2)
    assert said_words(small_project, images) == [{("crown_color", "red"), ("leg_color", "orange")}] * 2
    monkeypatch.setattr(explanations, "N_SAID", 1)
    assert said_words(small_project, images) == [{("crown_color", "red")}] * 2


@needs_captum
def test_the_costs_of_a_small_network():
    found = costs_of(single(), n_repeats=1)
    assert found["bare forward pass of a batch"] == found["bare forward pass of one image"] == 1
    assert {"importances of a batch", "captum LayerGradCam of a batch"} <= set(found)
    assert all(cost > 0 for cost in found.values())


@needs_captum
def test_the_table_of_photos_on_a_planted_folder(cub, monkeypatch):
    """Squares of colour in a folder of CUB's layout: every photo is read, cropped and pointed at."""
    monkeypatch.setattr(explanations_on_photos, "EVERY", 6)
    (cub / "bounding_boxes.txt").write_text("\n".join(f"{i + 1} 0.0 0.0 8.0 8.0" for i in range(12)))
    (cub / "parts").mkdir()
    (cub / "parts" / "parts.txt").write_text("1 back\n")
    (cub / "parts" / "part_locs.txt").write_text("\n".join(f"{i + 1} 1 4.0 4.0 1" for i in range(12)))
    b = single()
    data = load_cub(cub)
    classifier = quick_classifier(data, b)
    assert classifier.names == data.class_names
    assert torch.isfinite(classifier.weight).all()
    title, text = photo_tables(b, cub, cub, classifier=classifier)
    assert "12 uncropped CUB test photos of 4 species" in title
    rows = {row[0]: row[1:] for row in rows_of(text)}
    assert rows["ours"][0] == "12"
    assert rows["captum Occlusion"][0] == "2"
    assert all(row[1].startswith("1.000") for row in rows.values())  # the box is the whole picture
    assert float(rows["centre map"][3].split(" ±")[0]) < 0.1  # and the part its middle


@needs_captum
def test_without_photos_the_tables_say_so(small_project, monkeypatch, tmp_path):
    monkeypatch.setattr(explanations, "load_project", lambda folder: small_project)
    monkeypatch.setattr(explanations, "drawing_tables", lambda project, progress: ["drawings"])
    monkeypatch.setattr(explanations, "cost_table", lambda backbones: f"costs of {', '.join(backbones)}")
    tables = explanation_tables(tmp_path, None, tmp_path / "none", "default")
    assert tables[0] == "drawings"
    assert tables[1] == "costs of the bundled network"
    assert "not measured" in tables[2]


def test_the_real_photos_have_boxes_that_the_network_sees(shared_data):
    from niwt_core.faithfulness.boxes import ground_truth, read_boxed

    boxed = read_boxed(shared_data / "data" / "CUB_full_size")
    assert boxed.points.shape == (len(boxed.boxes), 15, 2)
    for i in range(0, len(boxed.boxes), 40):
        mask, points = ground_truth(boxed, i, 224)
        assert mask.any()
        shown = points[~np.isnan(points).any(1)].astype(int).clip(0, 223)
        assert mask[shown[:, 1], shown[:, 0]].double().mean() > 0.8  # parts of a bird lie in its box
