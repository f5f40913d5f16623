"""Find heads that end in a 1 x 1 convolution, a ReLU and the mean over positions (MobileNetV2's).

A rectified feature that is off at a position passes nothing on from there, and most are off. So the convolution's
derivative is taken position by position, for the features that are on. `importance.channel_jacobian` uses it: the same
numbers with much of the work left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from niwt_core.errors import InputError
from niwt_core.network.cutting import offsets_in, subgraph


@dataclass(frozen=True, eq=False)
class PooledHead:
    """A head as mean over positions of rectify(convolution(before(activations))).

    Attributes:
        before: (n_images, n_channels, height, width) -> (n_images, n_inner, height, width).
        convolution: 1 x 1, n_inner -> n_features. top: where the rectifier is cut off: 6 for ReLU6, infinity for ReLU.
    """

    before: nn.Module
    convolution: nn.Conv2d
    top: float

    def active(self, inner: Tensor) -> Tensor:
        """Which features are on where: their derivative is 1, of the others 0. Bool, as the convolution's output."""
        outputs = self.convolution(inner)
        return (outputs > 0) & (outputs < self.top)

    def through(self, active: Tensor, tangents: Tensor) -> Tensor:
        """Tangents before the convolution -> tangents of the features.

        Args:
            active: (n_images, n_features, height, width). tangents: (n_tangents, n_images, n_inner, height, width).

        Returns:
            (n_images, n_features, n_tangents).
        """
        weight = self.convolution.weight.detach().flatten(1)  # (n_features, n_inner)
        columns = tangents.flatten(3).permute(1, 3, 2, 0).contiguous()  # (n_images, n_positions, n_inner, n_tangents)
        found = weight.new_zeros(len(active), len(weight), len(tangents))
        for image, on in enumerate(active.flatten(2)):  # (n_features, n_positions)
            for position, features in enumerate(on.T):
                rows = features.nonzero()[:, 0]
                found[image].index_add_(0, rows, weight[rows] @ columns[image, position])
        return found / columns.shape[1]


def split_pooled(head: nn.Module) -> PooledHead | None:
    """The parts of a head that ends as above, or None where it does not (or cannot be seen to)."""
    if offsets_in(head) or not any(type(m) is nn.Conv2d for m in head.modules()):
        return None
    try:
        traced = head if isinstance(head, fx.GraphModule) else fx.symbolic_trace(head)
    except Exception:  # tracing runs the head's own code: whatever fails there, the general way does not need it
        return None
    modules = dict(traced.named_modules())
    end = next(node for node in traced.graph.nodes if node.op == "output")
    node = end.args[0]
    steps = [_passes_on, _flattens, _averages, _rectifies]
    top = math.inf
    while steps:
        if not isinstance(node, fx.Node) or len(node.users) != 1 or len(node.all_input_nodes) != 1:
            return None
        module = modules[str(node.target)] if node.op == "call_module" else None
        if steps[0](node, module):
            top = 6.0 if isinstance(module, nn.ReLU6) else math.inf
            if steps[0] is not _passes_on:
                steps.pop(0)
            node = node.all_input_nodes[0]
        elif steps[0] is _passes_on:
            steps.pop(0)
        else:
            return None
    convolution = modules.get(str(node.target)) if node.op == "call_module" else None
    if type(convolution) is not nn.Conv2d or len(node.users) != 1 or not _is_pointwise(convolution):
        return None
    try:
        before = subgraph(traced, traced.graph, last=node.all_input_nodes[0], start=next(iter(traced.graph.nodes)))
    except InputError:  # something does not come from the activations
        return None
    return PooledHead(before, convolution, top)


def _passes_on(node: fx.Node, module: nn.Module | None) -> bool:
    return type(module) in (nn.Identity, nn.Dropout) and not module.training  # type: ignore[union-attr]


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    if node.op == "call_function":
        return node.target is torch.flatten and node.args[1:] == (1,) and not node.kwargs
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)


def _averages(node: fx.Node, module: nn.Module | None) -> bool:
    if node.op == "call_function":
        return node.target is nn.functional.adaptive_avg_pool2d and node.args[1:] in ((1,), ((1, 1),))
    return type(module) is nn.AdaptiveAvgPool2d and module.output_size in (1, (1, 1))


def _rectifies(node: fx.Node, module: nn.Module | None) -> bool:
    return type(module) in (nn.ReLU, nn.ReLU6)


def _is_pointwise(module: nn.Conv2d) -> bool:
    return module.kernel_size == (1, 1) and module.stride == (1, 1) and module.groups == 1 and module.padding == (0, 0)
