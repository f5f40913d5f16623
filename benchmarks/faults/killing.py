"""Killing writers: each is forked from a warm parent, writes until it is killed, and is judged by a fresh reader."""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.faults.journal import Journal
from niwt_core.errors import InputError

#: Writers killed one after the other at the same place before a new place is taken.
AT_ONE_PLACE = 10
#: Seconds until a writer has to be ready, or a reader done.
PATIENCE = 120.0

#: Tell the parent: one event, see `Journal.hear`.
Say = Callable[[Mapping[str, str]], None]


class Kind(Protocol):
    """One way of writing.

    A writer is killed at a random moment: after it has said something up to `events` times, and then up to `longest`
    seconds later. So it has come to its work also on a machine that is busy.
    """

    name: str
    events: int
    longest: float

    def prepare(self, place: Path) -> None:
        """Once at each place, before the first writer."""

    def write(self, place: Path, life: int, say: Say) -> None:
        """Write and confirm for ever; the first thing said is {"ready": ""}."""

    def read(self, place: Path) -> Reading:
        """All that the app's own functions list, read to the end, and what was left of the killed writer swept."""


@dataclass
class Reading:
    """What a reader found: name -> content.

    Attributes:
        broken: what was listed and could not be read. swept: files and folders of cut off work. told: how many things
            are known to have been cut off, as the page tells it.
    """

    found: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    swept: int = 0
    told: int = 0


@dataclass
class Tally:
    """What came of all kills of one kind."""

    kind: str
    kills: int = 0
    confirmed: int = 0
    cut_off: int = 0
    lost: list[str] = field(default_factory=list)
    half_read: list[str] = field(default_factory=list)
    swept: int = 0
    told: int = 0

    def add(self, events: Sequence[Mapping[str, str]], reading: Reading, journal: Journal) -> None:
        """Count one kill: what the writer said, and what a fresh reader found."""
        for event in events:
            journal.hear(event)
        verdict = journal.judge(reading.found)
        self.kills += 1
        self.confirmed += sum("done" in event for event in events)
        self.cut_off += bool(events) and "doing" in events[-1]
        self.lost += verdict.lost
        self.half_read += reading.broken + verdict.half_read
        self.swept += reading.swept
        self.told += reading.told


class WriterError(RuntimeError):
    """A writer or reader ended by itself, or never came to its work: the measurement is of no use."""


def kill_many(kind: Kind, kills: int, seed: int, tell: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """Kill so many writers of a kind, each at a random moment, and look after each what there is."""
    rng, tally = random.Random(f"{kind.name} {seed}"), Tally(kind.name)
    while tally.kills < kills:
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            place, journal = Path(name), Journal()
            in_a_child(lambda place=place: kind.prepare(place))
            for _ in range(min(AT_ONE_PLACE, kills - tally.kills)):
                moment = rng.randint(0, kind.events), rng.uniform(0, kind.longest)
                events = _one_life(kind, place, tally.kills, *moment)
                reading = read(lambda place=place: kind.read(place))
                tally.add(events, reading, journal)
                tell(tally)
    return tally


def _one_life(kind: Kind, place: Path, life: int, n_events: int, seconds: float) -> list[dict[str, str]]:
    """Fork a writer, kill it so many seconds after so many events, return what it said."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)

        def say(event: Mapping[str, str]) -> None:
            os.write(into, (json.dumps(event) + "\n").encode())  # the kernel has it: no kill takes it back

        _to_the_end(lambda: kind.write(place, life, say), place)
    os.close(into)
    with os.fdopen(out, "rb") as lines:
        first = lines.readline()
        if json.loads(first or b"{}") != {"ready": ""}:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise WriterError(f"The writer of {kind.name} never began: {_complaint(place)}")
        said = [lines.readline() for _ in range(n_events)]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            raise WriterError(f"The writer of {kind.name} ended by itself: {_complaint(place)}")
        # A line that the kill cut short says nothing.
        return [json.loads(line) for line in (*said, *lines) if line.endswith(b"\n")]


def read(look: Callable[[], Reading]) -> Reading:
    """What there is, looked at in a fresh process; what makes the app's own functions stumble is broken."""

    def told() -> str:
        try:
            return json.dumps(vars(look()))
        except (InputError, OSError) as error:
            return json.dumps(vars(Reading(broken=[f"nothing could be read: {error}"])))

    return Reading(**json.loads(in_a_child(told)))


def in_a_child(work: Callable[[], str | None]) -> str:
    """Do something in a process that nothing was read in before; returns what it returned."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)

        def deed() -> None:
            with os.fdopen(into, "w") as file:
                file.write(work() or "")

        _to_the_end(deed, None)
    os.close(into)
    with os.fdopen(out) as file:
        answer = file.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise WriterError(f"A reader ended with {status}; see above.")
    return answer


def _to_the_end(deed: Callable[[], None], place: Path | None) -> None:
    """In a child: do it and end there, whatever happens."""
    try:
        deed()
        os._exit(0)
    except BaseException:
        if place is None:
            traceback.print_exc()
        else:
            place.with_name(place.name + ".complaint").write_text(traceback.format_exc())
        os._exit(1)


def _complaint(place: Path) -> str:
    file = place.with_name(place.name + ".complaint")
    said = file.read_text() if file.exists() else "it said nothing"
    file.unlink(missing_ok=True)
    return said
