import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from niwt_core import images
from niwt_core.errors import InputError
from niwt_core.images import decode_image, folder_images, read_image


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_is_decoded_to_rgb():
    original = Image.new("L", (5, 3), 200)
    decoded = decode_image(encoded(original))
    assert decoded.mode == "RGB"
    assert decoded.size == (5, 3)
    assert decoded.getpixel((0, 0)) == (200, 200, 200)


@pytest.mark.parametrize("size", [(10_000, 10_000), (50_000, 50_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size):
    with pytest.raises(InputError, match=r"megapixels|too many pixels"):
        decode_image(huge_png(*size))


def test_the_pixel_limit_is_exact(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 12)
    assert decode_image(encoded(Image.new("RGB", (4, 3)))).size == (4, 3)
    with pytest.raises(InputError, match="13 x 1"):
        decode_image(encoded(Image.new("RGB", (13, 1))))


def test_the_byte_limit_is_exact(monkeypatch):
    data = encoded(Image.new("RGB", (4, 3)))
    monkeypatch.setattr(images, "MAX_BYTES", len(data))
    decode_image(data)
    with pytest.raises(InputError, match="expected a picture of at most"):
        decode_image(data + b"x")


def test_what_is_no_picture_or_a_damaged_one_is_explained():
    whole = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)), "JPEG")
    for data, message in ((b"hello", "is no picture"), (b"", "is no picture"), (whole[: len(whole) // 2], "damaged")):
        with pytest.raises(InputError, match=message):
            decode_image(data, "notes.txt")


def test_a_missing_file_and_an_empty_folder_are_explained(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="holds no pictures"):
        folder_images(tmp_path)
    for i in range(5):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{i}.png")
    assert len(folder_images(tmp_path, limit=3).paths) == 3
    assert folder_images(tmp_path, limit=3, seed=1).paths == folder_images(tmp_path, limit=3, seed=1).paths
