"""The line: who is let in when, what a place means, turns that end, and loops that share it."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.shared.jobs import line as line_module
from pages.shared.jobs.line import Kind, Line, alone, fits_at_once


def places(turns) -> list[int]:
    return [turn.place for turn in turns]


def test_who_comes_first_is_let_in_first():
    line = Line({Kind.LOOK: 1})
    turns = [line.stand(Kind.LOOK, owner) for owner in "abc"]
    assert [turn.enter() for turn in turns] == [True, False, False]
    assert places(turns) == [0, 1, 2]
    assert [turn.is_on for turn in turns] == [True, False, False]
    turns[0].leave()
    assert not turns[2].enter()  # it is not the next one
    assert turns[1].enter()
    assert places(turns) == [0, 0, 1]


def test_a_place_is_told_before_anything_is_asked_for():
    turn = alone()
    assert (turn.place, turn.is_on) == (0, False)
    turn.leave()  # not in line: nothing happens
    assert turn.enter()
    assert turn.enter()  # still its turn


def test_one_person_with_many_waits_behind_those_with_none():
    line = Line({Kind.LOOK: 1})
    hold = line.stand(Kind.LOOK, "x")
    hold.enter()
    many = [line.stand(Kind.LOOK, "many") for _ in range(3)]
    one, two = line.stand(Kind.LOOK, "one"), line.stand(Kind.LOOK, "two")
    for turn in (*many, one, two):
        turn.enter()
    assert line.order(Kind.LOOK) == [many[0], one, two, many[1], many[2]]
    assert places([*many, one, two]) == [1, 4, 5, 2, 3]
    assert many[0].enter() is False
    hold.leave()
    assert many[0].enter()
    assert line.order(Kind.LOOK) == [one, two, many[1], many[2]]


def test_who_was_served_longest_ago_goes_first():
    line = Line({Kind.LOOK: 1})
    for owner in ("early", "late"):
        served = line.stand(Kind.LOOK, owner)
        served.enter()
        served.leave()
    hold = line.stand(Kind.LOOK, "x")
    hold.enter()
    late, early, never = (line.stand(Kind.LOOK, owner) for owner in ("late", "early", "never"))
    for turn in (late, early, never):
        turn.enter()
    assert line.order(Kind.LOOK) == [never, early, late]


def test_kinds_have_turns_of_their_own_and_a_person_is_one_in_both():
    line = Line({Kind.LOOK: 1, Kind.FIT: 1})
    fit = line.stand(Kind.FIT, "a")
    looks = [line.stand(Kind.LOOK, owner) for owner in ("c", "a", "b")]
    assert fit.enter()
    assert looks[0].enter()  # a fit takes no turn from those who look
    for turn in looks[1:]:
        turn.enter()
    assert line.order(Kind.LOOK) == [looks[2], looks[1]]  # a has a turn already, of the other kind


def test_as_many_at_once_as_there_are_turns():
    line = Line({Kind.FIT: 2})
    turns = [line.stand(Kind.FIT, str(i)) for i in range(4)]
    assert [turn.enter() for turn in turns] == [True, True, False, False]
    turns[0].leave()
    assert [turn.enter() for turn in reversed(turns[2:])] == [False, True]


def test_waiting_ends_with_the_turn_or_where_nobody_wants_it_any_more():
    line = Line({Kind.LOOK: 1})
    hold, waiting, gone = (line.stand(Kind.LOOK, owner) for owner in "abc")
    assert hold.wait()
    wanted = threading.Event()
    wanted.set()
    with ThreadPoolExecutor() as pool:
        lost = pool.submit(gone.wait, wanted.is_set)
        kept = pool.submit(waiting.wait)
        until(lambda: {waiting.place, gone.place} == {1, 2})
        wanted.clear()
        assert lost.result(timeout=5) is False
        assert gone.place == 0
        hold.leave()
        assert kept.result(timeout=5) is True


def test_a_turn_ends_only_where_others_wait(monkeypatch):
    monkeypatch.setattr(line_module, "QUANTUM", 0.0)
    line = Line({Kind.LOOK: 1})
    mine, other = line.stand(Kind.LOOK, "a"), line.stand(Kind.LOOK, "b")
    assert mine.wait()
    assert mine.pass_on()  # nobody else is there
    other.enter()
    with ThreadPoolExecutor() as pool:
        passing = pool.submit(mine.pass_on)
        assert other.wait()  # let in, because the other's turn is over
        assert mine.place == 1
        other.leave()
        assert passing.result(timeout=5) is True


def test_within_its_time_a_turn_is_kept(monkeypatch):
    monkeypatch.setattr(line_module, "QUANTUM", 60.0)
    line = Line({Kind.LOOK: 1})
    mine, other = line.stand(Kind.LOOK, "a"), line.stand(Kind.LOOK, "b")
    mine.enter()
    other.enter()
    assert mine.pass_on()
    assert other.place == 1


def test_thirty_at_once_all_come_to_their_end_and_nobody_twice_before_another_once(monkeypatch):
    monkeypatch.setattr(line_module, "QUANTUM", 0.0)
    line, taken, lock = Line({Kind.LOOK: 3}), [], threading.Lock()
    at_once, most = itertools.count(), [0]
    running = [0]
    ready = threading.Barrier(30)

    def work(i: int) -> None:
        turn = line.stand(Kind.LOOK, str(i))
        ready.wait()
        with turn.taken() as on:
            assert on
            for _ in range(4):
                with lock:
                    taken.append(i)
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                time.sleep(0.001)
                with lock:
                    running[0] -= 1
                assert turn.pass_on()
        next(at_once)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert next(at_once) == 30
    assert len(taken) == 120
    assert most[0] <= 3
    for i in range(30):  # between two units of one person at most so many of another's as there are turns and rounds
        own = [at for at, who in enumerate(taken) if who == i]
        between = taken[own[1] : own[2]]
        assert max(between.count(j) for j in set(between)) <= 3
    assert line.order(Kind.LOOK) == []


def test_a_turn_is_given_back_whatever_happens():
    line = Line({Kind.LOOK: 1})
    with pytest.raises(RuntimeError, match="boom"), line.stand(Kind.LOOK, "a").taken():
        raise RuntimeError("boom")
    assert line.stand(Kind.LOOK, "b").enter()


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("0", 1), ("many", None), ("", None)])
def test_the_operator_says_how_many_fits_at_once(monkeypatch, said, expected):
    monkeypatch.setenv(line_module.FITS_VARIABLE, said)
    monkeypatch.setattr(line_module.os, "cpu_count", lambda: 8)
    assert fits_at_once() == (expected or 2)


def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.005)
    pytest.fail("the line stood still")
