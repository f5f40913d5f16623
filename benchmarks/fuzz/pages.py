"""Hostile input at the doors of the pages: `python -m benchmarks.fuzz.pages [--door NAME] [--n N] [--write FILE]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.fuzz.page_doors import DOORS, Door
from niwt_core import limits
from niwt_core.errors import InputError

#: The Hypothesis seed of all published runs.
SEED = 0
#: Inputs that Hypothesis makes in one go.
PART = 500
#: Seconds of the processor that one input may take.
MOST = 1.0


@dataclass
class Tally:
    """What came of a door's inputs: how many, how many were taken, the slowest in seconds, and the first findings."""

    n: int = 0
    taken: int = 0
    refused: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    n_findings: int = 0
    findings: tuple[str, ...] = ()

    def note(self, finding: str) -> None:
        self.n_findings += 1
        self.findings = (*self.findings, finding)[:3]


def attack(door: Door, n: int, start: int = SEED) -> Tally:
    """Send n generated inputs through a door; findings do not stop it."""
    tally = Tally()
    while tally.n < n:  # in parts, for Hypothesis remembers all that it has made of one
        _send(door, tally, min(PART, n - tally.n), 1_000_000 * start + tally.n)
    return tally


def _send(door: Door, tally: Tally, n: int, start: int) -> None:
    @seed(start)
    @settings(
        max_examples=n, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(door.inputs)
    def one(value: Any) -> None:
        if tally.n - before < n:
            _judge(door, tally, value)

    before = tally.n
    one()
    if tally.n == before:
        raise RuntimeError(f"Hypothesis makes no inputs for {door.name}.")


def _judge(door: Door, tally: Tally, value: Any) -> None:
    began = time.process_time()
    try:
        door.target(value)
        tally.taken += 1
    except InputError as error:
        tally.refused += 1
        if not str(error).strip() or len(str(error)) > limits.SENTENCE:
            tally.note(f"said {str(error)[:100]!r} to {value!r:.300}")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{Path(where.filename).name}:{where.lineno}"
        tally.note(f"{type(error).__name__}: {str(error)[:300]} ({at}) {value!r:.300}")
    took = time.process_time() - began
    tally.n += 1
    tally.seconds += took
    if took > MOST:
        tally.note(f"took {took:.1f} s for {value!r:.300}")
    tally.slowest = max(tally.slowest, took)


def row(name: str, found: Tally) -> str:
    """A line of the table."""
    mean = 1000 * found.seconds / max(found.n, 1)
    return (
        f"| {name} | {found.n:,} | {found.taken:,} | {found.refused:,} | {mean:.1f} | {1000 * found.slowest:,.0f} | "
        f"{found.n_findings} |"
    )


HEAD = """| door | inputs | accepted | refused | mean ms | slowest ms | findings |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""

PAGE = """# Hostile input on the pages

What people type, and what stands in addresses: `python -m benchmarks.fuzz.pages` sends generated texts and addresses
through the functions that every page uses (10,000 a door), and through whole pages (200 a page, which cost seconds).
Last run: {facts}.

{table}

An input to a door may take {most:g} s, a page with an address and with the text in all its fields {page:g} s.

## What has to hold

- **addresses**: every name that a page reads, with anything behind it, gives a class, a project, a tour that
  exist, or none; what is written back gives the same again; nothing unseen gets in.
- **descriptions**, **descriptions compared**: read, or refused with a sentence; as HTML they hold our own tags
  and no more.
- **text as Markdown**: read again by a Markdown reader and searched for what Streamlit makes of text later (icons,
  emoji, links, arrows), it is one line of the same text.
- **text in code**: one constant of the syntax tree, in characters that can be seen.
- **notebook files and reports**: what was kept comes back from JSON; the report runs and fetches nothing; no cell of a
  table is a formula, wherever a spreadsheet cuts it.
- **tables of charts**: the same for the numbers below a chart; numbers stay numbers.
- **page …**: no exception, one title, and a marked text with markup of each kind that nowhere becomes markup.

Each finding became a test in `tests/test_hostile_pages.py`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack the doors, print the table; 1 where there is a finding."""
    from benchmarks.fuzz import screens  # which counts in this module's tallies

    names = [door.name for door in DOORS] + list(screens.SCREENS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", action="append", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}")
    parser.add_argument("--n", type=int, help="inputs (default: 10,000; 200 for whole pages)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    asked = parser.parse_args(arguments)
    lines, findings = [HEAD], []
    print(HEAD, flush=True)
    for name in asked.door or names:
        door = next((door for door in DOORS if door.name == name), None)
        found = (
            attack(door, asked.n or door.n, asked.seed)
            if door
            else screens.attack_screen(name, asked.n or 200, asked.seed)
        )
        lines.append(row(name, found))
        print(lines[-1], flush=True)
        for finding in found.findings:
            print(f"  found: {finding}", flush=True)
        findings += [f"- {name}: {finding}" for finding in found.findings]
    facts = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {asked.seed}"
    print("\n" + "\n".join([facts, *findings]))
    if asked.write:
        page = PAGE.format(facts=facts, table="\n".join(lines), most=MOST, page=screens.MOST)
        asked.write.write_text(page, encoding="utf-8")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
