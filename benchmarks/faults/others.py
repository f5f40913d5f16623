"""Faults that kill nothing: a full disk, a folder that can only be read, a locked database, a clock that jumps, no net.

Each is made for real where the system allows it. Meanwhile the app's own functions are asked to save something; what
they say is noted, and whether everything that was there before is the same, byte by byte, during the fault and after.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from benchmarks.faults.disks import CannotMountError, filled, only_read, small_disk
from benchmarks.faults.notebooks import Notebooks, found_in, one_class, opened
from benchmarks.faults.pictures import zipped
from benchmarks.faults.shelves import OWNER, read_shelf, use
from niwt_core.errors import InputError
from niwt_core.notebook import store
from niwt_core.project import load_project
from niwt_core.worlds import ages, shelf
from niwt_core.worlds.drafts import draft_of_zip, latest_draft
from niwt_core.worlds.making import put_on_shelf

REMOVE = "remove a draft"
BUNDLED = Path(__file__).parents[2] / "assets" / "paper_birds"


@dataclass(frozen=True)
class Row:
    """One thing that was asked for during a fault.

    Attributes:
        said: the sentence that the person reads; "" where nothing was refused.
        whole: everything is the same as before, during the fault and after. again: what was asked for can be done then.
    """

    fault: str
    asked: str
    said: str
    whole: bool
    again: bool


class NoSentenceError(AssertionError):
    """Nothing was said."""


def everything() -> Iterator[Row]:
    """All faults; a disk that cannot be made here is left out with a row that says so."""
    for fault, spoilt in (("a full disk", filled), ("a folder that can only be read", only_read)):
        try:
            yield from on_a_disk(fault, spoilt)
        except CannotMountError as error:
            yield Row(fault, f"not tried: {error}", "", True, True)
    yield from locked()
    yield from jumping_clock()
    yield from no_network()


def on_a_disk(fault: str, spoilt: Callable[[Path], object]) -> Iterator[Row]:
    """Upload, edit, save a project and keep a class on a disk that is spoilt."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name, ExitStack() as stack:
        disk = stack.enter_context(small_disk(Path(name) / "disk"))
        use(disk)
        # A disk of 64 MB is too small for the app, which asks for room for two of the largest uploads.
        stack.enter_context(mock.patch("niwt_core.worlds.drafts.shutil.disk_usage", return_value=_Roomy))
        deeds = _prepared(disk)
        if spoilt is filled:
            del deeds[REMOVE]  # which needs no room
        before = _contents(disk)
        with spoilt(disk):
            said = {asked: _asked(deed) for asked, deed in deeds.items()}
            during = _contents(disk)
        after = last = _contents(disk)
        for asked, deed in deeds.items():
            deed()
            earlier, last = last, _contents(disk)
            yield Row(fault, asked, said[asked], before == during == after, earlier != last)


class _Roomy:
    free = 2**40


def _prepared(place: Path) -> dict[str, Callable[[], object]]:
    """Something of everything that can be lost; returns what can be asked for."""
    project = load_project(BUNDLED)
    Notebooks().prepare(place)
    notebook = opened(place)
    notebook.keep(one_class("kept before", random.Random(0)))
    draft = draft_of_zip(io.BytesIO(zipped(0)), "before", OWNER)
    made = draft_of_zip(io.BytesIO(zipped(0)), "project", OWNER)
    put_on_shelf(replace(project, card={**project.card, "title": "project"}), made)
    edited = replace(draft, rows=tuple(replace(row, description="edited") for row in draft.rows))
    retrained = replace(project, card={**project.card, "title": "project over"})
    return {
        "unpack a zip": lambda: draft_of_zip(io.BytesIO(zipped(1)), "new", OWNER),
        "keep an edit of a draft": edited.save,
        "save over a project": lambda: put_on_shelf(retrained, made),
        "give a project another title": lambda: shelf.rename(made.key, OWNER, "project renamed"),
        REMOVE: lambda: shelf.remove(draft.key, OWNER),
        "keep a class": lambda: notebook.keep(one_class("new", random.Random(1))),
    }


def _contents(place: Path) -> str:
    """Everything that the pages can list, read to the end."""
    reading = read_shelf()
    if reading.broken:
        return f"broken: {reading.broken}"
    return json.dumps([sorted(reading.found.items()), sorted(found_in(opened(place)).items())])


def _asked(deed: Callable[[], object]) -> str:
    """The sentence that refuses it; "" where it was done."""
    try:
        deed()
    except InputError as error:
        return str(error)
    return ""


def locked() -> Iterator[Row]:
    """Another process holds the database for longer than we wait."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        place = Path(name)
        use(place)
        Notebooks().prepare(place)
        notebook = opened(place)
        notebook.keep(one_class("kept before", random.Random(0)))
        before = found_in(notebook)
        hold = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN EXCLUSIVE');"
            " print('held', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", hold, str(place / "notebook.sqlite")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            other.stdout.readline()
            said = _asked(lambda: notebook.keep(one_class("new", random.Random(1))))
            during = found_in(opened(place))
            other.stdin.close()
        after = found_in(notebook)
        notebook.keep(one_class("new", random.Random(1)))
        again = len(found_in(notebook)) == 2
        yield Row("a database that another process holds", "keep a class", said, before == during == after, again)


def jumping_clock() -> Iterator[Row]:
    """The date is a year ahead, or a year behind, and then right again."""
    for fault, days in (("a date a year ahead", 365), ("a date a year behind", -365)):
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            place = Path(name)
            use(place)
            Notebooks().prepare(place)
            notebook = opened(place)
            gone = notebook.keep(one_class("deleted before", random.Random(0)))
            notebook.delete(gone.id)
            notebook.keep(one_class("kept before", random.Random(1)))
            draft = draft_of_zip(io.BytesIO(zipped(0)), "before", OWNER)
            before = _contents(place)
            with _date_moved(days):
                shelf.sweep()
                other = notebook.keep(one_class("kept meanwhile", random.Random(2)))
                aside = notebook.keep(one_class("deleted meanwhile", random.Random(3)))
                notebook.delete(aside.id)
            shelf.sweep()
            last = notebook.keep(one_class("kept after", random.Random(4)))
            order = [entry.text for entry in notebook.everything()]
            in_order = order == [last.text, other.text, "kept before"]
            yield Row(fault, "sweep the shelf", "", latest_draft(OWNER) == draft and "before" in before, True)
            yield Row(fault, "keep the order of the notebook", "", in_order, True)
            back = {notebook.restore(gone.id).text, notebook.restore(aside.id).text}
            yield Row(fault, "bring deleted classes back", "", len(back) == 2, True)


@contextmanager
def _date_moved(days: int) -> Iterator[None]:
    """Another date for us; the clock that counts from the computer's start goes on as it does when a date is set."""
    moved = timedelta(days)

    class Moved(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + moved

    real = ages.now

    def now() -> ages.Now:
        moment = real()
        return replace(moment, date=moment.date + moved.total_seconds())

    with mock.patch.object(store, "datetime", Moved), mock.patch.object(ages, "now", now):
        yield


def no_network() -> Iterator[Row]:
    """Weights and a data set that would have to be fetched, by commands in a process that has no network."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        for asked, code in (
            ("fetch ImageNet weights for a fit", _FETCH_WEIGHTS),
            ("fetch a data set", _FETCH_DATA),
        ):
            done = _without_network([sys.executable, "-c", code, name], {"TORCH_HOME": name})
            said = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
            if done.returncode or not said:
                raise NoSentenceError(done.stderr[-2000:])
            yield Row("no network", asked, said, not any(Path(name).rglob("*.p*t*")), True)


_FETCH_WEIGHTS = """
import sys
from niwt_core.errors import InputError
from niwt_core.worlds.making import Order, load_network
try:
    load_network(Order("x", "squeezenet1_1", "features.11", "default"))
except InputError as error:
    print(error)
"""
_FETCH_DATA = """
import contextlib, io, sys
from niwt_core.__main__ import main
said = io.StringIO()
with contextlib.redirect_stderr(said):
    assert main(["download", "cub", "--root", sys.argv[1] + "/cub"]) == 2
print(said.getvalue())
"""
#: Names and addresses lead nowhere, as where the cable is out.
_NO_SOCKETS = """
import socket, sys
def nowhere(*arguments, **named):
    raise OSError(101, "Network is unreachable")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = nowhere
exec(compile(sys.argv.pop(1), "command", "exec"))
"""


def _without_network(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run in a network of its own without any interface, where root may make one; else with sockets that fail."""
    settings = {**os.environ, **environment}
    there = ["unshare", "--net"]
    if subprocess.run([*there, "true"], capture_output=True, check=False).returncode == 0:
        command = [*there, *command]
    else:
        command = [command[0], "-c", _NO_SOCKETS, *command[2:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=settings, cwd=BUNDLED.parents[1])
