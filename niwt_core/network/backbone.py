"""A network loaded and cut in two: trunk (images -> activations) and head (activations -> features)."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from niwt_core.birds.network import PaperBirdNet
from niwt_core.errors import InputError
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.network.cutting import check_map, cut, layer_names, offsets_in, size_offsets

#: The name of the bundled architecture beside torchvision's.
PAPER_BIRD_NET = "paper_bird_net"

#: Mean and spread that the bundled network's pixels are scaled by.
PIXEL_SCALE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network without its last linear layer, cut at one layer. Both halves are in evaluation mode.

    The neurons are the channels of that layer and, where more layers are named, of later ones inside the head. The
    paper takes one layer at a time; several at once are an extension.

    Attributes:
        name: architecture, "paper_bird_net" or a torchvision classification model.
        layer: dotted name of the module whose output is the activations; later layers after it, joined by commas.
        trunk: (n_images, 3, image_size, image_size) -> activations (n_images, channels[0], height, width).
        head: activations -> features (n_images, n_features), the input of the last linear layer.
        image_size: side of the square input in pixels.
        mean, std: per colour channel, of pixel values in 0..1.
        channels: how many each of `layers` has. n_channels: their sum, the number of neurons.
        grid: (height, width) of the activations.
    """

    name: str
    layer: str
    trunk: nn.Module
    head: nn.Module
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels: tuple[int, ...]
    n_features: int
    grid: tuple[int, int]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers' names in the order of the data; the trunk ends at the first."""
        return layer_names(self.layer)

    @property
    def n_channels(self) -> int:
        return sum(self.channels)


def load_backbone(name: str, layer: str, weights: str | Path | None = None) -> Backbone:
    """Load a network and cut it at `layer`.

    Args:
        name: "paper_bird_net" or any torchvision classification model ("vgg16", "mobilenet_v2", ...).
        layer: dotted module name ("features.15"); its output must have the shape (n, channels, height, width). Several
            names joined by commas ("features.15,features.17"), in any order, make the channels of all of them neurons.
        weights: a local .pth or .safetensors state dict that fits strictly; "default" for torchvision's own weights
            (downloaded once by torchvision); None for random weights.

    Raises:
        InputError: unknown network or layer, weights that do not fit, a layer that is no cut point or named twice.
    """
    if name == PAPER_BIRD_NET:
        model, image_size = _bird_net(weights), PaperBirdNet.image_size
        mean, std = PIXEL_SCALE
    else:
        model, image_size = _torchvision_model(name, weights), 299 if name == "inception_v3" else 224
        mean, std = IMAGENET_MEAN, IMAGENET_STD
    trunk, head = cut(model.eval(), layer)
    return assemble(name, layer, trunk, head, image_size, mean, std)


@torch.no_grad()
def settle_norms(backbone: Backbone) -> None:
    """Give a network with random weights, just made, batch norms that fit it.

    Untrained ones divide by a variance of 1 that nothing has: through the layers of a MobileNet activations shrink to
    1e-8, and float16 keeps none of them. Eight pictures of noise tell the norms what comes to them.
    """
    modules = [*backbone.trunk.modules(), *backbone.head.modules()]
    norms = [module for module in modules if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    size = backbone.image_size
    noise = torch.randn(8, 3, size, size, generator=torch.Generator().manual_seed(0))
    for norm in norms:
        norm.momentum = 1.0  # the last that came is what counts
        norm.train()
    backbone.head(backbone.trunk(noise))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def network_bytes(name: str) -> int:
    """Bytes of a network's parameters, its last layer's too, without making them.

    Raises:
        InputError: an unknown network.
    """
    from torchvision import models

    if name == PAPER_BIRD_NET:
        return sum(parameter.nbytes for parameter in PaperBirdNet().parameters())
    _check_known(name)
    return 4 * int(models.get_model_weights(name).DEFAULT.meta["num_params"])  # type: ignore[attr-defined]


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
        later = [place.layer for place in offsets_in(head).values()]
        first = next(n for n in layer_names(layer) if n not in later)
        check_map(first, activations.shape)
        channels = size_offsets(head, activations)
        features = head(activations)
    if features.ndim != 2:
        raise InputError(f"The head of {name} gives features of shape {tuple(features.shape[1:])}; expected one row.")
    return Backbone(
        name=name,
        layer=",".join([first, *later]),
        trunk=trunk,
        head=head,
        image_size=image_size,
        mean=mean,
        std=std,
        channels=channels,
        n_features=features.shape[1],
        grid=(activations.shape[2], activations.shape[3]),
    )


def _bird_net(weights: str | Path | None) -> nn.Module:
    model = PaperBirdNet()
    if weights is not None:
        load_state(model, PAPER_BIRD_NET, Path(weights))
    return model


def _torchvision_model(name: str, weights: str | Path | None) -> nn.Module:
    from torchvision import models

    _check_known(name)
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
        load_state(model, name, Path(weights))
    return model


def _check_known(name: str) -> None:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=4, cutoff=0.3)
        raise InputError(
            f"Unknown network {name!r}; expected {PAPER_BIRD_NET} or a torchvision classification model"
            + (f", for example {', '.join(near)}." if near else ".")
        )


def load_state(model: nn.Module, name: str, path: Path) -> None:
    """Put the weights of a file into a network; nothing that a pickle could run is run.

    Args:
        path: a .safetensors file, or what `torch.save` wrote of a state dict. name: of the network, for errors.

    Raises:
        InputError: no such file, no state dict of tensors, or one that does not fit.
    """
    if not path.is_file():
        raise InputError(f"There is no weights file {path}; expected a .pth or .safetensors state dict of {name}.")
    try:
        state: dict[str, Tensor] = (
            read_tensors(path)[0]
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        if not isinstance(state, dict) or not all(isinstance(k, str) for k in state):
            raise TypeError(f"a {type(state).__name__} of other things than names and tensors")
        if other := next((k for k, value in state.items() if not isinstance(value, Tensor)), None):
            raise TypeError(f"{other[:60]!r} is no tensor")
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
