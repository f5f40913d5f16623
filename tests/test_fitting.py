"""Fits in line: turns, pausing, cancelling, failing; no fit is a real one, so that every moment can be held."""

import threading
import time

import pytest

from niwt_core.errors import InputError
from niwt_core.worlds.effort import Stage, TimeLeft
from pages.shared.jobs import fitting
from pages.shared.jobs.fitting import Fits, State
from pages.shared.jobs.line import Kind, Line


class Steps:
    """Work of as many steps as it is let do, one after the other."""

    def __init__(self, n: int = 3, error: BaseException | None = None) -> None:
        self.n, self.error = n, error
        self.allowed = threading.Semaphore(0)
        self.done: list[int] = []
        self.ended = False

    def __call__(self, progress, expect) -> None:
        expect((Stage("steps", self.n, 0.01),))
        for i in range(self.n):
            assert self.allowed.acquire(timeout=10)
            self.done.append(i)
            progress("steps", i + 1, self.n)
        if self.error:
            raise self.error
        self.ended = True

    def go(self, n: int | None = None) -> None:
        for _ in range(n or self.n):
            self.allowed.release()


def one_by_one() -> Fits:
    """Fits, one at a time."""
    return Fits(Line({Kind.FIT: 1}))


def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("the line stood still")


def state(fit) -> State:
    return fit.snapshot().state


def test_a_fit_runs_to_its_end_and_says_where_it_is():
    line, work = one_by_one(), Steps()
    fit = line.start("a", "a", work)
    work.go(2)
    until(lambda: fit.snapshot().done == 2)
    now = fit.snapshot()
    assert (now.state, now.place, now.stage, now.total) == (State.RUNNING, 0, "steps", 3)
    assert 0 <= now.left < 1
    work.go(1)
    until(lambda: state(fit) is State.DONE)
    assert work.ended
    assert fit.snapshot().place == 0
    assert fit.snapshot().share == 1
    assert line.get("a") is fit
    line.forget("a")
    assert line.get("a") is None


def test_one_at_a_time_in_the_order_they_came():
    line, works = one_by_one(), [Steps() for _ in range(3)]
    for work in works:
        work.go()
    hold = Steps(1)
    first = line.start("first", "first", hold)
    fits = [line.start(str(i), str(i), work) for i, work in enumerate(works)]
    until(lambda: state(first) is State.RUNNING)
    assert [fit.snapshot().place for fit in fits] == [1, 2, 3]
    time.sleep(0.05)
    assert [state(fit) for fit in fits] == [State.WAITING] * 3
    assert [work.done for work in works] == [[], [], []]
    hold.go()
    until(lambda: all(state(fit) is State.DONE for fit in fits))
    assert [work.ended for work in works] == [True] * 3


def test_who_pauses_lets_the_next_in_and_stands_in_line_again():
    line, one, two = one_by_one(), Steps(), Steps()
    first, second = line.start("1", "1", one), line.start("2", "2", two)
    until(lambda: state(first) is State.RUNNING)
    first.pause()
    assert state(first) is State.PAUSED
    one.go(2)  # the step under way ends, then it holds
    until(lambda: state(second) is State.RUNNING)
    assert one.done == [0]
    first.go_on()
    until(lambda: state(first) is State.WAITING)
    assert first.snapshot().place == 1
    two.go()
    until(lambda: state(second) is State.DONE)
    one.go(1)
    until(lambda: state(first) is State.DONE)
    assert one.done == [0, 1, 2]


def test_the_clock_stands_still_while_paused():
    line, work = one_by_one(), Steps()
    fit = line.start("1", "1", work)
    until(lambda: state(fit) is State.RUNNING)
    fit.pause()
    work.go(1)
    until(lambda: fit.snapshot().done == 1)
    before = fit.snapshot().seconds
    time.sleep(0.1)
    assert fit.snapshot().seconds == before
    fit.cancel()


def test_a_fit_that_waits_can_be_paused_and_goes_to_the_end():
    line, hold, work, other = one_by_one(), Steps(), Steps(), Steps()
    line.start("hold", "hold", hold)
    waiting, third = line.start("w", "w", work), line.start("o", "o", other)
    waiting.pause()
    assert (state(waiting), waiting.snapshot().place, third.snapshot().place) == (State.PAUSED, 0, 1)
    waiting.go_on()
    until(lambda: waiting.snapshot().place == 2)
    for steps in (hold, work, other):
        steps.go()
    until(lambda: state(waiting) is State.DONE and state(third) is State.DONE)


@pytest.mark.parametrize("when", ["running", "waiting", "paused"])
def test_cancelling_ends_a_fit_whatever_it_does(when):
    line, hold, work, after = one_by_one(), Steps(), Steps(), Steps()
    if when == "waiting":
        holding = line.start("hold", "hold", hold)
    fit = line.start("1", "1", work)
    later = line.start("2", "2", after)
    if when == "paused":
        fit.pause()
    fit.cancel()
    work.go(1)
    until(lambda: state(fit) is State.CANCELLED)
    assert not work.ended
    if when == "waiting":
        assert state(holding) is State.RUNNING
        hold.go()
    after.go()
    until(lambda: state(later) is State.DONE)


def test_a_failure_is_one_sentence_and_the_next_has_its_turn():
    line = one_by_one()
    works = [Steps(1, InputError("The pictures are gone.")), Steps(1, RuntimeError("boom")), Steps(1, MemoryError())]
    fits = [line.start(str(i), str(i), work) for i, work in enumerate(works)]
    for work in works:
        work.go()
    until(lambda: all(state(fit) is State.FAILED for fit in fits))
    errors = [fit.snapshot().error for fit in fits]
    assert errors[0] == "The pictures are gone."
    assert errors[1] == "The fit stopped with an error: RuntimeError (boom)."
    assert "out of memory" in errors[2]


def test_the_same_project_is_fitted_once_at_a_time_and_again_when_it_is_over():
    line, work = one_by_one(), Steps()
    fit = line.start("a", "a", work)
    assert line.start("a", "a", Steps()) is fit
    fit.cancel()
    work.go(1)
    until(lambda: state(fit) is State.CANCELLED)
    again = line.start("a", "a", work)
    assert again is not fit
    work.go()
    until(lambda: state(again) is State.DONE)


def test_the_line_has_an_end(monkeypatch):
    monkeypatch.setattr(fitting, "MOST", 2)
    line, works = one_by_one(), [Steps(), Steps()]
    fits = [line.start(str(i), str(i), work) for i, work in enumerate(works)]
    with pytest.raises(InputError, match="2 fits are under way"):
        line.start("3", "3", Steps())
    for fit, work in zip(fits, works, strict=True):
        fit.cancel()
        work.go(1)


def test_a_fit_paused_for_hours_is_cancelled(monkeypatch):
    monkeypatch.setattr(fitting, "PAUSED_SECONDS", 0.0)
    line, work = one_by_one(), Steps()
    fit = line.start("1", "1", work)
    fit.pause()
    work.go(1)
    until(lambda: state(fit) is State.CANCELLED)


def test_time_left_is_as_planned_then_as_measured():
    now = [0.0]
    left = TimeLeft((Stage("a", 10, 1.0), Stage("b", 5, 2.0)), lambda: now[0])
    assert left.seconds("a", 0, 10) == 20
    now[0] = 10.0
    assert left.seconds("a", 5, 10) == pytest.approx(10 + 2 * 10)  # twice as slow as planned, later stages as well
    now[0] = 20.0
    assert left.seconds("b", 0, 5) == pytest.approx(20)
    assert left.seconds("unknown", 0, 1) is None
