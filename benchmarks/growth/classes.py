"""Growth with the number of classes: everything that depends on it, on a network of 128 channels and 256 features."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.growth.measuring import Deed
from benchmarks.growth.network import BATCH, IMAGE_SIZE, activations_of, forward_pass, noise, wide_backbone
from niwt_core.discriminant import class_means_of
from niwt_core.domain import fit_kernel, fit_ridge
from niwt_core.gzsl import Classifier, evaluate, join
from niwt_core.importance import class_importances
from niwt_core.learner import STRENGTHS
from niwt_core.network.backbone import Backbone
from niwt_core.transfer import ClosedForm, Statistics

SIZES = (10, 100, 1000, 3162, 10_000)
N_CHANNELS, N_FEATURES, N_ATTRIBUTES = 128, 256, 63
#: Images for importances and means: at least one of each of the largest number of classes.
N_IMAGES = 10_000
#: Images that are classified among all classes.
N_JUDGED = 1000
#: Kernel regression compares every two classes; beyond this it would take most of the benchmark's time.
LARGEST_KERNEL = 3162
WARM = 10


def _stream(backbone: Backbone) -> Iterator[Tensor]:
    """Activations of the images, batch by batch."""
    images = noise(BATCH, 3, IMAGE_SIZE, IMAGE_SIZE)
    for first in range(0, N_IMAGES, BATCH):
        yield activations_of(backbone, images[: N_IMAGES - first])


def bare(n: int) -> Callable[[], object]:
    """Trunk and head of N_IMAGES images, whatever the number of classes."""
    backbone = wide_backbone(N_CHANNELS, N_FEATURES)

    @torch.no_grad()
    def run() -> None:
        for activations in _stream(backbone):
            backbone.head(activations)

    return run


def bare_judged(n: int) -> Callable[[], object]:
    """Trunk and head of the images that are classified."""
    backbone = wide_backbone(N_CHANNELS, N_FEATURES)
    images = noise(N_JUDGED, 3, IMAGE_SIZE, IMAGE_SIZE)

    def run() -> None:
        for part in images.split(BATCH):
            forward_pass(backbone, part)

    return run


def importances(n: int) -> Callable[[], object]:
    """Trunk, and importances of N_IMAGES images averaged over `n` classes."""
    backbone, weights = wide_backbone(N_CHANNELS, N_FEATURES), noise(n, N_FEATURES)
    labels = torch.arange(N_IMAGES) % n

    def run() -> None:
        class_importances(backbone.head, zip(_stream(backbone), labels.split(BATCH), strict=True), weights)

    return run


def means(n: int) -> Callable[[], object]:
    """Mean features of `n` classes from those of N_IMAGES images."""
    features, labels = noise(N_IMAGES, N_FEATURES), torch.arange(N_IMAGES) % n
    return lambda: class_means_of(features, labels, n)


def maps(n: int) -> Callable[[], object]:
    """From descriptions to importances, and back."""
    descriptions, directions = noise(n, N_ATTRIBUTES), noise(n, N_CHANNELS)
    return lambda: (fit_ridge(descriptions, directions, 0.3), fit_ridge(directions, descriptions, 0.1))


def kernel_map(n: int) -> Callable[[], object]:
    """From descriptions to class means, by kernel regression."""
    descriptions, found = noise(n, N_ATTRIBUTES), noise(n, N_FEATURES)
    return lambda: fit_kernel(descriptions, found, 0.2)


def _statistics() -> Statistics:
    jacobian = noise(N_FEATURES, N_CHANNELS).double()
    spread = noise(N_FEATURES, 2 * N_FEATURES).double()
    return Statistics(spread @ spread.T / len(spread), jacobian, 1)


def factorisation(n: int) -> Callable[[], object]:
    """The closed form made ready: the eigendecomposition, and one class along all strengths."""
    statistics, targets, prior = _statistics(), noise(1, N_CHANNELS), noise(1, N_FEATURES)
    return lambda: ClosedForm(statistics).path(targets, prior, STRENGTHS)


def path(n: int) -> Callable[[], object]:
    """`n` new classes at once along all strengths, factorised before."""
    closed_form, targets, prior = ClosedForm(_statistics()), noise(n, N_CHANNELS), noise(n, N_FEATURES)
    closed_form.path(targets[:1], prior[:1], STRENGTHS)
    return lambda: closed_form.path(targets, prior, STRENGTHS)


def solve(n: int) -> Callable[[], object]:
    """`n` new classes at once at one strength, factorised before."""
    closed_form, targets, prior = ClosedForm(_statistics()), noise(n, N_CHANNELS), noise(n, N_FEATURES)
    closed_form.solve(targets[:1], prior[:1], STRENGTHS[0])
    return lambda: closed_form.solve(targets, prior, STRENGTHS[0])


def joint(n: int) -> Callable[[], object]:
    """Seen and new classes joined, as many of each; N_JUDGED images classified among all, S, U and H."""
    features, n_seen = noise(N_JUDGED, N_FEATURES), n // 2
    weight, names = noise(n, N_FEATURES), tuple(map(str, range(n)))
    seen = Classifier(names[:n_seen], weight[:n_seen], weight.new_zeros(n_seen))
    new = Classifier(names[n_seen:], weight[n_seen:], weight.new_zeros(n - n_seen))
    labels = torch.arange(N_JUDGED) * n // N_JUDGED
    return lambda: evaluate(join(seen, new)(features), labels, n_seen)


def _images(n: int) -> int:
    return N_IMAGES


def _judged(n: int) -> int:
    return N_JUDGED


DEEDS = (
    Deed(f"bare forward pass of {N_IMAGES:,} images", bare, WARM, _images, 0, 0),
    Deed("importances of these images, by class", importances, WARM, _images, 0, 1),
    Deed("class means of these images’ features", means, WARM, _images, 1, 1),
    Deed("maps to importances and back", maps, WARM, None, 1, 1),
    Deed("kernel map to class means", kernel_map, WARM, None, 3, 2, largest=LARGEST_KERNEL),
    Deed("the one factorisation", factorisation, WARM, None, 0, 0),
    Deed("all classes solved, one strength", solve, WARM, None, 1, 1),
    Deed("all classes solved, five strengths", path, WARM, None, 1, 1),
    Deed(f"bare forward pass of {N_JUDGED:,} images", bare_judged, WARM, _judged, 0, 0),
    Deed("these classified among all: S, U, H", joint, WARM, _judged, 1, 1),
)
