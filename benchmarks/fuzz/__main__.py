"""python -m benchmarks.fuzz [--n 10000] [--door pictures ...] [--engine hypothesis] [--write docs/fuzzing.md]"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.runs import run
from benchmarks.fuzz.table import document, table

ENGINES = ("hypothesis", "atheris")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description="Send hostile input through every door."
    )
    parser.add_argument("--n", type=int, default=10_000, help="inputs for each door and engine")
    parser.add_argument("--door", nargs="+", choices=DOORS, default=list(DOORS), metavar="DOOR", help=", ".join(DOORS))
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="a Markdown file for the table")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs of findings")
    given = parser.parse_args()
    engines = [engine for engine in given.engine if engine != "atheris" or importlib.util.find_spec("atheris")]
    if "atheris" in given.engine and "atheris" not in engines:
        print("atheris is not installed here (it has no wheel for every system): Hypothesis alone.", file=sys.stderr)
    began, runs = time.perf_counter(), []
    for name in given.door:
        for engine in engines:
            folder = (given.keep or Path(tempfile.mkdtemp())) / f"{name.replace(' ', '-')}-{engine}"
            runs.append(run(DOORS[name], engine, given.n, given.seed, folder))
            print(table(runs[-1:], head=len(runs) == 1), flush=True)
            for finding in runs[-1].findings[:5]:
                print(f"  found: {finding[:400]}", flush=True)
    took = (time.perf_counter() - began) / 60
    facts = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {given.seed}, {took:.0f} minutes"
    print(f"\n{facts}")
    if given.write:
        given.write.write_text(document(runs, facts), encoding="utf-8")
    return 1 if any(found.findings for found in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
