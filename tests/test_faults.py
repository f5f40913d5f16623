"""The app is killed, its disk is full, its database locked; and every worker thread raises."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.faults import others
from benchmarks.faults.disks import CannotMountError, small_disk
from benchmarks.faults.journal import ABSENT, Journal
from niwt_core.errors import InputError
from niwt_core.notebook import database
from niwt_core.worlds import shelf
from pages.shared.jobs import contest, naming
from pages.shared.jobs.contest import ContestJob, RingHolder
from pages.shared.jobs.evaluating import EvaluationJob
from pages.shared.jobs.gathering import Gathering, one_by_one
from pages.shared.jobs.line import Kind, Line
from pages.shared.jobs.naming import NamingJob

ROOT = Path(__file__).parents[1]


# -- kills -------------------------------------------------------------------------------------------------------------


def killed(*arguments: str) -> tuple[int, dict[str, list[int]]]:
    """The command's exit code, and kind -> (kills, in a call, confirmed, lost, half read, swept)."""
    command = [sys.executable, "-m", "benchmarks.faults", "--only", "kills", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("|")]
    return done.returncode, {row[0]: [int(n.replace(",", "")) for n in row[1:]] for row in rows[2:]}


def test_nothing_confirmed_is_lost_and_nothing_half_written_is_read():
    code, rows = killed("--kills", "6", "--kinds", "notebook,drafts")
    kills, _, confirmed, lost, half_read, _ = rows["**all**"]
    assert (code, kills, lost, half_read) == (0, 6, 0, 0)
    assert confirmed > 6


def test_the_measurement_finds_writers_that_are_careless():
    """Files written in place are found half written, and what is confirmed too early is found missing."""
    code, rows = killed("--kills", "14", "--kinds", "notebook,drafts", "--careless")
    assert code == 1
    for kind, (_, _, _, lost, half_read, _) in rows.items():
        assert lost + half_read, kind


def test_a_journal_knows_what_may_be_there():
    journal = Journal()
    for event in ({"doing": "a", "is": "1"}, {"done": "a", "is": "1"}, {"doing": "b", "is": "x *"}):
        journal.hear(event)
    assert journal.confirmed == 1
    assert journal.judge({"a": "1", "b": "x 7"}) == journal.judge({"a": "1", "b": "x 7"})
    assert journal.judge({"a": "1", "b": "x 8"}).half_read == ["b: x 8, not x 7"], "nobody has touched it since"
    journal.hear({"doing": "a", "is": "2"})
    assert journal.judge({"b": "x 8"}).lost == [f"a: {ABSENT}, not 1"]
    assert journal.judge({"b": "x 8", "c": "?"}).half_read == ["c: nobody wrote it"]


# -- other faults ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the faults' functions set is put back."""
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "shelf"))


def test_on_a_disk_that_is_full_or_read_only_what_was_there_is_whole_and_the_rest_is_a_sentence(tmp_path):
    try:
        with small_disk(tmp_path / "disk"):
            pass
    except CannotMountError as error:
        pytest.skip(f"no disk of our own here: {error}")
    full = list(others.on_a_disk("full", others.filled))
    read_only = list(others.on_a_disk("read only", others.only_read))
    assert (len(full), len(read_only)) == (5, 6)
    assert all(row.whole and row.again for row in (*full, *read_only))
    assert all(" full" in row.said for row in full)
    assert all("may not " in row.said for row in read_only)


def test_a_locked_database_and_a_clock_that_jumps(monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.3)
    (locked,) = others.locked()
    assert locked.said.startswith("The notebook is busy")
    rows = [locked, *others.jumping_clock()]
    assert len(rows) == 7
    assert all(row.whole and row.again for row in rows)


# -- worker threads that raise -----------------------------------------------------------------------------------------


class Fault:
    """Raises at the first call, and then does what it should."""

    def __init__(self, error: Exception, then: Callable[..., Any]) -> None:
        self._error: Exception | None = error
        self._then = then

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._then(*arguments, **named)


@pytest.fixture(params=[RuntimeError("boom"), InputError("The picture is gone."), MemoryError()])
def error(request: pytest.FixtureRequest) -> Exception:
    return request.param


@pytest.fixture
def turn() -> Any:
    """Of a line with a single turn: a job that keeps it holds up everybody."""
    return Line(dict.fromkeys(Kind, 1)).stand(Kind.LOOK, "a person")


def ended(progress: Callable[[], Any]) -> Any:
    until = time.monotonic() + 20
    while progress().running:
        assert time.monotonic() < until, "the page would wait for ever"
        time.sleep(0.005)
    return progress()


def is_told(said: str | None, error: Exception) -> bool:
    """One sentence that says what was raised, and no traceback."""
    return bool(said) and "\n" not in said and (str(error) or type(error).__name__) in said


@pytest.mark.parametrize("late", [False, True], ids=["at once", "after the first"])
def test_a_gathering_one_by_one_that_raises(error, turn, late):
    def failing():
        if late:
            yield "a bird"
        raise error

    job = one_by_one(failing if late else Fault(error, failing), 2, turn)
    job.start()
    now = ended(job.progress)
    assert is_told(now.error, error)
    assert now.whole == (("a bird",) if late else None)
    assert not turn.is_on
    anew = one_by_one(lambda: iter(["a bird", "another"]), 2, turn)
    anew.start()
    assert (ended(anew.progress).whole, anew.progress().error) == (("a bird", "another"), None)


def test_a_gathering_that_raises_keeps_what_it_has(error, turn):
    def failing():
        yield [1, 2]
        raise error

    job = Gathering(failing, lambda parts: [item for part in parts for item in part], 4, turn)
    job.start()
    now = ended(job.progress)
    assert is_told(now.error, error)
    assert now.whole == [1, 2]
    assert not turn.is_on
    anew = Gathering(lambda: iter([[1, 2], [3, 4]]), lambda parts: [item for part in parts for item in part], 4, turn)
    anew.start()
    assert (ended(anew.progress).whole, anew.progress().error) == ([1, 2, 3, 4], None)


def test_a_contest_that_raises(error, turn, monkeypatch):
    monkeypatch.setattr(contest, "compare", lambda *arguments: ("an outcome",))
    step = SimpleNamespace(converged=True, iteration=1)
    lesson = SimpleNamespace(
        steps=lambda: iter([step]), project=None, description=None, check_jacobians=None, pictures=(), strangers=()
    )
    job = ContestJob(RingHolder(), Fault(error, lambda progress: "a ring"), lesson, turn)
    job.start()
    assert is_told(ended(job.standing).error, error)
    assert not turn.is_on
    job.start()
    assert (ended(job.standing).outcomes, job.standing().error) == (("an outcome",), None)


def test_an_evaluation_that_raises(error, turn, tmp_path):
    class World:
        data = property(Fault(error, lambda world: 1 / 0))

    job = EvaluationJob(World(), tmp_path, turn)
    job.start(1)
    assert is_told(ended(job.progress).error, error)
    assert not turn.is_on
    job.start(1)
    assert "ZeroDivisionError" in ended(job.progress).error, "it began anew"


def test_a_naming_that_raises(error, turn, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(naming, "material_of", lambda data: None)
    monkeypatch.setattr(naming, "build", Fault(error, lambda project, material, hear: "a dictionary"))
    monkeypatch.setattr(naming, "save_dictionary", lambda found, folder: saved.append(found))
    job = NamingJob(SimpleNamespace(project=None, data=None), tmp_path, turn)
    job.start()
    assert is_told(ended(job.progress).error, error)
    assert not turn.is_on
    assert not saved
    job.start()
    assert (ended(job.progress).error, saved) == (None, ["a dictionary"])
