"""Find heads that keep the channels apart up to their first linear layer (VGG's: ReLU, pooling, flatten, linear).

There a channel reaches the linear layer through its own columns only, so one derivative with all channels turned up
together holds every channel's own response, and the Jacobian of the linear layer is one matrix product instead of a
pass for each channel. `importance.channel_jacobian` uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from niwt_core.errors import InputError
from niwt_core.network.cutting import offsets_in, subgraph
from niwt_core.network.tracing import trace

_ELEMENTWISE = (
    nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh,
    nn.Sigmoid, nn.Tanh, nn.Softplus,
)  # fmt: skip
_POOLING = (nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_MAX_POOLING = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)
#: These do nothing, or the same to every image, in evaluation only.
_EVALUATION = (nn.Dropout, nn.Dropout2d, nn.BatchNorm2d)
_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    torch.relu, nn.functional.relu, nn.functional.adaptive_avg_pool2d, nn.functional.avg_pool2d,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ChannelwiseHead:
    """A head in three parts: after(linear(before(activations))).

    Attributes:
        before: (n_images, n_channels, height, width) -> (n_images, n_channels * n_positions), channel by channel.
        linear: the first linear layer.
        after: (n_images, linear.out_features) -> features (n_images, n_features).
    """

    before: nn.Module
    linear: nn.Linear
    after: nn.Module


def split_channelwise(head: nn.Module) -> ChannelwiseHead | None:
    """The three parts of a head that keeps its channels apart, or None where it does not (or cannot be seen to).

    Only operations on a list are taken as channel by channel. A head with offsets at later layers is never split.
    """
    if offsets_in(head) or not any(type(m) is nn.Linear for m in head.modules()):
        return None
    try:
        traced = head if isinstance(head, fx.GraphModule) else trace(head)
    except Exception:  # tracing runs the head's own code: whatever fails there, the general way does not need it
        return None
    graph, modules = traced.graph, dict(traced.named_modules())
    start, end = next(iter(graph.nodes)), next(n for n in graph.nodes if n.op == "output")
    flat = node = start
    flattened = False
    while True:
        if len(node.users) != 1:
            return None
        flat, node = node, next(iter(node.users))
        if node.op == "call_module" and type(modules[str(node.target)]) is nn.Linear:
            break
        if _flattens(node, modules):
            flattened = True
        elif not _keeps_channels_apart(node, modules):
            return None
    linear = modules[str(node.target)]
    if not flattened or not isinstance(linear, nn.Linear) or not isinstance(end.args[0], fx.Node):
        return None
    try:
        before = subgraph(traced, graph, last=flat, start=start)
        return ChannelwiseHead(before, linear, subgraph(traced, graph, last=end.args[0], start=node))
    except InputError:  # something passes the linear layer by
        return None


def _flattens(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    """Whether it makes one row of each image's channels and positions, in that order."""
    if node.op == "call_function":
        return node.target is torch.flatten and node.args[1:] == (1,) and not node.kwargs
    module = modules[str(node.target)] if node.op == "call_module" else None
    return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)


def _keeps_channels_apart(node: fx.Node, modules: Mapping[str, nn.Module]) -> bool:
    if len(node.all_input_nodes) != 1:
        return False
    if node.op == "call_function":
        return node.target in _FUNCTIONS
    if node.op != "call_module":
        return False
    module = modules[str(node.target)]
    if type(module) in _EVALUATION:
        statistics = getattr(module, "track_running_stats", True)
        return not module.training and statistics
    if type(module) in _MAX_POOLING:
        return not module.return_indices
    return type(module) in (*_ELEMENTWISE, *_POOLING)
