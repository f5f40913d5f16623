"""Writers as they must not be, to see that the measurement finds them: `python -m benchmarks.faults --careless`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.killing import Kind, Reading, Say
from niwt_core.files import durable

#: Seconds in which half of a file is there.
HALF = 0.02


class Careless:
    """A kind that writes every file in place, half by half, and confirms what it has only begun."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.name, self.events, self.longest = f"careless: {kind.name}", kind.events, kind.longest

    def prepare(self, place: Path) -> None:
        self._kind.prepare(place)

    def read(self, place: Path) -> Reading:
        return self._kind.read(place)

    def write(self, place: Path, life: int, say: Say) -> None:
        def too_early(event: Mapping[str, str]) -> None:
            say(event)
            if "doing" in event and not event["is"].endswith("*"):
                say({"done": event["doing"], "is": event["is"]})

        durable.write, durable.new_folder = _in_place, _folder_in_place
        self._kind.write(place, life, too_early)


def _in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data[: len(data) // 2])
    time.sleep(HALF)
    path.write_bytes(data)


@contextmanager
def _folder_in_place(path: Path) -> Iterator[Path]:
    path.mkdir()
    yield path
