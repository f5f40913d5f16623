"""Two hosts on one machine: two network namespaces of Linux, joined by a virtual cable. Needs root and iproute2.

Each has an address, a loopback and nothing else, so that what works between them works between two machines.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

ADDRESSES = ("10.77.0.1", "10.77.0.2")


class HostsError(RuntimeError):
    """This system makes no network namespaces for us; the message says why."""


@contextmanager
def two_hosts() -> Iterator[list[list[str]]]:
    """For each of two hosts what a command has to begin with to run there. They are gone at the end."""
    names = tuple(f"niwt{os.getpid()}{side}" for side in "ab")
    cables = tuple(f"nv{os.getpid()}{side}"[-15:] for side in "ab")
    try:
        for name in names:
            _ip("netns", "add", name)
        _ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        for name, cable, address in zip(names, cables, ADDRESSES, strict=True):
            _ip("link", "set", cable, "netns", name)
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", cable)
            _ip("-n", name, "link", "set", cable, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        # Each says by which cable it is reached: by its own name, which both share here, it would find itself.
        yield [
            ["ip", "netns", "exec", name, "env", f"GLOO_SOCKET_IFNAME={cable}"]
            for name, cable in zip(names, cables, strict=True)
        ]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise HostsError(f"there is no `ip` command ({error.strerror})") from error
    if done.returncode:
        raise HostsError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()[:120]}")
