"""Zips as attackers make them: lying sizes, paths that lead out, links, entries on top of one another, bombs."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from benchmarks.fuzz.damage import NAMES, damaged
from benchmarks.fuzz.judge import TARGET
from benchmarks.fuzz.picture_files import saved, seeds

_PNG, _GIF = saved("RGB", "PNG"), saved("P", "GIF")
_TABLE = b"name,seen,description\ncat,seen,a cat\ndog,unseen,a dog\n"
PATHS = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.gif", "Cat/1.PNG", "x/cat/1.png", "1.png",
         "classes.csv", "CLASSES.csv",
         "../out.png", "cat/../../out.png", "/etc/out.png", str(TARGET), f"../../../../../../../..{TARGET}",
         "C:\\out.png", "..\\out.png",
         "cat\\1.png", "cat/", "cat//1.png", "./cat/1.png", "cat/.. /1.png", "cat/1.png/2.png", "cat/1.png ",
         "a/b/c/d/e/f/g/h/i/1.png",
         "cat/x.zip", "cat/.hidden.png", "__MACOSX/cat/1.png", "cat/" + "x" * 250 + ".png",
         "cat/" + "é" * 130 + ".png", "cat/a\0.png",
         "cat/con.png", "cat/a:b.png", "\u202ecat/1.png", "cat/\ud800.png", "", ".", "..",
         *(f"{name}/1.png" for name in NAMES[:14]))  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One entry, and what its two headers say of it."""

    name: bytes
    packed: bytes
    method: int
    flags: int
    crc: int
    size: int
    mode: int = 0
    offset: int | None = None


def written(entries: list[Entry], comment: bytes = b"", said: int | None = None, prefix: bytes = b"") -> bytes:
    """A zip of these entries, byte by byte, with `said` for their number."""
    body, table = bytearray(prefix), bytearray()
    for entry in entries:
        at = len(body) if entry.offset is None else entry.offset
        common = struct.pack(
            "<HHHHIII", entry.flags, entry.method, 0, 0, entry.crc, len(entry.packed) & 0xFFFFFFFF, entry.size
        )
        body += (
            b"PK\3\4"
            + struct.pack("<H", 20)
            + common
            + struct.pack("<HH", len(entry.name), 0)
            + entry.name
            + entry.packed
        )
        table += b"PK\1\2" + struct.pack("<HH", 0x314, 20) + common
        table += struct.pack("<HHHHHII", len(entry.name), 0, 0, 0, 0, (entry.mode << 16) & 0xFFFFFFFF, at) + entry.name
    n = len(entries) if said is None else said
    end = struct.pack("<HHHHIIH", 0, 0, n & 0xFFFF, n & 0xFFFF, len(table), len(body), len(comment))
    return bytes(body + table + b"PK\5\6" + end + comment)


def plain(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as programs write it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


GOOD = {"cat/1.png": _PNG, "cat/2.gif": _GIF, "dog/1.png": _PNG, "classes.csv": _TABLE}
_BOMBS = (bytes(2_000_000), b"BM" + bytes(1_000_000), _PNG[:-12] + bytes(3_000_000))


@st.composite
def _entries(draw: Callable) -> Entry:
    path = draw(st.sampled_from(PATHS))
    data = draw(
        st.sampled_from(
            (_PNG, _PNG, _GIF, _TABLE, b"", b"x", draw(st.sampled_from(seeds())), _BOMBS[draw(st.integers(0, 2))])
        )
    )
    method = draw(st.sampled_from((0, 8, 8, 8, 12, 14, 93, 99, 65535)))
    packed = zlib.compress(data)[2:-4] if method == 8 else data
    crc = zlib.crc32(data) ^ draw(st.sampled_from((0, 0, 0, 0, 0, 1)))
    size = draw(st.sampled_from((len(data),) * 4 + (0, 100, 2**31, 2**32 - 1)))
    name = path.encode("utf-8", "surrogatepass") if draw(st.booleans()) else path.encode("ascii", "replace")
    mode = draw(
        st.sampled_from(
            (
                0,
                stat.S_IFREG | 0o644,
                stat.S_IFREG | 0o6777,
                stat.S_IFLNK | 0o777,
                stat.S_IFDIR,
                stat.S_IFCHR,
                stat.S_IFIFO,
            )
        )
    )
    flags = draw(st.sampled_from((0, 0, 0x800, 0x800, 0x800, 1, 8, 0x40, 0x20, 0x2000)))
    offset = draw(st.sampled_from((None,) * 8 + (0, 10, 2**31, 2**32 - 1)))
    return Entry(name, packed, method, flags, crc, size, mode, offset)


@st.composite
def _made(draw: Callable) -> bytes:
    entries = [Entry(name.encode(), data, 0, 0x800, zlib.crc32(data), len(data)) for name, data in GOOD.items()]
    entries = entries[: draw(st.integers(0, 4))] + draw(st.lists(_entries(), max_size=6))
    if draw(st.integers(0, 9)) == 0 and entries:
        times = draw(st.sampled_from((2, 30, 300)))
        entries = entries * (times if times * sum(len(entry.packed) for entry in entries) < 2**23 else 1)
    if draw(st.integers(0, 9)) == 0:  # all of them the same bytes, one on top of another
        entries = (
            [entries[0], *(Entry(e.name, b"", e.method, e.flags, e.crc, e.size, e.mode, 0) for e in entries[1:])]
            if entries
            else []
        )
    comment = draw(st.sampled_from((b"", b"", b"c", b"PK\5\6" + bytes(18), bytes(65535))))
    data = written(
        entries,
        comment,
        draw(st.sampled_from((None, None, None, 0, 1, 65535))),
        draw(st.sampled_from((b"", b"", b"#!/bin/sh\n", _PNG))),
    )
    return draw(damaged([data], 1)) if draw(st.integers(0, 3)) == 0 else data


def zips() -> st.SearchStrategy[bytes]:
    """Whole, damaged and made up."""
    whole = [plain(GOOD), plain(GOOD, zipfile.ZIP_STORED), plain({f"mine/{name}": data for name, data in GOOD.items()})]
    whole += [plain({"cat/1.zip": plain(GOOD)} | GOOD), plain({"cat/1.png": _BOMBS[2], "dog/1.bmp": _BOMBS[1]} | GOOD)]
    return st.one_of(damaged(whole), _made(), _made())
