"""The proposed splits of Xian et al. (2017), as their archive xlsa17 holds them: att_splits.mat and res101.mat."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from niwt_core import limits
from niwt_core.datasets.tables import check_unique
from niwt_core.errors import InputError

MAT_SPLIT = "att_splits.mat"
MAT_IMAGES = "res101.mat"


@dataclass(frozen=True)
class ProposedImages:
    """The split's photos as "class/photo.jpg", and all class names of the data set in the split's order."""

    class_names: tuple[str, ...]
    train: frozenset[str]
    test_seen: frozenset[str]
    test_unseen: frozenset[str]


def read_proposed_images(folder: Path, photos_folder: str) -> ProposedImages:
    """Read att_splits.mat (allclasses_names, trainval_loc, ...) and res101.mat (image_files, labels).

    Of each image path, which was absolute on its authors' machine, the part after `photos_folder`/ counts. The
    features of res101.mat are not read.

    Raises:
        InputError: a file is missing, damaged or of MATLAB 7.3; numbers out of range; labels that contradict the
            paths; a photo both for training and for tests.
    """
    splits = _load(folder / MAT_SPLIT, ["allclasses_names", "trainval_loc", "test_seen_loc", "test_unseen_loc"])
    images = _load(folder / MAT_IMAGES, ["image_files", "labels"])
    names = _strings(splits["allclasses_names"], "allclasses_names", folder / MAT_SPLIT)
    check_unique(names, folder / MAT_SPLIT)
    paths = _strings(images["image_files"], "image_files", folder / MAT_IMAGES)
    labels = _numbers(images["labels"], "labels", len(names), folder / MAT_IMAGES)
    if len(labels) != len(paths):
        raise InputError(
            f"{folder / MAT_IMAGES} has {len(labels)} labels for {len(paths)} image_files; expected one for each."
        )
    files = [_after(path, photos_folder, folder / MAT_IMAGES) for path in paths]
    for file, label in zip(files, labels, strict=True):
        if file.split("/")[0] != names[label]:
            where, name = folder / MAT_IMAGES, names[label]
            raise InputError(f"{where} labels {file[:80]!r} as {name[:60]!r}; expected the class of its folder.")
    chosen = {
        key: frozenset(files[i] for i in _numbers(splits[key], key, len(files), folder / MAT_SPLIT))
        for key in ("trainval_loc", "test_seen_loc", "test_unseen_loc")
    }
    if both := chosen["trainval_loc"] & chosen["test_seen_loc"]:
        raise InputError(f"{folder / MAT_SPLIT} uses {min(both)[:80]!r} for training and for tests; expected one.")
    return ProposedImages(tuple(names), chosen["trainval_loc"], chosen["test_seen_loc"], chosen["test_unseen_loc"])


def _load(path: Path, keys: list[str]) -> dict[str, list[Any]]:
    """The variables as flat lists, read in a process of its own: see `mat_variables`."""
    if not path.is_file():
        raise InputError(f"{path} is missing; expected both {MAT_SPLIT} and {MAT_IMAGES} of the proposed splits.")
    if (size := path.stat().st_size) > limits.MAT_BYTES:
        raise InputError(f"{path} has {size / limits.GB:.1f} GB; expected at most {limits.MAT_BYTES >> 30} GB.")
    # -P: else the modules beside the program would be in the way of others with their names.
    command = [sys.executable, "-P", str(Path(__file__).with_name("mat_variables.py")), str(path)]
    command += map(str, [limits.MAT_VALUES, limits.MAT_CHARACTERS, limits.MAT_MEMORY, *keys])
    try:
        ran = subprocess.run(command, capture_output=True, timeout=limits.MAT_SECONDS, check=True)
        answer = json.loads(ran.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise InputError(f"{path} is damaged: reading it failed. Get the file again.") from error
    if answer.get("error") == "version 7.3":
        raise InputError(
            f"{path} is a MATLAB 7.3 file; expected an earlier format, as in xlsa17 (in MATLAB: save -v7)."
        )
    if "error" in answer:
        raise InputError(f"{path} is damaged or no MATLAB file ({answer['error'][:80]}).")
    if missing := [key for key in keys if key not in answer["found"]]:
        raise InputError(f"{path} has no {missing[0]}; expected {', '.join(keys)}.")
    return answer["found"]


def _strings(values: list[Any], key: str, path: Path) -> list[str]:
    if not values or not all(isinstance(value, str) and value.strip() for value in values):
        raise InputError(f"{key} of {path} is no list of texts; expected one text in each cell.")
    return [value.strip() for value in values]


def _numbers(values: list[Any], key: str, largest: int, path: Path) -> list[int]:
    """1-based whole numbers -> 0-based."""
    if not values:
        raise InputError(f"{key} of {path} holds no numbers; expected whole numbers from 1 to {largest}.")
    for value in values:
        if not (isinstance(value, int | float) and 1 <= value <= largest and value == int(value)):
            raise InputError(f"{key} of {path} holds {str(value)[:40]}; expected whole numbers from 1 to {largest}.")
    return [int(value) - 1 for value in values]


def _after(image_path: str, photos_folder: str, path: Path) -> str:
    parts = [part for part in image_path.replace("\\", "/").split("/") if part]
    if photos_folder not in parts[:-2]:
        raise InputError(
            f"{path} names the image {image_path[:100]!r}; expected a path with {photos_folder}/class/photo.jpg in it."
        )
    start = len(parts) - parts[::-1].index(photos_folder)
    return "/".join(parts[start:])
