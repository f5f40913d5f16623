import numpy as np
import pytest

from pages.shared.jobs.training import Frame, Point, Snapshot, State
from pages.shared.learning import board
from pages.shared.learning.board import Scene, payload, span_of, thinned
from pages.shared.learning.changes import changed


@pytest.fixture
def scene() -> Scene:
    return Scene(
        key="k", noun="bird", target=np.array([3.0, -4.0, 0.0]), order=np.array([2, 0, 1]), names=["a", "b", "c"],
        closed_form=0.3, classes=("Jay", "Tit"), n_tray=2, n_pictures=4, n_strangers=5,
    )  # fmt: skip


def snapshot(n: int, state: State = State.PAUSED) -> Snapshot:
    points = tuple(Point(i, 1 / (i + 1), 0.0004, 2 / (i + 2), i % 5, 5 - i % 5, i % 3) for i in range(n))
    frames = tuple(Frame(i, np.array([i, -1.0, 0.0]), np.array([2, 0, 1, 2])) for i in range(n))
    return Snapshot(
        run=1, state=state, step=None, predicted=frames[-1].predicted, won=frames[-1].predicted == 2, history=points,
        before=points[-2] if n > 1 else None, frames=frames, ruled=None, seconds=0.1, speed=None, place=0, error=None,
    )  # fmt: skip


def test_rows_are_at_unit_length_and_in_the_one_order(scene) -> None:
    data = payload(scene, snapshot(4), sent=-1, seconds=0.3)
    assert data["target"] == [0.0, 0.6, -0.8]
    assert data["names"] == ["neuron 2, c", "neuron 0, a", "neuron 1, b"]
    assert data["frames"][-1]["row"] == pytest.approx([0.0, 3 / 10**0.5, -1 / 10**0.5], abs=1e-4)


def test_only_what_the_browser_has_not_is_sent_and_the_latest_always(scene) -> None:
    assert [f["iteration"] for f in payload(scene, snapshot(6), 3, 0.3)["frames"]] == [4, 5]
    assert [f["iteration"] for f in payload(scene, snapshot(6), 5, 0.3)["frames"]] == [5]
    many = [f["iteration"] for f in payload(scene, snapshot(100), -1, 0.3)["frames"]]
    assert len(many) == board.MOST_FRAMES
    assert many[0] == 0
    assert many[-1] == 99


def test_the_tray_names_what_a_bird_was_taken_for(scene) -> None:
    assert payload(scene, snapshot(2), -1, 0.3)["frames"][-1]["birds"] == [None, "Jay"]


def test_the_axis_grows_by_doubling() -> None:
    assert [span_of(i) for i in (0, 50, 51, 200, 201)] == [50, 50, 100, 200, 400]


def test_thinned_keeps_the_ends() -> None:
    assert thinned(range(5), 5) == [0, 1, 2, 3, 4]
    assert thinned(range(101), 3) == [0, 50, 100]


def test_axes_stand_still_while_the_loop_runs(scene) -> None:
    few, many = (payload(scene, snapshot(n), -1, 0.3)["panels"] for n in (2, 40))
    assert [(p["top"], p["ticks"], p["height"]) for p in few] == [(p["top"], p["ticks"], p["height"]) for p in many]


def test_without_pictures_nothing_is_said_of_what_is_found(scene) -> None:
    from dataclasses import replace

    bare = replace(scene, n_pictures=0, n_tray=0)
    data = payload(bare, snapshot(3), -1, 0.3)
    assert [line["series"] for panel in data["panels"] for line in panel["lines"]].count("found") == 0
    assert "birds found" not in changed(snapshot(3), None, bare)


def test_the_sentence_tells_the_last_step_or_all_since_the_start(scene) -> None:
    paused, running = changed(snapshot(4), None, scene), changed(snapshot(4, State.RUNNING), None, scene)
    assert "with the last step:** the distance on new pictures fell from 0.500 to 0.400" in paused
    assert "birds found 2 → 3, strangers claimed 3 → 2, neurons that pull the right way 2 → 0" in paused
    assert "since the start:** the distance on new pictures fell from 1.000 to 0.400" in running
    assert "neurons that pull the right way 0 as before" in running
