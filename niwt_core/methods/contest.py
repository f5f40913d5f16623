"""What a fair contest with other methods needs, kept from a fit: the rehearsal and the features of the training images.

Both are gone once the network is fine-tuned, so they are stored beside the project, as safetensors in half precision
(as activations are kept throughout a fit).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save
from torch import Tensor

from niwt_core.calibration import Rehearsal
from niwt_core.errors import InputError
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.gzsl import Classifier
from niwt_core.learner import Settings
from niwt_core.methods.baselines import SeenData

if TYPE_CHECKING:
    from niwt_core.project import Project


@dataclass(frozen=True, eq=False)
class Contest:
    """What every method learns from, and chooses by.

    Attributes:
        rehearsal: where settings and constants are chosen; None where the seen classes were too few for one.
        prior: settings of NIWT's prior alone, chosen there.
        features, labels: of the seen classes' training images, (n_images, n_features) and (n_images,).
    """

    rehearsal: Rehearsal | None
    prior: Settings
    features: Tensor
    labels: Tensor


def contest_bytes(contest: Contest) -> bytes:
    """A contest as a safetensors file; names and descriptions are the project's."""
    tensors = {"features": _half(contest.features), "labels": contest.labels}
    if contest.rehearsal is not None:
        kept = contest.rehearsal.kept
        tensors |= {
            "kept.features": _half(kept.features),
            "kept.labels": kept.labels,
            "kept.weight": kept.classifier.weight,
            "kept.bias": kept.classifier.bias,
            "rehearsal.features": _half(contest.rehearsal.features),
            "rehearsal.labels": contest.rehearsal.labels,
            "rehearsal.classes": contest.rehearsal.classes,
        }
    return save({k: v.contiguous() for k, v in tensors.items()}, {"prior": json.dumps(asdict(contest.prior))})


def load_contest(path: Path, project: Project) -> Contest | None:
    """The contest in a file, for the project that it was stored with; None where there is no such file.

    Raises:
        InputError: a damaged file, or one of another project.
    """
    if not path.is_file():
        return None
    try:
        stored, metadata = read_tensors(path)
        tensors = {key: _full(tensor) for key, tensor in stored.items()}
        prior = Settings(**json.loads(metadata["prior"]))
        rehearsal = _rehearsal(tensors, project) if "rehearsal.classes" in tensors else None
        seen = SeenData(tensors["features"], tensors["labels"], project.descriptions[: project.n_seen], project.trained)
    except (OSError, KeyError, TypeError, ValueError, OverflowError, IndexError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{path.name} beside the project is damaged or another project's ({type(error).__name__}: "
            f"{str(error)[:100]}). Fit the project again to compare it with other methods."
        ) from error
    return Contest(rehearsal, prior, seen.features, seen.labels)


def _rehearsal(tensors: Mapping[str, Tensor], project: Project) -> Rehearsal:
    classes = tensors["rehearsal.classes"]
    if sorted(classes.tolist()) != list(range(project.n_seen)):
        raise ValueError(f"expected the project's {project.n_seen} seen classes, each once, got {len(classes)} others")
    n_kept = len(tensors["kept.bias"])
    rows = project.descriptions[classes]
    names = tuple(project.class_names[i] for i in classes[:n_kept].tolist())
    trained = Classifier(names, tensors["kept.weight"], tensors["kept.bias"])
    features, labels = tensors["rehearsal.features"], tensors["rehearsal.labels"]
    if features.shape != (len(labels), project.trained.weight.shape[1]) or not 0 <= labels.min() <= labels.max() < len(
        classes
    ):
        raise ValueError(f"expected features and labels of {len(classes)} classes, got {tuple(features.shape)}")
    kept = SeenData(tensors["kept.features"], tensors["kept.labels"], rows[:n_kept], trained)
    return Rehearsal(kept, rows[n_kept:], features, labels, classes)


def _half(values: Tensor) -> Tensor:
    """In half precision, where its range is enough."""
    half = values.half()
    return half if half.isfinite().all() else values


def _full(values: Tensor) -> Tensor:
    return values.float() if values.dtype == torch.float16 else values
