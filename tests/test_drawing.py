"""Paper birds: the same seed is the same scene, an edit changes its own part, and masks tell where the parts are."""

import time

import numpy as np
import pytest

from niwt_core.birds.attributes import COLORS, GROUPS
from niwt_core.birds.collage import PALETTE
from niwt_core.birds.drawing import PARTS, draw
from niwt_core.errors import InputError

BIRD = {
    "size": "medium",
    "crown_color": "red",
    "back_color": "blue",
    "belly_color": "yellow",
    "bill_color": "black",
    "bill_shape": "short",
    "wing_pattern": "plain",
    "breast_pattern": "plain",
    "tail_shape": "square",
    "leg_color": "gray",
    "leg_length": "short",
    "eye_ring": "none",
    "crest": "none",
}
#: Where a change of the group may show. A new size changes the whole bird, and longer legs lower the perch.
SHOWS_IN = {
    "crown_color": ("crown", "crest", "eye"),
    "back_color": ("back", "wing", "tail"),
    "belly_color": ("belly", "breast", "cheek"),
    "bill_color": ("bill",),
    "bill_shape": ("bill",),
    "wing_pattern": ("wing",),
    "breast_pattern": ("breast",),
    "tail_shape": ("tail",),
    "leg_color": ("legs",),
    "eye_ring": ("eye",),
    "crest": ("crest",),
}
EDITS = [(group, value) for group in SHOWS_IN for value in GROUPS[group] if value != BIRD[group]]


def grown(mask: np.ndarray, by: int) -> np.ndarray:
    """The mask and all pixels up to `by` rows and columns away."""
    height, width = mask.shape
    padded = np.pad(mask, by)
    shifts = range(2 * by + 1)
    return np.any([padded[i : i + height, j : j + width] for i in shifts for j in shifts], axis=0)


def changed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first.astype(int) - second).max(axis=2) > 12


def halves(image: np.ndarray, factor: int) -> np.ndarray:
    """Mean of each factor x factor block."""
    size = len(image) // factor
    return image.reshape(size, factor, size, factor, -1).astype(float).mean(axis=(1, 3))


def test_a_seed_fixes_the_drawing():
    first, again, other = draw({}, seed=5), draw({}, seed=5), draw({}, seed=6)
    assert np.array_equal(first.image, again.image)
    assert first.attributes == again.attributes
    assert all(np.array_equal(first.masks[part], again.masks[part]) for part in PARTS)
    assert changed(first.image, other.image).mean() > 0.5
    assert first.image.shape == (64, 64, 3)
    assert first.image.dtype == np.uint8


def test_masks_do_not_change_the_picture():
    without = draw(BIRD, seed=3, masks=False)
    assert without.masks == {}
    assert np.array_equal(without.image, draw(BIRD, seed=3).image)


@pytest.mark.parametrize(("group", "value"), EDITS)
def test_an_edit_shows_in_its_own_part_only(group: str, value: str):
    inside, total = 0, 0
    for seed in range(4):
        before, after = draw(BIRD, seed=seed), draw(BIRD | {group: value}, seed=seed)
        difference = changed(before.image, after.image)
        near = np.any([before.masks[part] | after.masks[part] for part in SHOWS_IN[group]], axis=0)
        inside += (difference & grown(near, 2)).sum()
        total += difference.sum()
    assert total > 4 * 6
    assert inside > 0.98 * total


def test_longer_legs_change_nothing_above_the_legs():
    for seed in range(4):
        before, after = draw(BIRD, seed=seed), draw(BIRD | {"leg_length": "long"}, seed=seed)
        rows = np.flatnonzero(changed(before.image, after.image).any(axis=1))
        assert rows.min() >= np.flatnonzero(before.masks["legs"].any(axis=1)).min() - 2
        assert after.masks["legs"].sum() > 1.3 * before.masks["legs"].sum()


def test_large_birds_are_larger_with_smaller_heads():
    for seed in range(6):
        small, medium, large = (draw(BIRD | {"size": size}, seed=seed, size=128).masks for size in GROUPS["size"])
        area = [masks["bird"].sum() for masks in (small, medium, large)]
        crown = [masks["crown"].sum() / masks["bird"].sum() for masks in (small, medium, large)]
        assert area[0] < area[1] < area[2]
        assert crown[0] > crown[1] > crown[2]


def test_each_pixel_shows_one_part():
    for seed in range(30):
        masks = draw({}, seed=seed).masks
        assert set(masks) == {*PARTS, "bird"}
        shown = np.sum([masks[part] for part in PARTS], axis=0)
        assert shown.max() == 1
        assert np.array_equal(shown == 1, masks["bird"])


def test_every_part_is_large_enough_to_see():
    least = {"crown": 45, "bill": 8, "back": 18, "wing": 100, "belly": 25, "breast": 50, "tail": 20, "legs": 20}
    least |= {"eye": 10, "crest": 15}
    for seed in range(60):
        masks = draw({"crest": "tufted"}, seed=seed).masks
        for part, pixels in least.items():
            assert masks[part].sum() >= pixels, (seed, part)
        assert 0.15 < masks["bird"].mean() < 0.6


def test_a_bird_without_crest_has_an_empty_crest():
    assert not draw({"crest": "none"}, seed=1).masks["crest"].any()


@pytest.mark.parametrize(
    ("group", "part"), [("crown_color", "crown"), ("back_color", "back"), ("belly_color", "breast")]
)
def test_parts_have_the_color_asked_for(group: str, part: str):
    palette = np.array([PALETTE[color] for color in COLORS], dtype=float)
    right = 0
    for seed in range(90):
        color = COLORS[seed % len(COLORS)]
        drawing = draw({group: color, "breast_pattern": "plain"}, seed=seed)
        mean = drawing.image[drawing.masks[part]].mean(axis=0)
        right += COLORS[np.abs(palette - mean).sum(axis=1).argmin()] == color
    assert right >= 75


def test_birds_face_either_way():
    def faces_right(seed: int, calm: bool) -> bool:
        masks = draw({}, seed=seed, calm=calm).masks
        return np.nonzero(masks["bill"])[1].mean() > np.nonzero(masks["bird"])[1].mean()

    for calm in (False, True):
        assert 5 < sum(faces_right(seed, calm) for seed in range(30)) < 25


def test_another_size_is_the_same_scene():
    for seed in range(6):
        small, large = draw({}, seed=seed), draw({}, seed=seed, size=256)
        assert small.attributes == large.attributes
        assert np.abs(halves(large.image, 4) - small.image).mean() < 9
        for part, share in (("bird", 0.85), ("wing", 0.75), ("crown", 0.7)):
            shrunk = halves(large.masks[part], 4)[:, :, 0] > 0.5
            both, either = (shrunk & small.masks[part]).sum(), (shrunk | small.masks[part]).sum()
            assert both > share * either, (seed, part)


def test_open_groups_vary_and_given_ones_stay():
    drawings = [draw({"crown_color": "blue", "crest": "tufted"}, seed=seed, masks=False) for seed in range(40)]
    for group, values in GROUPS.items():
        found = {drawing.attributes[group] for drawing in drawings}
        assert len(found) == (1 if group in ("crown_color", "crest") else len(values)), group
    assert drawings[0].attributes["crown_color"] == "blue"


def test_giving_one_group_leaves_the_other_choices_alone():
    free = draw({}, seed=8, masks=False).attributes
    told = draw({"size": "large"}, seed=8, masks=False).attributes
    assert told == free | {"size": "large"}


@pytest.mark.parametrize(
    ("color", "pattern"), [("white", "white bars"), ("white", "white spots"), ("black", "black tips")]
)
def test_marks_show_even_on_a_wing_of_their_own_color(color: str, pattern: str):
    plain, marked = (
        draw(BIRD | {"back_color": color, "wing_pattern": wing}, seed=2, calm=True).image for wing in ("plain", pattern)
    )
    assert changed(plain, marked).sum() > 15


def test_breast_marks_show_on_every_belly():
    for color in COLORS:
        for pattern in GROUPS["breast_pattern"][1:]:
            plain, marked = (
                draw(BIRD | {"belly_color": color, "breast_pattern": breast}, seed=4).image
                for breast in ("plain", pattern)
            )
            assert (np.abs(plain.astype(int) - marked).max(axis=2) > 40).sum() > 15, (color, pattern)


def test_a_calm_portrait_is_plain_around_the_bird():
    for seed in range(5):
        above = draw(BIRD, seed=seed, calm=True, size=128).image[:12]
        assert above.reshape(-1, 3).std(axis=0).max() < 6


@pytest.mark.parametrize(
    ("bird", "size"),
    [({}, 63), ({}, 513), ({"crown_color": "puce"}, 64), ({"mood": "merry"}, 64)],
)
def test_bad_input_is_refused(bird: dict[str, str], size: int):
    with pytest.raises(InputError):
        draw(bird, seed=0, size=size)


def test_drawing_is_fast_enough_to_train_on():
    draw({}, seed=0)
    times = []
    for seed in range(30):
        start = time.perf_counter()
        draw({}, seed=seed, masks=False)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.025
