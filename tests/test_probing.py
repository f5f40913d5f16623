"""Birds as probes: redraws that differ in one thing, and what a planted neuron must and must not be called."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from niwt_core.birds.attributes import ATTRIBUTE_NAMES, ATTRIBUTES, GROUPS, encode
from niwt_core.birds.drawing import draw
from niwt_core.birds.probing import BENCHMARK_SEED, CLASS_SEED, bird_material, labelled_birds, redraw, wandering_birds
from niwt_core.birds.species import is_drawable, make_species
from niwt_core.neurons.building import build
from niwt_core.neurons.causal import effects_of
from niwt_core.neurons.evidence import responses
from niwt_core.neurons.material import Labelled
from niwt_core.neurons.naming import groups_of

#: The pixel of the first row that no attribute has.
HIDDEN = len(ATTRIBUTES)
RED_CROWN, BLUE_BELLY = (ATTRIBUTE_NAMES.index(name) for name in ("crown_color::red", "belly_color::blue"))
N_NOISY = 110


class CodedBirds:
    """Drawings in code: pixel a of the first row is lit where the bird has attribute a, and HIDDEN where `hidden`."""

    def __init__(self, drawings, hidden) -> None:
        self.drawings, self.labels, self.hidden = drawings, drawings.labels, hidden

    def __getitem__(self, index: int) -> Image.Image:
        pixels = np.zeros((64, 64, 3), dtype=np.uint8)
        bird = self.drawings.birds[int(self.labels[index])]
        pixels[0, :HIDDEN, 0] = 255 * encode(bird)
        pixels[0, HIDDEN, 0] = 255 * self.hidden[index]
        pixels[1, :, 0] = np.random.default_rng((int(self.drawings.seeds[index]), 7)).integers(256, size=64)  # noise
        return Image.fromarray(pixels)


class CodedTrunk(nn.Module):
    """128 neurons that read the code: the sum of pixels times a matrix (128 pixels, 128 neurons), at one position."""

    matrix: torch.Tensor

    def __init__(self, matrix) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def forward(self, images):
        maps = images.new_zeros(len(images), 128, 8, 8)
        pixels = (images[:, 0, :2] + 1) / 2  # (n, 2, 64): the code and the noise
        maps[:, :, 2, 5] = (pixels.flatten(1) @ self.matrix).relu()
        return maps


def planted_matrix():
    """Neurons 0 to 62 are the attributes, 63 the hidden pixel, 64 to 109 two attributes in noise, the rest is dead."""
    matrix = torch.zeros(128, 128)
    matrix[torch.arange(HIDDEN + 1), torch.arange(HIDDEN + 1)] = 1
    for k in range(HIDDEN + 1, N_NOISY):
        a, b = (7 * k) % HIDDEN, (11 * k + 3) % HIDDEN
        matrix[a, k], matrix[b, k] = 1, 0.97
        matrix[64 + k % 64, k] = 2.0
    return matrix


@pytest.fixture(scope="module")
def planted(small_project):
    """The dictionary of planted neurons; the hidden pixel goes with a blue belly, except when a bird is redrawn."""
    trunk = CodedTrunk(planted_matrix())
    project = replace(small_project, backbone=replace(small_project.backbone, trunk=trunk))
    material = bird_material(n_naming=1500, n_evidence=400, n_of_species=1, n_fitting=6, n_judging=6)

    def coded(labelled):
        return Labelled(CodedBirds(labelled.source, labelled.attributes[:, BLUE_BELLY].numpy()), labelled.attributes)

    def recoded(redraws):
        of_base = np.random.default_rng(0).integers(2, size=10**4)
        return replace(redraws, source=CodedBirds(redraws.source, of_base[redraws.source.seeds % 10**4]))

    seen = np.arange(8)
    classes = replace(material.classes, labels=seen, seeds=material.classes.seeds[:8])
    material = replace(
        material,
        naming=coded(material.naming),
        evidence=coded(material.evidence),
        classes=CodedBirds(classes, np.zeros(8)),
        numbers=seen,
        fitting=recoded(material.fitting),
        judging=recoded(material.judging),
    )
    return build(project, material)


def test_a_neuron_that_is_the_red_of_the_crown_is_called_so(planted):
    neuron = planted.neurons[RED_CROWN]
    assert neuron.name == neuron.best_name == neuron.auc_name == "crown_color::red"
    assert neuron.auc == 1.0
    assert neuron.causal.passed
    assert neuron.causal.strongest == "crown_color::red"
    assert neuron.causal.effect == pytest.approx(neuron.alternatives[0].effect)
    assert neuron.alternatives[0].effect == pytest.approx(neuron.alternatives[0].strength, rel=0.05)


def test_every_planted_attribute_gets_its_name_and_passes(planted):
    for a, name in enumerate(ATTRIBUTE_NAMES):
        if a != BLUE_BELLY:
            assert (planted.neurons[a].best_name, planted.neurons[a].causal.passed) == (name, True)
    clear = [n for n in planted.neurons[:HIDDEN] if n.name is not None]
    assert len(clear) > 55


def test_a_neuron_that_answers_to_what_goes_with_an_attribute_fails_the_causal_test(planted):
    hidden = planted.neurons[HIDDEN]
    assert hidden.best_name == "belly_color::blue"
    assert hidden.auc == 1.0  # the activations alone cannot tell
    assert not hidden.causal.passed
    assert hidden.causal.effect == 0.0


def test_confidence_tells_clear_neurons_from_mixed_ones(planted):
    plain = [n.confidence for n in planted.neurons[:HIDDEN]]
    mixed = [n.confidence for n in planted.neurons[HIDDEN + 1 : N_NOISY]]
    assert np.mean(plain) > np.mean(mixed) + 0.2


def test_dead_channels_have_no_names(planted):
    dead = planted.neurons[N_NOISY:]
    assert not any(n.live for n in dead)
    assert all(n.name is n.best_name is n.paper_name is n.causal is None for n in dead)
    assert len(planted.live) == N_NOISY


def test_top_images_show_the_attribute_at_the_peak(planted, small_data):
    seen = [s.attributes for s in make_species() if s.seen][:8]  # what the coded pictures show
    for a, (group, value) in enumerate(ATTRIBUTES):
        having = sum(bird[group] == value for bird in seen)
        top = planted.neurons[a].top_images
        assert all((image.row, image.column) == (2, 5) for image in top[:having])
        assert [image.activation for image in top] == [1.0] * having + [0.0] * (8 - having)
        for image in top:
            assert (seen[image.image][group] == value) == (image.activation == 1.0)
            assert image.class_name == small_data.class_names[image.image]
            assert image.seed == CLASS_SEED + image.image


def test_redraws_differ_in_the_one_attribute_alone():
    redraws = redraw(3, BENCHMARK_SEED)
    bases = wandering_birds(3, BENCHMARK_SEED)
    drawings = redraws.source
    for i, base in enumerate(bases):
        for a, (group, value) in enumerate(ATTRIBUTES):
            picture = int(redraws.index[i, a])
            if picture < 0:
                assert not is_drawable({**base, group: value})
                continue
            assert drawings.birds[picture] == {**base, group: value}
            assert drawings.seeds[picture] == BENCHMARK_SEED + i
    used = redraws.index[redraws.index >= 0]
    assert sorted(set(used.tolist())) == list(range(len(drawings.birds)))
    assert len(drawings.birds) <= 3 * (1 + len(ATTRIBUTES) - len(GROUPS))
    first = drawings.array(0)
    np.testing.assert_array_equal(first, draw(bases[0], seed=BENCHMARK_SEED, masks=False).image)


def test_a_neuron_for_the_light_answers_to_no_redraw_but_one_for_redness_does(small_project):
    """On real drawings: the top left pixel is background; the mean of red less green moves with the bird's colours."""

    class Trunk(nn.Module):
        def forward(self, images):
            corner = images[:, 0, :1, :1]
            red = (images[:, 0] - images[:, 1]).mean((1, 2), keepdim=True)
            return torch.stack([corner, red], 1)

    backbone = replace(small_project.backbone, trunk=Trunk(), channels=(2,))
    redraws = redraw(3, 76_000_000)
    pooled = responses(redraws.source, backbone).pooled["mean"]
    effects = effects_of(pooled, redraws.index, groups_of(ATTRIBUTE_NAMES)).mean
    assert float(effects[:, 0].abs().max()) < 0.02
    reds = [i for i, (group, value) in enumerate(ATTRIBUTES) if value == "red"]
    assert ATTRIBUTES[int(effects[:, 1].argmax())] in [("back_color", "red"), ("belly_color", "red")]
    assert (effects[reds, 1] > 0).all()


def test_wandering_birds_have_every_value_about_equally_often_and_no_two_kinds_share_a_seed():
    rows = labelled_birds(900, 5).attributes
    for group, values in GROUPS.items():
        own = [a for a, (g, _) in enumerate(ATTRIBUTES) if g == group]
        shares = rows[:, own].mean(0)
        assert float(shares.sum()) == pytest.approx(1)
        assert (shares > 0.6 / len(values)).all()
        assert (shares < 1.5 / len(values)).all()
    material = bird_material(50, 50, 1, 2, 2)
    seeds = [
        set(s.seeds.tolist())
        for s in (
            material.naming.source,
            material.evidence.source,
            material.classes,
            material.fitting.source,
            material.judging.source,
        )
    ]
    assert sum(len(s) for s in seeds) == len(set().union(*seeds))
