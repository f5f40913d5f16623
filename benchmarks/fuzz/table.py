"""The table of a fuzzing run, and the page that keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.fuzz.runs import Run

_HEAD = """| door | engine | inputs | taken | refused | mean ms | slowest ms | may s | peak MB | may MB | findings |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


def table(runs: Sequence[Run], head: bool = True) -> str:
    """Rows of Markdown, one a run."""
    rows = [_row(run) for run in runs]
    return "\n".join([_HEAD, *rows] if head else rows)


def _row(run: Run) -> str:
    bounds = run.door.bounds
    cells = [
        run.door.name,
        run.engine,
        f"{run.inputs:,}",
        f"{run.accepted:,}",
        f"{run.refused:,}",
        f"{1000 * run.mean:.1f}",
    ]
    cells += [f"{1000 * run.slowest:,.0f}", f"{bounds.seconds:g}", f"{run.peak:,.0f}", f"{bounds.megabytes:,.0f}"]
    return f"| {' | '.join([*cells, str(len(run.findings))])} |"


def document(runs: Sequence[Run], facts: str) -> str:
    """The whole page."""
    doors = {run.door.name: run.door for run in runs}
    fewer = [f"{door.name} ({door.most:,})" for door in doors.values() if door.most < 10_000]
    ended = sum(run.ended for run in runs)
    listed = "\n".join(f"- **{door.name}**: {door.what}" for door in doors.values())
    return PAGE.format(
        facts=facts,
        table=table(runs),
        doors=listed,
        fewer=f"Fewer where one input costs over 50 ms: {', '.join(fewer)}.\n" if fewer else "",
        ended=f"{ended:,} inputs ended the reader’s process, as MATLAB files do to SciPy; that is why it has one.\n"
        if ended
        else "",
        total=f"{sum(run.inputs for run in runs):,}",
        findings=f"{sum(len(run.findings) for run in runs)}",
    )


PAGE = """# Hostile input

Everything that comes from outside goes through a door of the core. `python -m benchmarks.fuzz` sends generated inputs
through each and watches. Last run: {facts}; {total} inputs, {findings} findings.

{table}

Times are of the processor, memory is the peak beyond what the process had before the input; beside each stands what
one input may take. {fewer}{ended}
## The doors

{doors}

## What has to hold

- An input is taken, or refused with one `InputError`: one line, no traceback, no path of the server.
- Nothing is written, renamed or removed outside the door's own folder: its surroundings are compared before and after,
  and Python's audit events are listened to while the door is open.
- No code is run: no pickle is loaded (some inputs are pickles that would create a file), no process is started but the
  reader of MATLAB files, nothing connects.
- It ends within the seconds and the memory in the table. What input may be at most stands in `niwt_core/limits.py`, and
  `tests/test_limits.py` tests each limit at the limit and one past it.

## How inputs are made

**Hypothesis** (`benchmarks/fuzz/inputs.py`): whole files with structured damage. Cut, flipped, repeated, spliced;
sizes, offsets, counts and types that lie; entries on top of one another, links, paths that lead out, names in odd
scripts or twice, passwords, wrong checksums, bombs; numbers that are none; millions of columns; text in other
encodings; JSON of great depth. The same seed makes the same inputs.

**atheris** (`pip install atheris`, in `requirements-test.txt` where it has a wheel): bytes that libFuzzer makes from
whole files, guided by which lines of `niwt_core` and of Pillow they reach.

Each finding became a small test in `tests/test_hostile.py` and a repair in the core.
"""
