"""A network cut in two at a named layer: trunk (images -> activations) and head (activations -> features)."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, fx, nn

from niwt_core.birds.network import PaperBirdNet
from niwt_core.errors import InputError

#: The name of the bundled architecture beside torchvision's.
PAPER_BIRD_NET = "paper_bird_net"

#: Mean and spread that the bundled network's pixels are scaled by.
PIXEL_SCALE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network without its last linear layer, cut at one layer. Both halves are in evaluation mode.

    Attributes:
        name: architecture, "paper_bird_net" or a torchvision classification model.
        layer: dotted name of the module whose output is the activations.
        trunk: (n_images, 3, image_size, image_size) -> activations (n_images, n_channels, height, width).
        head: activations -> features (n_images, n_features), the input of the last linear layer.
        image_size: side of the square input in pixels.
        mean, std: per colour channel, of pixel values in 0..1.
    """

    name: str
    layer: str
    trunk: nn.Module
    head: nn.Module
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    n_channels: int
    n_features: int
    grid: tuple[int, int]


def load_backbone(name: str, layer: str, weights: str | Path | None = None) -> Backbone:
    """Load a network and cut it at `layer`.

    Args:
        name: "paper_bird_net" or any torchvision classification model ("vgg16", "mobilenet_v2", ...).
        layer: dotted module name ("features.15"); its output must have the shape (n, channels, height, width).
        weights: a local .pth or .safetensors state dict that fits strictly; "default" for torchvision's own weights
            (downloaded once by torchvision); None for random weights.

    Raises:
        InputError: unknown network or layer, weights that do not fit, a layer that is no cut point.
    """
    if name == PAPER_BIRD_NET:
        model, image_size = _bird_net(weights), PaperBirdNet.image_size
        mean, std = PIXEL_SCALE
    else:
        model, image_size = _torchvision_model(name, weights), 299 if name == "inception_v3" else 224
        mean, std = IMAGENET_MEAN, IMAGENET_STD
    trunk, head = cut(model.eval(), layer)
    return assemble(name, layer, trunk, head, image_size, mean, std)


def assemble(
    name: str,
    layer: str,
    trunk: nn.Module,
    head: nn.Module,
    image_size: int,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> Backbone:
    """A Backbone from its two halves; one blank image tells the sizes.

    Raises:
        InputError: activations that are no (n, channels, height, width) or features that are no (n, n_features).
    """
    trunk = trunk.to(memory_format=torch.channels_last)  # half as fast again on a CPU
    with torch.no_grad():
        probe = next((p for p in [*trunk.parameters(), *head.parameters()]), torch.zeros(()))
        activations = trunk(torch.zeros(2, 3, image_size, image_size, dtype=probe.dtype))
        if activations.ndim != 4:
            raise InputError(
                f"Layer {layer!r} of {name} gives activations of shape {tuple(activations.shape[1:])}; expected "
                "(channels, height, width). Choose a convolutional layer."
            )
        features = head(activations)
    if features.ndim != 2:
        raise InputError(f"The head of {name} gives features of shape {tuple(features.shape[1:])}; expected one row.")
    return Backbone(
        name=name,
        layer=layer,
        trunk=trunk,
        head=head,
        image_size=image_size,
        mean=mean,
        std=std,
        n_channels=activations.shape[1],
        n_features=features.shape[1],
        grid=(activations.shape[2], activations.shape[3]),
    )


def cut(model: nn.Module, layer: str) -> tuple[nn.Module, nn.Module]:
    """Split a traceable classification network at the output of module `layer`.

    Returns:
        trunk (images -> activations) and head (activations -> input of the last linear layer). They share the
        model's parameters. In-place activations are made out-of-place, which the derivatives of `importance` need.

    Raises:
        InputError: no such layer, or data that passes the layer by (a skip connection, a branch).
    """
    if layer not in dict(model.named_modules()) or not layer:
        names = [n for n, _ in model.named_modules() if n]
        near = difflib.get_close_matches(layer, names, n=4, cutoff=0.3) or names[-8:]
        raise InputError(f"The network has no layer {layer!r}; layers near that name: {', '.join(near)}.")
    for module in model.modules():
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010  (no common base class has the attribute)
    tracer = _LeafTracer(layer)
    graph = tracer.trace(model)
    nodes = list(graph.nodes)
    cut_nodes = [n for n in nodes if n.op == "call_module" and n.target == layer]
    if len(cut_nodes) != 1:
        raise InputError(
            f"Layer {layer!r} is called {len(cut_nodes)} times on the way to the prediction; expected exactly once."
        )
    features, pooled = _features_node(model, nodes)
    trunk = _subgraph(model, graph, last=cut_nodes[0], start=None)
    head: nn.Module = _subgraph(model, graph, last=features, start=cut_nodes[0])
    if pooled:
        head = nn.Sequential(head, nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    return trunk.eval(), head.eval()


class _LeafTracer(fx.Tracer):
    """Keeps the cut layer whole, so that a container ("layer4.1") is one node of the graph."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name == self.layer or super().is_leaf_module(m, module_qualified_name)


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


def _subgraph(model: nn.Module, graph: fx.Graph, last: fx.Node, start: fx.Node | None) -> fx.GraphModule:
    """The part of `graph` that computes `last`, from the images or, if given, from the output of `start`."""
    part = fx.Graph()
    copied: dict[fx.Node, fx.Node] = {}
    if start is not None:
        copied[start] = part.placeholder("activations")
    needed = _ancestors(last, start)
    for node in graph.nodes:
        if node not in needed or node in copied:
            continue
        if node.op == "placeholder" and start is not None:
            raise InputError(
                f"Data passes layer {start.target!r} by (a skip connection or a branch): the layer alone does not "
                "decide the prediction. Choose the block that contains it."
            )
        copied[node] = part.node_copy(node, lambda n: copied[n])
    part.output(copied[last])
    module = fx.GraphModule(model, part)
    module.graph.lint()
    return module


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


def _bird_net(weights: str | Path | None) -> nn.Module:
    model = PaperBirdNet()
    if weights is not None:
        _load_state(model, PAPER_BIRD_NET, Path(weights))
    return model


def _torchvision_model(name: str, weights: str | Path | None) -> nn.Module:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=4, cutoff=0.3)
        raise InputError(
            f"Unknown network {name!r}; expected {PAPER_BIRD_NET} or a torchvision classification model"
            + (f", for example {', '.join(near)}." if near else ".")
        )
    if weights == "default":
        build: Callable[[], nn.Module] = lambda: models.get_model(name, weights="DEFAULT")  # noqa: E731
        try:
            return build()
        except OSError as error:
            raise InputError(
                f"The ImageNet weights of {name} could not be downloaded ({error}); connect once, or give a local file."
            ) from error
    options = {"init_weights": weights is None} if name in ("googlenet", "inception_v3") else {}
    model = models.get_model(name, weights=None, **options)
    if weights is not None:
        _load_state(model, name, Path(weights))
    return model


def _load_state(model: nn.Module, name: str, path: Path) -> None:
    if not path.is_file():
        raise InputError(f"There is no weights file {path}; expected a .pth or .safetensors state dict of {name}.")
    try:
        state: dict[str, Tensor] = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        if not isinstance(state, dict):
            raise TypeError(type(state).__name__)
    except Exception as error:  # the two readers raise many kinds, all meaning: this is no state dict
        raise InputError(
            f"{path} could not be read as a state dict of tensors (.pth or .safetensors): {_first_line(error)}"
        ) from error
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        own = model.state_dict()
        missing = [k for k in own if k not in state]
        extra = [k for k in state if k not in own]
        shapes = [k for k in own if k in state and state[k].shape != own[k].shape]
        raise InputError(
            f"The weights in {path} do not fit {name}: {len(missing)} tensors are missing, {len(extra)} are not the "
            f"network's, {len(shapes)} have another shape (first: {(missing + extra + shapes)[0]})."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
