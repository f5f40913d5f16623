"""The maps that compete. All explain the same scalar of the same network: `weights . features`, one row an image.

captum is needed for its three methods only, and imported there: it is in requirements-test.txt.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from niwt_core.explanation.layers import route_through
from niwt_core.explanation.where import default_route, differentiate, evidence
from niwt_core.network.backbone import Backbone

#: Images (n_images, 3, size, size) and weights (n_images, n_features) -> signed maps (n_images, height, width).
Method = Callable[[Tensor, Tensor], Tensor]


def own_methods(backbone: Backbone) -> dict[str, Method]:
    """The map that the app shows, and plain Grad-CAM at the cut."""

    def shown(images: Tensor, weights: Tensor) -> Tensor:
        return evidence(differentiate(default_route(backbone), images, weights))

    def grad_cam(images: Tensor, weights: Tensor) -> Tensor:
        derivatives = differentiate(route_through(backbone, backbone.layers[:1]), images, weights)
        return torch.einsum("nk,nkhw->nhw", derivatives.gradient.sum((2, 3)), derivatives.activations)

    return {"ours": shown, "ours, plain Grad-CAM": grad_cam}


class Scored(nn.Module):
    """A backbone as one module that gives the explained scalar, as captum and pytorch-grad-cam want it."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.trunk, self.head = backbone.trunk, backbone.head

    def forward(self, images: Tensor, weights: Tensor) -> Tensor:
        """(n_images, 3, size, size), (n_images, n_features) -> (n_images,)."""
        return (self.head(self.trunk(images)) * weights).sum(1)


def captum_methods(backbone: Backbone, *, n_steps: int = 16, windows: int = 8) -> dict[str, Method]:
    """captum's Grad-CAM at the cut, integrated gradients and occlusion.

    Grad-CAM's negative values are kept and its map stays on the layer's grid, as ours. Integrated gradients start from
    mid-grey, with `n_steps` (captum's own 50 changes little and costs three times as much). Occlusion covers a square
    of two strides with mid-grey, at `windows` strides across the picture.
    """
    from captum.attr import IntegratedGradients, LayerGradCam, Occlusion

    scored = Scored(backbone).eval()
    gradients, occlusion = IntegratedGradients(scored), Occlusion(scored)
    cam = LayerGradCam(scored, scored.trunk)
    stride = backbone.image_size // windows

    def grad_cam(images: Tensor, weights: Tensor) -> Tensor:
        return cam.attribute(images, additional_forward_args=weights, relu_attributions=False)[:, 0].detach()

    def integrated(images: Tensor, weights: Tensor) -> Tensor:
        found = gradients.attribute(
            images, additional_forward_args=weights, n_steps=n_steps, internal_batch_size=len(images)
        )
        return found.sum(1).detach()

    @torch.no_grad()
    def occluded(images: Tensor, weights: Tensor) -> Tensor:
        found = occlusion.attribute(
            images,
            sliding_window_shapes=(3, 2 * stride, 2 * stride),
            strides=(3, stride, stride),
            additional_forward_args=weights,
        )
        return found.sum(1).detach()

    return {
        "captum LayerGradCam": grad_cam,
        "captum IntegratedGradients": integrated,
        "captum Occlusion": occluded,
    }


def blind_methods(backbone: Backbone, seed: int = 0) -> dict[str, Method]:
    """Two maps that do not look: noise on the cut's grid, and a cone that always points at the centre."""
    generator = torch.Generator().manual_seed(seed)

    def noise(images: Tensor, weights: Tensor) -> Tensor:
        return torch.randn(len(images), *backbone.grid, generator=generator)

    def centre(images: Tensor, weights: Tensor) -> Tensor:
        side = torch.linspace(-1, 1, backbone.image_size)
        return (1 - (side[:, None].square() + side.square()).sqrt()).expand(len(images), -1, -1)

    return {"random map": noise, "centre map": centre}


def in_batches(method: Method, images: Tensor, weights: Tensor, size: int = 32) -> Tensor:
    """The maps of many images, (n_images, height, width)."""
    return torch.cat([method(x, w) for x, w in zip(images.split(size), weights.split(size), strict=True)])
