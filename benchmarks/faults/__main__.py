"""Kill the app's own writing at random moments, spoil its disk, database and clock, and look each time what is there.

    python -m benchmarks.faults [--kills 200] [--seed 0] [--kinds notebook,drafts,projects,fits,server]
                                [--only kills|others] [--chromium /usr/bin/chromium] [--careless]
                                [--write docs/faults.md]

prints Markdown tables. The kinds share the kills; the server's need Chromium, and playwright from
requirements-test.txt. With --careless the writers do what they must not, to see that the measurement finds it. Exits
with 1 where something confirmed was lost, or something was read half written.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults import others, report
from benchmarks.faults.careless import Careless
from benchmarks.faults.killing import Kind, Tally, kill_many
from benchmarks.faults.notebooks import Notebooks

#: Which part of the kills each kind gets.
SHARES = {"notebook": 80, "drafts": 44, "projects": 44, "fits": 22, "server": 10}


def main(arguments: Sequence[str] | None = None) -> int:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="of all kinds together (200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(SHARES), help="separated by commas (all)")
    parser.add_argument("--only", choices=("kills", "others"), help="one of the two tables")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--careless", action="store_true", help="writers that must be found out")
    parser.add_argument("--write", type=Path, help="a Markdown file for what was measured")
    chosen = parser.parse_args(arguments)
    names = chosen.kinds.split(",")
    if unknown := [name for name in names if name not in SHARES]:
        parser.error(f"no kind {unknown[0]!r}; expected some of {', '.join(SHARES)}")
    began, parts, good = time.monotonic(), [], True
    if chosen.only != "others":
        tallies = [_killed(name, n, chosen) for name, n in _shared_out(names, chosen.kills).items()]
        parts.append(report.of_kills(tallies, chosen.seed))
        good &= not any(tally.lost or tally.half_read for tally in tallies)
    if chosen.only != "kills":
        rows = list(others.everything())
        parts.append(report.of_others(rows))
        good &= all(row.whole and row.again for row in rows)
    text = "\n\n".join([*parts, report.of_machine(time.monotonic() - began)])
    print(text)
    if chosen.write:
        chosen.write.write_text(f"{HEAD}\n\n{text}\n", encoding="utf-8")
    return int(not good)


HEAD = """# When the app is killed, and other faults

Made by `python -m benchmarks.faults --write docs/faults.md`.

What people make is there whole or not at all. A file or a folder is made under a hidden name beside its own, forced to
the disk, and then renamed (`niwt_core/files/durable.py`); what somebody who was killed has left under a hidden name is
swept away with the next upload. A notebook in SQLite commits to a log that is forced to the disk, and can be read on a
disk that is full or only to be read. How old a draft is, the shelf counts by a clock that no correction of the date
touches (`niwt_core/worlds/ages.py`). A fit that a stop of the server has cut off is told to its person, whose pictures,
words and choices are still there."""


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
    """How far it is: on a terminal always, in a log now and then."""
    said = f"{tally.kind}: {tally.kills} kills, {len(tally.lost)} lost, {len(tally.half_read)} half read"
    if sys.stderr.isatty():
        print(f"\r{said} ", end="", file=sys.stderr, flush=True)
    elif tally.kills % 10 == 0:
        print(said, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
