"""Memory that nobody uses any more goes back to the system, twice a minute. No Streamlit here.

Sessions that have left are rings of objects, which wait for Python's collector; and what it frees, the C library keeps
for later, unless it is asked. Both take milliseconds here, because what a server loads once is not looked through.

And the C library gives each of many threads a place of its own to take memory from, up to eight a core; each keeps
what its fullest moment took, in pieces too small to go back. Every click has a thread of its own, so there are few
such places here: threads that compute wait for Python's lock anyway.

What is only kept so as not to be drawn again (`forgettable`) is forgotten once nobody is there.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Protocol, TypeVar

SECONDS = 30.0
#: So many looks in a row that find nobody at the server, and it forgets; who refreshes a page is gone for a moment.
LOOKS = 2
#: Places to take memory from; and mallopt's name for their number.
ARENAS, _M_ARENA_MAX = 2, -8

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
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def few_arenas() -> None:
    """Have no more than ARENAS from now on (glibc); asked for before there are many threads."""
    option = getattr(ctypes.CDLL(None), "mallopt", None)
    if option is not None:
        option(_M_ARENA_MAX, ARENAS)


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
