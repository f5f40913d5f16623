"""Files and folders that are there whole or not at all, and what is left of whoever was cut off."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from niwt_core.files import durable
from niwt_core.files.durable import UnwritableError, held, is_forsaken, new_folder, sweep, write

ROOT = Path(__file__).parents[1]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path):
    write(tmp_path / "a.json", b"one")
    durable.write_json(tmp_path / "a.json", {"é": 1})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n "é": 1\n}\n'
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "disk is full, so nothing was saved"), (errno.EROFS, "may not write"), (errno.EIO, r"error\), so")],
)
def test_what_the_disk_refuses_is_a_sentence_and_the_old_file_stays(tmp_path, monkeypatch, number, said):
    write(tmp_path / "a", b"old")

    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UnwritableError, match=said):
        write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_two_who_write_at_once_never_mix(tmp_path):
    """Under one partial name the second would have cut off what the first was writing."""
    contents = [bytes([letter]) * 200_000 for letter in b"abcd"]
    seen = []

    def work(data):
        for _ in range(5):
            write(tmp_path / "a", data)
            seen.append((tmp_path / "a").read_bytes())

    threads = [threading.Thread(target=work, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20
    assert set(seen) <= set(contents)
    assert names(tmp_path) == ["a"]


def test_a_folder_comes_whole_or_not_at_all(tmp_path):
    with new_folder(tmp_path / "a") as folder:
        (folder / "one").write_text("1")
        assert not (tmp_path / "a").exists()
    assert names(tmp_path / "a") == ["one"]
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "b") as folder:
        (folder / "one").write_text("1")
        _ = 1 / 0
    with pytest.raises(UnwritableError, match="nothing was saved"), new_folder(tmp_path / "a") as folder:
        (folder / "two").write_text("2")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["one"]


#: Begins a file, a folder and a mark, says so, and waits.
CUT_OFF = """
import sys
from pathlib import Path
from niwt_core.files import durable
place = Path(sys.argv[1])
durable.os.fsync = lambda handle: (print("begun", flush=True), sys.stdin.read())
with durable.held(place / "mark"), durable.new_folder(place / "folder") as folder:
    (folder / "one").write_text("1")
    durable.write(place / "file", b"data")
"""


def test_what_a_killed_program_leaves_is_swept_and_what_one_at_work_writes_is_not(tmp_path):
    (tmp_path / ".somebodys.part").write_text("a file of a person")
    command = [sys.executable, "-c", CUT_OFF, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout.readline() == b"begun\n"
        assert len(names(tmp_path)) == 4
        assert sweep(tmp_path) == 0
        assert not is_forsaken(tmp_path / "mark")
        writer.kill()
    assert len(names(tmp_path)) == 4
    assert is_forsaken(tmp_path / "mark")
    assert sweep(tmp_path) == 2
    assert names(tmp_path) == [".somebodys.part", "mark"]
    with held(tmp_path / "mark"):
        assert not is_forsaken(tmp_path / "mark")
    assert not is_forsaken(tmp_path / "mark"), "it is gone"
    assert sweep(tmp_path / "nowhere") == 0


def test_a_sweep_in_the_instant_between_making_and_holding_does_no_harm(tmp_path, monkeypatch):
    real, times = durable._hold, []

    def swept_before(handle):
        times.append(handle)
        if len(times) == 1:
            assert sweep(tmp_path) == 1
        real(handle)

    monkeypatch.setattr(durable, "_hold", swept_before)
    write(tmp_path / "a", b"data")
    assert len(times) == 2
    assert (tmp_path / "a").read_bytes() == b"data"
