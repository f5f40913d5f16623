"""A training job: the paper's loop in a thread of its own, to be started, paused, stepped and watched from a page.

The thread makes no Streamlit calls; pages only ever read a `Snapshot`. A thread lives no longer than one run: pausing,
resetting or reaching the end lets it go.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from torch import Tensor

from niwt_core.transfer import TransferStep
from pages.shared.jobs.line import Turn, alone

#: Points of history kept; beyond it every other one is dropped, so that a job's memory is bounded.
MAX_POINTS = 1000
#: Steps whose whole pictures are kept, so that a page can show those between two looks.
MAX_FRAMES = 64
#: A job goes no further than this, with or without the paper's rule.
LIMIT = 2000
#: A running job that no page has looked at for so long pauses itself.
UNWATCHED_SECONDS = 120.0


class State(Enum):
    """Where a job stands; the values are words for the page."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    CONVERGED = "finished"
    ENDED = "at the limit"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is thought of the weights of one step.

    Attributes:
        predicted: the winning class of each picture of the new class, (n_pictures,); empty where there are none.
        check: the loss's cosine part on pictures that the loop does not learn from.
        claimed: how many strangers the new class wins.
        agreeing: how many neurons pull the way that the target asks for.
    """

    predicted: Tensor
    check: float
    claimed: int
    agreeing: int


@dataclass(frozen=True, slots=True)
class Point:
    """One iteration in the history.

    Attributes:
        cosine, regulariser: of the loop's loss, on the pictures that it learns from.
        check, claimed, agreeing: as in `Verdict`. found: how many pictures the new class wins.
    """

    iteration: int
    cosine: float
    regulariser: float
    check: float
    found: int
    claimed: int
    agreeing: int

    @property
    def loss(self) -> float:
        return self.cosine + self.regulariser


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One step as a picture: its mean importances (n_channels,), the winning class of each picture (n_pictures,)."""

    iteration: int
    importances: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A job at one moment.

    Attributes:
        run: another number after every reset.
        step: the latest step; None only where the very first one failed.
        won: (n_pictures,) bool, which pictures the new class wins now. predicted: the winning class of each.
        history: the latest step last; thinned evenly where it would grow beyond MAX_POINTS.
        before: the step before the latest, if there was one.
        frames: the last MAX_FRAMES steps, the latest last.
        ruled: the first iteration at which the paper's rule would stop, or did.
        seconds: time spent computing steps, without the waiting between them.
        place: in the server's line; 0 where it does not wait there.
        error: one sentence where the job failed.
    """

    run: int
    state: State
    step: TransferStep | None
    predicted: np.ndarray
    won: np.ndarray
    history: tuple[Point, ...]
    before: Point | None
    frames: tuple[Frame, ...]
    ruled: int | None
    seconds: float
    speed: float | None
    place: int
    error: str | None

    @property
    def found(self) -> int:
        return int(self.won.sum())

    @property
    def iteration(self) -> int:
        return self.step.iteration if self.step else 0


@dataclass
class _History:
    """Every `stride`-th point, the latest, and the one before it."""

    points: list[Point] = field(default_factory=list)
    stride: int = 1
    latest: Point | None = None
    before: Point | None = None

    def add(self, point: Point) -> None:
        self.before, self.latest = self.latest, point
        if point.iteration % self.stride == 0:
            self.points.append(point)
        if len(self.points) > MAX_POINTS:
            self.stride *= 2
            self.points = [p for p in self.points if p.iteration % self.stride == 0]

    def all(self) -> tuple[Point, ...]:
        if self.latest is None or (self.points and self.points[-1] is self.latest):
            return tuple(self.points)
        return (*self.points, self.latest)


class TrainingJob:
    """The loop of one described class.

    Args:
        make_steps: starts the loop anew (`transfer_steps` with its arguments).
        judge: what is thought of a step.
        new_class: the class number that `judge` gives to the new class.
        speed: steps per second; None is as fast as it goes.
        by_the_rule: whether to stop where the paper's rule says so, or only at LIMIT.
        stand: a standing in the server's line, asked for with every start; steps are taken while its turn is on.
    """

    def __init__(
        self,
        make_steps: Callable[[], Iterator[TransferStep]],
        judge: Callable[[TransferStep], Verdict],
        new_class: int,
        speed: float | None = 20.0,
        by_the_rule: bool = True,
        stand: Callable[[], Turn] = alone,
    ) -> None:
        self._stand, self._turn = stand, alone()
        self._make_steps, self._judge, self._new_class = make_steps, judge, new_class
        self._changed = threading.Condition()  # guards all below; told of every change of state or speed
        self._working = threading.Lock()  # held while the loop advances; always taken before `_changed`
        self._speed, self._by_the_rule = speed, by_the_rule
        self._resets = 0
        self._run = 0  # which run a thread belongs to: an older thread that wakes up late finds another number
        self._looked = time.monotonic()
        self._begin()

    def start(self) -> None:
        """Run until paused, finished or failed; does nothing where it runs, is finished or has failed.

        Without the paper's rule a job that it had stopped goes on.
        """
        with self._changed:
            if self._state is State.CONVERGED and not self._by_the_rule:
                self._state = State.PAUSED
            if self._state not in (State.READY, State.PAUSED) or self._reached >= LIMIT:
                return
            self._state = State.RUNNING
            self._run += 1
            self._looked = time.monotonic()
            self._turn = self._stand()
            threading.Thread(
                target=self._keep_stepping, args=(self._run, self._turn), daemon=True, name="training"
            ).start()

    def pause(self) -> None:
        """Stop after the step in progress; its thread ends."""
        with self._changed:
            if self._state is State.RUNNING:
                self._state = State.PAUSED
                self._changed.notify_all()

    def step(self) -> None:
        """One step, now, in the caller's thread; a running job is paused first. Works past convergence, too."""
        self.pause()
        self._advance()
        with self._changed:
            if self._state is State.READY or (self._state is State.CONVERGED and not self._by_the_rule):
                self._state = State.PAUSED

    def reset(self) -> None:
        """Back to the first weights; a running job stops."""
        self.pause()
        self._begin()

    def set_speed(self, speed: float | None) -> None:
        """Steps per second, above 0, or None for as fast as it goes; holds from the next step on."""
        if speed is not None and not speed > 0:
            raise ValueError(f"expected a speed above 0 steps per second or None, got {speed}")
        with self._changed:
            self._speed = speed
            self._changed.notify_all()

    def stop_by_the_rule(self, by_the_rule: bool) -> None:
        """Whether to stop where the paper's rule says so; holds from the next step on."""
        with self._changed:
            self._by_the_rule = by_the_rule

    def snapshot(self) -> Snapshot:
        """What a page draws."""
        place = self._turn.place  # the line has a lock of its own: never asked for while ours is held
        with self._changed:
            self._looked = time.monotonic()
            return Snapshot(
                run=self._resets,
                state=self._state,
                step=self._step,
                predicted=self._predicted,
                won=self._predicted == self._new_class,
                history=self._history.all(),
                before=self._history.before,
                frames=tuple(self._frames),
                ruled=self._ruled,
                seconds=self._seconds,
                speed=self._speed,
                place=place if self._state is State.RUNNING else 0,
                error=self._error,
            )

    def _begin(self) -> None:
        with self._working:
            with self._changed:
                self._state = State.READY
                self._resets += 1
                self._steps: Iterator[TransferStep] | None = None
                self._step: TransferStep | None = None
                self._predicted = np.zeros(0, dtype=np.int64)
                self._history = _History()
                self._frames: deque[Frame] = deque(maxlen=MAX_FRAMES)
                self._ruled: int | None = None
                self._seconds = 0.0
                self._error: str | None = None
            self._advance_one()  # iteration 0: the weights before any learning

    def _advance(self, run: int | None = None) -> None:
        """One step; for a thread's own `run` only as long as that run goes on."""
        with self._working:
            if run is None or self._is_current(run):
                self._advance_one()

    def _advance_one(self) -> None:
        """The caller holds `_working`."""
        if self._state is State.FAILED:
            return
        began = time.perf_counter()
        try:
            self._steps = self._steps or self._make_steps()
            step = next(self._steps)
            seconds = time.perf_counter() - began  # the judging is no part of the loop
            verdict = self._judge(step)
            predicted = verdict.predicted.numpy().astype(np.int32)  # a server remembers many jobs
        except Exception as error:  # kept for the page: a thread has nobody to raise it to
            with self._changed:
                self._state = State.FAILED
                self._error = f"The loop stopped with an error: {type(error).__name__}: {str(error)[:200]}"
                self._changed.notify_all()
            return
        found = int((predicted == self._new_class).sum())
        with self._changed:
            self._step, self._predicted = step, predicted
            self._seconds += seconds
            self._history.add(
                Point(
                    step.iteration,
                    step.cosine,
                    step.regulariser,
                    verdict.check,
                    found,
                    verdict.claimed,
                    verdict.agreeing,
                )
            )
            self._frames.append(Frame(step.iteration, np.array(step.mean_importances[0].float()), predicted))
            if step.converged and self._ruled is None:
                self._ruled = step.iteration
            if step.converged and self._by_the_rule:
                self._state = State.CONVERGED
                self._changed.notify_all()
            elif step.iteration >= LIMIT:
                self._state = State.ENDED
                self._changed.notify_all()

    @property
    def _reached(self) -> int:
        return self._step.iteration if self._step else 0

    def _is_current(self, run: int) -> bool:
        with self._changed:
            return self._run == run and self._state is State.RUNNING

    def _is_wanted(self, run: int) -> bool:
        """Whether a run goes on; one that nobody looks at is paused."""
        with self._changed:
            if self._is_current(run) and time.monotonic() - self._looked > UNWATCHED_SECONDS:
                self._state = State.PAUSED
            return self._is_current(run)

    def _keep_stepping(self, run: int, turn: Turn) -> None:
        try:
            self._step_in_turn(run, turn)
        finally:
            turn.leave()

    def _step_in_turn(self, run: int, turn: Turn) -> None:
        due = time.monotonic()
        while turn.pass_on(lambda: self._is_wanted(run)):
            with self._changed:
                if not self._is_wanted(run):
                    return
                speed = self._speed
                wait = due - time.monotonic()
                if wait > 0 and self._changed.wait(wait):
                    due = min(due, time.monotonic() + (1 / self._speed if self._speed else 0))
                    continue
            self._advance(run)
            # From the last due time, not from now: so the speed holds on average. No catching up after a stall, though.
            due = max(due, time.monotonic() - 0.1) + (1 / speed if speed else 0)
