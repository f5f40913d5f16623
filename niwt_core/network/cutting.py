"""Cut a network in two at a named layer, and leave places for offsets at later layers."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from niwt_core.errors import InputError
from niwt_core.network.tracing import Tracer


class Offset(nn.Module):
    """Adds an offset to the output of a later layer: zero in use, replaced where a derivative is taken.

    Attributes:
        layer: dotted name of the layer that it follows.
        offset: (1, n_channels, 1, 1), not part of the state dict; a scalar until `size_offsets` has seen the layer.
    """

    offset: Tensor

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("offset", torch.zeros(()), persistent=False)

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs + self.offset


def offsets_in(head: nn.Module) -> dict[str, Offset]:
    """The later layers' places by their name in the head, in the order of the data."""
    return {name: module for name, module in head.named_modules() if isinstance(module, Offset)}


def layer_names(layer: str) -> tuple[str, ...]:
    """ "features.15,features.17" -> its names."""
    return tuple(name.strip() for name in layer.split(","))


def cut(model: nn.Module, layer: str) -> tuple[nn.Module, nn.Module]:
    """Split a traceable classification network at the output of module `layer`.

    Args:
        layer: one dotted name, or several joined by commas in any order. The cut is at the earliest; after each later
            one the head has an `Offset`.

    Returns:
        trunk (images -> activations) and head (activations -> input of the last linear layer). They share the
        model's parameters. In-place activations are made out-of-place, which the derivatives of `importance` need.

    Raises:
        InputError: no such layer, the same one twice, one inside another, or data that passes a layer by (a skip
            connection, a branch).
    """
    layers = layer_names(layer)
    _check_names(model, layers)
    for module in model.modules():
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010  (no common base class has the attribute)
    graph = _LeafTracer(layers).trace(model)
    nodes = list(graph.nodes)
    features, pooled = _features_node(model, nodes)
    for name in layers:
        n_calls = sum(n.op == "call_module" and n.target == name for n in nodes)
        if n_calls != 1:
            raise InputError(
                f"Layer {name!r} is called {n_calls} times on the way to the prediction; expected exactly once."
            )
    first, *later = [n for n in nodes if n.op == "call_module" and n.target in layers]
    for node in (first, *later):
        if node not in _ancestors(features, None):
            raise InputError(
                f"Layer {node.target!r} does not lie before the last linear layer's input. Choose an earlier layer."
            )
    trunk = subgraph(model, graph, last=first, start=None)
    graph_head = subgraph(model, graph, last=features, start=first)
    for node in later:
        _check_decides(features, node)
        _insert_offset(graph_head, str(node.target))
    head: nn.Module = graph_head
    if pooled:
        head = nn.Sequential(head, nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    return trunk.eval(), head.eval()


def cut_places(model: nn.Module, layers: Sequence[str]) -> list[str]:
    """Those of `layers` at which `cut` can split the network, in the order of the data.

    Args:
        layers: dotted names, none inside another.

    Raises:
        InputError: a network without a last linear layer.
    """
    nodes = list(_LeafTracer(tuple(layers)).trace(model).nodes)
    features = _features_node(model, nodes)[0]
    calls = [n for n in nodes if n.op == "call_module" and n.target in layers]
    once = Counter(n.target for n in calls)
    before = _ancestors(features, None)
    return [
        str(n.target)
        for n in calls
        if once[n.target] == 1 and n in before and not any(m.op == "placeholder" for m in _ancestors(features, n))
    ]


def size_offsets(head: nn.Module, activations: Tensor) -> tuple[int, ...]:
    """Give each later layer's offset its shape, by one pass of the head.

    Returns:
        the number of channels of the trunk's layer and of each later one.

    Raises:
        InputError: a later layer whose output is no (n, channels, height, width).
    """
    shapes: dict[str, torch.Size] = {}
    places = list(offsets_in(head).values())
    hooks = [p.register_forward_pre_hook(lambda m, inputs: shapes.update({m.layer: inputs[0].shape})) for p in places]
    try:
        with torch.no_grad():
            head(activations)
    finally:
        for hook in hooks:
            hook.remove()
    for place in places:
        check_map(place.layer, shapes[place.layer])
        place.offset = activations.new_zeros(1, shapes[place.layer][1], 1, 1)
    return (activations.shape[1], *(place.offset.shape[1] for place in places))


def check_map(layer: str, shape: torch.Size) -> None:
    """Raise an InputError unless a layer's output is (n, channels, height, width)."""
    if len(shape) != 4:
        raise InputError(
            f"Layer {layer!r} gives activations of shape {tuple(shape[1:])}; expected (channels, height, width). "
            "Choose a convolutional layer."
        )


def subgraph(model: nn.Module, graph: fx.Graph, last: fx.Node, start: fx.Node | None) -> fx.GraphModule:
    """The part of `graph` that computes `last`, from the images or, if given, from the output of `start`.

    Raises:
        InputError: data that passes `start` by.
    """
    if start is not None:
        _check_decides(last, start)
    part = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    if start is not None:
        copied[start] = part.placeholder("activations")
    needed = _ancestors(last, start)
    for node in graph.nodes:
        if node in needed and node not in copied:
            copied[node] = part.node_copy(node, lambda n: copied[n])
    part.output(copied[last])
    module = fx.GraphModule(model, part)
    module.graph.lint()
    return module


class _LeafTracer(Tracer):
    """Keeps the cut layers whole, so that a container ("layer4.1") is one node of the graph."""

    def __init__(self, layers: tuple[str, ...]) -> None:
        super().__init__()
        self.layers = layers

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name in self.layers or super().is_leaf_module(m, module_qualified_name)


def _check_names(model: nn.Module, layers: tuple[str, ...]) -> None:
    names = [n for n, _ in model.named_modules() if n]
    for layer in layers:
        if layer not in names:
            near = difflib.get_close_matches(layer, names, n=4, cutoff=0.3) or names[-8:]
            raise InputError(f"The network has no layer {layer!r}; layers near that name: {', '.join(near)}.")
        if layers.count(layer) > 1:
            raise InputError(f"Layer {layer!r} is named {layers.count(layer)} times; expected each layer once.")
        for other in layers:
            if layer.startswith(f"{other}."):
                raise InputError(f"Layer {layer!r} lies inside layer {other!r}; name one of the two.")


def _features_node(model: nn.Module, nodes: list[fx.Node]) -> tuple[fx.Node, bool]:
    """The node that feeds the last linear layer; True where it is a map that still has to be pooled.

    SqueezeNet ends in a 1x1 convolution, a ReLU and a mean instead of a linear layer. There the features are the
    pooled input of that convolution: a deviation from the network's own classifier, which fine-tuning replaces anyway.
    """
    modules = dict(model.named_modules())
    for node in reversed(nodes):
        if node.op != "call_module":
            continue
        module = modules[str(node.target)]
        if isinstance(module, nn.Linear):
            return node.all_input_nodes[0], False
        if isinstance(module, nn.Conv2d):
            if module.kernel_size != (1, 1):
                break
            return node.all_input_nodes[0], True
    raise InputError("The network does not end in a linear layer (or a 1x1 convolution); it has no class weights.")


def _insert_offset(head: fx.GraphModule, layer: str) -> None:
    node = next(n for n in head.graph.nodes if n.op == "call_module" and n.target == layer)
    name = f"offset_{len(offsets_in(head)) + 1}"
    head.add_submodule(name, Offset(layer))
    with head.graph.inserting_after(node):
        place = head.graph.call_module(name, (node,))
    node.replace_all_uses_with(place, delete_user_cb=lambda user: user is not place)
    head.graph.lint()
    head.recompile()


def _check_decides(last: fx.Node, start: fx.Node) -> None:
    """Raise an InputError unless everything that reaches `last` from the images goes through `start`."""
    if any(node.op == "placeholder" and node is not start for node in _ancestors(last, start)):
        raise InputError(
            f"Data passes layer {start.target!r} by (a skip connection or a branch): the layer alone does not "
            "decide the prediction. Choose the block that contains it."
        )


def _ancestors(last: fx.Node, start: fx.Node | None) -> set[fx.Node]:
    found: set[fx.Node] = set()
    stack = [last]
    while stack:
        node = stack.pop()
        if node in found:
            continue
        found.add(node)
        if node is not start:
            stack.extend(node.all_input_nodes)
    return found
