"""The easel: the same drawings, made in a process of its own, whatever becomes of that process."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from niwt_core.birds import easel
from niwt_core.birds.drawing import draw
from niwt_core.birds.easel import STEP, Easel, Wish, draw_here, jpeg, pixels
from niwt_core.birds.world import drawings_of
from niwt_core.errors import InputError

BIRD = {"crown_color": "black", "belly_color": "yellow"}
WISHES = [Wish(BIRD, seed) for seed in range(3)] + [Wish({}, 5, 96, calm=True)]


@pytest.fixture
def one() -> Iterator[Easel]:
    made = Easel()
    yield made
    made.close()


def child_of(one: Easel):
    child = one._free.get()
    one._free.put(child)
    return child


def test_the_child_draws_what_this_process_would_draw(one):
    found = one(WISHES)
    for wish, sheet, picture in zip(WISHES, found, pixels(found, WISHES), strict=True):
        drawing = draw(wish.bird, seed=wish.seed, size=wish.size, masks=False, calm=wish.calm)
        assert np.array_equal(picture, drawing.image)
        assert sheet.attributes == drawing.attributes


def test_jpegs_are_those_of_the_drawings(one):
    found = one(WISHES[:1], 80)
    assert found[0].data == jpeg(draw(BIRD, seed=0, masks=False).image, 80)


def test_many_wishes_keep_their_order(one):
    wishes = [Wish(BIRD, seed, 64) for seed in range(2 * STEP + 1)]
    assert [sheet.data for sheet in one(wishes)] == [sheet.data for sheet in draw_here(wishes)]


def test_what_cannot_be_drawn_is_refused_in_the_same_words_and_the_child_goes_on(one):
    one(WISHES[:1])
    before = child_of(one)
    with pytest.raises(InputError, match="64 to 512 pixels wide; got 4"):
        one([Wish(BIRD, 0, 4)])
    assert one(WISHES[1:2])[0].data == draw_here(WISHES[1:2])[0].data
    assert child_of(one) is before


def test_a_child_that_was_killed_is_replaced(one):
    one(WISHES[:1])
    before = child_of(one)
    before.kill()
    before.wait()
    assert one(WISHES[1:2])[0].data == draw_here(WISHES[1:2])[0].data
    assert child_of(one).pid != before.pid


def test_an_interrupt_at_the_terminal_is_for_the_server(one):
    one(WISHES[:1])
    child = child_of(one)
    child.send_signal(signal.SIGINT)
    assert one(WISHES[1:2])[0].data == draw_here(WISHES[1:2])[0].data
    assert child_of(one) is child


def test_where_no_child_can_work_the_caller_draws(one, monkeypatch):
    monkeypatch.setattr(easel, "COMMAND", [sys.executable, "-c", "print('no JSON')"])
    assert one(WISHES[:1])[0].data == draw_here(WISHES[:1])[0].data
    assert child_of(one) is None


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next(one, monkeypatch):
    def interrupted(pipe, n):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(easel, "_exactly", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one(WISHES[:1])
    assert one(WISHES[1:2])[0].data == draw_here(WISHES[1:2])[0].data


def test_people_who_wait_at_one_easel_each_get_their_own(one):
    found: dict[int, bytes] = {}

    def ask(seed: int) -> None:
        found[seed] = one([Wish(BIRD, seed)])[0].data

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {seed: draw_here([Wish(BIRD, seed)])[0].data for seed in range(6)}


def test_a_closed_easel_draws_again(one):
    one(WISHES[:1])
    child = child_of(one)
    one.close()
    assert child.returncode is not None
    assert one(WISHES[:1])[0].data == draw_here(WISHES[:1])[0].data


def test_a_data_set_asks_its_artist_for_all_at_once():
    asked = []

    def artist(wishes, quality):
        asked.append([wish.seed for wish in wishes])
        return draw_here(wishes, quality)

    source = drawings_of([BIRD], 4, 10, artist=artist)
    many = source.many([3, 1])
    assert asked == [[13, 11]]
    assert [image.tobytes() for image in many] == [source[3].tobytes(), source[1].tobytes()]
