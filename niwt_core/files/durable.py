"""Durable: a file or a folder is written whole or not at all, and stays when the power goes.

Everything is made under a hidden name beside its own, forced to the disk, and then renamed. Whoever writes holds a lock
on the hidden name, which the system takes back when the program ends in whatever way: so `sweep` knows what a program
that was cut off has left behind, and asks no clock.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from niwt_core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows has no such locks: nothing is known to be left behind there, so nothing is swept
    fcntl = None  # type: ignore[assignment]

_PARTIAL = re.compile(r"\..+\.[0-9a-f]{16}\.part")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class UnwritableError(InputError):
    """Nothing was written, and nothing that was there has changed; the sentence says why."""


@contextmanager
def refusing() -> Iterator[None]:
    """Work on the disk: where the system refuses it, that becomes a sentence.

    Raises:
        UnwritableError: for every `OSError` inside.
    """
    try:
        yield
    except OSError as error:
        raise UnwritableError(_sentence(error)) from error


def _sentence(error: OSError) -> str:
    if error.errno in _FULL:
        return "The server’s disk is full, so nothing was saved; ask whoever runs it to make room, then try again."
    if error.errno in _READ_ONLY:
        return "The server may not write where this would be kept, so nothing was saved; ask whoever runs it."
    why = error.strerror or type(error).__name__
    return f"The server could not write what was to be kept ({why}), so nothing was saved; try again."


def write(path: Path, data: bytes) -> None:
    """Write a file; one of that name is replaced whole, or, when this is cut short, not at all.

    Raises:
        UnwritableError: no room, or no permission.
    """
    with refusing():
        partial, handle = _begun(path, is_folder=False)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)  # while it is held, or a sweep could take it for left behind
        except BaseException:
            _discard(partial)
            raise
        _sync(path.parent)


def write_json(path: Path, document: object) -> None:
    """Write a document; as `write`."""
    write(path, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill under a hidden name; it gets its own name at the end, whole. On an error nothing is kept.

    Raises:
        UnwritableError: no room, or no permission, also inside the block; or something stands there already.
    """
    with refusing():
        partial, handle = _begun(path, is_folder=True)
        try:
            yield partial
            if hasattr(os, "sync"):
                os.sync()  # once for all: a folder may hold thousands of files
            partial.rename(path)
        except BaseException:
            _discard(partial)
            raise
        finally:
            os.close(handle)
        _sync(path.parent)


def move(path: Path, target: Path) -> None:
    """Give a file or a folder another name.

    Raises:
        UnwritableError: no permission; no such file.
    """
    with refusing():
        path.rename(target)
        _sync(target.parent)


def sweep(folder: Path) -> int:
    """Delete what programs that were cut off have left in a folder (not below it); returns how many there were."""
    found = 0
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if _PARTIAL.fullmatch(path.name) and not path.is_symlink():
                found += _sweep_one(path)
    return found


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Leave a mark that is gone at the end of the block, and that `is_forsaken` where the program ends before.

    Raises:
        UnwritableError: it cannot be written.
    """
    with refusing():
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    is_mine = _is_free(handle)
    try:
        yield
    finally:
        if is_mine or fcntl is None:
            with contextlib.suppress(OSError):
                path.unlink()
        os.close(handle)


def is_forsaken(path: Path) -> bool:
    """Whether somebody who is no more has left this mark (`held`)."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return _is_free(handle)
    finally:
        os.close(handle)


def _begun(path: Path, is_folder: bool) -> tuple[Path, int]:
    """A hidden file or folder beside `path`, and an open handle that holds it."""
    while True:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        if is_folder:
            partial.mkdir()
            handle = os.open(partial, os.O_RDONLY)
        else:
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _hold(handle)
        if partial.exists():
            return partial, handle
        os.close(handle)  # a sweep came between making and holding


def _hold(handle: int) -> None:
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is_free(handle: int) -> bool:
    """Whether nobody holds it; from now on, until it is closed, this one does."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep_one(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        if free := _is_free(handle):
            _discard(path)
        return free
    finally:
        os.close(handle)


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _sync(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(handle)
