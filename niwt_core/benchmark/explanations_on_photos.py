"""Maps of uncropped CUB photos against the birds' boxes and part points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.benchmark.tables import table
from niwt_core.datasets import ZeroShotData, load_cub
from niwt_core.discriminant import make_discriminant
from niwt_core.domain import fit_ridge
from niwt_core.faithfulness import (
    Method,
    blind_methods,
    captum_methods,
    energy,
    hits,
    in_batches,
    own_methods,
    peaks,
)
from niwt_core.faithfulness.boxes import ground_truth, read_boxed
from niwt_core.gzsl import Classifier
from niwt_core.images import activation_batches, input_batches
from niwt_core.learner import measure_classes
from niwt_core.network.backbone import Backbone
from niwt_core.pipeline import Progress, silent

#: Training photos of each seen class that its mean is taken from: enough to explain with, and quick.
N_EACH = 20
#: Every how many-th photo the slow methods explain.
EVERY = 8
SLOW = ("captum IntegratedGradients", "captum Occlusion")
SHRINKAGE, RIDGE = 0.9, 0.2


def quick_classifier(data: ZeroShotData, backbone: Backbone, progress: Progress = silent) -> Classifier:
    """Seen classes as discriminants of a few training photos, unseen ones from their descriptions; no fine-tuning.

    The settings are `learner.Settings`' own; nothing is chosen here.
    """
    order = np.random.default_rng(0).permutation(len(data.train.labels))
    picks = [i for c in range(data.n_seen) for i in order[data.train.labels[order] == c][:N_EACH].tolist()]
    features, done = [], 0
    for activations, labels in activation_batches(data.train, backbone, indices=picks):
        with torch.no_grad():
            features.append(backbone.head(activations))
        done += len(labels)
        progress("classes of photos", done, len(picks))
    labels, rows = torch.from_numpy(data.train.labels[picks]), data.attributes
    names = data.class_names[: data.n_seen]
    measured = measure_classes(names, rows[: data.n_seen], torch.cat(features), labels, SHRINKAGE)
    new = fit_ridge(measured.descriptions, measured.means, RIDGE)(rows[data.n_seen :])
    discriminant = make_discriminant(measured.means, measured.within, SHRINKAGE)
    return discriminant.classifier(data.class_names, torch.cat([measured.means, new]))


def photo_tables(
    backbone: Backbone,
    cub: Path,
    cub_full: Path,
    progress: Progress = silent,
    classifier: Classifier | None = None,
) -> list[str]:
    """Pointing at the box, energy in it and the distance to the nearest part point, for the class that wins.

    Args:
        classifier: of the cub folder's classes on the backbone's features; default: `quick_classifier`.
    """
    if classifier is None:
        classifier = quick_classifier(load_cub(cub), backbone, progress)
    boxed, size = read_boxed(cub_full), backbone.image_size
    images = torch.cat([x for x, _ in input_batches(boxed.photos, backbone)])
    truth = [ground_truth(boxed, i, size) for i in range(len(images))]
    boxes, points = torch.stack([box for box, _ in truth]), np.stack([p for _, p in truth])
    with torch.no_grad():
        features = torch.cat([backbone.head(backbone.trunk(x)) for x in images.split(32)])
    predicted = classifier(features).argmax(1)
    names = np.array(classifier.names)[predicted.numpy()]
    right = np.mean(names == np.array(boxed.class_names)[boxed.photos.labels])
    weights = classifier.weight[predicted]
    methods: dict[str, Method] = own_methods(backbone) | captum_methods(backbone, windows=7) | blind_methods(backbone)
    rows = []
    for k, (name, method) in enumerate(methods.items()):
        used = slice(None, None, EVERY if name in SLOW else 1)
        maps = in_batches(method, images[used], weights[used], size=16)
        inside, share = hits(maps, boxes[used]).double(), energy(maps, boxes[used]).double()
        apart = nearest_part(peaks(maps, size), points[used], boxes[used])
        rows.append([name, str(len(maps)), *map(_mean_error, (inside, share, apart))])
        progress("maps of photos", k + 1, len(methods))
    head = ["method", "photos", "pointing: box", "energy in the box", "to the nearest part, box diagonals"]
    return [
        f"**Where, on photos**: {len(images)} uncropped CUB test photos of {len(set(boxed.photos.labels))} species, "
        f"{backbone.name} cut at {backbone.layer}, each explained for the class that wins among "
        f"{len(classifier.names)} ({100 * right:.0f} % right); the box covers {float(boxes.float().mean()):.3f} of "
        "what the network sees; ± standard error",
        table(head, rows),
    ]


def nearest_part(peaks_: Tensor, points: np.ndarray, boxes: Tensor) -> Tensor:
    """Distance of each peak to the nearest visible part point, in diagonals of the box; photos without one left out.

    Args:
        peaks_: (n, 2) rows and columns. points: (n, n_parts, 2) x and y, NaN where hidden. boxes: (n, size, size) bool.
    """
    middle = peaks_.flip(1).double().numpy() + 0.5
    distance = np.linalg.norm(points - middle[:, None], axis=2)  # (n, n_parts)
    shown = ~np.isnan(distance).all(1) & boxes.flatten(1).any(1).numpy()
    heights, widths = boxes.any(2).sum(1).numpy(), boxes.any(1).sum(1).numpy()
    nearest = np.nanmin(distance[shown], axis=1)
    return torch.from_numpy(nearest / np.hypot(heights, widths)[shown])


def _mean_error(values: Tensor) -> str:
    return f"{float(values.mean()):.3f} ± {float(values.std()) / len(values) ** 0.5:.3f}"
