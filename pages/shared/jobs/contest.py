"""Methods side by side, in a thread of their own: the ring of a world, the loop to its stop, and all of them judged.

No Streamlit here: the thread only writes into the job; pages only ever read a `Standing`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from niwt_core.methods.rivals import LOOP_LIMIT, Outcome, Ring, compare
from niwt_core.pipeline import Progress
from pages.shared.jobs.line import Turn, alone
from pages.shared.learning.lesson import Lesson

#: Steps that the loop takes as a rule, for a bar that shows how far it is.
USUAL_STEPS = 250


class StoppedError(Exception):
    """The person asked for no more."""


@dataclass
class RingHolder:
    """The ring of one world, made by whoever comes first while others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    ring: Ring | None = None

    def get(self, make: Callable[[Progress], Ring], progress: Progress) -> Ring:
        """The ring; whoever waits for another hears of it and can stop."""
        while not self.lock.acquire(timeout=0.2):
            progress("methods fitted for someone else", 0, 1)
        try:
            if self.ring is None:
                self.ring = make(progress)
            return self.ring
        finally:
            self.lock.release()


@dataclass(frozen=True, eq=False)
class Standing:
    """A job at one moment: what is being done, how much of how much, and in the end the outcomes or one sentence.

    place: in the server's line; 0 where it does not wait there.
    """

    stage: str
    done: int
    total: int
    running: bool
    outcomes: tuple[Outcome, ...]
    ring: Ring | None
    iterations: int
    error: str | None
    place: int = 0


class ContestJob:
    """All methods on one described class.

    Args:
        holder: of the world's ring. make: makes the ring, told what to report to.
        lesson: the class, its pictures, and the loop. turn: in the server's line.
    """

    def __init__(
        self, holder: RingHolder, make: Callable[[Progress], Ring], lesson: Lesson, turn: Turn | None = None
    ) -> None:
        self._holder, self._make, self._lesson, self._turn = holder, make, lesson, turn or alone()
        self._lock = threading.Lock()  # guards all below
        self._running, self._stopped = False, False
        self._stage: tuple[str, int, int] = ("", 0, 1)
        self._outcomes: tuple[Outcome, ...] = ()
        self._ring: Ring | None = None
        self._iterations = 0
        self._error: str | None = None

    def start(self) -> None:
        """Begin; a job that runs or is done does nothing, a stopped one begins anew."""
        with self._lock:
            if self._running or self._outcomes:
                return
            self._running, self._stopped, self._error = True, False, None
        threading.Thread(target=self._run, daemon=True, name="contest").start()

    def stop(self) -> None:
        """End at the next report of progress."""
        with self._lock:
            self._stopped = True

    def standing(self) -> Standing:
        """What a page draws."""
        place = self._turn.place
        with self._lock:
            return Standing(
                *self._stage, self._running, self._outcomes, self._ring, self._iterations, self._error, place
            )  # fmt: skip

    def _is_wanted(self) -> bool:
        with self._lock:
            return not self._stopped

    def _report(self, stage: str, done: int, total: int) -> None:
        if not self._turn.pass_on(self._is_wanted):
            raise StoppedError
        with self._lock:
            self._stage = (stage, done, total)
            if self._stopped:
                raise StoppedError

    def _run(self) -> None:
        try:
            if not self._turn.wait(self._is_wanted):
                raise StoppedError
            ring = self._holder.get(self._make, self._report)
            lesson, seconds = self._lesson, 0.0
            steps = lesson.steps()
            while True:
                began = time.perf_counter()
                step = next(steps)
                seconds += time.perf_counter() - began
                if step.converged or step.iteration >= LOOP_LIMIT:
                    break
                self._report(f"step {step.iteration} of the loop, which ends by itself", step.iteration, USUAL_STEPS)
            outcomes = compare(
                lesson.project,
                ring,
                lesson.description,
                lesson.check_jacobians,
                lesson.pictures,
                lesson.strangers,
                step,
                seconds,
            )
            with self._lock:
                self._outcomes, self._ring, self._iterations = outcomes, ring, step.iteration
        except StoppedError:
            pass
        except Exception as error:  # kept for the page: a thread has nobody to raise it to
            with self._lock:
                self._error = f"The comparison stopped with an error: {type(error).__name__}: {str(error)[:200]}"
        finally:
            self._turn.leave()
            with self._lock:
                self._running = False
