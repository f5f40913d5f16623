"""The fuzzing of every door, in small; and the judge, who has to notice what a bad door does.

`python -m benchmarks.fuzz` sends 10,000 inputs through each door.
"""

import contextlib
import os
import pickle
import re
import socket
import subprocess
import sys
import time

import pytest

from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.inputs import PICKLE, SEEDS, STRATEGIES
from benchmarks.fuzz.judge import TARGET, Bounds, Judge
from benchmarks.fuzz.runs import Run
from benchmarks.fuzz.table import document
from benchmarks.fuzz.worker import generate
from niwt_core.errors import InputError

#: Inputs a door; one that costs much gets fewer.
FEW = {"mat files": 1, "project.json": 8, "project tensors": 8, "neurons.json": 8}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """One for all tests: what it listens to cannot be taken off again."""
    before = sys.dont_write_bytecode
    found = Judge(tmp_path_factory.mktemp("fuzz"), Bounds(seconds=0.3, megabytes=60))
    yield found
    sys.dont_write_bytecode = before


@pytest.mark.parametrize("name", list(DOORS))
def test_hostile_input_is_taken_or_refused_in_a_sentence(name, judge, tmp_path):
    door, found = DOORS[name], []
    seeds = SEEDS[name]()
    if name != "mat files":
        for i, data in enumerate(seeds[:3]):  # what is imported when it is first needed
            (tmp_path / str(i)).mkdir()
            with contextlib.suppress(InputError):
                door.enter(data, tmp_path / str(i))
    bounds, may_start, judge.bounds, judge.may_start = judge.bounds, judge.may_start, door.bounds, door.may_start
    try:
        generate(STRATEGIES[name](), FEW.get(name, 20), 1, lambda data: found.append(judge.judge(door.enter, data)))
    finally:
        judge.bounds, judge.may_start = bounds, may_start
    assert len(found) == FEW.get(name, 20)
    assert [verdict.finding for verdict in found if verdict.finding] == []


def test_the_same_seed_makes_the_same_inputs():
    def made(seed):
        found = []
        generate(STRATEGIES["zips"](), 20, seed, found.append)
        return found

    assert made(3) == made(3)
    assert made(3) != made(4)
    rest = []
    generate(STRATEGIES["zips"](), 20, 3, rest.append, skip=15)
    assert rest == made(3)[15:]


def _raises(data, folder):
    return {}[data]


def _writes_beside(data, folder):
    (folder.parent / "beside" / "more.txt").write_text("x")


def _overwrites(data, folder):
    (folder.parent / "beside" / "somebody.txt").write_text("x")


def _climbs(data, folder):
    (folder / ".." / ".." / "climbed").mkdir(exist_ok=True)


def _links_out(data, folder):
    (folder / "link").symlink_to(folder.parent / "beside")
    (folder / "link" / "through.txt").write_text("x")


def _unpickles(data, folder):
    pickle.loads(PICKLE)


def _starts(data, folder):
    subprocess.run([sys.executable, "-c", ""], check=True)


def _connects(data, folder):
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))


def _is_slow(data, folder):
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass


def _hangs(data, folder):
    while True:
        pass


def _fills_memory(data, folder):
    assert len(b"\1" * (100 * 2**20))


def _shows_the_server(data, folder):
    raise InputError(f"{sys.prefix}/lib is missing; expected it.")


def _shows_a_traceback(data, folder):
    raise InputError("Traceback (most recent call last)")


def _says_nothing(data, folder):
    raise InputError("")


def _exits(data, folder):
    raise SystemExit


@pytest.mark.parametrize(
    ("door", "said"),
    [
        (_raises, "raised KeyError"),
        (_writes_beside, "open"),
        (_overwrites, "open"),
        (_climbs, r"os\.mkdir"),
        (_links_out, "through.txt"),
        (_unpickles, r"pickle\.find_class"),
        (_starts, r"subprocess\.Popen"),
        (_connects, r"socket\.connect"),
        (_is_slow, "at most 0.3 s"),
        (_hangs, "hung: stopped after 0.9 s"),
        (_fills_memory, "at most 60 MB"),
        (_shows_the_server, "a path of the server"),
        (_shows_a_traceback, "a traceback"),
        (_says_nothing, "said nothing"),
        (_exits, "raised SystemExit"),
    ],
)
def test_a_bad_door_is_found_out(judge, door, said):
    verdict = judge.judge(door, b"x")
    assert re.search(said, verdict.finding)
    (judge.root / "beside" / "more.txt").unlink(missing_ok=True)
    (judge.root / "beside" / "through.txt").unlink(missing_ok=True)
    (judge.root / "beside" / "somebody.txt").write_text("somebody else's")
    TARGET.unlink(missing_ok=True)
    judge._before = judge._outside()


def test_a_good_door_is_left_alone(judge):
    def writes_inside(data, folder):
        (folder / "a").mkdir()
        (folder / "a" / "b.txt").write_bytes(data)
        (folder / "a" / "b.txt").replace(folder / "c.txt")

    def refuses(data, folder):
        raise InputError("This is no picture; expected one.")

    taken, refused = judge.judge(writes_inside, b"x"), judge.judge(refuses, b"x")
    assert (taken.accepted, taken.finding) == (True, "")
    assert (refused.accepted, refused.finding, refused.said) == (False, "", "This is no picture; expected one.")
    assert list(judge.inside.iterdir()) == []


def test_files_outside_that_no_event_tells_of_are_found_by_looking(judge):
    def in_c(data, folder):
        os.close(os.open(folder.parent / "beside" / "made", os.O_CREAT))  # neither for writing nor for appending

    assert "outside its folder" in judge.judge(in_c, b"x").finding
    (judge.root / "beside" / "made").unlink()
    judge._before = judge._outside()


def test_the_page_tells_what_was_run():
    run = Run(DOORS["mat files"], "hypothesis", 400, 30, 2, 0.5, 0.1, 12.0, ("input 3: raised KeyError",))
    page = document([run], "2 cores, seed 0")
    assert "| mat files | hypothesis | 400 | 30 | 369 | 100.0 | 500 | 6 | 12 | 400 | 1 |" in page
    assert "Fewer where one input costs over 50 ms: mat files (400)." in page
    assert "400 inputs, 1 findings" in page
    assert "2 inputs ended the reader’s process" in page


def test_damage_is_damage():
    found = []
    generate(damaged([b"0123456789" * 10]), 40, 0, found.append)
    assert len(set(found)) > 20
    assert any(len(data) < 100 for data in found)
    assert any(len(data) > 100 for data in found)
