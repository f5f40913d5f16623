"""One deed at one size: seconds and peak memory, in a process of its own that is held to one thread."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import torch

#: A deed is repeated until so many seconds are spent or so often; the median counts.
LONG_ENOUGH = 0.5
MOST_REPEATS = 5
MB = 2**20


@dataclass(frozen=True)
class Deed:
    """Something whose growth is measured.

    Attributes:
        prepare: size -> what is timed, with everything that it takes at hand. At the top of a module, so that another
            process finds it by its name.
        warm: a small size that is done once before, so that libraries are loaded and kernels are chosen.
        images: size -> how many images it goes over; None where it is done once, whatever their number.
        time_law, memory_law: the powers of the size that time and memory should grow with; None: no power of it.
        largest: the largest size that it is measured at; None: all.
    """

    name: str
    prepare: Callable[[int], Callable[[], object]]
    warm: int
    images: Callable[[int], int] | None
    time_law: float | None
    memory_law: float | None
    largest: int | None = None


@dataclass(frozen=True)
class Point:
    """What a deed took at one size.

    Attributes:
        seconds: the median of its repeats. peak: bytes, at its highest, above what stood in memory before it began.
    """

    size: int
    seconds: float
    peak: int


def measure(deed: Deed, size: int) -> Point | None:
    """A deed at one size, in a fresh process; None where that process came to its end before, as for want of memory."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.growth.sections"])  # imported once, for all of them
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=context, max_tasks_per_child=1) as pool:
            seconds, peak = pool.submit(_measure_here, deed.prepare, deed.warm, size).result()
    except BrokenProcessPool:
        return None
    return Point(size, seconds, peak)


def _measure_here(prepare: Callable[[int], Callable[[], object]], warm: int, size: int) -> tuple[float, int]:
    """Seconds and peak bytes, in the process that this runs in."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", FutureWarning)  # of torch about torch
    prepare(warm)()
    deed = prepare(size)
    gc.collect()
    before = _forget_peak()
    times: list[float] = []
    while len(times) < MOST_REPEATS and sum(times) < LONG_ENOUGH:
        began = time.perf_counter()
        deed()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2], _peak_bytes() - before


def _forget_peak() -> int:
    """Give freed memory back and let the peak start anew from here, where the system can; the bytes it starts from.

    Without the first, a deed would look small for living in what was freed before it; without the second, for staying
    below a peak of the past.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # glibc's
            libc.malloc_trim(0)
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return _peak_bytes()
    return _peak_bytes()


def _peak_bytes() -> int:
    """The most memory that this process has had.

    `ru_maxrss` alone would not do: on Linux a process starts with that of the one which started it.
    """
    if sys.platform == "linux":
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return 1024 * int(found[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
