"""The figures of the README, measured by one command: drawn birds, photos where they are, and the explanations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from niwt_core.benchmark.birds import EXAMPLE, birds_tables
from niwt_core.benchmark.clauses import clause_tables
from niwt_core.benchmark.explained_words import word_tables
from niwt_core.benchmark.explanations import explanation_tables
from niwt_core.benchmark.neurons import neuron_tables
from niwt_core.benchmark.photos import photo_tables
from niwt_core.benchmark.race import race
from niwt_core.datasets import load_cub
from niwt_core.pipeline import Progress

__all__ = ["EXAMPLE", "PARTS", "PhotoSource", "race", "run_benchmark"]

PARTS = ("birds", "photos", "explanations", "lesson")


@dataclass(frozen=True)
class PhotoSource:
    """Where real photos are, and the network that looks at them.

    Attributes:
        cub: folder of CUB-200-2011. split: folder of its split; None for the data set's own.
        full: folder of uncropped photos with boxes and parts. weights: a file, or "random".
    """

    cub: Path
    split: Path | None
    full: Path
    backbone: str
    weights: str
    layer: str


def run_benchmark(
    photos: PhotoSource, n_seeds: int, bundled: Path, progress: Progress, parts: tuple[str, ...] = PARTS
) -> str:
    """Every table, as Markdown."""
    tables = birds_tables(bundled, n_seeds, progress) if "birds" in parts else []
    if "photos" in parts:
        if photos.cub.is_dir():
            data = load_cub(photos.cub, photos.split)
            network = photos.backbone, photos.weights, photos.layer
            tables += photo_tables(data, photos.cub, *network, n_seeds, progress)
        else:
            tables.append(f"Photos: not measured, there is no folder {photos.cub} (give one with --cub).")
    if "explanations" in parts:
        tables += neuron_tables(bundled, progress) + word_tables(bundled, progress)
        tables += explanation_tables(bundled, photos.cub, photos.full, photos.weights, progress)
    if "lesson" in parts:
        tables += clause_tables(bundled, progress)
    return "\n\n".join(tables)
