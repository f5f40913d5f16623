"""The paper's two networks, cut where the paper and its authors' code cut them, through the whole pipeline.

Random weights and a handful of drawings: this asks that everything runs, at the sizes that are the networks' own.
Inherent: VGG16 has 120 million parameters behind the cut (one step of AdamW holds 2 GB), ResNet101's channel Jacobian
takes 2048 passes through two blocks (1.8 TFLOP an image of 224 pixels, 15 s on one core). So VGG16 runs at
224 pixels and takes one training step; ResNet101 runs on 64 pixels, where its layer is 2 x 2 and not 7 x 7.
"""

import dataclasses

import pytest
import torch

from niwt_core.birds.attributes import ATTRIBUTE_NAMES
from niwt_core.birds.species import make_species
from niwt_core.birds.world import drawings_of, species_attributes
from niwt_core.images import noise_images
from niwt_core.importance import channel_jacobian, importances
from niwt_core.network.backbone import load_backbone
from niwt_core.network.channelwise import split_channelwise
from niwt_core.pipeline import FitOptions, evaluate_project, fit

OPTIONS = FitOptions(n_views=0, epochs=1, n_samples=2)


@pytest.fixture
def few(small_data):
    """Three seen and two unseen species, two drawings each to train on and one to test on."""
    birds = make_species(3, 2)
    attributes = [bird.attributes for bird in birds]
    return dataclasses.replace(
        small_data,
        class_names=tuple(bird.name for bird in birds),
        n_seen=3,
        attributes=species_attributes(birds),
        attribute_names=ATTRIBUTE_NAMES,
        train=drawings_of(attributes[:3], 2, 0),
        test_seen=drawings_of(attributes[:3], 1, 1000),
        test_unseen=drawings_of(attributes[3:], 1, 2000, first_label=3),
    )


def goes_all_the_way(project, data, n_channels, n_features):
    assert project.importances.values.shape == (3, n_channels)
    assert torch.isfinite(project.importances.values).all()
    assert project.statistics.gram.shape == (n_features, n_features)
    assert torch.isfinite(project.statistics.gram).all()
    assert project.card["warning"] is None
    assert project.new.weight.shape == (2, n_features)
    lengths = project.new.weight.norm(dim=1)
    expected = project.settings.stretch * project.learner.prior(project.descriptions[3:]).norm(dim=1)
    assert torch.allclose(lengths, expected, rtol=1e-4)
    assert (project.seen.weight.shape, project.trained.weight.shape) == ((3, n_features), (3, n_features))
    assert torch.isfinite(project.seen.weight).all()
    result = evaluate_project(project, data)
    assert (result.n_seen_images, result.n_unseen_images) == (3, 2)
    assert 0 <= result.harmonic <= 1


@pytest.fixture(scope="module")
def vgg16():
    torch.manual_seed(0)
    return load_backbone("vgg16", "features.28")


def test_vgg16_at_its_last_convolution(vgg16, few):
    assert (vgg16.n_channels, vgg16.n_features, vgg16.grid) == (512, 4096, (14, 14))
    assert split_channelwise(vgg16.head) is not None  # one product instead of 512 passes
    project = fit(few, vgg16, options=OPTIONS, samples=noise_images(2, vgg16.image_size))
    goes_all_the_way(project, few, 512, 4096)


def test_resnet101_at_the_authors_block(few):
    torch.manual_seed(0)
    backbone = load_backbone("resnet101", "layer4.0")
    assert (backbone.n_channels, backbone.n_features, backbone.grid) == (2048, 2048, (7, 7))
    small = dataclasses.replace(backbone, image_size=64, grid=(2, 2))
    project = fit(few, small, options=OPTIONS)
    goes_all_the_way(project, few, 2048, 2048)


def test_vgg16s_jacobian_is_what_the_derivative_of_a_score_says(vgg16):
    """M(x)^T w against the importances for random w, at the full size and a few channels' worth of the cost."""
    generator = torch.Generator().manual_seed(0)
    activations = torch.randn(2, 512, 14, 14, generator=generator)
    weights = torch.randn(4096, generator=generator)
    jacobian = channel_jacobian(vgg16.head, activations)
    assert jacobian.shape == (2, 4096, 512)
    expected = importances(vgg16.head, activations, weights).detach()
    assert torch.allclose(torch.einsum("ndk,d->nk", jacobian, weights), expected, atol=1e-5 * float(expected.norm()))
