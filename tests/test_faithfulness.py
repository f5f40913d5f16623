"""Each measure against answers worked out by hand, and the sanity of what competes."""

import numpy as np
import pytest
import torch
from stages import small
from torch import nn

from niwt_core.birds.attributes import ATTRIBUTES
from niwt_core.birds.drawing import draw
from niwt_core.errors import InputError
from niwt_core.explanation import grad_cam, heat_map
from niwt_core.explanation.layers import route_through
from niwt_core.explanation.places import compared, mean_activations, raw_word_maps, word_maps, word_weights
from niwt_core.faithfulness import (
    area,
    blind_methods,
    blurred,
    captum_methods,
    curves,
    energy,
    hits,
    in_batches,
    own_methods,
    peaks,
    randomised,
    rank_correlation,
    widened,
)
from niwt_core.faithfulness.boxes import box_mask, ground_truth, read_boxed, seen_points
from niwt_core.faithfulness.parts import NAMED, PAINTED, placed
from niwt_core.images import read_image, to_input
from niwt_core.network.backbone import assemble


def spot(row, column, size=8):
    found = torch.zeros(size, size)
    found[row, column] = 1
    return found


def test_a_map_peaks_where_it_was_made_to_and_hits_as_often():
    """Three maps, two of which peak inside the left half."""
    maps = torch.stack([spot(1, 2), spot(6, 1), spot(3, 7)])
    mask = torch.zeros(8, 8, dtype=torch.bool)
    mask[:, :4] = True
    masks = mask.expand(3, -1, -1)
    assert peaks(maps, 8).tolist() == [[1, 2], [6, 1], [3, 7]]
    assert hits(maps, masks).tolist() == [True, True, False]
    assert not hits(maps, torch.zeros_like(masks)).any()


def test_a_coarse_map_is_upsampled_to_where_its_cell_lies():
    peak = peaks(spot(1, 3, size=4)[None], 32)[0].tolist()
    assert 8 <= peak[0] < 16
    assert 24 <= peak[1] < 32


def test_hits_may_lie_a_little_beside():
    mask = spot(20, 20, size=100)[None].bool()
    wide = widened(mask, 0.03)
    assert wide.sum() == 29  # points of a grid within 3 of its origin
    assert hits(spot(23, 20, size=100)[None], wide).all()
    assert not hits(spot(23, 21, size=100)[None], wide).any()
    assert not widened(torch.zeros_like(mask)).any()


def test_energy_is_the_share_of_what_is_positive():
    maps = torch.tensor([[[3.0, -5.0], [1.0, 0.0]], [[-1.0, -1.0], [-1.0, -2.0]]])
    masks = torch.tensor([[True, False], [False, False]]).expand(2, -1, -1)
    assert energy(maps, masks).tolist() == [0.75, 0.0]


def test_curves_of_a_linear_model_worked_by_hand():
    """Score = 4 a + 3 b + 2 c + d for four pixels of 1, baseline 0; the map orders them rightly or in reverse."""
    worth = torch.tensor([[4.0, 3.0], [2.0, 1.0]])
    images, baselines = torch.ones(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    maps = torch.stack([worth, -worth])

    def score(x):
        return (x.mean(1) * worth).sum((1, 2))

    removed = curves(score, images, baselines, maps, insertion=False, n_steps=4)
    put_in = curves(score, images, baselines, maps, insertion=True, n_steps=4)
    assert removed.tolist() == [[10, 6, 3, 1, 0], [10, 9, 7, 4, 0]]
    assert put_in.tolist() == [[0, 4, 7, 9, 10], [0, 1, 3, 6, 10]]
    assert area(removed).tolist() == [3.75, 6.25]  # (5 + 6 + 3 + 1) / 4, (5 + 9 + 7 + 4) / 4
    assert torch.equal(area(put_in), 10 - area(removed))
    assert area(torch.ones(1, 5)).item() == 1


def test_blurring_keeps_the_mean_colour_and_takes_the_detail():
    plain = torch.full((1, 3, 32, 32), 0.7)
    assert torch.allclose(blurred(plain), plain, atol=1e-6)
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert blurred(noise).std() < 0.2 * noise.std()
    assert float(blurred(noise).mean()) == pytest.approx(float(noise.mean()), abs=0.01)


def test_rank_correlation_of_identical_reversed_and_flat_maps():
    m = torch.rand(1, 5, 5, generator=torch.Generator().manual_seed(0))
    assert rank_correlation(m, m).item() == pytest.approx(1)
    assert rank_correlation(m, m.exp()).item() == pytest.approx(1)  # order is all that counts
    assert rank_correlation(m, -m).item() == pytest.approx(-1)
    assert rank_correlation(m, torch.ones(1, 5, 5)).item() == 0
    assert rank_correlation(m, nn.functional.interpolate(m[None], (10, 10))[0]).item() > 0.9


def test_a_randomised_network_is_another_one_and_the_trained_one_stays():
    b = small("third")
    before = [p.clone() for half in (b.trunk, b.head) for p in half.parameters()]
    state = torch.random.get_rng_state()
    random, again, other = randomised(b, 1), randomised(b, 1), randomised(b, 2)
    assert torch.equal(torch.random.get_rng_state(), state)
    after = [p for half in (b.trunk, b.head) for p in half.parameters()]
    assert all(torch.equal(p, q) for p, q in zip(before, after, strict=True))
    drawn = [[p for half in (r.trunk, r.head) for p in half.parameters()] for r in (random, again, other)]
    assert not any(torch.equal(p, q) for p, q in zip(before, drawn[0], strict=True))
    assert all(torch.equal(p, q) for p, q in zip(drawn[0], drawn[1], strict=True))
    assert not torch.equal(drawn[0][0], drawn[2][0])
    image, weight = torch.rand(1, 3, 16, 16, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    maps = [heat_map(net, image, weight).signed[None] for net in (b, b, random)]
    assert rank_correlation(maps[0], maps[1]).item() == pytest.approx(1)
    assert rank_correlation(maps[0], maps[2]).item() < 0.99


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64, generator=generator)
    return images, torch.randn(3, 7, dtype=torch.float64, generator=generator)


def test_our_methods_are_what_the_app_shows(batch):
    b, (images, weights) = small("third"), batch
    own = own_methods(b)
    for i in range(3):
        shown, classic = heat_map(b, images[i][None], weights[i]), grad_cam(b, images[i][None], weights[i])
        assert torch.allclose(own["ours"](images, weights)[i], shown.signed)
        assert torch.allclose(own["ours, plain Grad-CAM"](images, weights)[i], classic.signed)
    assert torch.allclose(in_batches(own["ours"], images, weights, size=2), own["ours"](images, weights))


def test_captum_explains_the_same_scalar(batch):
    """Its Grad-CAM is ours up to the number of positions; its integrated gradients add up; occlusion finds the spot."""
    pytest.importorskip("captum", reason="captum is in requirements-test.txt; it is not installed here")
    b, (images, weights) = small("third"), batch
    methods = captum_methods(b, n_steps=60, windows=4)
    ours = own_methods(b)["ours, plain Grad-CAM"](images, weights)
    assert torch.allclose(methods["captum LayerGradCam"](images, weights) * 16, ours)
    with torch.no_grad():
        scores = [(b.head(b.trunk(x)) * weights).sum(1) for x in (images, torch.zeros_like(images))]
    integrated = methods["captum IntegratedGradients"](images, weights)
    assert torch.allclose(integrated.sum((1, 2)), scores[0] - scores[1], atol=1e-3)
    assert not any(m._forward_hooks or m._backward_hooks for half in (b.trunk, b.head) for m in half.modules())

    plain = assemble(
        "plain",
        "trunk",
        nn.Identity(),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)),
        16,
        (0.0,) * 3,
        (1.0,) * 3,
    )
    bright = torch.zeros(1, 3, 16, 16)
    bright[0, 0, 8:12, 4:8] = 1
    found = captum_methods(plain, windows=4)["captum Occlusion"](bright, torch.tensor([[1.0, 0, 0]]))
    row, column = peaks(found, 16)[0].tolist()
    assert 6 <= row < 14
    assert column < 10


def test_maps_that_do_not_look(batch):
    b, (images, weights) = small("third"), batch
    blind = blind_methods(b)
    assert peaks(blind["centre map"](images, weights), 16).tolist() == [[7, 7]] * 3
    first, second = (blind["random map"](images, weights) for _ in range(2))
    assert first.shape == (3, 4, 4)
    assert not torch.equal(first, second)


def test_the_words_of_a_drawing_lie_on_the_parts_they_name():
    bird = {"crown_color": "red", "belly_color": "white", "wing_pattern": "plain", "crest": "none", "eye_ring": "white"}
    drawing = draw(bird, seed=5)
    words = {word.group: word for word in placed(drawing, drawing.attributes.items())}
    assert set(words) <= set(NAMED) == set(PAINTED)
    assert not {"wing_pattern", "crest", "size"} & set(words)  # absent things and size have no place
    assert ATTRIBUTES[words["crown_color"].column] == ("crown_color", "red")
    assert np.array_equal(words["crown_color"].named.numpy(), drawing.masks["crown"])
    both = drawing.masks["belly"] | drawing.masks["breast"]
    assert np.array_equal(words["belly_color"].named.numpy(), both)
    assert np.array_equal(words["belly_color"].painted.numpy(), both | drawing.masks["cheek"])
    assert placed(drawing, {("crown_color", "blue")})[0].named.equal(words["crown_color"].named)  # untrue, same place
    assert not placed(drawing, set())
    red = drawing.image[words["crown_color"].named.numpy()].mean(0)
    assert red[0] > red[1] + 60  # the ground truth is where the colour is


def test_word_maps_find_the_planted_channel():
    """Two words, two colours at two places: each word's map is highest on its own; a place that says both says less."""
    b = assemble(
        "plain",
        "trunk",
        nn.Identity(),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)),
        8,
        (0.0,) * 3,
        (1.0,) * 3,
    )
    image = torch.zeros(1, 3, 8, 8)
    image[0, 0, 1, 1] = image[0, 1, 6, 6] = 1.0
    image[0, :2, 1, 6] = 1.2
    words, route = torch.eye(3)[:2], route_through(b, ("trunk",))
    references = mean_activations(route, [torch.zeros(2, 3, 8, 8), torch.full((1, 3, 8, 8), 0.3)])
    assert torch.allclose(references[0], torch.full((1, 3, 8, 8), 0.1))
    raw = raw_word_maps(route.after(0), image, references[0], words)
    assert torch.allclose(raw, (image[0, :2] - 0.1) / 64)  # a linear head: the gradient is the same all the way
    assert peaks(raw, 8).tolist() == [[1, 6]] * 2
    assert peaks(word_maps(route, image, words, references), 8).tolist() == [[1, 1], [6, 6]]
    with pytest.raises(InputError, match="one image"):
        word_maps(route, image.expand(2, -1, -1, -1), words, references)
    with pytest.raises(InputError, match="No image"):
        mean_activations(route, [])


def test_raw_word_maps_add_up_to_the_change_of_the_score(batch):
    """Integrated gradients at a layer: the sum is the word's score here less that at the average."""
    b, (images, words) = small("third"), (30 * batch[0] - 15, batch[1])  # strong pictures: the score moves
    route = route_through(b, ("first", "second"))
    references = mean_activations(route, [images[1:]])
    reached = [a.detach() for a in route.reached(route.steps[0](images[:1]))]
    for i in range(2):
        here, there = (route.after(i)(a)[0].detach() @ words.T for a in (reached[i], references[i]))
        found = raw_word_maps(route.after(i), reached[i], references[i], words).sum((1, 2))
        assert torch.allclose(found, here - there, atol=0.03 * float((here - there).abs().max()))
        assert (here - there).abs().max() > 0.01
    maps = word_maps(route, images[:1], words, references)
    assert maps.shape == (3, 16, 16)


def test_compared_maps_do_not_depend_on_the_size_of_each_and_stay_finite():
    maps = torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(0))
    scaled = maps * torch.tensor([1.0, 10.0, 0.1, 3.0])[:, None, None]
    assert torch.allclose(compared(maps), compared(scaled), atol=1e-5)
    assert compared(maps).abs().mean(0).max() <= 1
    assert torch.equal(compared(torch.zeros(2, 4, 4)), torch.zeros(2, 4, 4))


def test_a_words_weights_are_a_class_with_it_less_one_without(small_project):
    rows = small_project.descriptions[: small_project.n_seen]
    names, learner = small_project.attribute_names, small_project.learner
    directions = word_weights(learner, rows, names)
    assert directions.shape == (len(names), small_project.backbone.n_features)
    i = names.index("crown_color::red")
    has = rows.mean(0).clone()
    group = [j for j, name in enumerate(names) if name.startswith("crown_color::")]
    has[group] = rows[:, group].amin(0)
    has[i] = rows[:, i].amax()
    expected = learner.prior(torch.stack([has, rows.mean(0)]))
    assert torch.allclose(directions[i], expected[0] - expected[1], atol=1e-6)


def test_a_box_of_a_wide_photo_is_moved_with_the_crop():
    """200 x 100: the network sees the columns 50 to 150, at a tenth of their size."""
    mask = box_mask(np.array([60.0, 20.0, 30.0, 50.0]), 200, 100, 10)
    assert mask.nonzero().min(0).values.tolist() == [2, 1]
    assert mask.nonzero().max(0).values.tolist() == [6, 3]
    assert not box_mask(np.array([0.0, 0.0, 40.0, 100.0]), 200, 100, 10).any()
    moved = seen_points(np.array([[60.0, 20.0], [10.0, 50.0], [np.nan, np.nan]]), 200, 100, 10)
    assert moved[0].tolist() == [1, 2]
    assert np.isnan(moved[1:]).all()


def test_the_box_lies_where_to_input_puts_the_bird(cub):
    """A white block in a black photo, cropped as every photo is: the mask covers it."""
    from PIL import Image

    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[10:30, 40:70] = 255
    name = (cub / "images.txt").read_text().splitlines()[0].split()[1]
    Image.fromarray(pixels).save((cub / "images" / name).with_suffix(".png"))
    listed = (cub / "images.txt").read_text().replace(name, name.replace(".jpg", ".png"), 1)
    (cub / "images.txt").write_text(listed)
    (cub / "bounding_boxes.txt").write_text("\n".join(f"{i + 1} 40.0 10.0 30.0 20.0" for i in range(12)))
    (cub / "parts").mkdir()
    (cub / "parts" / "parts.txt").write_text("1 back\n2 left eye\n")
    (cub / "parts" / "part_locs.txt").write_text("1 1 40.0 30.0 1\n1 2 0.0 0.0 0\n")
    boxed = read_boxed(cub)
    assert boxed.parts == ("back", "left eye")
    mask, points = ground_truth(boxed, 0, 30)
    plain = assemble(
        "plain",
        "trunk",
        nn.Identity(),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)),
        30,
        (0.0,) * 3,
        (1.0,) * 3,
    )
    seen = to_input(read_image(boxed.photos.paths[0]), plain).mean(0)
    assert torch.equal(mask, seen > 0.5)
    assert points[0].tolist() == [10, 15]
    assert np.isnan(points[1]).all()
    (cub / "bounding_boxes.txt").write_text("1 40.0 10.0 30.0 20.0")
    with pytest.raises(InputError, match="do not fit together"):
        read_boxed(cub)
