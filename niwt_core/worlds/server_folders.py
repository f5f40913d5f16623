"""Folders on the server that its operator lets people choose: those below the roots in NIWT_FOLDERS, nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from niwt_core.datasets.division import pictures_in
from niwt_core.errors import InputError

#: Allowed roots, separated as in PATH; unset, no folder of the server can be chosen.
VARIABLE = "NIWT_FOLDERS"
#: Folders that are looked at below each root, and in each of these before it is taken for no data set.
MOST = 200
#: Official data sets: what they are called, and the files that tell one.
KNOWN = {
    "cub": ("CUB-200-2011", ("classes.txt", "images.txt", "image_class_labels.txt", "images")),
    "awa2": ("Animals with Attributes 2", ("classes.txt", "predicates.txt", "JPEGImages")),
}


@dataclass(frozen=True)
class Offer:
    """A folder that can be chosen; `dataset` is "cub", "awa2" or "folder" (folders of pictures, one a class)."""

    title: str
    path: Path
    dataset: str


def roots() -> tuple[Path, ...]:
    """The allowed roots that are there, links resolved."""
    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part.strip()]
    return tuple(dict.fromkeys(path.resolve() for path in named if path.is_absolute() and path.is_dir()))


def offers() -> tuple[Offer, ...]:
    """What there is to choose: the roots and the folders in them that look like data sets, official ones first."""
    found: dict[Path, Offer] = {}
    for root in roots():
        for path in (root, *_folders(root)):
            resolved = path.resolve()
            kind = _kind(resolved) if _is_allowed(resolved) else None
            if kind and resolved not in found:
                named = KNOWN[kind][0] if kind in KNOWN else path.name
                found[resolved] = Offer(named if kind == "folder" else f"{named} ({path.name})", resolved, kind)
    return tuple(sorted(found.values(), key=lambda offer: (offer.dataset == "folder", offer.title)))


def offer_of(text: str) -> Offer:
    """A folder by its path, if it may be read.

    Raises:
        InputError: a path that is not below an allowed root (the same words whether or not it exists), or no data set.
    """
    path = Path(text.strip()).resolve() if text.strip() and "\0" not in text else Path()
    if not text.strip().startswith(os.sep) or not _is_allowed(path) or not path.is_dir():
        raise InputError(
            f"{text.strip()[:80]!r} is no folder that may be read here; expected the whole path of one below those "
            "that the operator allows."
        )
    kind = _kind(path)
    if kind is None:
        raise InputError(f"The folder {path.name} holds no data set; expected a folder of pictures for each class.")
    return Offer(path.name, path, kind)


def _is_allowed(resolved: Path) -> bool:
    return any(resolved.is_relative_to(root) for root in roots())


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(islice((path for path in root.iterdir() if path.is_dir() and path.name[0] != "."), MOST))
    except OSError:
        return []


def _kind(path: Path) -> str | None:
    for kind, (_, names) in KNOWN.items():
        if all((path / name).exists() for name in names):
            return kind
    n_classes = 0
    for folder in _folders(path):
        try:
            n_classes += bool(not folder.is_symlink() and pictures_in(folder))
        except InputError:
            continue
        if n_classes > 1:
            return "folder"
    return None
