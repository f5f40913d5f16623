"""What the Explain page asks of the core: the prediction, the maps, the words. No Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, fx

from niwt_core.explanation import Heatmap, Word, at_layer, grad_cam, heat_map
from niwt_core.explanation.words import activity_of, evidence
from niwt_core.gzsl import Classifier
from niwt_core.images import to_input
from niwt_core.network.backbone import Backbone

if TYPE_CHECKING:
    from PIL import Image

    from niwt_core.worlds.base import WordReader

N_WORDS = 6
#: The two maps on offer.
OURS, CLASSIC = "Place by place", "Grad-CAM, the classic"
#: The first choice of a list of classes; the others are class numbers.
DEFAULT = -1


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network makes of a picture.

    Attributes:
        inputs: (1, 3, image_size, image_size). activity: of the neurons, (1, n_channels).
        probabilities: of all classes, (n_classes,). order: class numbers, the likeliest first.
    """

    inputs: Tensor
    activity: Tensor
    probabilities: np.ndarray
    order: np.ndarray


def look(backbone: Backbone, classifier: Classifier, picture: Image.Image) -> Seen:
    """Show a picture to the network."""
    inputs = to_input(picture, backbone)[None]
    with torch.no_grad():
        activations = backbone.trunk(inputs)
        scores = classifier(backbone.head(activations))[0]
    probabilities = scores.softmax(0).numpy()
    return Seen(inputs, activity_of(activations), probabilities, np.argsort(-probabilities))


def layers(backbone: Backbone) -> list[str]:
    """Names of the layers that a map can be of, first to last: the outermost name of each place before the cut."""
    if not isinstance(backbone.trunk, fx.GraphModule):
        return [backbone.layers[0]]
    last_of: dict[str, fx.Node] = {}
    for node in backbone.trunk.graph.nodes:
        last_of |= {name: node for name in node.meta.get("nn_module_stack", {}) if name}
    outermost: dict[fx.Node, str] = {}
    for name, node in last_of.items():
        outermost[node] = min(outermost.get(node, name), name, key=lambda n: n.count("."))
    nodes = [node for node in backbone.trunk.graph.nodes if node in outermost]
    before = [outermost[node] for node in nodes[:-1]]
    return [*before, backbone.layers[0]]


def map_of(backbone: Backbone, inputs: Tensor, weight: Tensor, way: str = OURS, layer: str | None = None) -> Heatmap:
    """One of the two maps, at a layer or where it usually looks.

    Raises:
        InputError: a layer that cannot be looked at.
    """
    if way == OURS:
        return heat_map(backbone, inputs, weight, layer)
    return grad_cam(backbone if layer is None else at_layer(backbone, layer), inputs, weight)


def words_of(words: WordReader, importances: Tensor, seen: Seen) -> tuple[Word, ...]:
    """The best words; importances (n_channels,), of the picture for the class explained."""
    return words.words(evidence(importances[None], seen.activity), N_WORDS)


def trust_sentence(bands: Sequence[dict]) -> str:
    """What the project's card says of words like these: how many of each band were true."""
    said = []
    above: float | None = None
    for band in bands:
        least, n = band["least"], band["n_words"]
        if n:
            if least is None:
                kind = f"below {100 * above:.0f} of 100" if above is not None else "of any kind"
            else:
                kind = f"given {100 * least:.0f} of 100 or more" if above is None else f"from {100 * least:.0f} up"
            said.append(f"of {n:,} words {kind}, {band['n_true']:,} were true ({100 * band['n_true'] / n:.0f} of 100)")
        above = least if least is not None else above
    return "; ".join(said)
