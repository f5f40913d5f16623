"""Figures as Markdown tables: means, and the spread over seeds where there are several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cell(values: Sequence[float], digits: int = 3) -> str:
    """ "0.613", or "0.613 ± 0.008" (mean and standard deviation) for several runs."""
    mean = f"{np.mean(values):.{digits}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else mean


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns other than the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
