"""A project: a network, its seen classes, their importances, and all that new classes are made from; on disk and back.

On disk a project is a folder with `project.json` (names, settings, figures, how it was made) and
`tensors.safetensors`. Everything is checked on load; nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from niwt_core.backbone import Backbone, load_backbone
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.importance import ClassImportances
from niwt_core.learner import Learner, Settings, make_learner
from niwt_core.transfer import ClosedForm, Statistics

FORMAT = "niwt-project"
VERSION = 1


@dataclass(frozen=True, eq=False)
class Project:
    """What a fit leaves behind.

    Attributes:
        class_names: seen classes first. n_seen: how many of them are seen.
        descriptions: (n_classes, n_attributes). attribute_names: "group::value".
        seen: the classifier of the seen classes.
        importances: of the seen classes. class_means: mean features of each seen class, (n_seen, n_features).
        statistics: what the closed form needs to know of the sample images.
        card: how the project was made, on what, and the figures it reached.
    """

    backbone: Backbone
    class_names: tuple[str, ...]
    n_seen: int
    attribute_names: tuple[str, ...]
    descriptions: Tensor
    seen: Classifier
    importances: ClassImportances
    class_means: Tensor
    statistics: Statistics
    settings: Settings
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def learner(self) -> Learner:
        """Descriptions (attributes) -> classifiers; computed on first use."""
        return make_learner(
            self.descriptions[: self.n_seen],
            self.seen,
            self.importances,
            self.class_means,
            ClosedForm(self.statistics),
            self.settings,
        )

    @cached_property
    def new(self) -> Classifier:
        """The classifier of the unseen classes, from their descriptions alone."""
        return self.learner.classifier(self.class_names[self.n_seen :], self.descriptions[self.n_seen :])


def save_project(project: Project, folder: Path) -> None:
    """Write a project folder; an existing one at the same place is replaced file by file, each atomically."""
    folder.mkdir(parents=True, exist_ok=True)
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
        "settings": asdict(project.settings),
        "card": dict(project.card),
    }
    partial = folder / "tensors.safetensors.part"
    save_file({k: v.contiguous() for k, v in tensors.items()}, partial)
    partial.replace(folder / "tensors.safetensors")
    partial = folder / "project.json.part"
    partial.write_text(json.dumps(document, indent=1) + "\n")
    partial.replace(folder / "project.json")


def _measured(project: Project) -> dict[str, Tensor]:
    return {
        "descriptions": project.descriptions,
        "seen.weight": project.seen.weight,
        "seen.bias": project.seen.bias,
        "importances.values": project.importances.values,
        "importances.n_images": project.importances.n_images,
        "class_means": project.class_means,
        "statistics.gram": project.statistics.gram.float(),
        "statistics.jacobian": project.statistics.jacobian.float(),
    }


def load_project(folder: Path) -> Project:
    """Read a project folder.

    Raises:
        InputError: no project, another version, a tensor that is missing, too much, or of another shape.
    """
    document = _read_document(folder)
    try:
        tensors = load_file(folder / "tensors.safetensors")
    except FileNotFoundError as error:
        raise InputError(
            f"The project {folder} has no tensors.safetensors; expected one beside project.json."
        ) from error
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"tensors.safetensors of the project {folder} is damaged ({str(error)[:100]}).") from error
    try:
        names, n_seen = tuple(map(str, document["class_names"])), int(document["n_seen"])
        attribute_names = tuple(map(str, document["attribute_names"]))
        settings = Settings(**document["settings"])
        n_sample_images = int(document["n_sample_images"])
        backbone = load_backbone(str(document["backbone"]["name"]), str(document["backbone"]["layer"]))
        card = dict(document["card"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"project.json of {folder} is not as expected: {type(error).__name__} {error}.") from error
    if not 0 < n_seen <= len(names):
        raise InputError(f"project.json of {folder} counts {n_seen} seen of {len(names)} classes; expected 1 to all.")
    k, d = backbone.n_channels, backbone.n_features
    halves = {
        f"{half}.{key}": tuple(value.shape)
        for half, module in (("trunk", backbone.trunk), ("head", backbone.head))
        for key, value in module.state_dict().items()
    }
    expected = halves | {
        "descriptions": (len(names), len(attribute_names)),
        "seen.weight": (n_seen, d),
        "seen.bias": (n_seen,),
        "importances.values": (n_seen, k),
        "importances.n_images": (n_seen,),
        "class_means": (n_seen, d),
        "statistics.gram": (d, d),
        "statistics.jacobian": (d, k),
    }
    _check_shapes(folder, tensors, expected)
    for half, module in (("trunk", backbone.trunk), ("head", backbone.head)):
        module.load_state_dict({key: tensors[f"{half}.{key}"] for key in module.state_dict()})
        module.requires_grad_(False)
    return Project(
        backbone=backbone,
        class_names=names,
        n_seen=n_seen,
        attribute_names=attribute_names,
        descriptions=tensors["descriptions"],
        seen=Classifier(names[:n_seen], tensors["seen.weight"], tensors["seen.bias"]),
        importances=ClassImportances(tensors["importances.values"], tensors["importances.n_images"]),
        class_means=tensors["class_means"],
        statistics=Statistics(
            tensors["statistics.gram"].double(), tensors["statistics.jacobian"].double(), n_sample_images
        ),
        settings=settings,
        card=card,
    )


def _read_document(folder: Path) -> dict[str, Any]:
    path = folder / "project.json"
    if not path.is_file():
        raise InputError(f"{folder} is no project folder; expected project.json and tensors.safetensors in it.")
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({str(error)[:100]}); expected a JSON document.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f'{path} is not the description of a project; expected "format": "{FORMAT}".')
    if document.get("version") != VERSION:
        raise InputError(
            f"The project {folder} has version {str(document.get('version'))[:20]!r}; this program reads version "
            f"{VERSION}. Fit it again, or use the program that wrote it."
        )
    return document


def _check_shapes(folder: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    if missing := [name for name in expected if name not in tensors]:
        raise InputError(f"The project {folder} lacks the tensor {missing[0]!r} (and {len(missing) - 1} more).")
    if extra := [name for name in tensors if name not in expected]:
        raise InputError(f"The project {folder} has a tensor {extra[0][:60]!r} that its network does not know.")
    for name, shape in expected.items():
        if tuple(tensors[name].shape) != shape:
            raise InputError(
                f"Tensor {name!r} of the project {folder} has shape {tuple(tensors[name].shape)}; expected {shape}."
            )
        if tensors[name].is_floating_point() and not torch.isfinite(tensors[name]).all():
            raise InputError(f"Tensor {name!r} of the project {folder} holds values that are no numbers.")
