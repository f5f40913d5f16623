"""A class at one small server: `python -m benchmarks.load`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.load import report
from benchmarks.load.lesson import Plan, hold

_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"


def main() -> int:
    """Hold the lesson, print its figures; 1 if an aim was missed."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=usual.sessions, help="people, those who fit among them")
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--fits", type=int, default=usual.fits, help="people who upload photos and fit networks")
    parser.add_argument("--photos", type=int, default=usual.photos, help="photos of each fit")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--hurry", type=float, default=usual.hurry, help="think times are multiplied by it")
    parser.add_argument("--rest", type=float, default=usual.rest, help="seconds until the server has to be at rest")
    parser.add_argument("--log", type=Path, help="keep what the server prints")
    parser.add_argument("--write", type=Path, help="a Markdown file whose figures are replaced")
    asked = parser.parse_args()
    plan = Plan(asked.sessions, asked.minutes, asked.fits, asked.photos, asked.seed, asked.hurry, asked.rest)
    os.nice(5)  # the visitors' own computers would not slow the server down
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="load") as folder:
        lesson = hold(plan, Path(folder), tell)
        if asked.log:
            shutil.copy(Path(folder) / "server.log", asked.log)
        found = report.markdown(lesson)
    print(found)
    if asked.write:
        _write(asked.write, found)
    return 0 if all(is_reached for _, is_reached, _ in report.verdicts(lesson)) else 1


def _write(file: Path, found: str) -> None:
    """Between the marks, where the file has them; else at its end."""
    text = file.read_text() if file.exists() else f"# Load\n\n{_BEGIN}\n{_END}\n"
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    file.write_text(f"{before}{_BEGIN}\n{found}{_END}{after or chr(10)}")


if __name__ == "__main__":
    sys.exit(main())
