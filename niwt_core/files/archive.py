"""Archives: an uploaded zip of class folders, unpacked within limits; nothing that it says of itself is trusted."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from niwt_core import limits as most
from niwt_core.datasets.division import SUFFIXES
from niwt_core.errors import InputError
from niwt_core.images import decode_image, open_image

TABLE = "classes.csv"


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Attributes:
        packed: bytes of the zip. unpacked: bytes of all its files together. ratio: how many times its own size it may
            unpack to, beyond the first `free` bytes. files: entries. depth: folders and name of an entry's path.
        directory: bytes of the zip's table of contents, which is read as a whole. pixels: of all pictures together.
    """

    packed: int = most.ZIP_BYTES
    unpacked: int = most.ZIP_UNPACKED_BYTES
    ratio: int = most.ZIP_RATIO
    free: int = most.ZIP_FREE_BYTES
    files: int = most.ZIP_FILES
    depth: int = most.ZIP_DEPTH
    directory: int = most.ZIP_DIRECTORY_BYTES
    pixels: int = most.ZIP_PIXELS


LIMITS = Limits()
#: How many of the files that were left out are named; all are counted.
MAX_NAMED = 20


@dataclass(frozen=True)
class Unpacked:
    """What an archive gave.

    Attributes:
        pictures: class folder -> how many pictures. has_table: whether classes.csv came along.
        left_out: why -> how many files. named: the first of them, as (path, why).
    """

    pictures: dict[str, int]
    has_table: bool
    left_out: dict[str, int]
    named: tuple[tuple[str, str], ...]


def unpack(
    file: BinaryIO,
    folder: Path,
    limits: Limits = LIMITS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Unpacked:
    """Unpack the pictures of class folders, and classes.csv, into a new folder: folder/<class>/<picture>.

    A single folder at the top that holds everything is left away. Bytes are counted while they are unpacked, and each
    picture is decoded once. What cannot be used is left out, counted and named: broken pictures, links, nested
    archives, other files, paths that come twice. On an error nothing is kept.

    Args:
        progress: told how many entries are done, and how many there are.

    Raises:
        InputError: no zip, one beyond the limits, encrypted, with a path that leads out of it, without pictures in
            class folders, or with a single class.
    """
    _check_size(file, limits)
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(file) as archive:
            return _Unpacking(archive, folder, limits).run(progress)
    except BaseException as error:
        shutil.rmtree(folder)
        if isinstance(error, _UNREADABLE) and not isinstance(error, InputError):
            raise InputError(
                f"The file is no zip, or a damaged one ({str(error)[:80]}); expected a whole zip."
            ) from error
        raise


#: What `zipfile` raises for files that are none.
_UNREADABLE = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError)


def _check_size(file: BinaryIO, limits: Limits) -> None:
    """Judge the file before `zipfile` reads its table of contents into memory, however long that is."""
    size = file.seek(0, 2)
    if size > limits.packed:
        raise InputError(f"The zip has {size / 2**20:.1f} MB; expected at most {limits.packed / 2**20:g} MB.")
    start = max(0, size - 22 - 2**16)  # the end record, 22 bytes, and the longest comment
    file.seek(start)
    tail = file.read()
    at = len(tail) - 22 if tail[-22:-18] == b"PK\5\6" and tail[-2:] == b"\0\0" else tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + 22:
        raise InputError("The file is no zip, or one that was cut short; expected a whole zip.")
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7":
        raise InputError(
            f"The zip is written in the format for very large ones (zip64); expected a plain zip, which holds up to "
            f"{limits.files:,} files."
        )
    entries, directory = struct.unpack("<HI", tail[at + 10 : at + 16])
    if entries > limits.files or directory > limits.directory:
        raise InputError(f"The zip lists {entries:,} files; expected at most {limits.files:,}.")


@dataclass(frozen=True)
class _Entry:
    """An entry to be unpacked: parts of its path below the classes, ("cat", "1.jpg") or ("classes.csv",)."""

    info: zipfile.ZipInfo
    parts: tuple[str, ...]


class _Unpacking:
    """One archive on its way into a folder."""

    def __init__(self, archive: zipfile.ZipFile, folder: Path, limits: Limits) -> None:
        self.archive, self.folder, self.limits = archive, folder, limits
        self.n_bytes = self.n_pixels = 0
        self.packed = archive.fp.seek(0, 2) if archive.fp else 0
        self.left_out: Counter[str] = Counter()
        self.named: list[tuple[str, str]] = []
        self.pictures: Counter[str] = Counter()
        self.has_table = False

    def run(self, progress: Callable[[int, int], None]) -> Unpacked:
        entries = self._wanted()
        for i, entry in enumerate(entries):
            self._take(entry)
            progress(i + 1, len(entries))
        if not self.pictures:
            why = f" {sentence(self.left_out)}" if self.left_out else ""
            raise InputError(f"The zip holds no picture that can be used; expected a folder of pictures a class.{why}")
        if len(self.pictures) == 1:
            raise InputError(
                f"The zip holds one class, {next(iter(self.pictures))[:60]!r}; expected at least three: two for the "
                "network to learn from, and one that it has never seen."
            )
        return Unpacked(dict(sorted(self.pictures.items())), self.has_table, dict(self.left_out), tuple(self.named))

    def _wanted(self) -> list[_Entry]:
        """The entries worth unpacking, each once, below the folder that holds them all."""
        infos = self.archive.infolist()
        if len(infos) > self.limits.files:
            raise InputError(f"The zip holds {len(infos):,} files; expected at most {self.limits.files:,}.")
        found = []
        for info in infos:
            name = _name(info)
            parts = _parts(name)
            if info.flag_bits & 0x1:
                raise InputError("The zip is encrypted; expected one without a password.")
            if not _is_junk(parts) and not name.endswith("/"):
                if why := _why_not(info, parts, self.limits):
                    self._leave(parts, why)
                else:
                    found.append(_Entry(info, parts))
        found = _below_the_top(found)
        known: set[str] = set()
        kept = []
        for entry in found:
            place = "/".join(entry.parts).casefold()
            if why := "more than once there" if place in known else _why_not_there(entry.parts):
                self._leave(entry.parts, why)
            else:
                known.add(place)
                kept.append(entry)
        return kept

    def _leave(self, parts: Sequence[str], why: str) -> None:
        self.left_out[why] += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(("/".join(parts)[:120], why))

    def _take(self, entry: _Entry) -> None:
        """Unpack one entry, or leave it out."""
        is_table = len(entry.parts) == 1
        limit = most.CLASS_TABLE_BYTES if is_table else most.PICTURE_BYTES
        try:
            data = self._read(entry.info, limit)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
            return self._leave(entry.parts, "damaged in the zip")
        if data is None:
            return self._leave(entry.parts, f"larger than {limit >> 20} MB")
        if not is_table:
            if not self._is_whole(data):
                return self._leave(entry.parts, "broken, or no picture")
            self.pictures[entry.parts[0]] += 1
        self.has_table |= is_table
        path = self.folder.joinpath(TABLE if is_table else entry.parts[0], *entry.parts[1:])
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as out:
            out.write(data)
        return None

    def _read(self, info: zipfile.ZipInfo, limit: int) -> bytes | None:
        """The bytes of an entry, counted while they come; None where they are more than the entry may have."""
        chunks, n = [], 0
        with self.archive.open(info) as stream:
            while chunk := stream.read(2**16):
                n += len(chunk)
                self._count(len(chunk))
                if n > limit:
                    return None
                chunks.append(chunk)
        return b"".join(chunks)

    def _is_whole(self, data: bytes) -> bool:
        """Whether it is a picture that can be decoded; its pixels count before that is tried."""
        try:
            width, height = open_image(data).size
        except InputError:
            return False
        self.n_pixels += width * height
        if self.n_pixels > self.limits.pixels:
            raise InputError(
                f"The pictures in the zip have more than {self.limits.pixels / 1e6:,g} megapixels together; expected "
                "at most so many. Smaller pictures will do: a network looks at 224 x 224 pixels."
            )
        try:
            decode_image(data)
        except InputError:
            return False
        return True

    def _count(self, n: int) -> None:
        self.n_bytes += n
        if self.n_bytes > self.limits.unpacked:
            raise InputError(
                f"The zip unpacks to more than {self.limits.unpacked / 2**20:,g} MB; expected at most so much."
            )
        if self.n_bytes > max(self.limits.free, self.limits.ratio * self.packed):
            raise InputError(
                f"The zip unpacks to more than {self.limits.ratio} times its own size; pictures do not. Nothing of it "
                "was kept."
            )


def sentence(left_out: dict[str, int] | Counter[str]) -> str:
    """ "Left out: 3 files broken, or no picture; 1 file a link." """
    if not left_out:
        return ""
    parts = [f"{n:,} {'file' if n == 1 else 'files'} ({why})" for why, n in left_out.items()]
    return f"Left out: {'; '.join(parts)}."


def _name(info: zipfile.ZipInfo) -> str:
    """The path in Unicode; where the zip does not say how it is coded, as UTF-8 if it can be that."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeEncodeError, UnicodeDecodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path.

    Raises:
        InputError: one that leads out of the archive.
    """
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in [part.strip() for part in name.split("/")]:
        raise InputError(f"The zip holds the path {name[:60]!r}, which leads out of it; expected paths inside it.")
    return tuple(part.strip() for part in name.split("/") if part.strip() not in ("", "."))


def _is_junk(parts: Sequence[str]) -> bool:
    """What systems put into archives by themselves."""
    return not parts or any(part.startswith(("__MACOSX", ".")) for part in parts) or parts[-1] in _JUNK


_JUNK = ("Thumbs.db", "desktop.ini")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def _why_not(info: zipfile.ZipInfo, parts: tuple[str, ...], limits: Limits) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link"
    if kind not in (0, stat.S_IFREG):
        return "no plain file"
    if len(parts) > limits.depth:
        return f"more than {limits.depth} folders deep"
    if any(len(part.encode()) > most.NAME_BYTES or ":" in part or not part.isprintable() for part in parts):
        return "named as no file can be everywhere"
    if parts[-1].lower().endswith(_ARCHIVES):
        return "an archive in the archive"
    if parts[-1].lower() != TABLE and not parts[-1].lower().endswith(SUFFIXES):
        return "no picture"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed in an unusual way"
    return None


def _below_the_top(entries: list[_Entry]) -> list[_Entry]:
    """Leave away a single folder at the top that holds all class folders, as often as there is one.

    A single folder with pictures directly in it is a class, unless classes.csv lies beside them.
    """
    while entries and len({entry.parts[0] for entry in entries}) == 1:
        if any(len(e.parts) == 1 for e in entries):
            break
        tables = [e for e in entries if len(e.parts) == 2 and e.parts[1].lower() == TABLE]
        if any(len(e.parts) == 2 for e in entries if e not in tables) and not tables:
            break
        entries = [_Entry(e.info, e.parts[1:]) for e in entries]
    return entries


def _why_not_there(parts: Sequence[str]) -> str | None:
    """Whether an entry lies where it should: classes.csv beside the class folders, a picture directly in one."""
    is_table = parts[-1].lower() == TABLE
    if len(parts) == (1 if is_table else 2):
        return None
    if is_table:
        return "classes.csv in another place than beside the class folders"
    return "in no class folder" if len(parts) == 1 else "in a folder inside a class folder"
