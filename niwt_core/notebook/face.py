"""A class's face: its importance barcode as a small picture, drawn as SVG that stays sharp at any size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Where cells of all sizes meet in the picture, and how finely their colours are told apart.
WIDTH, HEIGHT = 256, 40
_LEVELS = 12


def face(importances: Sequence[float], order: Sequence[int] = (), *, rises: str, hangs: str) -> str:
    """The barcode: one cell a channel, what speaks for the class rises from the middle, what speaks against it hangs.

    Args:
        importances: (n_channels,) by channel number. order: channel numbers, first cell first; () for by number.
        rises, hangs: colours.

    Returns:
        an SVG document, `WIDTH` by `HEIGHT`, on a transparent ground; a class without importances has an empty one.
    """
    values = np.asarray(importances, dtype=float)
    if len(order):
        values = values[np.asarray(order)]
    scale = float(np.percentile(np.abs(values), 98)) if len(values) else 0.0
    shares = np.clip(values / scale, -1, 1) if scale else np.zeros(len(values))
    levels = np.rint(shares * _LEVELS).astype(int)
    middle = HEIGHT / 2
    paths = []
    for level in sorted(set(levels.tolist()) - {0}):
        cells = np.flatnonzero(levels == level)
        top = 0 if level > 0 else middle
        step = WIDTH / len(values)
        shape = "".join(f"M{step * i:.2f} {top:g}h{step:.2f}v{middle:g}h-{step:.2f}z" for i in cells)
        colour = rises if level > 0 else hangs
        paths.append(f'<path d="{shape}" fill="{colour}" fill-opacity="{_alpha(abs(level) / _LEVELS):.2f}"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges">{"".join(paths)}'
        f'<path d="M0 {middle:g}H{WIDTH}" stroke="#7f8a96" stroke-width="1"/></svg>'
    )


def _alpha(size: float) -> float:
    """As in the large barcodes: quickly to a half, then to the full colour."""
    return 1.1 * size if size < 0.5 else 0.55 + 0.9 * (size - 0.5)


def cosine(a: Sequence[float], b: Sequence[float]) -> float | None:
    """How alike two patterns are: 1 the same, 0 nothing in common; None where they belong to different networks."""
    if len(a) != len(b) or not len(a):
        return None
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / lengths if lengths else None
