"""One fit in one process and in two: wall time of each stage, speed-up and its limit, and whether the numbers agree.

    python -m benchmarks.processes [--images 700] [--hosts] [--write docs/many_processes.md]

Every process is held to one thread, except in the run that says otherwise. All runs do the same work, one after the
other, each on an otherwise idle machine if you leave it idle.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from benchmarks.processes.hosts import ADDRESSES, HostsError, two_hosts
from benchmarks.processes.work import add_work
from benchmarks.serving import free_port
from niwt_core.pipeline import PARTS

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
WORK = "benchmarks.processes.work"
#: How far the statistics of two processes may be from those of one.
MOST_APART = 1e-5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_work(parser)
    parser.add_argument(
        "--hosts", action="store_true", help="also on two network namespaces, as on two machines (root)"
    )
    parser.add_argument("--write", type=Path, help="a Markdown file whose measured part is replaced")
    args = parser.parse_args()
    text = measure(args)
    print(text)
    if args.write:
        before, _, rest = args.write.read_text().partition(BEGIN)
        args.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


def measure(args: argparse.Namespace) -> str:
    """All runs, as Markdown."""
    given = [f"--{name}={getattr(args, name)}" for name in ("cub", "backbone", "weights", "layer")]
    given += [f"--{name}={getattr(args, name)}" for name in ("images", "samples", "views", "epochs")]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        alone = [sys.executable, "-m", WORK]
        runs = {"one": _run([[*alone, str(out / "one"), *given]], out / "one")}
        runs["parts"] = _run([[*alone, str(out / "parts"), *given, f"--parts={PARTS}"]], out / "parts")
        runs["two"] = _run([[*_torchrun("--standalone", "--nproc-per-node=2"), str(out / "two"), *given]], out / "two")
        runs["threads"] = _run([[*alone, str(out / "threads"), *given]], out / "threads", threads=2)
        at_once = [[*alone, str(out / f"apart{i}"), *given] for i in range(2)]
        runs["apart"] = _run(at_once, out / "apart0")
        other = _on_hosts(out, given) if args.hosts else None
        return report(runs, other)


def _run(commands: Sequence[Sequence[str]], out: Path, threads: int = 1) -> dict[str, Any]:
    """Start commands together, wait for all, and read what the first found."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    started = time.perf_counter()
    running = [subprocess.Popen(command, cwd=ROOT, env=environment) for command in commands]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"A measured run failed: {' '.join(commands[0])}")
    found = json.loads((out / "stages.json").read_text())
    whole = time.perf_counter() - started
    sums = {"seconds": sum(found["stages"].values()), "work": sum(found["busiest"].values())}
    return {**found, **sums, "whole": whole, "tensors": load_file(out / "tensors.safetensors")}


def _torchrun(*options: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *options, "-m", WORK]


def _on_hosts(out: Path, given: Sequence[str]) -> dict[str, Any] | str:
    """The same run with one process on each of two hosts; or why not."""
    try:
        with two_hosts() as hosts:
            port, commands = free_port(), []
            for i, there in enumerate(hosts):
                options = ("--nnodes=2", f"--node-rank={i}", "--nproc-per-node=1")
                place = (f"--master-addr={ADDRESSES[0]}", f"--master-port={port}")
                commands.append([*there, *_torchrun(*options, *place), str(out / "hosts"), *given])
            return _run(commands, out / "hosts")
    except HostsError as error:
        return str(error)


def report(runs: dict[str, Any], hosts: dict[str, Any] | str | None) -> str:
    """The tables and sentences."""
    one, two, threads, apart = (runs[name] for name in ("one", "two", "threads", "apart"))
    gain, work = one["seconds"] / two["seconds"], one["work"] / two["work"]
    lines = [
        f"{one['data']}; {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, {one['device']}.",
        "",
        "| stage | one process, 1 thread | two processes, 1 thread each | times as fast | work of the busiest "
        "| talking or waiting |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows = [(s, one["stages"][s], t, one["busiest"][s] / two["busiest"][s]) for s, t in two["stages"].items()]
    for stage, before, after, less in rows:
        waited = f"{two['talked'][stage]:.1f} s"
        lines.append(f"| {stage} | {before:.1f} s | {after:.1f} s | {before / after:.2f} | 1/{less:.2f} | {waited} |")
    talked, starts = sum(two["talked"].values()), one["whole"] / two["whole"]
    lines += [
        f"| **all** | **{one['seconds']:.1f} s** | **{two['seconds']:.1f} s** | **{gain:.2f}** | **1/{work:.2f}** | "
        f"{talked:.1f} s |",
        f"| with start and import | {one['whole']:.1f} s | {two['whole']:.1f} s | {starts:.2f} | | |",
        "",
        "“Work of the busiest” is processor time of the busiest process, as a share of the one process’s; other "
        "programs on the machine change it less than the wall time.",
        "",
        f"- One process with 2 threads: {threads['seconds']:.1f} s, {one['seconds'] / threads['seconds']:.2f} times as "
        "fast as with one.",
        f"- The machine’s own limit: two whole runs at once, with nothing in common, take {apart['seconds']:.1f} s "
        f"each; two cores do {2 * one['seconds'] / apart['seconds']:.2f} times the work of one (they share memory, "
        "caches and clock).",
        _limit(gain, "wall time"),
        _limit(work, "processor time"),
        f"- Two processes and one that adds up the same {PARTS} parts of each batch (`--parts {PARTS}`, "
        f"{runs['parts']['seconds']:.1f} s): {_agreement(runs['parts'], two)}",
        f"- Two processes and one that takes each batch whole, as it does by itself: {_agreement(one, two)}",
        f"- Target of at most {MOST_APART:.0e} apart: "
        f"{'reached' if max(_apart(runs['parts'], two).values()) <= MOST_APART else 'not reached'}.",
        f"- Target of at least 1.6 times: {'reached' if gain >= 1.6 else 'not reached'}.",
    ]
    if isinstance(hosts, str):
        lines.append(f"- Two hosts: not run, {hosts}.")
    elif hosts is not None:
        lines.append(
            f"- Two hosts (network namespaces joined by a virtual cable, one process each): {hosts['seconds']:.1f} s; "
            f"{_agreement(runs['parts'], hosts)}"
        )
    return "\n".join(lines)


def _limit(gain: float, kind: str) -> str:
    """What two processes leave undivided (Karp and Flatt): (1 / S - 1 / p) / (1 - 1 / p) with p = 2."""
    undivided = 2 / gain - 1
    if undivided <= 0:
        return f"- By {kind} nothing is left undivided in this run."
    return (
        f"- By {kind} two processes leave {undivided:.0%} of the work undivided, doubled or waiting; with that share "
        f"no number of processes would be more than {1 / undivided:.0f} times as fast (Amdahl)."
    )


def _apart(one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    """The largest difference of each tensor, relative to its largest number."""
    pairs = {name: (tensor, other["tensors"][name]) for name, tensor in one["tensors"].items()}
    return {name: float((b - a).abs().max() / a.abs().max()) for name, (a, b) in pairs.items()}


def _agreement(one: dict[str, Any], other: dict[str, Any]) -> str:
    apart = _apart(one, other)
    listed = ", ".join(f"{name} {value:.1e}" for name, value in apart.items())
    figures = [[f"{100 * run['figures'][key]:.2f}" for key in ("seen", "unseen", "harmonic")] for run in (one, other)]
    same = "the same" if figures[0] == figures[1] else f"{' / '.join(figures[1])}, which is not the same"
    return (
        f"largest difference, relative to the largest number: {listed}. S, U, H: {' / '.join(figures[0])} and {same}."
    )


if __name__ == "__main__":
    main()
