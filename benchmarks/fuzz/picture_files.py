"""Pictures as attackers make them: real ones with damage, and headers that promise what does not come."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from functools import lru_cache

from hypothesis import strategies as st
from PIL import Image

from benchmarks.fuzz.damage import damaged

#: Sides that headers promise; those that could be decoded are few, for they cost most.
SIDES = (
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    16,
    17,
    64,
    100,
    255,
    256,
    500,
    19_999,
    20_000,
    20_001,
    65_500,
    65_535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)


def saved(mode: str, form: str, size: tuple[int, int] = (9, 7), **options: object) -> bytes:
    """A small picture in a format."""
    file = io.BytesIO()
    ramp = Image.linear_gradient("L").resize(size)
    image = ramp.convert(mode) if mode != "I;16" else ramp.convert("I").convert("I;16")
    image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes, right: bool = True) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ (not right))


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@lru_cache(maxsize=1)
def seeds() -> list[bytes]:
    """Every format in every mode it has, whole."""
    frames = [Image.new("P", (9, 7), i) for i in range(3)]
    animated = []
    for form in ("GIF", "WEBP", "PNG"):
        file = io.BytesIO()
        frames[0].save(file, form, save_all=True, append_images=frames[1:])
        animated.append(file.getvalue())
    found = [saved(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    found += [saved(mode, "JPEG") for mode in ("L", "RGB", "CMYK")]
    found += [saved("RGB", "JPEG", size=(40, 33), progressive=True), saved("RGB", "JPEG", exif=_exif(6), comment=b"c")]
    found += [saved("RGB", "WEBP"), saved("RGBA", "WEBP", lossless=True), saved("RGB", "WEBP", exif=_exif(8))]
    found += [saved(mode, "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")]
    found += [saved("P", "GIF"), saved("RGBA", "PNG", exif=_exif(5)), *animated]
    found += [
        saved("L", "TIFF"),
        saved("L", "PPM"),
        saved("RGB", "ICO"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
    ]
    return found


@st.composite
def _pngs(draw: Callable) -> bytes:
    width, height = (draw(st.sampled_from(SIDES)) for _ in range(2))
    depth, colour = draw(st.sampled_from((1, 2, 4, 8, 16, 3))), draw(st.sampled_from((0, 2, 3, 4, 6, 1)))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, draw(st.sampled_from((0, 1, 2))))
    chunks = [chunk(b"IHDR", header)]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(
            st.sampled_from(
                (
                    b"tEXt",
                    b"zTXt",
                    b"iTXt",
                    b"iCCP",
                    b"eXIf",
                    b"PLTE",
                    b"tRNS",
                    b"gAMA",
                    b"acTL",
                    b"fcTL",
                    b"fdAT",
                    b"pHYs",
                    b"aaAa",
                    b"IDAT",
                    b"IHDR",
                )
            )
        )
        body = draw(
            st.one_of(
                st.binary(max_size=30),
                st.sampled_from((_exif(3), b"a\0b", b"a\0\0" + zlib.compress(b"x" * 9), b"\0" * 768)),
            )
        )
        chunks.append(chunk(kind, body, draw(st.integers(0, 9)) > 0) * draw(st.sampled_from((1, 1, 2, 50))))
    pixels = bytes(draw(st.sampled_from((0, 1, 10, 1000, 100_000))))
    chunks += [chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


#: What segments of JPEGs begin with that decoders look into.
_APPLICATIONS = (
    b"Exif\0\0" + _exif(4),
    b"MPF\0MM\0*\0\0\0\x08",
    b"Adobe\0d\0\0\0\0\2",
    b"ICC_PROFILE\0\1\2x",
    b"Photoshop 3.0\0" + b"8BIM" * 3,
    b'http://ns.adobe.com/xap/1.0/\0<x>tiff:Orientation="6"</x>',
)


@st.composite
def _jpegs(draw: Callable) -> bytes:
    data = draw(st.sampled_from([data for data in seeds() if data.startswith(b"\xff\xd8")]))
    kind = draw(st.integers(0xC0, 0xFE))
    body = draw(st.one_of(st.binary(max_size=20), st.sampled_from(_APPLICATIONS)))
    segment = (
        bytes([0xFF, kind])
        + struct.pack(">H", draw(st.sampled_from((len(body) + 2, len(body) + 2, 0, 1, 2, 65535))))
        + body
    )
    data = data[:2] + segment * draw(st.sampled_from((1, 1, 3, 100, 10_001))) + data[2:]
    at = data.rfind(b"\xff\xda")
    if draw(st.integers(0, 3)) == 0:
        data = data[:at] + data[at:-2] * draw(st.sampled_from((2, 99, 101))) + data[-2:]
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    if frame > 0 and draw(st.booleans()):
        size = struct.pack(">HH", *(draw(st.sampled_from(SIDES)) & 0xFFFF for _ in range(2)))
        data = data[: frame + 5] + size + data[frame + 9 :]
    return data


@st.composite
def _bmps(draw: Callable) -> bytes:
    width, height = (draw(st.sampled_from((*SIDES, -1, -7, -(2**31)))) for _ in range(2))
    bits, packing = (
        draw(st.sampled_from((0, 1, 2, 4, 8, 16, 24, 32, 64))),
        draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6, 99))),
    )
    body = draw(
        st.one_of(
            st.binary(max_size=60), st.sampled_from((b"\1\5" * 200, b"\0\2\xff\xff" * 100, b"\0\0\0\1", bytes(5000)))
        )
    )
    length, colours = (
        draw(st.sampled_from((12, 40, 52, 56, 64, 108, 124, 3))),
        draw(st.sampled_from((0, 2, 16, 256, 257, 2**31))),
    )
    header = struct.pack(
        "<IIIHHIIIIII", length, width & 0xFFFFFFFF, height & 0xFFFFFFFF, 1, bits, packing, len(body), 0, 0, colours, 0
    )
    offset = draw(st.sampled_from((14 + length, 54, 1078, 0, 2**31)))
    palette = bytes(draw(st.sampled_from((0, 8, 1024))))
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(body), 0, 0, offset) + header + palette + body


@st.composite
def _gifs(draw: Callable) -> bytes:
    width, height = (draw(st.sampled_from(SIDES)) & 0xFFFF for _ in range(2))
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, draw(st.sampled_from((0, 0x80, 0x87, 0xF7))), 0, 0)
    blocks = b""
    for _ in range(draw(st.integers(0, 5))):
        match draw(st.integers(0, 3)):
            case 0:
                blocks += b"\x21\xfe" + b"\3abc" * draw(st.sampled_from((1, 100, 10_001))) + b"\0"
            case 1:
                blocks += b"\x21\xff\x0bNETSCAPE2.0\3\1" + draw(st.binary(min_size=2, max_size=2)) + b"\0"
            case 2:
                blocks += b"\x21\xf9\4" + draw(st.binary(min_size=4, max_size=4)) + b"\0"
            case _:
                place = struct.pack("<HHHH", *(draw(st.sampled_from(SIDES)) & 0xFFFF for _ in range(4)))
                blocks += b"\x2c" + place + draw(st.sampled_from((b"\0", b"\x40", b"\x80")))
                blocks += bytes([draw(st.integers(0, 13))]) + b"\4\x84\x8f\xa9\x02" * draw(st.integers(0, 9)) + b"\0"
    return head + blocks + draw(st.sampled_from((b";", b"")))


@st.composite
def _webps(draw: Callable) -> bytes:
    width, height = (min(draw(st.sampled_from(SIDES)), 2**24 - 1) for _ in range(2))
    flags = draw(st.integers(0, 255))
    body = b"VP8X" + struct.pack("<IB3x", 10, flags) + struct.pack("<I", width)[:3] + struct.pack("<I", height)[:3]
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from((b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L", b"EXIF", b"XMP ", b"ICCP")))
        part = draw(st.one_of(st.binary(max_size=30), st.sampled_from((_exif(2), saved("RGB", "WEBP")[20:]))))
        body += (
            kind + struct.pack("<I", draw(st.sampled_from((len(part), 2**32 - 1, 0)))) + part + b"\0" * (len(part) % 2)
        )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def pictures() -> st.SearchStrategy[bytes]:
    """Whole, damaged and made up."""
    warnings.simplefilter("ignore")
    return st.one_of(damaged(seeds()), damaged(seeds()), _pngs(), _jpegs(), _bmps(), _gifs(), _webps())
