"""Figures on Paper Birds: against other methods, by kind of description, and the example of the README."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.benchmark.competition import Entry, compete, competition_table
from niwt_core.benchmark.race import N_JUDGES, N_SAMPLES, race, race_table
from niwt_core.benchmark.tables import cell, table
from niwt_core.birds.attributes import GROUPS, encode
from niwt_core.birds.captions import write_caption
from niwt_core.birds.described import description_of, fresh_features
from niwt_core.birds.reading import read
from niwt_core.birds.species import make_species
from niwt_core.birds.training import RehearsalNetwork, load_rehearsal_network
from niwt_core.birds.world import FRESH_SEED, load_birds
from niwt_core.datasets import ZeroShotData
from niwt_core.gzsl import GZSLResult, evaluate, join
from niwt_core.network.finetune import CachedActivations, cache_activations
from niwt_core.pipeline import FitOptions, Progress, Rehearsed, features_of, features_of_tests, measure, rehearse
from niwt_core.project import Project, load_project
from niwt_core.text import class_embeddings, load_encoder
from niwt_core.worlds.trial import try_out

EXAMPLE = "a small yellow bird with a black cap, white wing bars and a short orange beak"
N_TRAINING_CAPTIONS = 30


def birds_tables(bundled: Path, n_seeds: int, progress: Progress) -> list[str]:
    """Every table on drawn birds; a seed decides which drawings the statistics take, and the words of the captions."""
    bundle, data = load_project(bundled), load_birds()
    test = features_of_tests(data, bundle.backbone, progress)
    train = cache_activations(data.train, bundle.backbone, 0)
    train_features = features_of(bundle.backbone, train.batches())
    network = load_rehearsal_network(data, bundled)
    first = network, cache_activations(data.train, network.backbone, 0)
    runs: list[dict[str, Entry]] = []
    wordings: list[dict[str, GZSLResult]] = []
    for seed in range(n_seeds):
        options = FitOptions(n_views=0, seed=seed)
        rehearsed = _rehearse(data, first, options, progress)
        project = measure(data, bundle.backbone, bundle.trained, train, rehearsed, options=options, progress=progress)
        runs.append(compete(project, rehearsed, (train_features, train.labels), test, progress))
        wordings.append(_by_wording(project, test, seed))
        progress("seeds", seed + 1, n_seeds)
    wordings[0] |= _by_embedding(first, bundle, data, train, test, progress)
    picks = torch.randperm(len(train.plain), generator=torch.Generator().manual_seed(0))[: N_SAMPLES + N_JUDGES]
    images = train.plain[picks].float()
    n_unseen = len(data.class_names) - data.n_seen
    title = f"**Paper Birds**, {data.n_seen} seen / {n_unseen} unseen species, {len(test[1])} fresh drawings"
    return [
        title + (f"; mean ± standard deviation of {n_seeds} seeds" if n_seeds > 1 else ""),
        competition_table(runs),
        "NIWT by kind of description:",
        _wording_table(wordings),
        _example(bundle),
        race_table("Paper Birds", race(bundle, images[:N_SAMPLES], images[N_SAMPLES:])),
    ]


#: The network of the rehearsal, and its activations of the training drawings.
_First = tuple[RehearsalNetwork, CachedActivations]


def _rehearse(data: ZeroShotData, first: _First, options: FitOptions, progress: Progress) -> Rehearsed:
    network, cached = first
    trained = network.trained, network.division
    return rehearse(data, network.backbone, cached, options=options, trained=trained, progress=progress)


def _captions(n_seen: int, n_each: int, seed: int, omit: float = 0.3) -> list[list[str]]:
    birds = [s.attributes for s in make_species()][n_seen:]
    first = 10_000_000 * (1 + seed)
    return [
        [write_caption(b, seed=first + 1000 * i + j, omit=omit) for j in range(n_each)] for i, b in enumerate(birds)
    ]


def _result(project: Project, descriptions: Tensor, test: tuple[Tensor, Tensor]) -> GZSLResult:
    new = project.learner.classifier(project.class_names[project.n_seen :], descriptions)
    return evaluate(join(project.seen, new)(test[0]), test[1], project.n_seen)


def _by_wording(project: Project, test: tuple[Tensor, Tensor], seed: int) -> dict[str, GZSLResult]:
    """Results by what is known of an unseen species; sentences are read into attributes."""
    ground = project.descriptions[: project.n_seen].mean(0).numpy()

    def understood(texts: Sequence[Sequence[str]]) -> Tensor:
        return torch.from_numpy(np.stack([encode(merge(t), ground) for t in texts]))

    n = project.n_seen
    full, one = _captions(n, 1, seed, omit=0), _captions(n, 1, seed)
    mentioned = np.mean([len(merge(t)) for t in one])
    return {
        "attributes": _result(project, project.descriptions[n:], test),
        f"one sentence that says all {len(GROUPS)} things": _result(project, understood(full), test),
        "ten captions": _result(project, understood(_captions(n, 10, seed)), test),
        f"one caption, as people write (about {mentioned:.0f} of {len(GROUPS)} things)": _result(
            project, understood(one), test
        ),
    }


def merge(texts: Sequence[str]) -> dict[str, str]:
    """What several captions of one bird say together; the first to mention a group decides."""
    merged: dict[str, str] = {}
    for text in texts:
        for group, value in read(text).attributes.items():
            merged.setdefault(group, value)
    return merged


def _by_embedding(
    first: _First,
    bundle: Project,
    data: ZeroShotData,
    train: CachedActivations,
    test: tuple[Tensor, Tensor],
    progress: Progress,
) -> dict[str, GZSLResult]:
    """Results when sentence embeddings stand in for attributes, in the fit as well; seed 0."""
    encoder = load_encoder()
    birds = [s.attributes for s in make_species()][: data.n_seen]
    taught = [[write_caption(b, seed=1000 * i + j) for j in range(N_TRAINING_CAPTIONS)] for i, b in enumerate(birds)]

    def embedded(texts: Sequence[Sequence[str]]) -> Tensor:
        return torch.from_numpy(class_embeddings(encoder, texts))

    ten = embedded(_captions(data.n_seen, 10, 0))
    rows = torch.cat([embedded(taught), ten])
    by_text = replace(data, attributes=rows, attribute_names=tuple(f"embedding {i}" for i in range(rows.shape[1])))
    options = FitOptions(n_views=0)
    rehearsed = _rehearse(by_text, first, options, progress)
    project = measure(by_text, bundle.backbone, bundle.trained, train, rehearsed, options=options, progress=progress)
    return {
        "ten captions, sentence embeddings": _result(project, ten, test),
        "one caption, sentence embedding": _result(project, embedded(_captions(data.n_seen, 1, 0)), test),
    }


def _wording_table(wordings: Sequence[Mapping[str, GZSLResult]]) -> str:
    base = float(np.mean([w["attributes"].harmonic for w in wordings]))
    names = list(dict.fromkeys(name.partition(" (about")[0] for w in wordings for name in w))
    of: list[Callable[[GZSLResult], float]] = [
        lambda r: r.seen, lambda r: r.unseen, lambda r: r.harmonic, lambda r: r.unseen_only
    ]  # fmt: skip
    rows = []
    for name in names:
        found = [r for w in wordings for full, r in w.items() if full.partition(" (about")[0] == name]
        label = next(full for w in wordings for full in w if full.partition(" (about")[0] == name)
        ratio = np.mean([r.harmonic for r in found]) / base
        rows.append([label, *(cell([f(r) for r in found]) for f in of), f"{ratio:.3f}"])
    return table(["what is known of a class", "S", "U", "H", "unseen only", "share of the attributes' H"], rows)


def _example(project: Project) -> str:
    bird = read(EXAMPLE).attributes
    drawings = fresh_features(project, bird, 100, FRESH_SEED)
    project.learner.classifier(["described"], description_of(project, bird))  # the first call makes matrices ready
    started = time.perf_counter()
    new = project.learner.classifier(["described"], description_of(project, bird))
    seconds = time.perf_counter() - started
    trial = try_out(project, new, drawings)
    forward = time.perf_counter()
    fresh_features(project, bird, 1, FRESH_SEED)
    one_bird = time.perf_counter() - forward
    return (
        f"“{EXAMPLE}”: a classifier in {1000 * seconds:.1f} ms ({seconds / one_bird:.2f} times as long as drawing and "
        f"classifying one bird); it finds {trial.found} of 100 fresh drawings among {project.n_seen + 1} classes."
    )
