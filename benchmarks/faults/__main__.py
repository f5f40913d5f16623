"""Kill the app's own writing at random moments, and look after each kill what is there.

    python -m benchmarks.faults [--kills 200] [--seed 0] [--kinds notebook,drafts,projects,fits,server]
                                [--chromium /usr/bin/chromium] [--careless] [--write docs/faults.md]

prints a Markdown table. The kinds share the kills; the server's need Chromium, and playwright from
requirements-test.txt. With --careless the writers do what they must not, to see that the measurement finds it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults.careless import Careless
from benchmarks.faults.killing import Kind, Tally, kill_many
from benchmarks.faults.notebooks import Notebooks

#: Which part of the kills each kind gets.
SHARES = {"notebook": 80, "drafts": 44, "projects": 44, "fits": 22, "server": 10}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exits with 1 where something was lost, or read half written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="of all kinds together (200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(SHARES), help="separated by commas (all)")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--careless", action="store_true", help="writers that must be found out")
    parser.add_argument("--write", type=Path, help="a Markdown file for what was measured")
    chosen = parser.parse_args(arguments)
    names = chosen.kinds.split(",")
    if unknown := [name for name in names if name not in SHARES]:
        parser.error(f"no kind {unknown[0]!r}; expected some of {', '.join(SHARES)}")
    began = time.monotonic()
    tallies = []
    for name, kills in _shared_out(names, chosen.kills).items():
        tallies.append(_killed(name, kills, chosen))
        print(file=sys.stderr)
    text = report(tallies, chosen.seed, time.monotonic() - began)
    print(text)
    if chosen.write:
        chosen.write.write_text(text + "\n", encoding="utf-8")
    return int(any(tally.lost or tally.half_read for tally in tallies))


def _shared_out(names: Sequence[str], kills: int) -> dict[str, int]:
    """Kills of each kind, by its share; the first gets what rounding leaves."""
    all_shares = sum(SHARES[name] for name in names)
    parts = {name: kills * SHARES[name] // all_shares for name in names}
    parts[names[0]] += kills - sum(parts.values())
    return {name: n for name, n in parts.items() if n}


def _killed(name: str, kills: int, chosen: argparse.Namespace) -> Tally:
    if name == "server":
        from benchmarks.faults.servers import Servers

        return Servers(chosen.chromium).kill_many(kills, chosen.seed, _show)
    kind = _kind(name)
    return kill_many(Careless(kind) if chosen.careless else kind, kills, chosen.seed, _show)


def _kind(name: str) -> Kind:
    """torch is imported here, once: writers are forked."""
    if name == "notebook":
        return Notebooks()
    import torch

    from benchmarks.faults.shelves import Drafts, Fits, Projects

    torch.set_num_threads(1)
    return {"drafts": Drafts, "projects": Projects, "fits": Fits}[name]()


def _show(tally: Tally) -> None:
    if sys.stderr.isatty():
        found = f", {len(tally.lost)} lost, {len(tally.half_read)} half read"
        print(f"\r{tally.kind}: {tally.kills} kills{found}", end="", file=sys.stderr, flush=True)


def report(tallies: Sequence[Tally], seed: int, seconds: float) -> str:
    """The table, what was found wrong, and on what it was measured."""
    rows = [
        "| killed while writing | kills | in the middle of a call | confirmed | lost | half read | leftovers swept |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for t in tallies:
        numbers = (t.kills, t.cut_off, t.confirmed, len(t.lost), len(t.half_read), t.swept)
        rows.append(f"| {t.kind} | {' | '.join(f'{n:,}' for n in numbers)} |")
    totals = [sum(column) for column in zip(*(_numbers(t) for t in tallies), strict=True)]
    rows.append(f"| **all** | {' | '.join(f'{n:,}' for n in totals)} |")
    found = [f"- {t.kind}: {line}" for t in tallies for line in (*t.lost[:5], *t.half_read[:5])]
    told = sum(t.told for t in tallies)
    words = [
        f"Each kill is SIGKILL at a random moment (seed {seed}). Confirmed is what the app’s own function had returned "
        "from. After each kill a fresh process lists everything as the pages do, reads all of it and compares every "
        "byte; then it sweeps as the app does, and looks again.",
        f"\nFits that were cut off and are known as such, so that the page says it: {told}.\n",
        f"Took {seconds:.0f} s on {_cores()} cores, Python {platform.python_version()}{_torch()}, {platform.system()} "
        f"{platform.release()}.",
    ]
    return "\n".join([*rows, "", *found, *([""] if found else []), *words])


def _numbers(tally: Tally) -> tuple[int, ...]:
    return tally.kills, tally.cut_off, tally.confirmed, len(tally.lost), len(tally.half_read), tally.swept


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _torch() -> str:
    torch = sys.modules.get("torch")
    return f", torch {torch.__version__}" if torch else ""


if __name__ == "__main__":
    sys.exit(main())
