"""Where the reasons lie: a map for each word ("red crown"), for the same picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from niwt_core.errors import InputError
from niwt_core.explanation.layers import Route
from niwt_core.explanation.where import check_numbers, upsample
from niwt_core.learner import Learner

#: A place that says little about any word counts as if it said this much of a place's average.
LEAST = 1.0
#: Blur of the maps before they are compared, in cells of their grid.
BLUR = 0.5
#: How many points of the line from the average picture to this one the gradient is taken at.
N_POINTS = 4


def word_weights(learner: Learner, descriptions: Tensor, attribute_names: Sequence[str]) -> Tensor:
    """The direction in which each word moves a class: weights with the word less weights without, (n_attributes, D).

    With: the mean description, the word at its highest value among the classes and its group's other values at their
    lowest. Without: the mean description. Both become weights as a new class's prior does.

    Args:
        descriptions: (n_classes, n_attributes), of the seen classes. attribute_names: "group::value".
    """
    mean, low, high = descriptions.mean(0), descriptions.amin(0), descriptions.amax(0)
    groups = [name.partition("::")[0] for name in attribute_names]
    rows = mean.repeat(len(groups), 1)
    for i, group in enumerate(groups):
        same = torch.tensor([other == group for other in groups])
        rows[i, same] = low[same]
        rows[i, i] = high[i]
    return learner.prior(rows) - learner.prior(mean[None])


def mean_activations(route: Route, inputs: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """What each of the route's layers shows on average: the reference that a picture is compared with.

    Args:
        inputs: batches (n_images, 3, image_size, image_size) of any other images, for example training images.

    Returns:
        one tensor a layer, (1, channels, height, width).
    """
    totals: list[Tensor] = []
    n_images = 0
    for batch in inputs:
        with torch.no_grad():
            reached = route.reached(route.steps[0](batch))[:-1]
        sums = [a.sum(0, keepdim=True) for a in reached]
        totals = [t + s for t, s in zip(totals, sums, strict=True)] if totals else sums
        n_images += len(batch)
    if not n_images:
        raise InputError("No image came; expected at least one to compare others with.")
    return tuple(total / n_images for total in totals)


def word_maps(route: Route, inputs: Tensor, weights: Tensor, references: Sequence[Tensor]) -> Tensor:
    """How much each place speaks for each word, compared with all that it says: the mean over the route's layers.

    A word's raw map is gradient x activation, measured from the average picture: its activation is taken off, and the
    gradient is the mean over the straight line from there to this picture (integrated gradients, Sundararajan et al.,
    2017, at a layer). Places that say much about everything, such as an eye, would win for every word; so each word's
    map, at unit spread, is divided by the mean size of all words' maps at that place.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weights: (n_words, n_features), see `word_weights`; the more
            words, the fairer the comparison.
        references: see `mean_activations`.

    Returns:
        (n_words, height, width) on the finest layer's grid, no unit; the mean size over all words is at most 1
        everywhere.

    Raises:
        InputError: an image or weights of another shape, activations that are no numbers.
    """
    if inputs.ndim != 4 or len(inputs) != 1 or weights.ndim != 2:
        raise InputError(
            f"Images of shape {tuple(inputs.shape)} and weights of shape {tuple(weights.shape)} came; expected one "
            "image, (1, 3, size, size), and one row for each word."
        )
    with torch.no_grad():
        reached = route.reached(route.steps[0](inputs))
    maps = []
    for i, (activations, reference) in enumerate(zip(reached[:-1], references, strict=True)):
        check_numbers(activations)
        maps.append(compared(raw_word_maps(route.after(i), activations, reference, weights)))
    size = max(m.shape[-1] for m in maps)
    return torch.stack([upsample(m, size) for m in maps]).mean(0)


def raw_word_maps(after: nn.Module, activations: Tensor, reference: Tensor, weights: Tensor) -> Tensor:
    """Each word's own map at one layer, in score units, (n_words, height, width).

    Args:
        after: activations of the layer -> features. activations, reference: (1, channels, height, width).
    """
    difference = activations - reference
    total = torch.zeros_like(difference)
    for k in range(N_POINTS):
        point = reference + (k + 0.5) / N_POINTS * difference
        point = point.repeat(len(weights), 1, 1, 1).requires_grad_()
        with torch.enable_grad():
            total = total + torch.autograd.grad((after(point) * weights).sum(), point)[0]
    return (total / N_POINTS * difference).sum(1)


def compared(maps: Tensor) -> Tensor:
    """Each map at unit spread, over the mean size of all maps at each place; (n_words, height, width) in and out."""
    spread = maps.flatten(1).std(1)[:, None, None]
    even = torch.where(spread > 0, maps / spread.clamp_min(1e-30), 0.0)
    even = _blurred(even)
    size = even.abs().mean(0)
    return even / (size + LEAST * size.mean()).clamp_min(1e-30)


def _blurred(maps: Tensor) -> Tensor:
    """Gaussian of BLUR cells."""
    kernel = torch.exp(-torch.arange(-2, 3, dtype=maps.dtype).square() / (2 * BLUR * BLUR))
    kernel = (kernel / kernel.sum())[None, None]
    across = nn.functional.conv2d(maps[:, None], kernel[..., None, :], padding=(0, 2))
    return nn.functional.conv2d(across, kernel[..., :, None], padding=(2, 0))[:, 0]
