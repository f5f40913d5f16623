"""Where the network looks: the evidence for any class, new ones included, laid out over the picture.

Two maps, both importance x activation. Grad-CAM (Selvaraju et al., ICCV 2017) multiplies each channel of the cut layer
by its importance, one number a channel. The map of `heat_map` multiplies position by position (HiResCAM, Draelos and
Carin, 2020), at two finer layers than the cut, so that it can tell a bill from a crown, and takes their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.errors import InputError
from niwt_core.explanation.layers import Route, default_layers, route_through
from niwt_core.importance import importances
from niwt_core.network.backbone import Backbone
from niwt_core.network.cutting import check_map


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where evidence for one class lies.

    Attributes:
        signed: (height, width) on the layer's grid, score units: sum over channels of importance x activation.
        importances: (n_channels,) of the backbone's neurons, of this image for this class.
        one_colour: whether the image shows the same colour everywhere, so that no place differs from another.
    """

    signed: Tensor
    importances: Tensor
    one_colour: bool = False

    @property
    def positive(self) -> Tensor:
        """What speaks for the class only, (height, width)."""
        return self.signed.clamp_min(0)

    @property
    def all_negative(self) -> bool:
        """Nothing in the image speaks for the class."""
        return bool((self.signed <= 0).all())

    @property
    def note(self) -> str | None:
        """What a reader of the map has to know first, in one sentence, or None for an ordinary map."""
        if self.one_colour:
            return "The picture has one colour everywhere; what the map shows is the frame's edge, not evidence."
        if not self.signed.any():
            return "The map is zero everywhere: no place of this picture speaks for the class or against it."
        if self.all_negative:
            return "Nothing in this picture speaks for the class: the whole map is against it."
        return None

    def upsampled(self, size: int) -> Tensor:
        """The signed map on (size, size) pixels, bilinear."""
        return upsample(self.signed[None], size)[0]


def upsample(maps: Tensor, size: int) -> Tensor:
    """Maps (n, height, width) on (n, size, size) pixels, bilinear."""
    return nn.functional.interpolate(maps[:, None], (size, size), mode="bilinear", align_corners=False)[:, 0]


def common_scale(maps: Sequence[Heatmap | Tensor]) -> float:
    """The largest size of any value in several maps: divided by it, they can be compared with each other.

    Raises:
        InputError: no map.
    """
    if not maps:
        raise InputError("No map came; expected at least one to find a common scale of.")
    return max(float((m.signed if isinstance(m, Heatmap) else m).abs().max()) for m in maps)


def overlay(
    picture: np.ndarray,
    signed: np.ndarray,
    favour: tuple[int, int, int],
    against: tuple[int, int, int],
    largest: float | None = None,
) -> np.ndarray:
    """A map laid over its picture: colour says the sign, its strength the size, zero leaves the picture as it is, grey.

    Args:
        picture: (height, width, 3) uint8. signed: (height, width).
        favour, against: RGB for positive and negative values.
        largest: the size that gets the full colour, for example the `common_scale` of several maps; default: the
            largest in this map.

    Returns:
        (height, width, 3) uint8.
    """
    grey = picture.astype(np.float32).mean(2, keepdims=True) * 0.75 + 55  # paler, so that the colours stand out
    if largest is None:
        largest = float(np.abs(signed).max())
    share = (signed / largest if largest > 0 else np.zeros_like(signed))[:, :, None].astype(np.float32).clip(-1, 1)
    colour = np.where(share > 0, np.array(favour, np.float32), np.array(against, np.float32))
    strength = FULL_COLOUR * np.abs(share)
    return ((1 - strength) * grey + strength * colour + 0.5).clip(0, 255).astype(np.uint8)


#: How much of the picture the strongest colour hides.
FULL_COLOUR = 0.85


def grad_cam(backbone: Backbone, inputs: Tensor, weight: Tensor) -> Heatmap:
    """Grad-CAM (Selvaraju et al., ICCV 2017) with any class's weights, new classes included.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,).

    Where the backbone names several layers, the map is that of the trunk's own; the importances are all of them. For
    the map of another layer of the same network take `layers.at_layer(backbone, name)`.

    Deviation: the importances are sums over positions, as everywhere in this project, not means; the map differs by
    a constant factor.

    Raises:
        InputError: an image or weights of another shape, activations that are no numbers, a layer without extent.
    """
    check(backbone, inputs, weight)
    _check_extent(backbone.layers[0], backbone.grid)
    with torch.no_grad():
        activations = backbone.trunk(inputs).contiguous()
    check_numbers(activations)
    alpha = importances(backbone.head, activations, weight).detach()  # (1, n_channels)
    signed = torch.einsum("k,khw->hw", alpha[0, : backbone.channels[0]], activations[0])
    return Heatmap(signed, alpha[0], _one_colour(inputs))


@dataclass(frozen=True, eq=False)
class Derivatives:
    """One pass through the network and one back: all that a map, importances and contributions are made of.

    Attributes:
        layers, layer_gradients: of each of the map's layers, (n_images, channels, height, width).
        activations, gradient: (n_images, channels[0], height, width), of the cut layer.
        features: (n_images, n_features).
    """

    layers: tuple[Tensor, ...]
    layer_gradients: tuple[Tensor, ...]
    activations: Tensor
    gradient: Tensor
    features: Tensor


def differentiate(route: Route, inputs: Tensor, weights: Tensor) -> Derivatives:
    """Derivatives of the scores `weights . features` at the map's layers and at the cut.

    Args:
        inputs: (n_images, 3, image_size, image_size). weights: one row an image, (n_images, n_features), or one for
            all, (n_features,).
    """
    with torch.no_grad():
        first = route.steps[0](inputs)
    with torch.enable_grad():
        reached = route.reached(first.requires_grad_())
        features = route.head(reached[-1])
        gradients = torch.autograd.grad((features * weights).sum(), reached)
    reached = [activations.detach() for activations in reached]
    return Derivatives(tuple(reached[:-1]), gradients[:-1], reached[-1], gradients[-1], features.detach())


#: How many times finer than the cut's grid the grids of the default map's layers are.
SCALES = (4, 2)
_ROUTES: WeakKeyDictionary[Backbone, Route] = WeakKeyDictionary()


def default_route(backbone: Backbone) -> Route:
    """The way through the layers that `heat_map` looks at unless told otherwise; worked out once for each backbone."""
    route = _ROUTES.get(backbone)
    if route is None:
        route = _ROUTES[backbone] = route_through(backbone, default_layers(backbone, SCALES))
    return route


def evidence(derivatives: Derivatives) -> Tensor:
    """The maps (n_images, height, width) on the finest layer's grid: gradient x activation at each position.

    Each layer's map adds up to (nearly) the same score, so that maps of several layers can be averaged as densities:
    a cell of a coarse layer is shared out among the fine cells that it covers.
    """
    size = max(a.shape[-1] for a in derivatives.layers)
    maps = [(g * a).sum(1) for g, a in zip(derivatives.layer_gradients, derivatives.layers, strict=True)]
    densities = [m if m.shape[-1] == size else upsample(m, size) * (m.shape[-1] / size) ** 2 for m in maps]
    return torch.stack(densities).mean(0)


def heat_map(backbone: Backbone, inputs: Tensor, weight: Tensor, layer: str | None = None) -> Heatmap:
    """Where the evidence for a class lies: gradient x activation at each position.

    Args:
        inputs: one image, (1, 3, image_size, image_size). weight: (n_features,).
        layer: dotted name of one layer to look at; default: the mean over the layers of `default_route`.

    Deviations from HiResCAM: layers before the last convolution, the mean of two of them, negative values are kept.

    Raises:
        InputError: as `grad_cam`; a layer that the network does not have or that cannot be cut at.
    """
    check(backbone, inputs, weight)
    route = default_route(backbone) if layer is None else route_through(backbone, (layer,))
    return heat_map_of(route, differentiate(route, inputs, weight), backbone, inputs, weight)


def heat_map_of(route: Route, derivatives: Derivatives, backbone: Backbone, inputs: Tensor, weight: Tensor) -> Heatmap:
    """The map of one image from its derivatives."""
    for layer, activations in zip(route.layers, derivatives.layers, strict=True):
        check_map(layer, activations.shape)
        check_numbers(activations)
        _check_extent(layer, activations.shape[2:])
    check_numbers(derivatives.activations)
    alpha = derivatives.gradient.sum((2, 3))
    if len(backbone.channels) > 1:  # the neurons of later layers too
        alpha = importances(backbone.head, derivatives.activations, weight).detach()
    return Heatmap(evidence(derivatives)[0], alpha[0], _one_colour(inputs))


def check(backbone: Backbone, inputs: Tensor, weight: Tensor) -> None:
    """Raise an InputError unless this is one image and one class's weights."""
    expected = (1, 3, backbone.image_size, backbone.image_size)
    if tuple(inputs.shape) != expected:
        raise InputError(f"An image of shape {tuple(inputs.shape)} came; expected {expected} (see images.to_input).")
    if tuple(weight.shape) != (backbone.n_features,):
        raise InputError(
            f"Class weights of shape {tuple(weight.shape)} came; expected one class, ({backbone.n_features},)."
        )
    if not torch.isfinite(weight).all():
        raise InputError("The class weights hold values that are no numbers; expected finite weights.")


def check_numbers(activations: Tensor) -> None:
    """Raise an InputError where activations are NaN or infinite."""
    if not torch.isfinite(activations).all():
        raise InputError(
            "The network answers this picture with values that are no numbers (NaN or infinite); expected finite "
            "activations. Check its weights and the picture's scaling."
        )


def _check_extent(layer: str, grid: Sequence[int]) -> None:
    if tuple(grid) == (1, 1):
        raise InputError(
            f"Layer {layer!r} has one position only (1 x 1): it cannot say where. Choose an earlier layer, before the "
            "pooling."
        )


def _one_colour(inputs: Tensor) -> bool:
    return bool((inputs == inputs[:, :, :1, :1]).all())
