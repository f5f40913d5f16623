"""The invented species: enough, different enough, and every value often enough."""

from collections import Counter
from itertools import combinations

import pytest

from niwt_core.birds.attributes import COLORS, GROUPS, check
from niwt_core.birds.species import distance, is_drawable, make_species
from niwt_core.errors import InputError

SPECIES = make_species()


def test_seen_species_come_first():
    assert [species.seen for species in SPECIES] == [True] * 150 + [False] * 50


def test_species_are_complete_and_drawable():
    for species in SPECIES:
        check(species.attributes, complete=True)
        assert is_drawable(species.attributes)


def test_marks_of_the_wing_s_own_color_are_not_drawable():
    assert not is_drawable({"wing_pattern": "white spots", "back_color": "white"})
    assert not is_drawable({"wing_pattern": "black tips", "back_color": "black"})
    assert is_drawable({"wing_pattern": "black bars", "back_color": "white"})
    assert is_drawable({"wing_pattern": "plain", "back_color": "white"})


def test_distance_counts_groups():
    bird = {group: values[0] for group, values in GROUPS.items()}
    assert distance(bird, bird) == 0
    assert distance(bird, bird | {"size": "large", "crest": "tufted"}) == 2


def test_any_two_species_differ_in_three_groups():
    assert min(distance(a.attributes, b.attributes) for a, b in combinations(SPECIES, 2)) >= 3


@pytest.mark.parametrize("n_seen", [60, 150])
def test_every_value_is_seen_often(n_seen: int):
    seen = [species.attributes for species in make_species(n_seen, 20, seed=1)[:n_seen]]
    for group, values in GROUPS.items():
        counts = Counter(bird[group] for bird in seen)
        assert min(counts[value] for value in values) >= 5, group


def test_names_are_unique_and_claim_nothing():
    names = [species.name for species in SPECIES]
    assert len(set(names)) == len(names)
    claims = {*COLORS, *(word for values in GROUPS.values() for value in values for word in value.split())}
    for name in names:
        assert len(name.split()) == 2
        assert not claims & set(name.lower().split())


def test_a_seed_fixes_the_species():
    assert make_species(20, 5, seed=4) == make_species(20, 5, seed=4)
    assert make_species(20, 5, seed=4) != make_species(20, 5, seed=5)


def test_small_and_large_worlds():
    assert len(make_species(1, 0)) == 1
    assert len({species.name for species in make_species(600, 100)}) == 700


@pytest.mark.parametrize(("n_seen", "n_unseen"), [(0, 5), (5, -1), (800, 100)])
def test_impossible_counts_are_refused(n_seen: int, n_unseen: int):
    with pytest.raises(InputError):
        make_species(n_seen, n_unseen)
