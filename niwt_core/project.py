"""A project: a network, its seen classes, their importances, and all that new classes are made from; on disk and back.

On disk a project is a folder with `project.json` (names, settings, figures, how it was made) and the safetensors file
that it names. Everything is checked on load; nothing is pickled. A project is saved over another by writing a tensor
file of another name first and replacing project.json last, so that a save cut short leaves the old project whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files import durable
from niwt_core.files.documents import read_document
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.gzsl import Classifier
from niwt_core.importance import ClassImportances
from niwt_core.learner import Learner, Measured, Settings, make_learner, seen_classifier
from niwt_core.methods.contest import Contest, contest_bytes
from niwt_core.network.backbone import Backbone, load_backbone, network_bytes
from niwt_core.transfer import ClosedForm, Statistics

FORMAT = "niwt-project"
VERSION = 2


@dataclass(frozen=True, eq=False)
class Project:
    """What a fit leaves behind.

    Attributes:
        class_names: seen classes first. n_seen: how many of them are seen.
        descriptions: (n_classes, n_attributes). attribute_names: "group::value".
        trained: the network's own linear classifier of the seen classes, as trained; other methods build on it.
        importances: of the seen classes' discriminants. measured: their means, the spread around them.
        statistics: what the closed form needs to know of the sample images.
        card: how the project was made, on what, and the figures it reached.
        contest: what a comparison with other methods needs; there after a fit, and beside the project on disk
            (`contest_file`), but not loaded with it.
    """

    backbone: Backbone
    class_names: tuple[str, ...]
    n_seen: int
    attribute_names: tuple[str, ...]
    descriptions: Tensor
    trained: Classifier
    importances: ClassImportances
    measured: Measured
    statistics: Statistics
    settings: Settings
    card: Mapping[str, Any] = field(default_factory=dict)
    contest: Contest | None = None

    @cached_property
    def learner(self) -> Learner:
        """Descriptions (attributes) -> classifiers; computed on first use."""
        return make_learner(self.measured, self.importances, ClosedForm(self.statistics), self.settings)

    @cached_property
    def seen(self) -> Classifier:
        """The classifier of the seen classes: discriminants of their mean features."""
        return seen_classifier(self.measured, self.learner)

    @cached_property
    def new(self) -> Classifier:
        """The classifier of the unseen classes, from their descriptions alone."""
        return self.learner.classifier(self.class_names[self.n_seen :], self.descriptions[self.n_seen :])


def save_project(project: Project, folder: Path) -> None:
    """Write a project folder; an existing one at the same place is replaced whole or, when cut short, not at all.

    Raises:
        durable.UnwritableError: no room, or no permission; the old project is whole then, or there is none.
    """
    with durable.refusing():
        folder.mkdir(parents=True, exist_ok=True)
    save_in(project, folder)


def save_in(project: Project, folder: Path) -> None:
    """As `save_project`, in a folder that is there, or was: then nothing is written either."""
    tensors = {f"trunk.{k}": v for k, v in project.backbone.trunk.state_dict().items()}
    tensors |= {f"head.{k}": v for k, v in project.backbone.head.state_dict().items()}
    tensors |= _measured(project)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "backbone": {"name": project.backbone.name, "layer": project.backbone.layer},
        "class_names": list(project.class_names),
        "n_seen": project.n_seen,
        "attribute_names": list(project.attribute_names),
        "n_sample_images": project.statistics.n_images,
        "score_unit": project.measured.score_unit,
        "settings": asdict(project.settings),
        "card": dict(project.card),
    }
    data = save({k: v.contiguous() for k, v in tensors.items()})
    name = f"tensors.{hashlib.sha256(data).hexdigest()[:12]}.safetensors"
    durable.sweep(folder)  # what an earlier save left that was cut off
    durable.write(folder / name, data)
    if project.contest is not None:
        durable.write(folder / _contest_name(name), contest_bytes(project.contest))
    durable.write(folder / "project.json", (json.dumps(document | {"tensors": name}, indent=1) + "\n").encode())
    for old in (*folder.glob("tensors.*safetensors*"), *folder.glob("contest.*safetensors*")):
        if old.name not in (name, _contest_name(name)):
            with contextlib.suppress(OSError):  # the project is there: what is too much does no harm
                old.unlink()


def contest_file(folder: Path) -> Path:
    """Where the contest of a project folder stands, if it has one; its name says which tensors it belongs to.

    Raises:
        InputError: as `load_project`, as far as the document goes.
    """
    return folder / _contest_name(Path(str(_read_document(folder).get("tensors"))).name)


def _contest_name(tensors: str) -> str:
    return "contest." + tensors.removeprefix("tensors.")


def _measured(project: Project) -> dict[str, Tensor]:
    return {
        "descriptions": project.descriptions,
        "trained.weight": project.trained.weight,
        "trained.bias": project.trained.bias,
        "importances.values": project.importances.values,
        "importances.n_images": project.importances.n_images,
        "class_means": project.measured.means,
        "within": project.measured.within,
        "statistics.gram": project.statistics.gram.float(),
        "statistics.jacobian": project.statistics.jacobian.float(),
    }


def load_project(folder: Path) -> Project:
    """Read a project folder.

    Raises:
        InputError: no project, another version, a document or tensors beyond `limits`, a tensor that is missing, too
            much, or of another shape or type.
    """
    document = _read_document(folder)
    file = str(document.get("tensors"))
    if Path(file).name != file or not file.endswith(".safetensors"):
        raise InputError(f"project.json of {folder} names {file[:60]!r} as its tensors; expected a file beside it.")
    try:
        tensors, _ = read_tensors(folder / file)
    except FileNotFoundError as error:
        raise InputError(f"The project {folder} has no {file}; expected it beside project.json.") from error
    except InputError as error:
        raise InputError(f"The project {folder} cannot be read: {error}") from error
    try:
        names, n_seen = _names(document["class_names"], limits.CLASSES), _whole(document["n_seen"])
        attribute_names = _names(document["attribute_names"], limits.TABLE_COLUMNS)
        settings = _settings(document["settings"])
        n_sample_images, unit = _whole(document["n_sample_images"]), float(document["score_unit"])
        if not 0 < unit < math.inf:
            raise ValueError(f"score_unit {unit}")
        network, layer = document["backbone"]["name"], document["backbone"]["layer"]
        card = _card(document["card"])
        if not (isinstance(network, str) and len(network) <= limits.NETWORK_CHARACTERS):
            raise ValueError("the network’s name is no short text")
        if not (isinstance(layer, str) and len(layer) <= limits.LAYER_CHARACTERS):
            raise ValueError("the layer’s name is no short text")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        said = f"{type(error).__name__} {str(error)[:200]}"
        raise InputError(f"project.json of {folder} is not as expected: {said}.") from error
    _check_size(folder, network, tensors)
    backbone = load_backbone(network, layer)
    if not 0 < n_seen <= len(names):
        raise InputError(f"project.json of {folder} counts {n_seen} seen of {len(names)} classes; expected 1 to all.")
    k, d = backbone.n_channels, backbone.n_features
    halves = {
        f"{half}.{key}": value
        for half, module in (("trunk", backbone.trunk), ("head", backbone.head))
        for key, value in module.state_dict().items()
    }
    shapes = {
        "descriptions": (len(names), len(attribute_names)),
        "trained.weight": (n_seen, d),
        "trained.bias": (n_seen,),
        "importances.values": (n_seen, k),
        "class_means": (n_seen, d),
        "within": (d, d),
        "statistics.gram": (d, d),
        "statistics.jacobian": (d, k),
    }
    expected = halves | {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    expected["importances.n_images"] = torch.empty(n_seen, dtype=torch.int64, device="meta")
    _check_tensors(folder, tensors, expected)
    for half, module in (("trunk", backbone.trunk), ("head", backbone.head)):
        module.load_state_dict({key: tensors[f"{half}.{key}"] for key in module.state_dict()})
        module.requires_grad_(False)
    return Project(
        backbone=backbone,
        class_names=names,
        n_seen=n_seen,
        attribute_names=attribute_names,
        descriptions=tensors["descriptions"],
        trained=Classifier(names[:n_seen], tensors["trained.weight"], tensors["trained.bias"]),
        importances=ClassImportances(tensors["importances.values"], tensors["importances.n_images"]),
        measured=Measured(
            names[:n_seen], tensors["descriptions"][:n_seen], tensors["class_means"], tensors["within"], unit
        ),
        statistics=Statistics(
            tensors["statistics.gram"].double(), tensors["statistics.jacobian"].double(), n_sample_images
        ),
        settings=settings,
        card=card,
    )


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / "project.json"
    if not path.is_file():
        raise InputError(f"{folder} is no project folder; expected project.json and a tensor file in it.")
    document = read_document(path, limits.DOCUMENT_BYTES)
    if document.get("format") != FORMAT:
        raise InputError(f'{path} is not the description of a project; expected "format": "{FORMAT}".')
    if document.get("version") != VERSION:
        raise InputError(
            f"The project {folder} has version {str(document.get('version'))[:20]!r}; this program reads version "
            f"{VERSION}. Fit it again, or use the program that wrote it."
        )
    return document


def _names(value: Any, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("expected a list of names")
    if len(value) > most:
        raise ValueError(f"{len(value):,} names where at most {most:,} were expected")
    if long := next((name for name in value if len(name) > limits.ATTRIBUTE_CHARACTERS), None):
        raise ValueError(f"the name {long[:40]!r} has {len(long):,} characters")
    if len(set(value)) < len(value):
        raise ValueError("a name comes twice")
    return tuple(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"expected a whole number, got {str(value)[:40]!r}")
    return value


def _settings(value: Any) -> Settings:
    settings = Settings(**value)
    for name, number in asdict(settings).items():
        fits = type(number) in (int, float) and abs(number) < limits.NUMBER
        if type(number) is not bool if name == "kernel" else not fits:
            raise ValueError(f"the setting {name} is {str(number)[:40]!r}")
    return settings


def _card(value: Any) -> dict[str, Any]:
    """The card; what pages show of it is of the kind that they show."""
    card = dict(value)
    if not isinstance(card.get("title", ""), str):
        raise ValueError("its title is no text")
    if not isinstance(card.get("source", {}), dict):
        raise ValueError("its source is no object")
    for band in card.get("word_trust", []):
        least, *numbers = (band[name] for name in ("least", "n_true", "n_words", "promised"))
        if not all(type(n) in (int, float) and 0 <= n < 2**53 for n in (least or 0, *numbers)):
            raise ValueError("its word_trust holds other things than numbers")
    return card


def _check_size(folder: Path, network: str, tensors: Mapping[str, Tensor]) -> None:
    """A small file must not make us build a network that fills the memory, only to find that it does not fit."""
    there = sum(tensor.nbytes for name, tensor in tensors.items() if name.startswith(("trunk.", "head.")))
    if (needed := network_bytes(network)) > 4 * there + limits.NETWORK_SPARE_BYTES:
        raise InputError(
            f"The project {folder} has {there / limits.MB:.1f} MB of tensors for {network}, which needs "
            f"{needed / limits.MB:,.0f} MB; expected all of them."
        )


def _check_tensors(folder: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Every tensor there, none too many, each of the shape and type of the expected one; all numbers finite."""
    if missing := [name for name in expected if name not in tensors]:
        raise InputError(f"The project {folder} lacks the tensor {missing[0]!r} (and {len(missing) - 1} more).")
    if extra := [name for name in tensors if name not in expected]:
        raise InputError(f"The project {folder} has a tensor {extra[0][:60]!r} that its network does not know.")
    for name, like in expected.items():
        found = tensors[name]
        if found.shape != like.shape:
            raise InputError(
                f"Tensor {name!r} of the project {folder} has shape {tuple(found.shape)}; expected {tuple(like.shape)}."
            )
        if found.dtype != like.dtype:
            one, other = (str(tensor.dtype).removeprefix("torch.") for tensor in (found, like))
            raise InputError(f"Tensor {name!r} of the project {folder} has the type {one}; expected {other}.")
        if found.is_floating_point() and not torch.isfinite(found).all():
            raise InputError(f"Tensor {name!r} of the project {folder} holds values that are no numbers.")
