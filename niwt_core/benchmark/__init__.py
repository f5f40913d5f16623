"""The figures of the README, measured in one run: drawn birds, photos where they are, NIWT against other methods."""

from __future__ import annotations

from pathlib import Path

from niwt_core.benchmark.birds import EXAMPLE, birds_tables
from niwt_core.benchmark.photos import photo_tables
from niwt_core.benchmark.race import race
from niwt_core.datasets import load_cub
from niwt_core.pipeline import Progress

__all__ = ["EXAMPLE", "race", "run_benchmark"]


def run_benchmark(
    cub: Path,
    split: Path | None,
    backbone: str,
    weights: str,
    layer: str,
    n_seeds: int,
    bundled: Path,
    progress: Progress,
    parts: tuple[str, ...] = ("birds", "photos"),
) -> str:
    """Every table, as Markdown."""
    tables = birds_tables(bundled, n_seeds, progress) if "birds" in parts else []
    if "photos" in parts:
        if cub.is_dir():
            tables += photo_tables(load_cub(cub, split), cub, backbone, weights, layer, n_seeds, progress)
        else:
            tables.append(f"Photos: not measured, there is no folder {cub} (give one with --cub).")
    return "\n\n".join(tables)
