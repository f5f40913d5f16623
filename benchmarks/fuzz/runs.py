"""A run: one door under one engine, in processes that may end badly, added up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz.doors import Door

#: Wall-clock seconds that a whole run may take beyond a tenth of a second for each input.
PATIENCE = 3600


@dataclass(frozen=True)
class Run:
    """What became of all inputs.

    Attributes:
        ended: inputs that ended the process, where that is what the door's own process is for.
        slowest, peak: processor seconds and MB of the costliest input. findings: a line each.
    """

    door: Door
    engine: str
    inputs: int
    accepted: int
    ended: int
    slowest: float
    mean: float
    peak: float
    findings: tuple[str, ...]

    @property
    def refused(self) -> int:
        return self.inputs - self.accepted - len(self.findings)


def run(door: Door, engine: str, n: int, seed: int, folder: Path) -> Run:
    """Send `n` inputs, or as many as the door takes, and go on after each one that ends the process."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    n, ended, findings = min(n, door.most), 0, []
    outcomes: list[list] = []
    while len(outcomes) < n:
        command = [
            sys.executable,
            "-m",
            "benchmarks.fuzz.worker",
            door.name,
            engine,
            *map(str, (n, seed, len(outcomes))),
            str(folder),
        ]
        with (folder / "log.txt").open("ab") as log:
            code = subprocess.run(
                command, stdout=log, stderr=log, cwd=Path(__file__).parents[2], timeout=PATIENCE + n / 10, check=False,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            ).returncode  # fmt: skip
        lines = (folder / "outcomes.jsonl").read_text().splitlines() if (folder / "outcomes.jsonl").exists() else []
        before, outcomes = len(outcomes), [json.loads(line) for line in lines]
        if len(outcomes) >= n:
            break
        if code == 0 and len(outcomes) > before:  # atheris counts its first ones otherwise
            continue
        if code > 0 and (engine != "atheris" or len(outcomes) == before):
            raise RuntimeError(f"The worker for {door.name} failed by itself; {folder / 'log.txt'} says why.")
        name = signal.Signals(-code).name if code < 0 else f"code {code}"
        with (folder / "outcomes.jsonl").open("a") as file:
            said = "" if door.may_end else f"ended the process ({name})"
            file.write(json.dumps([False, 0.0, 0.0, said, name]) + "\n")
        outcomes.append([False, 0.0, 0.0, said, name])
        ended += door.may_end
    findings = [f"input {i}: {found}" for i, (_, _, _, found, _) in enumerate(outcomes) if found]
    seconds = [outcome[1] for outcome in outcomes]
    return Run(
        door, engine, len(outcomes), sum(o[0] and not o[3] for o in outcomes), ended,
        max(seconds), sum(seconds) / len(seconds), max(o[2] for o in outcomes), tuple(findings),
    )  # fmt: skip
