"""Proof by drawing: who is shown, and the confusion counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from niwt_core.gzsl import Classifier
from niwt_core.images import to_input
from niwt_core.importance import ClassImportances
from niwt_core.laboratory import proof
from niwt_core.laboratory.proof import ELSE, Exhibits, Shown, confusion, exhibits, joined, neighbours, show
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described

BIRD = Described("", {"crown_color": "red", "size": "large"})


@pytest.fixture
def world(small_project, small_data):
    made = BirdWorld(small_project)
    vars(made)["data"] = small_data
    return made


def test_neighbours_are_the_rows_that_point_the_same_way(small_project):
    row = small_project.descriptions[8:9]
    predicted = small_project.learner.importances(row)[0]
    values = small_project.importances.values.clone()
    values[3], values[6] = (
        5 * predicted,
        predicted
        + 0.3
        * predicted.norm()
        * nn.functional.normalize(torch.randn(len(predicted), generator=torch.Generator().manual_seed(0)), dim=0),
    )  # length does not count
    project = replace(small_project, importances=ClassImportances(values, small_project.importances.n_images))
    vars(project)["learner"] = small_project.learner
    assert neighbours(project, row, 2) == (3, 6)


def test_the_described_class_comes_first_and_each_has_pictures_of_its_own(world, monkeypatch):
    monkeypatch.setattr(proof, "N_OWN", 4)
    monkeypatch.setattr(proof, "N_EACH", 2)
    shown = exhibits(world, BIRD, "your bird")
    assert [len(e) for e in shown] == [4, 2, 2, 2, 2]
    assert (shown[0].name, shown[0].row) == ("your bird", 8)
    assert [e.row for e in shown[1:]] == list(neighbours(world.project, world.row(BIRD)))
    assert [e.name for e in shown[1:]] == [world.project.class_names[e.row] for e in shown[1:]]
    seeds = [set(e.source.seeds.tolist()) for e in shown]
    assert len(set.union(*seeds)) == 12
    again = exhibits(world, BIRD, "your bird", round_=1)
    assert not set.union(*seeds) & {seed for e in again for seed in e.source.seeds.tolist()}


def test_without_pictures_of_the_class_its_neighbours_stand_alone(world, monkeypatch):
    monkeypatch.setattr(BirdWorld, "pictures_of", lambda *args: None)
    assert [e.row for e in exhibits(world, BIRD, "x")] == list(neighbours(world.project, world.row(BIRD)))


def test_showing_gives_what_the_trunk_gives_a_few_at_a_time(world, monkeypatch):
    monkeypatch.setattr(proof, "N_OWN", 3)
    monkeypatch.setattr(proof, "N_EACH", 1)
    shown = exhibits(world, BIRD, "your bird")
    parts = list(show(world, shown, batch=2))
    assert [len(p.which) for p in parts] == [2, 1, 1, 1, 1, 1]
    whole = joined(parts)
    assert whole.which.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [3, 0], [4, 0]]
    assert whole.thumbnails.shape == (7, 64, 64, 3)
    backbone = world.project.backbone
    with torch.no_grad():
        third = backbone.trunk(to_input(shown[0].source[2], backbone)[None])
    torch.testing.assert_close(whole.activations[2:3], third)
    assert np.array_equal(whole.thumbnails[2], np.asarray(shown[0].source[2]))


def test_pictures_for_people_are_the_same_scenes_larger(world):
    exhibit = exhibits(world, BIRD, "your bird")[0]
    large = exhibit.picture(0, 128)
    assert large.shape == (128, 128, 3)
    small = np.asarray(exhibit.source[0], dtype=float)
    assert np.abs(large.reshape(64, 2, 64, 2, 3).mean((1, 3)) - small).mean() < 12
    photo = replace(exhibit, source=[exhibit.source[0]])
    assert photo.picture(0, 32).shape == (32, 32, 3)


@pytest.fixture
def four(small_project, backbone_of):
    """Four neurons, each the evidence for one class: a, b, c are seen, the fourth is new. Exhibits: new and b."""
    head = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).requires_grad_(False)
    head[0].weight.data = torch.eye(4)[:, :, None, None]
    project = replace(small_project, backbone=backbone_of(head), n_seen=3)
    vars(project)["seen"] = Classifier(("a", "b", "c"), torch.eye(4)[:3], torch.zeros(3))
    new = Classifier(("new",), torch.eye(4)[3:], torch.zeros(1))
    return project, new, (Exhibits("new", 3, None), Exhibits("b", 1, None))


def shown(rows, which):
    activations = torch.tensor(rows)[:, :, None, None].expand(-1, -1, 2, 2)
    return Shown(np.array(which), np.zeros((len(rows), 64, 64, 3), np.uint8), activations)


ROWS = [
    [0.0, 0.0, 0.0, 9.0],  # new, taken for new, no doubt
    [0.0, 2.0, 0.0, 1.0],  # new, taken for b
    [0.0, 0.0, 2.0, 1.0],  # new, taken for c, which is no exhibit
    [0.0, 0.0, 0.0, 1.0],  # new, taken for new with much doubt
    [0.0, 3.0, 0.0, 1.0],  # b, taken for b
    [0.0, 1.0, 0.0, 3.0],  # b, taken for new
]
WHICH = [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]]


def test_confusion_counted_by_hand(four):
    project, new, pair = four
    found = confusion(project, new, pair, shown(ROWS, WHICH))
    assert found.names == ("new", "b", ELSE)
    assert found.counts.tolist() == [[2, 1, 1], [1, 1, 0]]
    assert found.winners.tolist() == [3, 1, 2, 3, 1, 3]
    assert found.right == (0, 1)
    assert found.cell(0, 0) == [3, 0]  # the largest doubt first
    assert found.cell(0, 2) == [2]
    assert found.cell(1, 2) == []
    assert found.doubts[3] == pytest.approx(3 / (3 + np.e))


def test_altered_neurons_change_the_confusion(four):
    project, new, pair = four
    off = confusion(project, new, pair, shown(ROWS, WHICH), {1: 0.0})
    assert off.counts.tolist() == [[3, 0, 1], [2, 0, 0]]
    assert confusion(project, new, pair, shown(ROWS, WHICH), {1: 1.0}).counts.tolist() == [[2, 1, 1], [1, 1, 0]]


def test_without_exhibits_of_the_class_its_column_stays(four):
    project, new, (_, b) = four
    found = confusion(project, new, (b,), shown(ROWS[4:], [[0, 0], [0, 1]]))
    assert found.names == ("new", "b", ELSE)
    assert found.counts.tolist() == [[1, 1, 0]]
    assert found.right == (1,)
