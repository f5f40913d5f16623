"""A Streamlit server of its own, for tests and for the browser benchmark: started, waited for, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Seconds until a server has to answer.
PATIENCE = 60.0


class ServerError(RuntimeError):
    """The server ended by itself or never answered; the message holds the end of what it printed."""


@contextmanager
def served(
    log: Path,
    command: Sequence[str] = ("run", "app.py"),
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """`streamlit <command>` on a free port of this machine: its address, once it answers.

    Args:
        log: file for what the server prints. environment: variables to set beside our own.
        port: default: any that is free.

    Raises:
        ServerError: it does not come up.
    """
    with started(log, command, environment, port) as (url, _):
        yield url


@contextmanager
def started(
    log: Path,
    command: Sequence[str] = ("run", "app.py"),
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `served`, with the server's process, for those who want to kill it."""
    port = port or free_port()
    words = [sys.executable, "-m", "streamlit", *command, "--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            words, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
    url = f"http://localhost:{port}"
    try:
        _wait_for(url, server, log)
        yield url, server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ServerError(f"The server ended by itself:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise ServerError(f"The server did not answer within {PATIENCE:.0f} s:\n{log.read_text()[-2000:]}")
