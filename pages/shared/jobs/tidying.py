"""Memory that nobody uses any more goes back to the system, twice a minute. No Streamlit here.

Sessions that have left are rings of objects, which wait for Python's collector; and what it frees, the C library keeps
for later, unless it is asked. It takes milliseconds here, because what a server loads once is not looked through.

And the C library gives each of many threads a place of its own to take memory from (an arena), up to eight a core; each
keeps what its fullest moment took. Every click has a thread of its own, so there are few such places here: threads that
compute wait for Python's lock anyway.

What is only kept so as not to be drawn again (`forgettable`) is forgotten once nobody is there.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Protocol, TypeVar

SECONDS = 30.0
#: So many looks in a row that find nobody at the server, and it forgets; who refreshes a page is gone for a moment.
LOOKS = 2
#: Places to take memory from.
ARENAS = 2
#: Threads that take memory at the same time, so that there is one in every place; some places are older than ARENAS.
_TAKERS = 16
#: Pieces of at least so many bytes are no free memory of a place, but the system's; glibc would come to it by itself.
_OWN_PAGES = 32 * 2**20
#: While pages work, a place may end in so much free memory, as glibc would come to by itself; and when it is tidied.
_FREE_END, _TIDY_END = 2 * _OWN_PAGES, 2**17
#: A piece that makes glibc look at a place's end when it is freed: 64 kB or more.
_PIECE = 2**18
#: mallopt's names.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

_forget: list[Callable[[], None]] = []


class Clearable(Protocol):
    """A cache, as Streamlit makes them."""

    def clear(self) -> None: ...


T = TypeVar("T", bound=Clearable)


def forgettable(cache: T) -> T:
    """A cache of what can be made again at once, such as drawings; the outermost decorator."""
    _forget.append(cache.clear)
    return cache


def forget() -> None:
    """Clear what is forgettable."""
    for clear in _forget:
        clear()


def tidy() -> None:
    """Collect garbage, and give free memory back where the C library can (glibc)."""
    gc.collect()
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)
        _trim_ends(library)


@cache
def few_arenas() -> None:
    """Have no more than ARENAS from now on (glibc); asked for before there are many threads."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, ARENAS)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library, where it is the one that can be asked."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim") or not hasattr(library, "mallopt"):
        return None
    library.malloc_trim.argtypes = library.malloc.argtypes = [ctypes.c_size_t]
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes, library.free.restype = [ctypes.c_void_p], None
    return library


def _trim_ends(library: ctypes.CDLL) -> None:
    """Give back the free memory at the end of every arena.

    malloc_trim does so in the first arena alone. In the others it happens when a large piece is freed there and the end
    is beyond a threshold, so for a moment the threshold is low, and a thread in each arena takes and frees a piece.
    """
    together = threading.Barrier(_TAKERS, timeout=5)

    def take_and_free() -> None:
        together.wait()  # each thread is in its place, and stays there until all are
        library.free(library.malloc(_PIECE))
        together.wait()

    library.mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)  # it stays where it is once the other one is set
    library.mallopt(_M_TRIM_THRESHOLD, _TIDY_END)
    try:
        with ThreadPoolExecutor(_TAKERS, "trimming") as pool:
            for _ in range(_TAKERS):
                pool.submit(take_and_free)
    finally:
        library.mallopt(_M_TRIM_THRESHOLD, _FREE_END)


def keep_tidy(is_empty: Callable[[], bool] = lambda: False) -> threading.Thread:
    """From now on, in a thread that ends with the server.

    Args:
        is_empty: whether nobody is connected.
    """

    def run() -> None:
        looks = 0
        while True:
            time.sleep(SECONDS)
            looks = looks + 1 if is_empty() else 0
            if looks == LOOKS:
                forget()
            tidy()

    thread = threading.Thread(target=run, daemon=True, name="tidying")
    thread.start()
    return thread
