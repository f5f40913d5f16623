"""Worlds: a described class as one word and back, and Paper Birds as a world."""

import torch

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.described import description_of
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described, picks_of

ODD = {"bill (form)": ("long~thin", "a.b", "a b", "ä"), "size": ("small", "large")}


def test_a_key_gives_the_picks_back_whatever_they_are_called():
    for value in ODD["bill (form)"]:
        described = Described("", {"bill (form)": value, "size": "large"})
        assert set(described.key) <= set("abcdefghijklmnopqrstuvwxyz0123456789*._~-"), described.key
        assert picks_of(described.key, ODD) == dict(described.picks)


def test_a_key_of_another_world_or_of_nonsense_gives_what_is_known_of_it():
    assert picks_of("size.small~wheels.four~nonsense~crown_color.plaid~", GROUPS) == {"size": "small"}
    assert picks_of("", GROUPS) == {}


def test_bird_words_are_marked_where_they_stand(small_project):
    found = BirdWorld(small_project).understand("a red bird with a black cap and a short beak")
    assert found.picks["crown_color"] == "black"
    marks = {found.text[mark.start : mark.end]: mark.label for mark in found.marks}
    assert marks["black cap"] == "crown: black"
    assert marks["short beak"] == "bill shape: short"
    assert [found.text[a:b] for a, b in found.clauses] == ["a red bird", "with a black cap", "and a short beak"]


def test_bird_rows_and_pictures_are_of_the_described_bird(small_project):
    world = BirdWorld(small_project)
    described = Described("", {"crown_color": "red"})
    assert torch.equal(world.row(described), description_of(small_project, {"crown_color": "red"}))
    drawings = world.pictures_of(described, 3)
    assert [bird["crown_color"] for bird in drawings.birds] == ["red"]
    assert len(drawings.labels) == 3
    assert world.called("crown_color::black") == "black crown"
