"""Memory that nobody uses any more goes back to the system, once a minute. No Streamlit here.

Sessions that have left are rings of objects, which wait for Python's collector; and what it frees, the C library keeps
for later, unless it is asked. Both take milliseconds here, because what a server loads once is not looked through.

And the C library gives each of many threads a place of its own to take memory from, up to eight a core; each keeps
what its fullest moment took, in pieces too small to go back. Every click has a thread of its own, so there are few
such places here: threads that compute wait for Python's lock anyway.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from functools import cache

SECONDS = 60.0
#: Places to take memory from; and mallopt's name for their number.
ARENAS, _M_ARENA_MAX = 2, -8


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


def keep_tidy() -> threading.Thread:
    """From now on, in a thread that ends with the server."""

    def run() -> None:
        while True:
            time.sleep(SECONDS)
            tidy()

    thread = threading.Thread(target=run, daemon=True, name="tidying")
    thread.start()
    return thread
