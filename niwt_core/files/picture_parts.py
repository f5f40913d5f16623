"""What a picture's file is made of, told from its bytes without decoding: how much work it would be beside its pixels.

Decoders read the parts before the pixels one by one, and go over all pixels again for each scan of a progressive JPEG.
A file of a few hundred kilobytes can hold thousands of either.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_FILL = re.compile(rb"\xff+")


@dataclass(frozen=True)
class Parts:
    """Attributes:
    parts: segments before a JPEG's pixels with the bytes between them, chunks of a PNG, blocks of a GIF before its
        first frame; counted up to just beyond `most`. 0 for other formats.
    scans: of a JPEG, embedded previews included; 0 for other formats.
    """

    parts: int
    scans: int


def count_parts(data: bytes, most: int) -> Parts:
    """Count up to `most` + 1 parts, so that counting itself stays quick; of damaged files, as far as they go."""
    if data.startswith(b"\xff\xd8"):
        return Parts(_segments(data, most), data.count(b"\xff\xda"))
    if data.startswith(b"\x89PNG"):
        return Parts(_chunks(data, most), 0)
    return Parts(_blocks(data, most) if data.startswith(b"GIF8") else 0, 0)


def _segments(data: bytes, most: int) -> int:
    n, at = 0, 2
    while n <= most and at + 4 <= len(data):
        fill = _FILL.match(data, at)
        if fill is None:  # bytes between segments, which a decoder skips one by one
            n, at = n + 1, at + 1
            continue
        n, at = n + fill.end() - at, fill.end()
        kind = data[at] if at < len(data) else 0
        at += 1
        if kind in (0xDA, 0xD9):
            break
        if kind != 0 and not 0xD0 <= kind <= 0xD8 and kind != 1:
            at += int.from_bytes(data[at : at + 2], "big")
    return n


def _chunks(data: bytes, most: int) -> int:
    n, at = 0, 8
    while n <= most and at + 8 <= len(data):
        n, at = n + 1, at + 12 + struct.unpack_from(">I", data, at)[0]
    return n


def _blocks(data: bytes, most: int) -> int:
    if len(data) < 13:
        return 0
    n, at = 0, 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while n <= most and at < len(data) and data[at] != 0x2C:  # the first frame
        n += 1
        if data[at] != 0x21:
            at += 1
            continue
        at += 2
        while n <= most and at < len(data) and data[at]:
            n, at = n + 1, at + 1 + data[at]
        at += 1
    return n
