"""Clauses left out: the words that remain, the picks that remain, and what it does to pattern, weights and counts."""

from pathlib import Path

import pytest
import torch

from niwt_core.birds.captions import write_caption
from niwt_core.birds.probing import wandering_birds
from niwt_core.gzsl import Classifier
from niwt_core.laboratory.clauses import Clause, clauses_of, leave_one_out, leave_out, text_without, together
from niwt_core.laboratory.solving import Solved, solve, won
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld

TEXT = "a small yellow bird with a black cap, white wing bars and a short orange beak"


@pytest.fixture(scope="module")
def world(small_project) -> BirdWorld:
    return BirdWorld(small_project)


def described(world: BirdWorld, text: str, **by_hand: str) -> Described:
    return Described(text, together(world.understand(text).picks, by_hand))


@pytest.mark.parametrize(
    ("clause", "rest"),
    [
        ("a small yellow bird", "a black cap, white wing bars and a short orange beak"),
        ("with a black cap", "a small yellow bird, white wing bars and a short orange beak"),
        ("white wing bars", "a small yellow bird with a black cap and a short orange beak"),
        ("and a short orange beak", "a small yellow bird with a black cap, white wing bars"),
    ],
)
def test_no_comma_and_no_joint_is_left_hanging(clause: str, rest: str) -> None:
    start = TEXT.index(clause)
    assert text_without(TEXT, start, start + len(clause)) == rest


@pytest.mark.parametrize(
    ("text", "clause", "rest"),
    [
        ("A red bird. It has a black cap, white legs.", "It has a black cap", "A red bird. white legs."),
        ("A red bird. It has a black cap.", "It has a black cap", "A red bird."),
        ("A red bird. It has a black cap.", "A red bird", "a black cap."),
        ("red cap; white belly", "red cap", "white belly"),
        ("red cap and white belly", "white belly", "red cap"),
        ("a red bird with a black cap, a white belly", "a black cap", "a red bird, a white belly"),
        ("this bird has a black cap and a crest", "a black cap", "this bird and a crest"),
        ("red cap", "red cap", ""),
    ],
)
def test_sentences_stay_sentences(text: str, clause: str, rest: str) -> None:
    start = text.index(clause)
    assert text_without(text, start, start + len(clause)) == rest


def test_each_clause_of_a_caption_takes_away_what_it_said_and_nothing_else(world: BirdWorld) -> None:
    """On fifty captions: the rest gives no new group, and each group is lost with at least one clause."""
    for i, bird in enumerate(wandering_birds(50, 9)):
        text = write_caption(bird, seed=i)
        whole = described(world, text)
        lost: set[str] = set()
        clauses = clauses_of(world, whole)
        for clause in clauses:
            rest = leave_out(world, whole, clause)
            assert set(rest.picks) <= set(whole.picks), (text, clause)
            gone = {group for group, value in whole.picks.items() if rest.picks.get(group) != value}
            assert gone, f"{text!r}: leaving out {text[clause.start : clause.end]!r} changes nothing"
            lost |= gone
        assert lost == set(whole.picks), text


def test_picks_beside_the_words_are_kept_and_are_clauses_of_their_own(world: BirdWorld) -> None:
    whole = described(world, TEXT, tail_shape="forked", crown_color="red", size="")
    assert "size" not in whole.picks
    *words, first, second, third = clauses_of(world, whole)
    assert [clause.words_in(TEXT) for clause in words] == [
        "a small yellow bird", "a black cap", "white wing bars", "a short orange beak"
    ]  # fmt: skip
    assert {(c.group, c.value) for c in (first, second, third)} == {
        ("tail_shape", "forked"), ("crown_color", "red"), ("size", "")
    }  # fmt: skip
    bars_out = leave_out(world, whole, words[2])
    assert bars_out.picks == {k: v for k, v in whole.picks.items() if k != "wing_pattern"}
    assert bars_out.text == "a small yellow bird with a black cap and a short orange beak"
    crown_out = leave_out(world, whole, Clause(group="crown_color", value="red"))
    assert crown_out.picks["crown_color"] == "black", "the words' own value comes back"
    assert crown_out.text == TEXT
    assert leave_out(world, whole, Clause(group="size")).picks["size"] == "small"


def test_the_only_clause_leaves_the_average_class(world: BirdWorld) -> None:
    whole = described(world, "a red bird")
    (effect,) = leave_one_out(world, whole)
    assert effect.without.described == Described("", {})
    mean = world.project.descriptions[: world.project.n_seen].mean(0, keepdim=True)
    assert torch.equal(effect.without.importances, world.project.learner.importances(mean)[0])
    assert dict(effect.said) == dict(whole.picks)


def test_effects_are_differences_of_two_solutions(world: BirdWorld) -> None:
    project, whole = world.project, described(world, TEXT, tail_shape="forked")
    features = torch.randn(30, project.backbone.n_features, generator=torch.Generator().manual_seed(0))
    effects = leave_one_out(world, whole, features, features[:7])
    assert len(effects) == 5
    full = solve(world, whole)
    for effect in effects:
        rest = solve(world, leave_out(world, whole, effect.clause))
        assert torch.equal(effect.falls, full.importances - rest.importances)
        a, b = full.weights.double(), rest.weights.double()
        assert effect.weight == pytest.approx(float((a - b).norm() / a.norm()), rel=1e-4)
        assert effect.weight_cosine == pytest.approx(float(a @ b / a.norm() / b.norm()), abs=1e-5)
        assert effect.full_found == won(project, full, features)
        assert effect.found == won(project, rest, features)
        assert effect.claimed == won(project, rest, features[:7])
        assert effect.full_claimed == won(project, full, features[:7])
        deepest = effect.fallen(2)
        assert effect.falls[deepest[0]] == effect.falls.max()
        assert effect.falls[deepest[0]] >= effect.falls[deepest[1]]
    said = [dict(effect.said) for effect in effects]
    assert said[1] == {"crown_color": "black"}
    assert said[4] == {"tail_shape": "forked"}


def test_won_counts_the_new_class_alone(world: BirdWorld) -> None:
    """By hand: weights that shout at the first feature win the pictures that have it, and no picture that lacks it."""
    project = world.project
    weight = torch.zeros(1, project.backbone.n_features)
    weight[0, 0] = 1e6
    planted = Classifier(("planted",), weight, torch.zeros(1))
    solved = Solved(Described("", {}), torch.zeros(project.backbone.n_channels), planted)
    features = torch.zeros(3, project.backbone.n_features)
    features[:, 0] = torch.tensor([1.0, -1.0, 2.0])
    assert won(project, solved, features) == 2
    assert won(project, solved, torch.zeros(0, project.backbone.n_features)) is None
    assert won(project, solved, None) is None


def test_without_pictures_the_counts_are_unknown(world: BirdWorld) -> None:
    effect = leave_one_out(world, described(world, TEXT))[0]
    assert (effect.found, effect.claimed, effect.full_found, effect.full_claimed) == (None,) * 4


def test_photos_leave_out_words_too(photo_shelf: Path) -> None:
    from photo_shelf import KEY

    from niwt_core.project import load_project

    world = PhotoWorld(load_project(photo_shelf / KEY), KEY, photo_shelf / KEY)
    text = "a yellow bird with a black crown, a white belly and a fanned tail"
    whole = Described(text, {"crest": "yes"}, "bluethroat")
    effects = leave_one_out(world, whole)
    assert [e.clause.words_in(text) for e in effects[:-1]] == [text[s:e] for s, e in world.understand(text).clauses]
    assert effects[-1].clause == Clause(group="crest", value="yes")
    assert effects[-1].without.described == Described(text, {})
    assert all(e.without.described.of == "" for e in effects)
    for effect in effects:
        assert effect.weight > 0
        assert effect.importance_cosine < 0.9999
