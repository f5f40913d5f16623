"""Cut points: where a torchvision network can be cut, and which of these layers is a sensible one to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.func import jvp

from niwt_core.errors import InputError
from niwt_core.importance import features_with_offsets, layer_teaches_nothing, zero_offsets
from niwt_core.network.backbone import Backbone, load_backbone
from niwt_core.network.cutting import cut_places

#: A map of fewer places than this a side says too little about where.
LEAST_SIDE = 7
#: Networks with more parameters are not offered: fitting one takes more memory and patience than a small computer has.
MOST_PARAMETERS = 150_000_000
#: Families whose layers are no maps (n, channels, height, width), or whose way through depends on the data.
_WITHOUT_MAPS = ("vit_", "swin_", "maxvit")
#: Layers that add nothing to the one before: cutting after them is cutting after that one.
_MINOR = (
    nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU, nn.Dropout, nn.BatchNorm2d, nn.Identity, nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
)  # fmt: skip


@dataclass(frozen=True)
class Network:
    """A torchvision network; `weights_mb` is the size of its ImageNet weights, which torchvision downloads once."""

    name: str
    n_parameters: int
    weights_mb: float


@dataclass(frozen=True)
class CutPoint:
    """A layer whose channels can be the neurons: how many they are, and the side of its square map."""

    layer: str
    n_channels: int
    side: int


@dataclass(frozen=True)
class Proposal:
    """Where a network can be cut.

    Attributes:
        points: in the order of the data. proposed: one of their layers. reason: why that one, a sentence.
        n_features: what the last linear layer reads.
    """

    points: tuple[CutPoint, ...]
    proposed: str
    reason: str
    n_features: int

    def point(self, layer: str) -> CutPoint:
        return next(point for point in self.points if point.layer == layer)


@cache
def networks() -> tuple[Network, ...]:
    """The torchvision networks that can be cut, the smallest first. Nothing is downloaded."""
    from torchvision import models

    found = []
    for name in models.list_models(module=models):
        meta = models.get_model_weights(name).DEFAULT.meta  # type: ignore[attr-defined]
        if meta["num_params"] <= MOST_PARAMETERS and not name.startswith(_WITHOUT_MAPS):
            found.append(Network(name, meta["num_params"], meta["_file_size"]))
    return tuple(sorted(found, key=lambda network: network.n_parameters))


def propose(name: str) -> Proposal:
    """The layers at which a torchvision network can be cut, and the last of them that teaches something.

    That is the last layer at which the map still has LEAST_SIDE places a side and after which the network still mixes
    channels, and not only linearly. Elsewhere importances would be the class weights themselves, or nearly
    (`importance.layer_teaches_nothing`). It is tried on noise, with random weights: they play no part in it.

    Raises:
        InputError: unknown network, one that cannot be cut anywhere.
    """
    model, size = _unfilled(name)
    layers = cut_places(model, _blocks(model))
    points = tuple(_measured(model, layers, size))
    passed: list[str] = []
    for point in reversed([point for point in points if point.side >= LEAST_SIDE]):
        backbone = load_backbone(name, point.layer)
        if _teaches(backbone):
            return Proposal(points, point.layer, _reason(point, passed), backbone.n_features)
        passed.append(point.layer)
    raise InputError(
        f"The network {name} has no layer to cut at with a map of {LEAST_SIDE} places a side; try another."
    )


def _teaches(backbone: Backbone) -> bool:
    """Whether what follows the cut mixes channels and is not linear."""
    size = backbone.image_size
    noise = torch.randn(N_NOISE, 3, size, size, generator=torch.Generator().manual_seed(0))
    norms = [m for half in (backbone.trunk, backbone.head) for m in half.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:  # fitted to the noise: untrained ones leave signals so small that everything looks linear
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    with torch.no_grad():
        backbone.head(backbone.trunk(noise))
        for norm in norms:
            norm.eval()
        activations = backbone.trunk(noise[:2])
    if layer_teaches_nothing(backbone.head, activations) is not None:
        return False
    tried = zero_offsets(backbone.head, activations)
    one = torch.zeros_like(tried)
    one[:, 0] = 1
    response = jvp(lambda s: features_with_offsets(backbone.head, activations, s), (tried,), (one,))[1][0].square()
    return bool(response.max() < MOST_IN_ONE * response.sum())


#: Pictures of noise that a layer is tried on.
N_NOISE = 4
#: Where one channel moves one feature with more than this share of its effect, channels are no longer mixed.
MOST_IN_ONE = 0.9


def _reason(point: CutPoint, passed: list[str]) -> str:
    at = f"It is the last layer whose map still has {point.side} × {point.side} places, enough to see where"
    if not passed:
        return f"{at}, and behind it the network still mixes what its channels found."
    later, teaches, them = ("The later one", "teaches", "it") if len(passed) == 1 else ("Later ones", "teach", "them")
    return (
        f"{at}, and behind it the network still mixes what its channels found. {later} "
        f"({', '.join(reversed(passed))}) {teaches} nothing: behind {them} the network only pools, so that importances "
        "would be the class weights themselves."
    )


def _unfilled(name: str) -> tuple[nn.Module, int]:
    """The network's layers without numbers in them, and the side of its input in pixels."""
    from torchvision import models

    if name not in models.list_models(module=models):
        raise InputError(f"Unknown network {name[:60]!r}; expected a torchvision classification model.")
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    size = 299 if name == "inception_v3" else 224
    try:
        with torch.device("meta"):
            return models.get_model(name, weights=None, **options).eval(), size
    except NotImplementedError:  # RegNets look at their numbers while they are built
        return models.get_model(name, weights=None, **options).eval(), size


def _blocks(model: nn.Module) -> list[str]:
    """Names of the network's blocks: what stands in its plain sequences, and beside them."""
    found: list[str] = []

    def descend(module: nn.Module, prefix: str) -> None:
        for name, child in module.named_children():
            if type(child) is nn.Sequential or isinstance(child, nn.ModuleList):
                descend(child, f"{prefix}{name}.")
            else:
                found.append(f"{prefix}{name}")

    descend(model, "")
    return found


def _measured(model: nn.Module, layers: list[str], size: int) -> list[CutPoint]:
    """Those layers whose output is a square map, with its size, from one pass without numbers."""
    shapes: dict[str, torch.Size] = {}

    def note(layer: str, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[layer] = output.shape

    modules = dict(model.named_modules())
    hooks = [
        modules[layer].register_forward_hook(lambda module, inputs, output, layer=layer: note(layer, output))
        for layer in layers
        if not isinstance(modules[layer], _MINOR)
    ]
    try:
        with torch.no_grad():
            model(torch.zeros(2, 3, size, size, device=next(model.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return [
        CutPoint(layer, shape[1], shape[2])
        for layer, shape in shapes.items()
        if len(shape) == 4 and shape[2] == shape[3] > 1
    ]
