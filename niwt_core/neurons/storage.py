"""The dictionary beside its project: `neurons.json`, for people to read, checked on load and tied to the project."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files import durable
from niwt_core.files.documents import read_document
from niwt_core.neurons.dictionary import Alternative, Causal, ClassLoss, Dictionary, Neuron, TopImage
from niwt_core.project import Project

FILE = "neurons.json"
FORMAT = "niwt-neurons"
VERSION = 1


def fingerprint_of(project: Project) -> str:
    """Of all that names and losses follow from: both halves of the network, importances, classes, attributes.

    Only what is stored counts, nothing computed from it, so that it is the same on every machine.
    """
    backbone = project.backbone
    tensors = {f"trunk.{k}": v for k, v in backbone.trunk.state_dict().items()}
    tensors |= {f"head.{k}": v for k, v in backbone.head.state_dict().items()}
    tensors |= {"importances": project.importances.values, "means": project.measured.means}
    tensors |= {"descriptions": project.descriptions}
    words = [backbone.name, backbone.layer, project.n_seen, project.class_names, project.attribute_names]
    digest = hashlib.sha256(json.dumps([*words, asdict(project.settings)]).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_dictionary(dictionary: Dictionary, folder: Path) -> Path:
    """Write `neurons.json` into a project's folder, whole or not at all; one neuron a line."""
    rows = ",\n".join("  " + json.dumps(asdict(n), ensure_ascii=False) for n in dictionary.neurons)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "fingerprint": dictionary.fingerprint,
        "pooling": dictionary.pooling,
        "causal": dictionary.causal,
        "images": dictionary.images,
        "card": dict(dictionary.card),
        "attribute_names": list(dictionary.attribute_names),
    }
    top = json.dumps(document, indent=1, ensure_ascii=False)
    text = f'{top.removesuffix(chr(10) + "}")},\n "neurons": [\n{rows}\n ]\n}}\n'
    durable.write(folder / FILE, text.encode())
    return folder / FILE


def load_dictionary(folder: Path, project: Project) -> Dictionary:
    """Read the dictionary beside a project.

    Raises:
        InputError: none there, a damaged one, another version, or one made for another network or other classes.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(
            f"{folder} has no dictionary of its neurons; expected {FILE} beside project.json. Make it once."
        )
    try:
        document = read_document(path, limits.DICTIONARY_BYTES)
    except InputError as error:
        raise InputError(f"{error} Make it again.") from error
    if document.get("format") != FORMAT:
        raise InputError(f'{path} is no dictionary of neurons; expected "format": "{FORMAT}".')
    if document.get("version") != VERSION:
        raise InputError(
            f"{path} has version {str(document.get('version'))[:20]!r}; this program reads version {VERSION}. "
            "Make it again."
        )
    if document.get("fingerprint") != fingerprint_of(project):
        raise InputError(f"{path} was made for another network or other classes than {folder} holds. Make it again.")
    try:
        return _read(document, project)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError) as error:
        raise InputError(
            f"{path} is not as expected: {type(error).__name__} {str(error)[:100]}. Make it again."
        ) from error


def _read(document: Mapping[str, Any], project: Project) -> Dictionary:
    attributes = tuple(map(str, document["attribute_names"]))
    if attributes != project.attribute_names:
        raise ValueError("its attributes are not the project's")
    neurons = tuple(_neuron(row, set(attributes)) for row in document["neurons"])
    if [n.channel for n in neurons] != list(range(project.backbone.n_channels)):
        raise ValueError(f"expected the channels 0 to {project.backbone.n_channels - 1} in order")
    if any(not 0 <= k < len(neurons) for n in neurons for k in n.same_name):
        raise ValueError("a neuron shares its name with a channel that does not exist")
    if any((n.causal is not None) != (n.live and document["causal"]) for n in neurons):
        raise ValueError("expected a causal test for every live neuron, or for none")
    return Dictionary(
        fingerprint=str(document["fingerprint"]),
        pooling=str(document["pooling"]),
        causal=_bool(document["causal"]),
        images=str(document["images"]),
        attribute_names=attributes,
        neurons=neurons,
        card=dict(document["card"]),
    )


def _neuron(row: Mapping[str, Any], attributes: set[str]) -> Neuron:
    def known(name: Any) -> str:
        if name not in attributes:
            raise ValueError(f"unknown attribute {str(name)[:40]!r}")
        return str(name)

    def name(key: str) -> str | None:
        return None if row[key] is None else known(row[key])

    causal = row["causal"]
    height, width = (_whole(n) for n in row["grid"])
    neuron = Neuron(
        channel=_whole(row["channel"]),
        live=_bool(row["live"]),
        grid=(height, width),
        paper_name=name("paper_name"),
        auc_name=name("auc_name"),
        best_name=name("best_name"),
        name=name("name"),
        confidence=_share(row["confidence"]),
        auc=_share(row["auc"]),
        margin=None if row["margin"] is None else _number(row["margin"]),
        alternatives=tuple(
            Alternative(
                known(a["attribute"]),
                _number(a["strength"]),
                _number(a["auc"]),
                None if a["effect"] is None else _number(a["effect"]),
            )
            for a in row["alternatives"]
        ),
        causal=None
        if causal is None
        else Causal(
            _number(causal["effect"]),
            _number(causal["error"]),
            known(causal["strongest"]),
            _number(causal["strongest_effect"]),
            _bool(causal["passed"]),
            _bool(causal["paper_passed"]),
        ),
        losses=tuple(ClassLoss(str(x["name"]), _number(x["score"]), _number(x["accuracy"])) for x in row["losses"]),
        top_images=tuple(_top_image(x) for x in row["top_images"]),
        same_name=tuple(_whole(k) for k in row["same_name"]),
    )
    if any(image.row >= height or image.column >= width for image in neuron.top_images):
        raise ValueError(f"a peak of neuron {neuron.channel} lies outside its grid")
    if neuron.name not in (None, neuron.best_name):
        raise ValueError(f"neuron {neuron.channel} is shown by a name that is not its best")
    if neuron.live and (neuron.best_name is None or neuron.paper_name is None or neuron.auc is None):
        raise ValueError(f"neuron {neuron.channel} is live and lacks a name")
    return neuron


def _top_image(row: Mapping[str, Any]) -> TopImage:
    seed = None if row["seed"] is None else _whole(row["seed"])
    place = _whole(row["row"]), _whole(row["column"])
    return TopImage(_whole(row["image"]), str(row["class_name"]), seed, *place, _number(row["activation"]))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number, got {str(value)[:40]!r}")
    return float(value)


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if not 0 <= (share := _number(value)) <= 1:
        raise ValueError(f"expected a share from 0 to 1, got {share}")
    return share


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"expected a whole number, got {str(value)[:40]!r}")
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {str(value)[:40]!r}")
    return value
