"""Drawing in a process of its own: whoever wants birds waits for them without holding Python's lock from the others.

A wish goes out as a line of JSON; a line that says what was drawn, and the pictures' bytes, come back. The child needs
no torch, and ends when nobody holds its other end any more.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import LifoQueue
from typing import IO

import numpy as np
from PIL import Image

from niwt_core.birds.drawing import draw
from niwt_core.errors import InputError

COMMAND = [sys.executable, "-m", "niwt_core.birds.easel"]
#: Drawings between two turns of those who wait: a twentieth of a second.
STEP = 10
#: Processes at most, one a core where that is less.
MOST = 4
#: Bytes that a pipe should take at once: an answer, so that nobody waits while it is read piece by piece.
_PIPE = 1 << 20
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wish:
    """A drawing as `draw` takes it, without masks."""

    bird: Mapping[str, str]
    seed: int
    size: int = 64
    calm: bool = False


@dataclass(frozen=True)
class Sheet:
    """A drawing as bytes: its pixels (size, size, 3) uint8, or a JPEG. attributes: of the drawn bird, complete."""

    data: bytes
    attributes: dict[str, str]


#: What turns wishes into sheets; pixels where `quality` is None, else JPEGs of that quality.
Artist = Callable[[Sequence[Wish], int | None], list[Sheet]]


def draw_here(wishes: Sequence[Wish], quality: int | None = None) -> list[Sheet]:
    """Draw in this process.

    Raises:
        InputError: as `draw`.
    """
    return [_sheet(wish, quality) for wish in wishes]


def _sheet(wish: Wish, quality: int | None) -> Sheet:
    drawing = draw(wish.bird, seed=wish.seed, size=wish.size, masks=False, calm=wish.calm)
    data = drawing.image.tobytes() if quality is None else jpeg(drawing.image, quality)
    return Sheet(data, drawing.attributes)


def pixels(sheets: Sequence[Sheet], wishes: Sequence[Wish]) -> list[np.ndarray]:
    """The drawings of sheets of pixels, (size, size, 3) uint8 each."""
    return [
        np.frombuffer(sheet.data, np.uint8).reshape(wish.size, wish.size, 3).copy()
        for sheet, wish in zip(sheets, wishes, strict=True)
    ]


def jpeg(picture: np.ndarray, quality: int = 92) -> bytes:
    """A picture (height, width, 3) uint8 as it is sent: a tenth of the memory, and not made anew for every run."""
    found = io.BytesIO()
    Image.fromarray(picture).save(found, "JPEG", quality=quality, subsampling=0)
    return found.getvalue()


class Easel:
    """Some processes that draw, started when they are first needed, one wish after the other each.

    A process that ends is replaced; where none can work, the caller draws. Call it as an `Artist`.

    Args:
        n: how many processes.
    """

    def __init__(self, n: int = 1) -> None:
        self._free: LifoQueue[subprocess.Popen[bytes] | None] = LifoQueue()
        for _ in range(n):
            self._free.put(None)

    def __call__(self, wishes: Sequence[Wish], quality: int | None = None) -> list[Sheet]:
        """Have drawings made, STEP of them in a turn.

        Raises:
            InputError: as `draw`.
        """
        sheets: list[Sheet] = []
        for start in range(0, len(wishes), STEP):
            sheets += self._turn(wishes[start : start + STEP], quality)
        return sheets

    def close(self) -> None:
        """End the processes that nobody uses at the moment; they start again when they are needed."""
        for _ in range(self._free.qsize()):
            _end(self._free.get())
            self._free.put(None)

    def _turn(self, wishes: Sequence[Wish], quality: int | None) -> list[Sheet]:
        child = self._free.get()
        try:
            for _ in range(2):
                try:
                    child = child or _start()
                    return _ask(child, wishes, quality)
                except (OSError, EOFError, json.JSONDecodeError):  # it has ended, before or now, or cannot be started
                    _end(child)
                    child = None
            return draw_here(wishes, quality)
        except InputError:
            raise
        except BaseException:  # what it still answers would be taken for the answer to the next wish
            _end(child)
            child = None
            raise
        finally:
            self._free.put(child)


@cache
def shared() -> Easel:
    """The easel of this process."""
    return Easel(min(MOST, os.cpu_count() or 1))


def _start() -> subprocess.Popen[bytes]:
    child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, bufsize=_PIPE)
    assert child.stdout is not None
    with contextlib.suppress(ImportError, AttributeError, OSError):  # only Linux can
        import fcntl

        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
    return child


def _end(child: subprocess.Popen[bytes] | None) -> None:
    if child is None:
        return
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):  # what it was not told any more
            if pipe is not None:
                pipe.close()


def _ask(child: subprocess.Popen[bytes], wishes: Sequence[Wish], quality: int | None) -> list[Sheet]:
    """One question, one answer.

    Raises:
        InputError: it refused a wish. EOFError, OSError: it has ended. JSONDecodeError: its answer is no JSON.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    asked = {"wishes": [vars(wish) | {"bird": dict(wish.bird)} for wish in wishes], "quality": quality}
    child.stdin.write(json.dumps(asked).encode() + b"\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise EOFError
    told = json.loads(line)
    if "refused" in told:
        raise InputError(told["refused"])
    return [Sheet(_exactly(child.stdout, n), attributes) for n, attributes in told["sheets"]]


def _exactly(pipe: IO[bytes], n: int) -> bytes:
    data = pipe.read(n)
    if len(data) < n:
        raise EOFError
    return data


def main() -> None:
    """The child: a question in, an answer out, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C at the server's terminal: its end is seen when it has ended
    answers = os.fdopen(os.dup(1), "wb", buffering=_PIPE)
    os.dup2(2, 1)  # what a library prints goes where complaints go
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            sheets = draw_here([Wish(**wish) for wish in asked["wishes"]], asked["quality"])
        except InputError as error:
            told: dict[str, object] = {"refused": str(error)}
            sheets = []
        else:
            told = {"sheets": [(len(sheet.data), sheet.attributes) for sheet in sheets]}
        try:
            answers.write(json.dumps(told).encode() + b"\n" + b"".join(sheet.data for sheet in sheets))
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # nobody waits for the answer any more


if __name__ == "__main__":
    main()
