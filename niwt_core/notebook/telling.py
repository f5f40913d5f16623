"""What is kept of a class, in words: its figures, and what its pattern means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from niwt_core.notebook.kept import Kept


def told_figures(figures: Mapping[str, float], *, brief: bool = False) -> tuple[str, ...]:
    """Figures as short clauses: ("finds 95 of 100", "claims 4 of 100 strangers", "solved in 0.4 ms").

    A count without its total is not told, nor is a figure that this version has no words for.

    Args:
        brief: only those that say how good the class is and how quickly it was made.
    """
    told = []
    if "found" in figures and "of" in figures:
        told.append(f"finds {figures['found']:.0f} of {figures['of']:.0f}")
    if "claimed" in figures and "strangers" in figures:
        told.append(f"claims {figures['claimed']:.0f} of {figures['strangers']:.0f} strangers")
    if "milliseconds" in figures:
        told.append(f"solved in {figures['milliseconds']:.1f} ms")
    if "misfit" in figures and not brief:
        told.append(f"distance to the target {figures['misfit']:.2f}")
    return tuple(told)


def told_settings(figures: Mapping[str, float]) -> str:
    """What the class was solved with, "transfer strength 100, ridge 0.3"; "" where nobody has noted it."""
    names = {"strength": "transfer strength", "ridge": "ridge"}
    return ", ".join(f"{said} {figures[name]:g}" for name, said in names.items() if name in figures)


def told_pattern(apart: Sequence[float], names: Sequence[str], n_each: int = 2) -> str:
    """The neurons that set a class apart from the average known one, in a sentence.

    Args:
        apart: importances less the mean importances of the known classes. apart, names: by channel number.
    """
    values = np.asarray(apart, dtype=float)
    by_size = np.argsort(values)
    rising = [k for k in by_size[::-1][:n_each] if values[k] > 0]
    falling = [k for k in by_size[:n_each] if values[k] < 0]

    def said(channels: list[int]) -> str:
        return " and ".join(f"neuron {k} ({names[k]})" for k in channels) or "none"

    return f"Beside the average class, these rise most: {said(rising)}. These fall most: {said(falling)}."


def told_picks(picks: Mapping[str, str]) -> str:
    """Picked attributes as they are called in the data: "back color: yellow, size: small"."""
    return ", ".join(f"{group}: {value}" for group, value in picks.items()).replace("_", " ")


def differing(entries: Sequence[Kept]) -> dict[str, list[str]]:
    """Attribute groups in which entries differ: group -> the value of each, "" where it is left open."""
    groups = dict.fromkeys(group for entry in entries for group in entry.picks)
    rows = {group: [entry.picks.get(group, "") for entry in entries] for group in groups}
    return {group: row for group, row in rows.items() if len(set(row)) > 1}
