"""A fit in a process of its own: it leaves the pages their processor, and gives all its memory back.

The two speak in lines of JSON. The child reports, and goes on when it has been answered: so whoever hears the reports
can hold it for as long as they like. Where the other end is gone it stops, having written nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from niwt_core.errors import InputError
from niwt_core.pipeline import Progress, silent
from niwt_core.worlds.drafts import Draft, draft_of
from niwt_core.worlds.effort import Stage
from niwt_core.worlds.making import Order, make

#: How much politer than the pages the child is (`nice`).
POLITENESS = 19
#: Of random weights, which are the same in every fit.
SEED = 0
COMMAND = [sys.executable, "-m", "niwt_core.worlds.apart"]
_ROOT = Path(__file__).parents[2]


def make_apart(
    draft: Draft,
    order: Order,
    progress: Progress = silent,
    expect: Callable[[tuple[Stage, ...]], None] = lambda stages: None,
) -> None:
    """`making.make` in a child; arguments as there. What `progress` raises ends the child.

    Raises:
        InputError: as `making.make`; a child that ended before it was done, as one does that takes too much memory.
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, cwd=_ROOT, text=True
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            _say(child.stdin, {"draft": draft.key, "order": asdict(order)})
            _follow(child.stdin, child.stdout, progress, expect)
        except (EOFError, BrokenPipeError):
            child.wait()
            raise InputError(_ended(child.returncode, complaints)) from None
        finally:
            child.kill()  # done, cancelled or failed: there is nothing left that it could do
            child.wait()
            child.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()


def _follow(
    answers: IO[str], reports: IO[str], progress: Progress, expect: Callable[[tuple[Stage, ...]], None]
) -> None:
    """Hear the child until it is done.

    Raises:
        EOFError: it ended before. InputError: it says why it cannot go on. MemoryError: its own.
    """
    for line in reports:
        told = json.loads(line)
        match told["what"]:
            case "progress":
                progress(told["stage"], told["done"], told["total"])
                _say(answers, {"what": "go on"})
            case "plan":
                expect(tuple(Stage(*stage) for stage in told["stages"]))
            case "refused":
                raise InputError(told["why"])
            case "memory":
                raise MemoryError
            case "done":
                return
    raise EOFError


def _ended(code: int, complaints: IO[bytes]) -> str:
    """One sentence on a child that is no more."""
    if code < 0:
        return (
            f"The fit was ended by the server’s system (signal {-code}), as it does where memory runs out; choose a "
            "smaller network or fewer pictures."
        )
    complaints.seek(0)
    last = complaints.read()[-4000:].decode(errors="replace").strip().splitlines()[-1:]
    return f"The fit stopped with an error: {last[0][:200] if last else f'its process ended with {code}'}."


def _say(stream: IO[str], message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def main() -> None:
    """The child: one order comes in, reports go out."""
    import torch

    with contextlib.suppress(OSError, AttributeError):
        os.nice(POLITENESS)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    # Only reports go to the parent: what a library prints goes where complaints go.
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    ordered = json.loads(sys.stdin.readline())

    def progress(stage: str, done: int, total: int) -> None:
        _say(reports, {"what": "progress", "stage": stage, "done": done, "total": total})
        if not sys.stdin.readline():
            os._exit(1)  # nobody hears us any more

    def expect(stages: tuple[Stage, ...]) -> None:
        _say(reports, {"what": "plan", "stages": [[stage.name, stage.units, stage.seconds] for stage in stages]})

    try:
        make(draft_of(ordered["draft"]), Order(**ordered["order"]), progress, expect)
    except InputError as error:
        _say(reports, {"what": "refused", "why": str(error)})
    except MemoryError:
        _say(reports, {"what": "memory"})
    else:
        _say(reports, {"what": "done"})


if __name__ == "__main__":
    main()
