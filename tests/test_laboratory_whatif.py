"""What if: edits keep what was picked, differences are differences, and predictions are probabilities."""

from pathlib import Path

import pytest
import torch

from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.laboratory.solving import Solved, solve
from niwt_core.laboratory.whatif import (
    Comparison,
    changed_picks,
    changed_words,
    compare,
    disagreeing_first,
    fare,
    likeliest,
    with_pick,
    with_text,
)
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld

TEXT = "a small yellow bird with a black cap and white wing bars"


@pytest.fixture(scope="module")
def world(small_project) -> BirdWorld:
    return BirdWorld(small_project)


@pytest.fixture(scope="module")
def photos(photo_shelf: Path) -> PhotoWorld:
    from photo_shelf import KEY

    from niwt_core.project import load_project

    return PhotoWorld(load_project(photo_shelf / KEY), KEY, photo_shelf / KEY)


@pytest.fixture(scope="module")
def before(world: BirdWorld) -> Described:
    return Described(TEXT, world.understand(TEXT).picks)


def test_another_word_changes_what_it_says_and_keeps_what_was_picked(world: BirdWorld, before: Described) -> None:
    picked = with_pick(world, with_pick(world, before, "tail_shape", "forked"), "size", "")
    now = with_text(world, picked, TEXT.replace("black cap", "red cap"))
    assert changed_picks(picked, now) == {"crown_color": ("black", "red")}
    assert now.picks["tail_shape"] == "forked"
    assert "size" not in now.picks, "left open by hand, and the words still say the same of it"


def test_words_that_change_win_over_an_older_pick(world: BirdWorld, before: Described) -> None:
    picked = with_pick(world, before, "crown_color", "blue")
    assert picked.text == TEXT
    assert picked.picks["crown_color"] == "blue"
    assert with_text(world, picked, TEXT + " and a crest").picks["crown_color"] == "blue"
    assert with_text(world, picked, TEXT.replace("black cap", "red cap")).picks["crown_color"] == "red"


def test_a_text_that_says_nothing_is_refused(world: BirdWorld, before: Described) -> None:
    with pytest.raises(InputError, match="Expected a description"):
        with_text(world, before, "nothing of the kind")
    with pytest.raises(InputError, match="at least one attribute"):
        with_pick(world, Described("", {"size": "small"}), "size", "")


def test_the_class_keeps_the_pictures_that_judge_it(photos: PhotoWorld) -> None:
    one = Described("a yellow bird with a black crown", {"crest": "yes"}, "bluethroat")
    assert with_text(photos, one, "a blue bird") == Described("a blue bird", {"crest": "yes"}, "bluethroat")
    assert with_pick(photos, one, "crest", "") == Described(one.text, {}, "bluethroat")


def test_a_class_of_the_data_set_is_compared_in_its_words(photos: PhotoWorld) -> None:
    """Beside the data set's own numbers a word changed to itself would seem to change all."""
    own = photos.own("bluethroat")
    assert own.text
    same = compare(photos, own, Described(own.text + " ", {}, own.of))
    assert same.weight_change == pytest.approx(0, abs=1e-5)


def test_differences_are_now_minus_before(world: BirdWorld, before: Described) -> None:
    now = with_pick(world, before, "crown_color", "red")
    found = compare(world, before, now)
    old, new = solve(world, before), solve(world, now)
    assert torch.equal(found.moved, new.importances - old.importances)
    assert found.weight_change == pytest.approx(float((new.weights - old.weights).norm() / old.weights.norm()))
    assert found.weight_change > 0
    assert found.importance_cosine < 0.9999
    same = compare(world, before, before)
    assert (float(same.moved.abs().max()), same.weight_change) == (0.0, 0.0)


def planted(world: BirdWorld, first: float, bias: float = 0.0) -> Solved:
    """A class that shouts at the first feature, or against it."""
    weight = torch.zeros(1, world.project.backbone.n_features)
    weight[0, 0] = first
    classifier = Classifier(("planted",), weight, torch.tensor([bias]))
    return Solved(Described("", {}), torch.zeros(world.project.backbone.n_channels), classifier)


def test_each_class_is_judged_on_both_kinds_of_pictures(world: BirdWorld) -> None:
    up = torch.zeros(3, world.project.backbone.n_features)
    up[:, 0] = 1
    down = -up[:2]
    fares = fare(world.project, planted(world, 1e6), up, down, torch.cat([up, down]))
    assert (fares.of_before, fares.of_now, fares.claimed) == (3, 0, 3)
    fares = fare(world.project, planted(world, -1e6), up, down, None)
    assert (fares.of_before, fares.of_now, fares.claimed) == (0, 2, None)


def test_the_likeliest_classes_come_first_with_probabilities(world: BirdWorld) -> None:
    project = world.project
    features = torch.zeros(project.backbone.n_features)
    features[0] = 1
    best = likeliest(project, planted(world, 1e4), features, 3)
    assert best[0] == (project.n_seen, pytest.approx(1.0))
    assert len(best) == 3
    every = likeliest(project, planted(world, 0.0), features, 100)
    assert len(every) == project.n_seen + 1
    assert sum(p for _, p in every) == pytest.approx(1)
    assert [p for _, p in every] == sorted((p for _, p in every), reverse=True)


def test_pictures_that_the_two_judge_differently_come_first(world: BirdWorld) -> None:
    features = torch.zeros(4, world.project.backbone.n_features)
    features[[1, 3], 0] = 1
    # At 0 the bias decides, which is far below all others: only the second and the fourth tell the two apart.
    apart = Comparison(planted(world, 1e6, -1e3), planted(world, 0, -1e3))
    assert disagreeing_first(world.project, apart, features) == [1, 3, 0, 2]


def test_words_that_changed_are_told_apart() -> None:
    assert changed_words("a black cap, white bars", "a red cap, and white bars") == (
        ("same", "a"), ("gone", "black"), ("new", "red"), ("same", "cap,"), ("new", "and"), ("same", "white bars")
    )  # fmt: skip
    assert changed_words("a cap", "a cap") == (("same", "a cap"),)
    assert changed_words("", "a cap") == (("new", "a cap"),)
