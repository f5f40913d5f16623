"""Tensor files (safetensors) from outside: read within limits on the file and its header, of plain types alone."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from niwt_core import limits
from niwt_core.errors import InputError

#: The types that networks, statistics and contests are stored in.
TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file by name, and its metadata.

    Raises:
        InputError: it cannot be read, is larger than it may be, is damaged, or holds tensors of an unusual type.
        FileNotFoundError: there is none.
    """
    try:
        _check_header(path)
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            metadata = dict(file.metadata() or {})
    except (InputError, FileNotFoundError):
        raise
    # The library raises these for what it cannot parse, cannot map, or has no type for.
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path.name} is damaged ({str(error)[:100]}); expected a safetensors file.") from error
    for name, tensor in tensors.items():
        if tensor.dtype not in TYPES:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise InputError(
                f"Tensor {name[:60]!r} of {path.name} has the type {kind}; expected floating-point numbers or whole "
                "numbers of 64 bits."
            )
    return tensors, metadata


def _check_header(path: Path) -> None:
    """Judge a file before its header is parsed as a whole, however long it says it is."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = file.seek(0, 2)
    if size > limits.TENSOR_FILE_BYTES:
        raise InputError(
            f"{path.name} has {size / limits.GB:.1f} GB; expected at most {limits.TENSOR_FILE_BYTES >> 30}."
        )
    if size < 8 or length > size - 8:
        raise InputError(f"{path.name} is damaged, no safetensors file or cut short; expected a whole one.")
    if length > limits.TENSOR_HEADER_BYTES:
        raise InputError(
            f"The header of {path.name} has {length:,} bytes; expected at most {limits.TENSOR_HEADER_BYTES:,}."
        )
