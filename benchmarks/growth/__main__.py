"""How time and memory grow with images, classes and channels, each beside the bare forward pass.

    python -m benchmarks.growth [--quick] [--write docs]

prints Markdown; with --write also growth.md and a chart for each growth, into that folder. Five to eight minutes on two
quiet cores; --quick measures the smaller sizes only, in one.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.growth import report
from benchmarks.growth.sections import CHANNELS, REAL, SECTIONS, measured


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the smaller sizes only")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="where growth.md and its charts are written")
    args = parser.parse_args(arguments)
    if args.write and not args.write.is_dir():
        parser.error(f"there is no folder {args.write}; expected one to write growth.md into")
    os.environ["OMP_NUM_THREADS"] = "1"
    found = {section: measured(section.quick() if args.quick else section) for section in SECTIONS}
    print(report.markdown(found, with_charts=False))
    if args.write:
        write(found, args.write)


def write(found: report.Found, folder: Path) -> None:
    """growth.md and its charts."""
    from benchmarks.growth.charts import draw

    for section in SECTIONS:
        if section is not REAL:
            apart = found[REAL][:0] if section is not CHANNELS else found[REAL]
            draw(section, found[section], folder / report.chart_name(section), apart)
    (folder / "growth.md").write_text(report.markdown(found, with_charts=True) + "\n")


if __name__ == "__main__":
    main()
