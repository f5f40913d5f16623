"""Where the reasons lie: a map for each word ("red crown"), for the same picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from niwt_core.errors import InputError
from niwt_core.explanation.layers import Route
from niwt_core.explanation.where import check_numbers
from niwt_core.learner import Learner

#: A place that says little about any word counts as if it said this much of a place's average.
LEAST = 1.0
#: Blur of the maps before they are compared, in cells of their grid.
BLUR = 0.5


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


def word_maps(route: Route, inputs: Tensor, weights: Tensor, references: Tensor) -> Tensor:
    """How much each place speaks for each word, compared with all that it says.

    A word's raw map is gradient x activation, both measured from other pictures: of each reference the activation is
    taken off, and the gradient is taken somewhere on the straight line between the two (expected gradients, Erion et
    al., 2021). Places that say much about everything, such as an eye, would win for every word; so each word's map, at
    unit spread, is divided by the mean size of all words' maps at that place.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weights: (n_words, n_features), see `word_weights`; the more
            words, the fairer the comparison.
        references: activations of other images at the route's layer, (n_references, channels, height, width).

    Returns:
        (n_words, height, width), no unit; the mean size over all words is at most 1 everywhere.

    Raises:
        InputError: an image or weights of another shape, activations that are no numbers.
    """
    if inputs.ndim != 4 or len(inputs) != 1 or weights.ndim != 2:
        raise InputError(
            f"Images of shape {tuple(inputs.shape)} and weights of shape {tuple(weights.shape)} came; expected one "
            "image, (1, 3, size, size), and one row for each word."
        )
    with torch.no_grad():
        fine = route.steps[0](inputs)
    check_numbers(fine)
    return compared(raw_word_maps(route, fine, weights, references))


def raw_word_maps(route: Route, fine: Tensor, weights: Tensor, references: Tensor) -> Tensor:
    """Each word's own map in score units, (n_words, height, width); fine: (1, channels, height, width)."""
    total = fine.new_zeros(len(weights), *fine.shape[2:])
    for k, reference in enumerate(references):
        difference = fine - reference
        share = (k + 0.5) / len(references)
        point = (reference + share * difference).repeat(len(weights), 1, 1, 1).requires_grad_()
        with torch.enable_grad():
            score = (route.head(route.reached(point)[-1]) * weights).sum()
            gradient = torch.autograd.grad(score, point)[0]
        total += (gradient * difference).sum(1)
    return total / len(references)


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
