"""The same network cut at another layer, to look at it there: parameters are shared, nothing is trained or copied."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn

from niwt_core.errors import InputError
from niwt_core.network.backbone import Backbone
from niwt_core.network.cutting import check_map, offsets_in, size_offsets, subgraph


@dataclass(frozen=True, eq=False)
class Route:
    """The way from the images through the layers of a map and through the cut to the features.

    Attributes:
        layers: dotted names of the layers to look at, in the order of the data.
        steps: one module a layer: images -> first layer, first -> second, ... last: from there to the cut.
        head: from the cut to the features.
    """

    layers: tuple[str, ...]
    steps: tuple[nn.Module, ...]
    last: nn.Module
    head: nn.Module

    def reached(self, first: Tensor) -> list[Tensor]:
        """Activations of every layer and, last, of the cut, from those of the first layer."""
        found = [first]
        for step in (*self.steps[1:], self.last):
            found.append(step(found[-1]))
        return found

    def after(self, index: int) -> nn.Module:
        """The network from the activations of one layer to the features."""
        return nn.Sequential(*self.steps[index + 1 :], self.last, self.head)


def route_through(backbone: Backbone, layers: tuple[str, ...]) -> Route:
    """The way through one or several layers of the trunk, named in the order of the data.

    Raises:
        InputError: no such layer before the cut, or data that passes it by.
    """
    trunk = backbone.trunk
    if layers == (backbone.layers[0],):
        return Route(layers, (trunk,), nn.Identity(), backbone.head)
    steps: list[nn.Module] = []
    before: fx.Node | None = None
    for layer in layers:
        node = _output_of(trunk, layer)
        if node is None or not isinstance(trunk, fx.GraphModule):
            raise InputError(_unknown(backbone, layer, [trunk]))
        steps.append(subgraph(trunk, trunk.graph, last=node, start=before).eval())
        before = node
    assert isinstance(trunk, fx.GraphModule)
    last = subgraph(trunk, trunk.graph, last=_result(trunk), start=before).eval()
    return Route(layers, tuple(steps), last, backbone.head)


def at_layer(backbone: Backbone, layer: str) -> Backbone:
    """The same network cut at one other layer, before or after its own cut.

    Args:
        layer: dotted name ("features.10"); what lies inside the layer of the backbone's own cut cannot be reached.

    Raises:
        InputError: no such layer, data that passes it by, activations that are no (n, channels, height, width).
    """
    if layer == backbone.layers[0]:
        trunk, head = backbone.trunk, backbone.head
    elif isinstance(backbone.trunk, fx.GraphModule) and (node := _output_of(backbone.trunk, layer)) is not None:
        trunk, middle = _halves(backbone.trunk, node)
        head = nn.Sequential(middle, backbone.head)
    else:
        trunk, head = _cut_head(backbone, layer)
    probe = next(iter(backbone.trunk.parameters()), torch.zeros(()))
    with torch.no_grad():
        activations = trunk(torch.zeros(2, 3, backbone.image_size, backbone.image_size, dtype=probe.dtype))
    check_map(layer, activations.shape)
    later = [place.layer for place in offsets_in(head).values()]
    return replace(
        backbone,
        layer=",".join([layer, *later]),
        trunk=trunk,
        head=head,
        channels=size_offsets(head, activations),
        grid=(activations.shape[2], activations.shape[3]),
    )


def default_layers(backbone: Backbone, scales: tuple[int, ...]) -> tuple[str, ...]:
    """The layers before the cut whose grids are `scales` times as fine as the cut's, in the order of the data.

    Of each scale the last of the outermost modules that all data passes through: a block rather than a layer inside
    it. A scale that the network does not have is left out; without any, the cut itself.
    """
    trunk = backbone.trunk
    if not isinstance(trunk, fx.GraphModule):
        return (backbone.layers[0],)
    probe = next(iter(trunk.parameters()), torch.zeros(()))
    sides = _Sides(trunk)
    with torch.no_grad():
        sides.run(torch.zeros(1, 3, backbone.image_size, backbone.image_size, dtype=probe.dtype))
    found = []
    for scale in sorted(scales, reverse=True):
        nodes = [n for n in trunk.graph.nodes if sides.of.get(n) == scale * backbone.grid[0] and n != _result(trunk)]
        names = [name for node in reversed(nodes) if (name := _decisive(trunk, node)) is not None]
        if names:
            found.append(min(names, key=lambda name: name.count(".")))
    return tuple(found) or (backbone.layers[0],)


class _Sides(fx.Interpreter):
    """Runs a graph and notes how many rows each node's output has."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.of: dict[fx.Node, int] = {}

    def run_node(self, n: fx.Node) -> object:
        result = super().run_node(n)
        if isinstance(result, Tensor) and result.ndim == 4 and n.op != "placeholder":
            self.of[n] = result.shape[2]
        return result


def _decisive(trunk: fx.GraphModule, node: fx.Node) -> str | None:
    """The outermost layer that ends at this node, if all data passes through it."""
    if node.op == "output":
        return None
    ending = [name for name in _stack(node) if _output_of(trunk, name) is node]
    if not ending:
        return None
    try:
        _halves(trunk, node)
    except InputError:
        return None
    return ending[0]


def _halves(module: fx.GraphModule, node: fx.Node) -> tuple[nn.Module, nn.Module]:
    """The module up to a node, and from there on."""
    after = subgraph(module, module.graph, last=_result(module), start=node)
    return subgraph(module, module.graph, last=node, start=None).eval(), after.eval()


def _cut_head(backbone: Backbone, layer: str) -> tuple[nn.Module, nn.Module]:
    graph, *pooling = backbone.head if isinstance(backbone.head, nn.Sequential) else [backbone.head]
    node = _output_of(graph, layer) if isinstance(graph, fx.GraphModule) else None
    if node is None or not isinstance(graph, fx.GraphModule):
        raise InputError(_unknown(backbone, layer, [backbone.trunk, graph]))
    before, after = _halves(graph, node)
    return nn.Sequential(backbone.trunk, before), nn.Sequential(after, *pooling)


def _result(module: fx.GraphModule) -> fx.Node:
    last = next(n for n in module.graph.nodes if n.op == "output").args[0]
    assert isinstance(last, fx.Node)
    return last


def _stack(node: fx.Node) -> list[str]:
    """The names of the modules that a node of a traced network belongs to, outermost first."""
    return [name for name in node.meta.get("nn_module_stack", {}) if name]


def _output_of(module: nn.Module, layer: str) -> fx.Node | None:
    """The last node of a layer in a traced network: its output, whether it is one module or a container of many."""
    if not isinstance(module, fx.GraphModule):
        return None
    own = [n for n in module.graph.nodes if n.target == layer or layer in _stack(n)]
    return own[-1] if own else None


def _unknown(backbone: Backbone, layer: str, searched: list[nn.Module]) -> str:
    graphs = [m for m in searched if isinstance(m, fx.GraphModule)]
    names = list(dict.fromkeys(name for m in graphs for n in m.graph.nodes for name in _stack(n)))
    near = difflib.get_close_matches(layer, names, n=4, cutoff=0.3) or names[-6:]
    reason = f"layers near that name: {', '.join(near)}" if near else "its parts were not traced"
    return f"{backbone.name}, cut at {backbone.layers[0]}, cannot be looked at in {layer[:60]!r}; {reason}."
