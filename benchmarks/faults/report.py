"""What was measured, as Markdown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

from benchmarks.faults.killing import Tally
from benchmarks.faults.others import Row

#: Of what was found wrong, so many lines of each kind.
MOST_LINES = 5


def of_kills(tallies: Sequence[Tally], seed: int) -> str:
    """A row for each kind, and one for all of them."""
    rows = [
        "| killed while writing | kills | in the middle of a call | confirmed | lost | half read | leftovers swept |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_row(tally.kind, _numbers(tally)) for tally in tallies),
        _row("**all**", [sum(column) for column in zip(*map(_numbers, tallies), strict=True)]),
    ]
    found = [f"- {t.kind}: {line}" for t in tallies for line in (*t.lost[:MOST_LINES], *t.half_read[:MOST_LINES])]
    words = (
        f"Each kill is SIGKILL at a random moment (seed {seed}). Confirmed is what the app’s own function had returned "
        "from, or what stood on the page. After each kill a fresh process lists everything as the pages do, reads all "
        "of it and compares every byte; then it sweeps as the app does, and looks again. Fits that were cut off, and "
        f"known as such by what is told to the person: {sum(tally.told for tally in tallies)}."
    )
    return "\n\n".join(["\n".join(rows), *(["\n".join(found)] if found else []), words])


def _row(kind: str, numbers: Sequence[int]) -> str:
    return f"| {kind} | {' | '.join(f'{n:,}' for n in numbers)} |"


def _numbers(tally: Tally) -> tuple[int, ...]:
    return tally.kills, tally.cut_off, tally.confirmed, len(tally.lost), len(tally.half_read), tally.swept


def of_others(rows: Sequence[Row]) -> str:
    """A row for each thing asked for during a fault."""
    head = [
        "| fault | asked for | what was said | all there and whole | can be done afterwards |",
        "|---|---|---|---|---|",
    ]
    lines = [
        f"| {row.fault} | {row.asked} | {row.said or 'done'} | {_yes(row.whole)} | {_yes(row.again)} |" for row in rows
    ]
    return "\n".join([*head, *lines])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"


def of_machine(seconds: float) -> str:
    """On what it was measured, and how long that took."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch = sys.modules.get("torch")
    said = f", torch {torch.__version__}" if torch else ""
    system = f"{platform.system()} {platform.release()}"
    return f"Took {seconds:.0f} s on {cores} cores; Python {platform.python_version()}{said}, {system}."
