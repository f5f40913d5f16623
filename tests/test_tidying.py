"""Memory is given back: rings of objects are collected, and what they held goes to the system."""

import gc
import sys
import weakref

import psutil
import pytest

from pages.shared.jobs.tidying import tidy


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
