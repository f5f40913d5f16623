"""Memory is given back: rings of objects are collected, and what they held goes to the system."""

import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import psutil
import pytest

from pages.shared import resources
from pages.shared.jobs import tidying
from pages.shared.jobs.tidying import tidy

ROOT = Path(__file__).parents[1]


class Session:
    """A ring, as sessions are."""

    def __init__(self) -> None:
        self.me = self
        self.held = [bytes(2000) for _ in range(20_000)]  # 40 MB in pieces too small for the system to take by itself


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be asked to give memory back")
def test_what_left_sessions_held_goes_back_to_the_system():
    gc.disable()
    try:
        process = psutil.Process()
        session = Session()
        gone = weakref.ref(session)
        full = process.memory_info().rss
        del session
        assert gone() is not None  # nobody has looked yet
        tidy()
        assert gone() is None
        assert process.memory_info().rss < full - 20 * 2**20
    finally:
        gc.enable()


#: Twenty threads that take memory at the same time; prints how many places the C library made for them.
_THREADS = """
import ctypes, re, sys, threading
from pages.shared.jobs.tidying import few_arenas
if sys.argv[1] == "few":
    few_arenas()
barrier = threading.Barrier(20)
def work():
    barrier.wait()
    ctypes.CDLL(None).malloc(1000)
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(open(sys.argv[2]).read().count("<heap nr="))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has arenas")
def test_many_threads_share_few_places_to_take_memory_from(tmp_path):
    few, many = (
        int(subprocess.run([sys.executable, "-c", _THREADS, how, str(tmp_path / "arenas.xml")], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout)
        for how in ("few", "many")
    )  # fmt: skip
    assert few <= 3
    assert many > few


#: Five threads at the same time fill 30 MB each, let it go, and end; prints the resident memory after malloc_trim
#: alone, and after the server's own tidying.
_ENDS = """
import ctypes, threading, psutil
from pages.shared.jobs.tidying import few_arenas, tidy
few_arenas()
libc = ctypes.CDLL(None)
libc.mallopt(-3, 32 * 2**20)  # where glibc comes to by itself on a server that has been up for a while
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.mallopt(-1, 64 * 2**20)
barrier = threading.Barrier(5)
def work():
    barrier.wait()
    pieces = [libc.malloc(2**20) for _ in range(30)]
    for piece in pieces: ctypes.memset(piece, 1, 2**20)
    barrier.wait()
    for piece in pieces: libc.free(piece)
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
def resident(): return psutil.Process().memory_info().rss
libc.malloc_trim(0)
trimmed = resident()
tidy()
print(trimmed, resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has arenas")
def test_the_free_end_of_every_arena_goes_back_which_malloc_trim_leaves():
    done = subprocess.run([sys.executable, "-c", _ENDS], cwd=ROOT, check=True, capture_output=True, text=True)
    trimmed, tidied = map(int, done.stdout.split())
    assert tidied < trimmed - 40 * 2**20


class Cache:
    holds = 3

    def clear(self) -> None:
        self.holds = 0


def test_what_can_be_drawn_again_is_forgotten_when_nobody_was_there_twice(monkeypatch):
    monkeypatch.setattr(tidying, "_forget", [])
    monkeypatch.setattr(tidying, "SECONDS", 0.001)
    monkeypatch.setattr(tidying, "tidy", lambda: None)
    cache, held, done = tidying.forgettable(Cache()), [], threading.Event()
    answers = iter([True, False, True, True, True])

    def is_empty() -> bool:
        held.append(cache.holds)
        answer = next(answers, None)
        if answer is None:
            done.set()
            threading.Event().wait()  # for ever: the thread is a daemon
        return answer

    tidying.keep_tidy(is_empty)
    assert done.wait(10)
    assert held == [3, 3, 3, 3, 0, 0]  # a look that finds somebody starts the count anew


def test_the_pages_pictures_are_forgotten_and_drawn_again():
    portrait = resources.portrait("a", {"back_color": "red"}, 1, 64)
    assert resources.portrait.clear in tidying._forget
    tidying.forget()
    assert resources.portrait("a", {"back_color": "red"}, 1, 64) == portrait
