"""What explanations cost, in forward passes of the same network: ours, captum's and pytorch-grad-cam's in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.benchmark.tables import table
from niwt_core.domain import LinearMap
from niwt_core.explanation import explain, words_for
from niwt_core.faithfulness.maps import Scored, own_methods
from niwt_core.importance import importances
from niwt_core.network.backbone import Backbone

N_BATCH, N_REPEATS, N_ATTRIBUTES = 16, 9, 63


def cost_table(backbones: Mapping[str, Backbone]) -> str:
    """Medians of alternating repeats on one thread, in bare forward passes of the same network."""
    costs = {where: costs_of(backbone) for where, backbone in backbones.items()}
    names = list(dict.fromkeys(name for cost in costs.values() for name in cost))
    rows = [[name, *(f"{cost[name]:.2f}" if name in cost else "" for cost in costs.values())] for name in names]
    return table(["time in forward passes of the same images (one thread)", *costs], rows)


def costs_of(backbone: Backbone, n_repeats: int = N_REPEATS) -> dict[str, float]:
    """Each explanation's time as a multiple of the bare forward pass of what it explains."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(N_BATCH, 3, backbone.image_size, backbone.image_size, generator=generator)
    weights = torch.randn(N_BATCH, backbone.n_features, generator=generator)
    shape = (backbone.n_channels, N_ATTRIBUTES)
    inverse = LinearMap(torch.randn(shape, generator=generator), torch.zeros(shape[0]), torch.zeros(N_ATTRIBUTES))
    descriptions = torch.rand(50, N_ATTRIBUTES, generator=generator)
    names = [f"group {i}::value" for i in range(N_ATTRIBUTES)]

    @torch.no_grad()
    def forward(x: Tensor) -> Tensor:
        return backbone.head(backbone.trunk(x))

    def our_importances() -> Tensor:
        with torch.no_grad():
            activations = backbone.trunk(images)
        return importances(backbone.head, activations, weights)

    def everything() -> None:
        found = explain(backbone, images[:1], weights[0])
        words_for(inverse, found.heat.importances, descriptions, names)

    own = own_methods(backbone)
    batch: dict[str, Callable[[], object]] = {
        "bare forward pass of a batch": lambda: forward(images),
        "importances of a batch": our_importances,
        "our map of a batch": lambda: own["ours"](images, weights),
        **_others(backbone, images, weights),
    }
    one: dict[str, Callable[[], object]] = {
        "bare forward pass of one image": lambda: forward(images[:1]),
        "one image in full: map, contributions, importances, words": everything,
    }
    return relative(alternating(batch, n_repeats)) | relative(alternating(one, 3 * n_repeats))


def _others(backbone: Backbone, images: Tensor, weights: Tensor) -> dict[str, Callable[[], object]]:
    from captum.attr import LayerGradCam
    from pytorch_grad_cam import GradCAM

    scored = Scored(backbone).eval()
    cam = LayerGradCam(scored, scored.trunk)
    halves = nn.Sequential(backbone.trunk, backbone.head).eval()
    targets = [lambda features, w=w: (features * w).sum() for w in weights]

    def jacobs() -> object:
        with GradCAM(model=halves, target_layers=[halves[0]]) as grad_cam:
            return grad_cam(input_tensor=images.clone().requires_grad_(), targets=targets)  # our weights are frozen

    return {
        "captum LayerGradCam of a batch": lambda: cam.attribute(images, additional_forward_args=weights),
        "pytorch-grad-cam GradCAM of a batch": jacobs,
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, for times that can be compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def alternating(calls: Mapping[str, Callable[[], object]], n_repeats: int) -> dict[str, float]:
    """Median seconds of each call, taken in turn, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    with one_thread():
        for repeat in range(n_repeats + 1):
            for name, call in calls.items():
                started = time.perf_counter()
                call()
                if repeat:
                    times[name].append(time.perf_counter() - started)
    return {name: float(np.median(spent)) for name, spent in times.items()}


def relative(seconds: Mapping[str, float]) -> dict[str, float]:
    """Times as multiples of the first."""
    first = next(iter(seconds.values()))
    return {name: value / first for name, value in seconds.items()}
