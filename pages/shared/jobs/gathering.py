"""Pictures, or what was found on them, gathered in a thread while pages go on. No Streamlit here.

The thread only writes into the gathering; pages only ever read a `Progress`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from niwt_core.errors import InputError
from pages.shared.jobs.line import Turn, alone

T = TypeVar("T", bound=Sized)
One = TypeVar("One")


@dataclass(frozen=True, eq=False)
class Progress(Generic[T]):
    """A gathering at one moment.

    Attributes:
        whole: all that is there so far; None before the first part. n_done, n_all: pictures there, and to come in all.
        running: whether it goes on. error: one sentence where it failed. place: in the server's line; 0 where it does
            not wait there.
    """

    whole: T | None
    n_done: int
    n_all: int
    running: bool
    error: str | None
    place: int = 0

    @property
    def is_part(self) -> bool:
        """Whether it was ended before all pictures were there."""
        return not self.running and self.n_done < self.n_all


class Gathering(Generic[T]):
    """Goes on until all pictures are there, or somebody stops it.

    Args:
        make: the parts, made as they are asked for. join: several parts as one. n_all: pictures in all parts.
        turn: in the server's line.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[T]],
        join: Callable[[list[T]], T],
        n_all: int,
        turn: Turn | None = None,
    ) -> None:
        self._make, self._join, self._n_all, self._turn = make, join, n_all, turn or alone()
        self._lock = threading.Lock()  # guards all below
        self._parts: list[T] = []
        self._running, self._stopped = False, False
        self._error: str | None = None

    def start(self) -> None:
        """Begin; it runs once."""
        with self._lock:
            if self._running or self._stopped or self._parts:
                return
            self._running = True
        threading.Thread(target=self._run, daemon=True, name="gathering").start()

    def stop(self) -> None:
        """End after the part in progress; what is there stays."""
        with self._lock:
            self._stopped = True
            self._running = False

    def progress(self) -> Progress[T]:
        """What a page draws."""
        place = self._turn.place
        with self._lock:
            if len(self._parts) > 1:
                self._parts = [self._join(self._parts)]
            whole = self._parts[0] if self._parts else None
            return Progress(whole, len(whole or ()), self._n_all, self._running, self._error, place)

    def _run(self) -> None:
        try:
            parts = self._make()
            while self._turn.pass_on(self._is_wanted) and (part := next(parts, None)) is not None:
                with self._lock:
                    if self._stopped:
                        return
                    self._parts.append(part)
        except Exception as error:  # kept for the page: a thread has nobody to raise it to
            said = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {str(error)[:200]}"
            with self._lock:
                self._error = f"It stopped early. {said}"
        finally:
            self._turn.leave()
            with self._lock:
                self._running = False

    def _is_wanted(self) -> bool:
        with self._lock:
            return not self._stopped


def one_by_one(make: Callable[[], Iterator[One]], n_all: int, turn: Turn | None = None) -> Gathering[tuple[One, ...]]:
    """A gathering of what comes one by one."""
    return Gathering(lambda: ((one,) for one in make()), lambda parts: tuple(chain(*parts)), n_all, turn)
