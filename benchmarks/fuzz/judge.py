"""What has to hold for every input at a door, watched: errors, files, code, time, memory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from niwt_core.errors import InputError
from niwt_core.limits import MB, SENTENCE

#: What escaping paths and planted pickles of the generated inputs aim at.
TARGET = Path(tempfile.gettempdir()) / "fuzz-escaped"
#: A hang is given up after so many times the seconds that a door may take.
PATIENCE = 3
_RUNS_CODE = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "subprocess.Popen",
)
#: Which of an event's arguments are paths that change.
_CHANGES_FILES = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime"), (0,)),
    **dict.fromkeys(("os.rename", "shutil.move"), (0, 1)),
    **dict.fromkeys(("os.link", "os.symlink", "shutil.copyfile"), (1,)),
    "shutil.rmtree": (0,),
}


@dataclass(frozen=True)
class Bounds:
    """What one input may cost: processor seconds, and MB beyond what the process had before."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Verdict:
    """What became of one input.

    Attributes:
        accepted: whether it was taken; otherwise it was refused with a sentence, or there is a finding.
        said: the sentence. finding: what should not have happened; "" for nothing.
    """

    accepted: bool
    said: str
    finding: str
    seconds: float
    megabytes: float


class Hang(BaseException):
    """Raised in the middle of what takes too long."""


class Judge:
    """Runs one door and watches it; one at a time in a process, for what it listens to cannot be taken off again.

    Args:
        root: an empty folder. The door may write below root/inside alone, which is emptied after each input.
        may_start: whether the door may start this Python again for a program of its own.
    """

    def __init__(self, root: Path, bounds: Bounds, may_start: bool = False) -> None:
        self.bounds, self.may_start = bounds, may_start
        self.root = root.resolve()
        self.inside = self.root / "inside"
        self.inside.mkdir()
        (self.root / "beside").mkdir()
        (self.root / "beside" / "somebody.txt").write_text("somebody else's")
        self.heard: list[str] = []
        self.listens = False
        self._before = self._outside()
        sys.dont_write_bytecode = True
        sys.addaudithook(self._hear)

    def judge(self, door: Callable[[bytes, Path], object], data: bytes) -> Verdict:
        """Send one input through a door."""
        self.heard.clear()
        said, finding, accepted = "", "", False
        before = _reset_peak()
        began = time.process_time()
        try:
            with self._alarm():
                self.listens = True
                door(data, self.inside)
                accepted = True
        except InputError as error:
            said = str(error)
            finding = _fault_of(said, self.root)
        except Hang:
            finding = f"hung: stopped after {PATIENCE * self.bounds.seconds:g} s"
        except BaseException as error:  # whatever it is, it is what we look for
            finding = f"raised {type(error).__name__}: {str(error)[:200]}{_where(error)}"
        finally:
            self.listens = False
        seconds = time.process_time() - began
        megabytes = max(0.0, (_peak() - before) / MB)
        finding = finding or self._trespass() or self._cost(seconds, megabytes)
        self._tidy()
        return Verdict(accepted, said, finding, seconds, megabytes)

    def _cost(self, seconds: float, megabytes: float) -> str:
        if seconds > self.bounds.seconds:
            return f"took {seconds:.1f} s; at most {self.bounds.seconds:g} s"
        if megabytes > self.bounds.megabytes:
            return f"took {megabytes:.0f} MB; at most {self.bounds.megabytes:g} MB"
        return ""

    def _trespass(self) -> str:
        if self.heard:
            return f"did what it must not: {self.heard[0]}"
        if TARGET.exists() or TARGET.is_symlink():
            TARGET.unlink()
            return f"made {TARGET.name} outside its folder"
        if (now := self._outside()) != self._before:
            self._before = now
            return "changed files outside its folder"
        return ""

    def _outside(self) -> list[tuple[str, int, int]]:
        paths = [path for path in self.root.rglob("*") if not path.is_relative_to(self.inside)]
        return sorted((str(p), p.lstat().st_size, p.lstat().st_mtime_ns if p.is_file() else 0) for p in paths)

    def _tidy(self) -> None:
        for path in list(self.inside.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        def give_up(number: int, frame: Any) -> None:
            raise Hang

        old = signal.signal(signal.SIGPROF, give_up)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE * self.bounds.seconds)  # counts processor time
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, old)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.listens:
            return
        if event in _RUNS_CODE:
            own = event == "subprocess.Popen" and self.may_start and arguments[0] == sys.executable
            # What starting a process consists of; the program itself was heard before.
            if not own and not (self.may_start and event in ("os.posix_spawn", "os.fork")):
                self.heard.append(f"{event} {str(arguments)[:100]}")
        elif event == "open":
            path, mode, flags = arguments
            writes = (
                any(c in "wax+" for c in mode) if isinstance(mode, str) else bool(flags & (os.O_WRONLY | os.O_RDWR))
            )
            if writes and not isinstance(path, int):
                self._check_path(event, path)
        for i in _CHANGES_FILES.get(event, ()):
            self._check_path(event, arguments[i])

    def _check_path(self, event: str, path: Any) -> None:
        if isinstance(path, int) or path is None or os.fspath(path) in ("/dev/null", b"/dev/null"):
            return
        found = Path(os.fsdecode(path))
        if found == self.inside or found.parent.resolve().is_relative_to(self.inside):
            return
        # Relative to a handle of a folder, as `shutil.rmtree` works; the folder itself was heard before.
        if event in ("os.remove", "os.rmdir", "open") and not found.is_absolute():
            return
        self.heard.append(f"{event} {str(found)[:100]}")


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_OURS = tuple(str(Path(part)) for part in (sys.prefix, Path(__file__).parents[2], Path.home()) if len(str(part)) > 4)


def _fault_of(said: str, root: Path) -> str:
    """What is wrong with a sentence for a person; paths below root/inside are those that the caller gave."""
    if not said.strip():
        return "said nothing"
    if _CONTROL.search(said) or len(said) > SENTENCE:
        return f"said no one line: {said[:100]!r}"
    if "Traceback" in said or (", line " in said and ".py" in said):
        return f"showed a traceback: {said[:200]!r}"
    if any(path in said.replace(str(root / "inside"), "") for path in (*_OURS, str(root), "site-packages")):
        return f"told a path of the server: {said[:300]!r}"
    return ""


def _where(error: BaseException) -> str:
    """The innermost line of ours in its traceback."""
    found, at = "", error.__traceback__
    while at is not None:
        name = at.tb_frame.f_code.co_filename
        if "niwt_core" in name:
            found = f" ({Path(name).name}:{at.tb_lineno})"
        at = at.tb_next
    return found


def _reset_peak() -> int:
    """Bytes that the process has now; its peak is counted from here on where Linux lets us say so."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
