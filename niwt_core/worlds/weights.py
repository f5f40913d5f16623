"""Weights for a network: a file that the operator put there, torchvision's own, or random numbers."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: A folder with <network>.pth or <network>.safetensors.
VARIABLE = "NIWT_WEIGHTS"
FILE, DOWNLOAD, RANDOM = "file", "default", "random"


def file_of(network: str) -> Path | None:
    """The operator's weights for a network; None where there are none."""
    folder = os.environ.get(VARIABLE)
    if not folder or not re.fullmatch(r"[a-z0-9_]+", network):
        return None
    paths = (Path(folder) / f"{network}{suffix}" for suffix in (".safetensors", ".pth"))
    return next((path for path in paths if path.is_file()), None)


def is_downloaded(network: str) -> bool:
    """Whether torchvision has this network's ImageNet weights already."""
    import torch
    from torchvision import models

    url = models.get_model_weights(network).DEFAULT.url  # type: ignore[attr-defined]
    return (Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name).is_file()
