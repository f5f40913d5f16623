"""One door, one engine, in a process of its own: python -m benchmarks.fuzz.worker DOOR ENGINE N SEED SKIP FOLDER.

Writes a line into FOLDER/outcomes.jsonl after each input, so that an input that ends the process is known by the line
that is missing, and FOLDER/finding-<number>.bin for each finding.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

#: Bytes of address space beyond what the process has when it begins: a net below the bounds, so that no machine falls.
NET = 6 * 2**30
#: Inputs that Hypothesis makes before it begins anew: it keeps what it made, and would take gigabytes.
AT_ONCE = 250
#: Characters of the longest input that atheris tries.
MAX_LENGTH = 65_536


def main() -> None:
    name, engine, n, seed, skip, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["niwt_core", "PIL"]):
            importlib.import_module("benchmarks.fuzz.doors")
    from benchmarks.fuzz.doors import DOORS
    from benchmarks.fuzz.inputs import SEEDS, STRATEGIES
    from benchmarks.fuzz.judge import TARGET, Judge

    door, place = DOORS[name], Path(folder)
    TARGET.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as root:
        os.chdir(root)  # what is written beside nothing in particular lands where we look
        for data in SEEDS[name]():  # first times import modules and fill caches
            aside = Path(tempfile.mkdtemp())
            with contextlib.suppress(Exception):
                door.enter(data, aside)
        TARGET.unlink(missing_ok=True)  # found again below
        _hold(NET)
        judge = Judge(Path(root), door.bounds, door.may_start)
        with (place / "outcomes.jsonl").open("a", buffering=1) as outcomes:
            number = int(skip)

            def one(data: bytes) -> None:
                nonlocal number
                verdict = judge.judge(door.enter, data)
                if verdict.finding:
                    (place / f"finding-{number}.bin").write_bytes(data)
                line = [verdict.accepted, verdict.seconds, verdict.megabytes, verdict.finding, verdict.said]
                outcomes.write(json.dumps(line) + "\n")
                number += 1

            if engine == "atheris":
                _guided(one, SEEDS[name](), int(n) - number, int(seed) + number)
            else:
                generate(STRATEGIES[name](), int(n), int(seed), one, number)


def generate(strategy: object, n: int, seed: int, one: Callable[[bytes], None], skip: int = 0) -> None:
    """`n` inputs of a Hypothesis strategy, always the same for a seed; the first `skip` are made and not sent."""
    import hypothesis
    from hypothesis import HealthCheck, Phase, given, settings

    done = 0

    def send(data: bytes) -> None:
        nonlocal done
        if skip <= done < n:
            one(data)
        done += 1

    while done < n:
        run = given(strategy)(send)  # type: ignore[arg-type]
        options = {"database": None, "deadline": None, "phases": (Phase.generate,)}
        checked = settings(max_examples=min(n - done, AT_ONCE), suppress_health_check=list(HealthCheck), **options)  # type: ignore[arg-type]
        before = done
        hypothesis.seed(seed)(checked(run))()
        if done == before:
            break
        seed += 1_000_003  # another beginning


def _guided(one: Callable[[bytes], None], seeds: list[bytes], n: int, seed: int) -> None:
    """`n` inputs of libFuzzer, which keeps what reaches new lines of our code and Pillow's."""
    import atheris

    corpus = tempfile.mkdtemp(prefix="corpus-")
    for i, data in enumerate(seeds):
        Path(corpus, str(i)).write_bytes(data)
    options = [
        f"-runs={n}",
        f"-seed={seed + 1}",
        f"-max_len={MAX_LENGTH}",
        "-rss_limit_mb=0",
        "-timeout=120",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, corpus], one, internal_libfuzzer=True)
    atheris.Fuzz()


def _hold(more: int) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
