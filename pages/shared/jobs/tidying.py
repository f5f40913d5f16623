"""Memory that nobody uses any more goes back to the system, once a minute. No Streamlit here.

Sessions that have left are rings of objects, which wait for Python's collector; and what it frees, the C library keeps
for later, unless it is asked. Both take milliseconds here, because what a server loads once is not looked through.
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time

SECONDS = 60.0


def tidy() -> None:
    """Collect garbage, and give free memory back where the C library can (glibc)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def keep_tidy() -> threading.Thread:
    """From now on, in a thread that ends with the server."""

    def run() -> None:
        while True:
            time.sleep(SECONDS)
            tidy()

    thread = threading.Thread(target=run, daemon=True, name="tidying")
    thread.start()
    return thread
