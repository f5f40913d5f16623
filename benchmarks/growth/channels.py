"""Growth with the number of channels: a network of as many channels as features, and torchvision's own layers."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmarks.growth.measuring import Deed
from benchmarks.growth.network import BATCH, IMAGE_SIZE, activations_of, forward_pass, noise, wide_backbone
from niwt_core.importance import importances as importances_of
from niwt_core.learner import STRENGTHS
from niwt_core.network.backbone import IMAGENET_MEAN, IMAGENET_STD, Backbone, assemble
from niwt_core.network.cutting import cut
from niwt_core.transfer import ClosedForm, Statistics, channel_statistics

SIZES = (100, 256, 512, 1024, 2000)
#: Images whose Jacobians are taken: each one costs as many passes of the head as there are channels.
N_SAMPLES = 4
WARM = 32


def _network(n: int) -> tuple[Backbone, Tensor]:
    return wide_backbone(n, n), noise(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)


def bare(n: int) -> Callable[[], object]:
    """Trunk and head."""
    return _bare(*_network(n))


def importances(n: int) -> Callable[[], object]:
    """Trunk, and the importances of each image for a class of its own."""
    return _importances(*_network(n))


def statistics(n: int) -> Callable[[], object]:
    """Trunk, and the sums over N_SAMPLES images that the closed form needs."""
    backbone, images = _network(n)
    return _sums(backbone, images[:N_SAMPLES])


def _statistics(n: int) -> Statistics:
    spread = noise(n, n + 64).double()
    return Statistics(spread @ spread.T / n, noise(n, n).double(), 1)


def one_strength(n: int) -> Callable[[], object]:
    """The closed form made ready for one strength (a Cholesky factor, its inverse), and one class solved."""
    sums, targets, prior = _statistics(n), noise(1, n), noise(1, n)
    return lambda: ClosedForm(sums).solve(targets, prior, STRENGTHS[0])


def every_strength(n: int) -> Callable[[], object]:
    """The closed form made ready for all strengths (the eigendecomposition), and one class along five of them."""
    sums, targets, prior = _statistics(n), noise(1, n), noise(1, n)
    return lambda: ClosedForm(sums).path(targets, prior, STRENGTHS)


def one_class(n: int) -> Callable[[], object]:
    """One new class at one strength, made ready before."""
    closed_form, targets, prior = ClosedForm(_statistics(n)), noise(1, n), noise(1, n)
    closed_form.solve(targets, prior, STRENGTHS[0])
    return lambda: closed_form.solve(targets, prior, STRENGTHS[0])


def _batch(n: int) -> int:
    return BATCH


def _samples(n: int) -> int:
    return N_SAMPLES


DEEDS = (
    Deed("bare forward pass, an image", bare, WARM, _batch, 2, None),
    Deed("importances, an image", importances, WARM, _batch, 2, None),
    Deed("statistics for the transfer, an image", statistics, WARM, _samples, 3, 2),
    Deed("made ready for one strength, once", one_strength, WARM, None, 3, 2),
    Deed("made ready for all strengths, once", every_strength, WARM, None, 3, 2),
    Deed("one new class, after that", one_class, WARM, None, 2, None),
)

#: Layers of torchvision's networks, by the number of their channels; random weights, images of 64 pixels.
REAL = {
    160: ("mobilenet_v2", "features.15"),
    256: ("resnet18", "layer3"),
    512: ("vgg16", "features.29"),
    1024: ("resnet50", "layer3"),
}
REAL_IMAGE_SIZE = 64
N_REAL, N_REAL_SAMPLES = 16, 2
WARM_REAL = 256


def real_backbone(n: int) -> Backbone:
    """The network with a layer of so many channels, with random weights, cut there."""
    from torchvision import models

    name, layer = REAL[n]
    model = models.get_model(name, weights=None)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    trunk, head = cut(model.eval(), layer)
    return assemble(name, layer, trunk, head, REAL_IMAGE_SIZE, IMAGENET_MEAN, IMAGENET_STD)


def _real(n: int) -> tuple[Backbone, Tensor]:
    return real_backbone(n), noise(N_REAL, 3, REAL_IMAGE_SIZE, REAL_IMAGE_SIZE)


def real_bare(n: int) -> Callable[[], object]:
    return _bare(*_real(n))


def real_importances(n: int) -> Callable[[], object]:
    return _importances(*_real(n))


def real_statistics(n: int) -> Callable[[], object]:
    backbone, images = _real(n)
    return _sums(backbone, images[:N_REAL_SAMPLES])


def _bare(backbone: Backbone, images: Tensor) -> Callable[[], object]:
    return lambda: forward_pass(backbone, images)


def _importances(backbone: Backbone, images: Tensor) -> Callable[[], object]:
    weights = noise(len(images), backbone.n_features)
    return lambda: importances_of(backbone.head, activations_of(backbone, images), weights)


def _sums(backbone: Backbone, images: Tensor) -> Callable[[], object]:
    return lambda: channel_statistics(backbone.head, [activations_of(backbone, images)])


def _real_batch(n: int) -> int:
    return N_REAL


def _real_samples(n: int) -> int:
    return N_REAL_SAMPLES


REAL_DEEDS = (
    Deed("bare forward pass, an image", real_bare, WARM_REAL, _real_batch, None, None),
    Deed("importances, an image", real_importances, WARM_REAL, _real_batch, None, None),
    Deed("statistics for the transfer, an image", real_statistics, WARM_REAL, _real_samples, None, None),
)
