"""How much each neuron adds to a score, and to the difference of two scores; with the map, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from niwt_core.explanation.layers import route_through
from niwt_core.explanation.where import (
    Derivatives,
    Heatmap,
    check,
    check_numbers,
    default_route,
    differentiate,
    heat_map_of,
)
from niwt_core.gzsl import Classifier
from niwt_core.network.backbone import Backbone


@dataclass(frozen=True, eq=False)
class Contributions:
    """A score taken apart: sum of values + bias + remainder = score.

    Attributes:
        values: (channels[0],), one a neuron of the trunk's layer, score units: importance x activation, multiplied
            position by position and summed.
        bias: of the class, the same for every picture.
        remainder: what no neuron accounts for. Zero where the head is linear without offsets of its own; otherwise the
            head's own offsets and what its curvature hides.
    """

    values: Tensor
    bias: float
    remainder: float
    score: float

    def strongest(self, limit: int) -> list[tuple[int, float]]:
        """(channel, contribution) of the largest contributions of either sign, largest first."""
        order = self.values.abs().argsort(descending=True, stable=True)[:limit]
        return [(int(k), float(self.values[k])) for k in order]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One image for one class: where the evidence lies, and which neurons it comes from."""

    heat: Heatmap
    contributions: Contributions


def explain(
    backbone: Backbone, inputs: Tensor, weight: Tensor, bias: float = 0.0, layer: str | None = None
) -> Explanation:
    """Map, importances and contributions from one pass through the network and one back.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,). bias: of the class.
        layer: of the map, as for `heat_map`.

    Raises:
        InputError: as `heat_map`.
    """
    check(backbone, inputs, weight)
    route = default_route(backbone) if layer is None else route_through(backbone, (layer,))
    derivatives = differentiate(route, inputs, weight)
    heat = heat_map_of(route, derivatives, backbone, inputs, weight)
    return Explanation(heat, _taken_apart(derivatives, weight, bias))


def contributions(backbone: Backbone, inputs: Tensor, weight: Tensor, bias: float = 0.0) -> Contributions:
    """The contribution of each neuron to `weight . features + bias`.

    A deviation from importance x mean activation, as Grad-CAM would have it: multiplied position by position it adds
    up to the score where the head is linear, however that head weighs its positions. Where it is piecewise linear
    (ReLU, max pooling) the remainder is its own offsets' share.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,).

    Raises:
        InputError: an image or weights of another shape, activations that are no numbers.
    """
    check(backbone, inputs, weight)
    route = route_through(backbone, backbone.layers[:1])
    return _taken_apart(differentiate(route, inputs, weight), weight, bias)


def why_rather(backbone: Backbone, inputs: Tensor, classifier: Classifier, a: int, b: int) -> Contributions:
    """Why class a rather than class b: the contributions to the difference of their scores.

    Args:
        inputs: one image, (1, 3, image_size, image_size). a, b: rows of the classifier.
    """
    weight, bias = classifier.weight[a] - classifier.weight[b], float(classifier.bias[a] - classifier.bias[b])
    return contributions(backbone, inputs, weight, bias)


def _taken_apart(derivatives: Derivatives, weight: Tensor, bias: float) -> Contributions:
    check_numbers(derivatives.activations)
    values = (derivatives.gradient * derivatives.activations).sum((2, 3))[0]
    score = float(derivatives.features[0].double() @ weight.double())
    return Contributions(values, bias, score - float(values.double().sum()), score + bias)
