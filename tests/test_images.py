import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.images import decode_image, folder_images, input_batches, noise_images, read_image
from niwt_core.network.backbone import load_backbone


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
    monkeypatch.setattr(limits, "PICTURE_PIXELS", 12)
    assert decode_image(encoded(Image.new("RGB", (4, 3)))).size == (4, 3)
    with pytest.raises(InputError, match="13 x 1"):
        decode_image(encoded(Image.new("RGB", (13, 1))))


def test_the_byte_limit_is_exact(monkeypatch):
    data = encoded(Image.new("RGB", (4, 3)))
    monkeypatch.setattr(limits, "PICTURE_BYTES", len(data))
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


def test_noise_depends_on_seed_and_index_alone():
    one, more = noise_images(2, 16, seed=5), noise_images(9, 16, seed=5)
    assert one[1].tobytes() == more[1].tobytes() == more[1].tobytes()
    assert len({source[i].tobytes() for source in (more, noise_images(9, 16, seed=6)) for i in range(9)}) == 18
    assert more.labels.tolist() == [0] * 9
    assert (more[0].mode, more[0].size) == ("RGB", (16, 16))
    with pytest.raises(IndexError):
        one[2]


def test_noise_is_gaussian_around_grey_without_structure():
    pixels = np.asarray(noise_images(1, 256, seed=0)[0], dtype=float)
    assert pixels.mean() == pytest.approx(127.5, abs=1)
    assert np.percentile(pixels, 84.13) - np.percentile(pixels, 50) == pytest.approx(64, abs=1.5)
    assert abs(np.corrcoef(pixels[:, :-1].ravel(), pixels[:, 1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(pixels[..., 0].ravel(), pixels[..., 1].ravel())[0, 1]) < 0.02


def test_noise_is_a_source_like_any_other():
    backbone = load_backbone("paper_bird_net", "features.stage4")
    inputs, labels = next(iter(input_batches(noise_images(3, 64, seed=1), backbone)))
    assert inputs.shape == (3, 3, 64, 64)
    assert labels.tolist() == [0, 0, 0]
    expected = np.asarray(noise_images(3, 64, seed=1)[2], dtype=np.float32) / 127.5 - 1
    assert np.allclose(inputs[2].permute(1, 2, 0).numpy(), expected, atol=1e-6)  # not resampled
    with pytest.raises(InputError, match="0 noise pictures"):
        noise_images(0, 64)
