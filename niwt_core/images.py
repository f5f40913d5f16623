"""Images as the network sees them: safe decoding, sources with labels, and batches."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files.picture_parts import count_parts
from niwt_core.network.backbone import Backbone
from niwt_core.processes.devices import device_of

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_LISTED = "a JPEG, PNG, WebP, BMP or GIF file"


def decode_image(data: bytes, name: str = "This file", *, paper: str | None = None) -> Image.Image:
    """Decode an untrusted picture to RGB, turned as its camera was held.

    Args:
        paper: a colour behind what is transparent; None: the colours that are hidden there.

    Raises:
        InputError: more bytes, pixels or parts than `limits` has, no picture, or a damaged one.
    """
    image = open_image(data, name)
    try:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if paper is None or not upright.has_transparency_data:
            return upright.convert("RGB")
        layer = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer).convert("RGB")
    except MemoryError as error:
        raise InputError(f"{name} needs more memory than there is now; expected a smaller picture.") from error
    except Exception as error:  # decoders raise many kinds on damaged data, all meaning the same
        raise InputError(f"{name} is damaged or cut short ({str(error)[:80]}); expected a whole picture.") from error


def open_image(data: bytes, name: str = "This file") -> Image.Image:
    """An untrusted picture of which only the header has been read: its size is known, and within the limits.

    Raises:
        InputError: as `decode_image`, as far as the header goes.
    """
    _check_bytes(len(data), name)
    found = count_parts(data, limits.PICTURE_PARTS)
    if found.parts > limits.PICTURE_PARTS:
        raise InputError(f"{name} is in more than {limits.PICTURE_PARTS:,} parts; expected a picture in fewer.")
    if found.scans > limits.PICTURE_SCANS:
        raise InputError(f"{name} is a JPEG of {found.scans:,} scans; expected at most {limits.PICTURE_SCANS}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own, lower limit comes next
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        most = limits.PICTURE_PIXELS // 1_000_000
        raise InputError(f"{name} has too many pixels; expected at most {most} megapixels.") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{name} is no picture; expected {_LISTED}.") from error
    except Exception as error:  # see above
        raise InputError(f"{name} is no picture ({str(error)[:80]}); expected {_LISTED}.") from error
    width, height = image.size
    if width * height > limits.PICTURE_PIXELS:
        raise InputError(
            f"{name} has {width * height / 1e6:.0f} megapixels ({width} x {height}); "
            f"expected at most {limits.PICTURE_PIXELS / 1e6:g}."
        )
    if max(width, height) > limits.PICTURE_SIDE:
        raise InputError(
            f"{name} is {width} x {height} pixels; expected at most {limits.PICTURE_SIDE:,} on the longer side."
        )
    return image


def _check_bytes(n: int, name: str) -> None:
    if n > limits.PICTURE_BYTES:
        most = limits.PICTURE_BYTES / limits.MB
        raise InputError(f"{name} has {n / limits.MB:.1f} MB; expected a picture of at most {most:g} MB.")


def read_image(path: Path) -> Image.Image:
    """A picture from disk, with the same limits as an upload; the error names the file."""
    try:
        _check_bytes(path.stat().st_size, str(path))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"The picture {path} cannot be read ({error.strerror}).") from error
    return decode_image(data, str(path))


class ImageSource(Protocol):
    """Labelled images, made or read when asked for."""

    @property
    def labels(self) -> np.ndarray:
        """(n_images,) int64 class numbers."""

    def __getitem__(self, index: int) -> Image.Image: ...


@runtime_checkable
class ManyImages(ImageSource, Protocol):
    """A source that is quicker when it is asked for many at a time."""

    def many(self, indices: Sequence[int]) -> list[Image.Image]: ...


def images_at(source: ImageSource, indices: Sequence[int]) -> list[Image.Image]:
    """Some images of a source, the way that is quickest for it."""
    return source.many(indices) if isinstance(source, ManyImages) else [source[int(i)] for i in indices]


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Photos on disk with their class numbers (n_images,)."""

    paths: tuple[Path, ...]
    labels: np.ndarray

    def __getitem__(self, index: int) -> Image.Image:
        return read_image(self.paths[index])


def folder_images(folder: Path, limit: int | None = None, seed: int = 0) -> ImageFiles:
    """Unlabelled photos (label 0) below a folder: the "any images" that transfer needs. A seeded choice of `limit`."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp", ".bmp"))
    if not paths:
        raise InputError(f"The folder {folder} holds no pictures; expected JPEG, PNG, WebP or BMP files in it.")
    if limit is not None and len(paths) > limit:
        chosen = np.random.default_rng(seed).choice(len(paths), limit, replace=False)
        paths = [paths[i] for i in sorted(chosen)]
    return ImageFiles(tuple(paths), np.zeros(len(paths), dtype=np.int64))


@dataclass(frozen=True, eq=False)
class NoiseImages:
    """Gaussian noise instead of photos (label 0): the paper's other choice of "any images" for the transfer.

    Each pixel and colour is drawn by itself around mid grey, with about the spread that photos have (64 of 255 steps),
    and clipped to 0..255. Image `index` depends on the seed and the index alone.
    """

    n: int
    size: int
    seed: int

    @property
    def labels(self) -> np.ndarray:
        return np.zeros(self.n, dtype=np.int64)

    def __getitem__(self, index: int) -> Image.Image:
        if not 0 <= index < self.n:
            raise IndexError(f"noise image {index} of {self.n}")
        noise = np.random.default_rng([self.seed, index]).normal(127.5, 64, (self.size, self.size, 3))
        return Image.fromarray((noise.clip(0, 255) + 0.5).astype(np.uint8))


def noise_images(n: int, size: int, seed: int = 0) -> NoiseImages:
    """`n` pictures of Gaussian noise, `size` pixels square (a backbone's `image_size`, so that nothing is resampled).

    Raises:
        InputError: no picture, or none of at least one pixel.
    """
    if n < 1 or size < 1:
        raise InputError(f"{n} noise pictures of {size} pixels were asked for; expected at least 1 of each.")
    return NoiseImages(n, size, seed)


def to_input(image: Image.Image, backbone: Backbone) -> Tensor:
    """Image -> (3, image_size, image_size): short side scaled, centre cropped, normalised."""
    return _normalise(ImageOps.fit(image, (backbone.image_size,) * 2, Image.Resampling.BILINEAR), backbone)


def to_augmented_input(image: Image.Image, backbone: Backbone, rng: np.random.Generator) -> Tensor:
    """As `to_input`, on a random crop (at least 0.6 of the area) mirrored every other time."""
    width, height = image.size
    scale = float(np.sqrt(rng.uniform(0.6, 1.0)))
    side = min(width, height) * scale
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    crop = image.resize((backbone.image_size,) * 2, Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return _normalise(ImageOps.mirror(crop) if rng.random() < 0.5 else crop, backbone)


def _normalise(image: Image.Image, backbone: Backbone) -> Tensor:
    pixels = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1) / 255
    return (pixels - torch.tensor(backbone.mean)[:, None, None]) / torch.tensor(backbone.std)[:, None, None]


class _InputDataset(Dataset):
    def __init__(
        self, source: ImageSource, indices: Sequence[int], backbone: Backbone, augment_seed: int | None
    ) -> None:
        self.source, self.indices, self.backbone, self.augment_seed = source, indices, backbone, augment_seed

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        index = int(self.indices[position])
        image, label = self.source[index], int(self.source.labels[index])
        if self.augment_seed is None:
            return to_input(image, self.backbone), label
        rng = np.random.default_rng([self.augment_seed, index])
        return to_augmented_input(image, self.backbone, rng), label

    def __getitems__(self, positions: list[int]) -> list[tuple[Tensor, int]]:
        """A batch: a source that makes its images may make them in one go."""
        if self.augment_seed is not None:
            return [self[position] for position in positions]
        indices = [int(self.indices[position]) for position in positions]
        images = images_at(self.source, indices)
        return [(to_input(image, self.backbone), int(self.source.labels[i]))
                for image, i in zip(images, indices, strict=True)]  # fmt: skip


def input_batches(
    source: ImageSource,
    backbone: Backbone,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 32,
    augment_seed: int | None = None,
    n_workers: int = 0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Network inputs (n, 3, image_size, image_size) and labels (n,), in order."""
    chosen = range(len(source.labels)) if indices is None else indices
    data = _InputDataset(source, chosen, backbone, augment_seed)
    yield from DataLoader(data, batch_size=batch_size, num_workers=n_workers)


@torch.no_grad()
def activation_batches(
    source: ImageSource,
    backbone: Backbone,
    progress: Callable[[int], None] = lambda n_images: None,
    *,
    batch_size: int = 32,
    is_filled: bool = False,
    **options: object,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Activations (n, channels[0], height, width) of the trunk and labels (n,); other options as for `input_batches`.

    Args:
        is_filled: the trunk sees a last, smaller batch filled up, for numbers that do not depend on which images come
            together: small batches are computed in another way, which rounds otherwise.
    """
    device = device_of(backbone.trunk)
    for inputs, labels in input_batches(source, backbone, batch_size=batch_size, **options):  # type: ignore[arg-type]
        n = len(inputs)
        if is_filled and n < batch_size:
            inputs = torch.cat([inputs, inputs[-1:].expand(batch_size - n, *inputs.shape[1:])])
        with torch.no_grad():
            activations = backbone.trunk(inputs.to(device, memory_format=torch.channels_last))[:n].contiguous()
        yield activations, labels
        progress(len(labels))
