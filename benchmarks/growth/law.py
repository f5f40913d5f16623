"""The power of the size that something grows with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

#: The law is read off the last points: at small sizes other costs hide it.
LAST = 3


def power(sizes: Sequence[float], values: Sequence[float]) -> float | None:
    """Slope of the straight line through the last points of log value against log size; None for a single size.

    Args:
        sizes, values: (n_points,), above 0; sizes ascending. 1 means ten times as much for ten times the size, 2 a
            hundred times, 0 no growth.
    """
    x, y = [math.log(size) for size in sizes[-LAST:]], [math.log(value) for value in values[-LAST:]]
    if len(x) < 2:
        return None
    mean_x, mean_y = fmean(x), fmean(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
