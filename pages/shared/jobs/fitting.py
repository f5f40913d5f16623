"""Fits in line: each has a thread of its own that pages watch, pause and cancel. No Streamlit here.

Pages only ever read a `Snapshot`. A fit goes on whether or not somebody watches. Who pauses lets the next one in, and
has to stand in line again to go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from niwt_core.errors import InputError
from niwt_core.pipeline import Progress
from niwt_core.worlds.drafts import being_fitted
from niwt_core.worlds.effort import Stage, TimeLeft
from pages.shared.jobs.line import Kind, Line

#: Fits that wait, run or are paused at most; each keeps what it has measured so far in memory.
MOST = 10
#: Finished fits that are remembered.
MOST_OVER = 100
#: A fit that has been paused for so long is cancelled: six hours.
PAUSED_SECONDS = 6 * 3600.0

#: What a fit does: told where to report, and where to say which stages are to come, and by which clock.
Work = Callable[[Progress, Callable[[tuple[Stage, ...]], None]], None]


class State(Enum):
    """Where a fit stands; the values are words for the page."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in (State.DONE, State.CANCELLED, State.FAILED)


@dataclass(frozen=True)
class Snapshot:
    """A fit at one moment.

    Attributes:
        place: in the line, 1 for the one that is let in next; 0 where it does not wait.
        stage: as `pipeline.Progress` names it; done of total units. share: of the whole work, as planned; 0 to 1.
        seconds: spent working. left: seconds of work to come, None while nothing is known.
        error: one sentence where it failed.
    """

    state: State
    place: int
    stage: str
    done: int
    total: int
    share: float
    seconds: float
    left: float | None
    error: str | None


class Cancelled(BaseException):
    """Raised inside the work where its person cancelled it; no error, so nothing that catches those keeps it."""


class Fit:
    """One fit; made by `Fits.start`."""

    def __init__(self, line: Line, owner: str, key: str, work: Work) -> None:
        self.key = key
        self._line, self._turn, self._work = line, line.stand(Kind.FIT, owner), work
        self._state = State.WAITING
        self._pausing = self._cancelling = False
        self._stage, self._done, self._total = "", 0, 0
        self._error: str | None = None
        self._left: float | None = None
        self._time_left: TimeLeft | None = None
        self._worked, self._since = 0.0, None  # type: float, float | None

    def stand_in_line(self) -> None:
        """Take a place now, not only when the thread has begun."""
        self._turn.enter()

    def pause(self) -> None:
        """Stop at the next report, and let the next one in."""
        with self._line.changed:
            if not self._state.is_over:
                self._pausing = True
                if self._state is State.WAITING:
                    self._turn.leave()
                    self._state = State.PAUSED
                self._line.changed.notify_all()

    def go_on(self) -> None:
        """Stand in line again."""
        with self._line.changed:
            self._pausing = False
            self._line.changed.notify_all()

    def cancel(self) -> None:
        """Stop at the next report, for good."""
        with self._line.changed:
            self._cancelling = True
            self._line.changed.notify_all()

    def snapshot(self) -> Snapshot:
        """What a page draws."""
        with self._line.changed:
            worked, left = self._clock(), self._left
            share = 1.0 if self._state is State.DONE else worked / (worked + left) if left is not None else 0.0
            state = State.PAUSED if self._pausing and not self._state.is_over else self._state
            place = self._turn.place
            return Snapshot(state, place, self._stage, self._done, self._total, share, worked, left, self._error)

    def run(self) -> None:
        """The thread; where the server ends before it does, `drafts.was_cut_off` knows."""
        with being_fitted(self.key):
            self._run()

    def _run(self) -> None:
        try:
            self._wait()
            self._work(self._report, self._expect)
            over, error = State.DONE, None
        except Cancelled:
            over, error = State.CANCELLED, None
        except InputError as raised:
            over, error = State.FAILED, str(raised)
        except MemoryError:
            over, error = State.FAILED, "The server ran out of memory; choose a smaller network or fewer pictures."
        except Exception as raised:  # kept for the page: a thread has nobody to raise it to
            over, error = State.FAILED, f"The fit stopped with an error: {type(raised).__name__} ({str(raised)[:200]})."
        with self._line.changed:
            self._stop_clock()
            self._state, self._error = over, error
            self._turn.leave()
            del self._work  # and with it what it holds in memory
            self._line.changed.notify_all()

    def _clock(self) -> float:
        """Seconds worked, pauses and waiting left out."""
        return self._worked + (time.monotonic() - self._since if self._since is not None else 0.0)

    def _stop_clock(self) -> None:
        self._worked, self._since = self._clock(), None

    def _expect(self, stages: tuple[Stage, ...]) -> None:
        with self._line.changed:
            self._time_left = TimeLeft(stages, self._clock)

    def _report(self, stage: str, done: int, total: int) -> None:
        """The work's Progress: where pausing and cancelling take hold."""
        with self._line.changed:
            self._stage, self._done, self._total = stage, done, total
            if self._time_left is not None:
                self._left = self._time_left.seconds(stage, done, total)
            if self._pausing or self._cancelling:
                self._stop_clock()
                self._turn.leave()
                self._wait()

    def _wait(self) -> None:
        """Until it is this fit's turn; raises Cancelled."""
        with self._line.changed:
            paused = time.monotonic()
            while True:
                if self._cancelling or (self._pausing and time.monotonic() - paused > PAUSED_SECONDS):
                    raise Cancelled
                if self._pausing:
                    self._state = State.PAUSED
                else:
                    self._state = State.WAITING
                    if self._turn.enter():
                        break
                self._line.changed.wait(60)
            self._state, self._since = State.RUNNING, time.monotonic()


class Fits:
    """All fits of this server; they stand in its line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._fits: dict[str, Fit] = {}  # guarded by the line's lock

    def start(self, key: str, owner: str, work: Work) -> Fit:
        """Put a fit in line; one of the same key that is not over is the answer itself.

        Raises:
            InputError: too many are there already.
        """
        with self._line.changed:
            known = self._fits.get(key)
            if known is not None and not known.snapshot().state.is_over:
                return known
            at_work = [fit for fit in self._fits.values() if not fit.snapshot().state.is_over]
            if len(at_work) >= MOST:
                raise InputError(f"{len(at_work)} fits are under way on this server; try again when one is done.")
            over = [k for k, fit in self._fits.items() if fit not in at_work]
            for old in over[: max(0, len(over) - MOST_OVER)]:
                del self._fits[old]
            self._fits.pop(key, None)
            fit = self._fits[key] = Fit(self._line, owner, key, work)
            fit.stand_in_line()
        threading.Thread(target=fit.run, daemon=True, name="fit").start()
        return fit

    def get(self, key: str) -> Fit | None:
        """The fit of a project, also a while after it is over."""
        with self._line.changed:
            return self._fits.get(key)

    def forget(self, key: str) -> None:
        """A fit that is over need not be shown any more."""
        with self._line.changed:
            if key in self._fits and self._fits[key].snapshot().state.is_over:
                del self._fits[key]
