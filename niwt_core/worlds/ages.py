"""Ages: for how long things on the shelf have been left alone, by a clock that nobody can set.

The shelf has a time of its own, in seconds, written down in `.ages.json`. It goes on with the time since the computer
was started, which no correction of the date touches; where the computer was started anew in between, by what the date
says, a day at most. So a date that is a year off, forwards or backwards, takes nothing away from anybody.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from niwt_core.files import durable

FILE = ".ages.json"
#: As much as the date is believed where nothing else tells the time that has gone by.
BELIEVED = 24 * 3600.0


@dataclass(frozen=True)
class Now:
    """A moment as the computer knows it: since which start, for how many seconds, and what the date says."""

    start: str
    running: float
    date: float


@dataclass(frozen=True)
class Ages:
    """What the shelf remembers.

    Attributes:
        at: when it was last asked. shelf: its own time then.
        known: name -> (a stamp that changes when the thing is touched, the shelf's time when that stamp was first seen)
    """

    at: Now
    shelf: float = 0.0
    known: Mapping[str, tuple[int, float]] = field(default_factory=dict)


def now() -> Now:
    """This moment."""
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        start = ""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC) if hasattr(time, "CLOCK_MONOTONIC") else None
    return Now(start, time.clock_gettime(clock) if clock is not None else time.monotonic(), time.time())


def left_alone(shelf: Path, stamps: Mapping[str, int]) -> dict[str, float]:
    """Seconds for which things have been there untouched, as far as the shelf has seen: never more than in truth.

    Args:
        stamps: name -> a number that changes when the thing is touched. Names that are missing are forgotten.
    """
    before, moment = _read(shelf), now()
    time_of_shelf = before.shelf + _between(before.at, moment)
    known = {}
    for name, stamp in stamps.items():
        seen = before.known.get(name)
        known[name] = seen if seen is not None and seen[0] == stamp else (stamp, time_of_shelf)
    with contextlib.suppress(durable.UnwritableError):  # then everything only grows older later
        durable.write_json(shelf / FILE, asdict(Ages(moment, time_of_shelf, known)))
    return {name: time_of_shelf - since for name, (_, since) in known.items()}


def _between(before: Now, after: Now) -> float:
    """Seconds that have gone by for sure."""
    if before.start == after.start and after.running >= before.running:
        return after.running - before.running
    return min(max(after.date - before.date, 0.0), BELIEVED)


def _read(shelf: Path) -> Ages:
    """What was written down; a fresh beginning where there is nothing, or nothing that can be read."""
    try:
        found = json.loads((shelf / FILE).read_text(encoding="utf-8"))
        known = {str(name): (int(stamp), float(since)) for name, (stamp, since) in found["known"].items()}
        at = found["at"]
        return Ages(Now(str(at["start"]), float(at["running"]), float(at["date"])), float(found["shelf"]), known)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return Ages(now())
