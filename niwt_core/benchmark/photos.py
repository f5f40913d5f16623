"""Figures on CUB photos: against other methods, human wording, and what things cost."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.benchmark.competition import Entry, compete, competition_table
from niwt_core.benchmark.race import N_JUDGES, N_SAMPLES, race, race_table
from niwt_core.benchmark.tables import table
from niwt_core.datasets import ZeroShotData, load_captions
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, join
from niwt_core.images import activation_batches
from niwt_core.network.backbone import Backbone, load_backbone
from niwt_core.pipeline import FitOptions, Progress, activations_of, features_of, fit_head, rehearse
from niwt_core.project import Project
from niwt_core.transfer import channel_statistics
from niwt_core.wording import log_likelihoods, ranks, read_captions

N_STATISTICS = 256
N_MANY = 10_000


def photo_tables(
    data: ZeroShotData, root: Path, backbone: str, weights: str, layer: str, n_seeds: int, progress: Progress
) -> list[str]:
    """Every table on photos; a seed decides the fine-tuning, which classes rehearse and the sample images."""
    network = load_backbone(backbone, layer, None if weights == "random" else weights)
    cached = activations_of(data, network, FitOptions(), progress)
    tests = [activations_of_tests(data, network, progress)]
    runs: list[dict[str, Entry]] = []
    first: Project | None = None
    for seed in range(n_seeds):
        options = FitOptions(seed=seed)
        rehearsed = rehearse(data, network, cached, options=options, progress=progress)
        project = fit_head(data, network, cached, rehearsed, options=options, progress=progress)
        train = features_of(project.backbone, cached.batches())
        test_features = features_of(project.backbone, tests[0])
        test = test_features, torch.cat([y for _, y in tests[0]])
        runs.append(compete(project, rehearsed, (train, cached.labels), test, progress))
        first = first or project
        progress("seeds", seed + 1, n_seeds)
    assert first is not None
    n_unseen = len(data.class_names) - data.n_seen
    picks = torch.randperm(len(cached.labels), generator=torch.Generator().manual_seed(0))[: N_SAMPLES + N_JUDGES]
    images = cached.plain[picks].float()
    tables = [
        f"**CUB photos**, {backbone} cut at {layer}, {data.n_seen} seen / {n_unseen} unseen species, "
        f"{len(data.test_seen.labels) + len(data.test_unseen.labels)} test photos"
        + (f"; mean ± standard deviation of {n_seeds} seeds" if n_seeds > 1 else ""),
        competition_table(runs),
        race_table("CUB photos", race(first, images[:N_SAMPLES], images[N_SAMPLES:])),
        _costs(data, first),
    ]
    try:
        tables.append(_human_wording(data, root))
    except InputError as error:
        tables.append(f"Human captions: not measured ({error})")
    return tables


def activations_of_tests(data: ZeroShotData, backbone: Backbone, progress: Progress) -> list[tuple[Tensor, Tensor]]:
    """Activations and labels of all test images, in batches."""
    total, done, batches = len(data.test_seen.labels) + len(data.test_unseen.labels), 0, []
    for source in (data.test_seen, data.test_unseen):
        for activations, labels in activation_batches(source, backbone):
            batches.append((activations, labels))
            done += len(labels)
            progress("test images", done, total)
    return batches


def _costs(data: ZeroShotData, project: Project) -> str:
    """Statistics of photos from their files on, and a new class beside many."""
    picks = np.random.default_rng(0).choice(len(data.train.labels), N_STATISTICS, replace=False)
    started = time.perf_counter()
    for _ in activation_batches(data.train, project.backbone, indices=picks.tolist()):
        pass
    forward = time.perf_counter() - started
    started = time.perf_counter()
    batches = (a for a, _ in activation_batches(data.train, project.backbone, indices=picks.tolist()))
    channel_statistics(project.backbone.head, batches)
    statistics = time.perf_counter() - started

    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(project.n_seen, (N_MANY,), generator=generator)
    many = Classifier(tuple(map(str, range(N_MANY))), project.seen.weight[rows], project.seen.bias[rows])
    description = project.descriptions[project.n_seen :][:1]
    times = []
    for _ in range(9):
        started = time.perf_counter()
        join(many, project.learner.classifier(["new"], description))
        times.append(time.perf_counter() - started)
    added = float(np.median(times))
    features = torch.randn(1, project.backbone.n_features, generator=generator)
    started = time.perf_counter()
    many(features)
    scored = time.perf_counter() - started
    return table(
        ["what it costs", "time", "ratio"],
        [
            [
                f"statistics of {N_STATISTICS} photos, from the files on",
                f"{statistics:.0f} s",
                f"{statistics / forward:.1f} times the trunk's forward pass alone",
            ],
            [
                f"a new class added to {N_MANY:,}",
                f"{1000 * added:.1f} ms",
                f"{added / scored:.1f} times scoring one photo for {N_MANY:,} classes",
            ],
        ],
    )


def _human_wording(data: ZeroShotData, root: Path) -> str:
    """Ten human captions of one photo at a time, read into attributes, ranked against the classes' rows."""
    captions = load_captions(root, data.class_names)
    readings, labels = [], []
    for name, photos in captions.items():
        for texts in photos.values():
            readings.append(read_captions(texts, data.attribute_names))
            labels.append(data.class_names.index(name))
    rows = data.attributes.numpy()
    captioned = sorted(set(labels))
    scores = log_likelihoods(readings, rows)
    first = float(np.mean(ranks(scores, labels, captioned) == 1))
    five = float(np.mean(ranks(scores, labels, range(len(rows))) <= 5))
    return table(
        [f"human captions: {len(labels)} photos of {len(captioned)} species, ten captions each", "share", "chance"],
        [
            [f"own species first of the {len(captioned)} captioned", f"{first:.3f}", f"{1 / len(captioned):.3f}"],
            [f"own species among the first five of all {len(rows)}", f"{five:.3f}", f"{5 / len(rows):.3f}"],
        ],
    )
