"""Division: the photos of a split that are really there, and what had to be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from niwt_core.datasets.splits import HOLD_OUT, Split
from niwt_core.datasets.zeroshot import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.images import ImageFiles

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
#: How many classes a note names before it only counts.
MAX_NAMED = 20


@dataclass(frozen=True)
class Division:
    """Photos as (file below `folder`, row of `class_names`); seen classes first, each with a training photo."""

    folder: Path
    class_names: tuple[str, ...]
    n_seen: int
    train: tuple[tuple[str, int], ...]
    test_seen: tuple[tuple[str, int], ...]
    test_unseen: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    def data(
        self,
        name: str,
        attributes: Tensor,
        attribute_names: Sequence[str],
        texts: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> ZeroShotData:
        """The data set of these photos; attributes (n_classes, n_attributes) and texts are in order of class_names."""
        return ZeroShotData(
            name=name,
            class_names=self.class_names,
            n_seen=self.n_seen,
            attributes=attributes,
            attribute_names=tuple(attribute_names),
            train=self._files(self.train),
            test_seen=self._files(self.test_seen),
            test_unseen=self._files(self.test_unseen),
            notes=(*self.notes, *notes),
            texts=tuple(texts),
        )

    def _files(self, photos: Sequence[tuple[str, int]]) -> ImageFiles:
        paths = tuple(self.folder / file for file, _ in photos)
        return ImageFiles(paths, np.array([row for _, row in photos], dtype=np.int64))


def divide(folder: Path, class_of: Mapping[str, str], split: Split) -> Division:
    """Sort the photos by the split. Photos that are not there are counted, classes without any are dropped.

    Args:
        folder: where the photos are. class_of: file below it -> class, of all photos the data set's lists know.
        split: with `test_seen` decided.

    Raises:
        InputError: fewer than two seen classes with training photos, no unseen class with photos, no seen test photo.
    """
    test_seen = split.test_seen or frozenset()
    roles: dict[str, list[str]] = {"train": [], "test_seen": [], "test_unseen": []}
    seen, unseen = set(split.seen), set(split.unseen)
    for file, name in class_of.items():
        if name in seen and file in test_seen:
            roles["test_seen"].append(file)
        elif name in seen and (split.train is None or file in split.train):
            roles["train"].append(file)
        elif name in unseen and (split.test_unseen is None or file in split.test_unseen):
            roles["test_unseen"].append(file)
    named = {file for files in roles.values() for file in files}.union(
        test_seen, split.train or (), split.test_unseen or ()
    )
    there = {role: [file for file in files if (folder / file).is_file()] for role, files in roles.items()}
    n_there = sum(map(len, there.values()))

    with_photos = {role: {class_of[file] for file in files} for role, files in there.items()}
    kept_seen = [name for name in split.seen if name in with_photos["train"]]
    kept_unseen = [name for name in split.unseen if name in with_photos["test_unseen"]]
    _check_enough(folder, split, kept_seen, kept_unseen)
    kept = [*kept_seen, *kept_unseen]
    row = {name: i for i, name in enumerate(kept)}
    if not any(class_of[file] in row for file in there["test_seen"]):
        raise InputError(
            f"No test photo of a seen class is in {folder}; expected those that the split names or, where it names "
            f"none, at least {HOLD_OUT} photos of a seen class."
        )

    notes = []
    if n_there < len(named):
        notes.append(f"{len(named) - n_there} of {len(named)} photos that the lists name are not in {folder}.")
    if dropped := [name for name in split.seen if name not in row]:
        notes.append(f"{_count(dropped, 'seen class')} without training photos left out: {_names(dropped)}.")
    if dropped := [name for name in split.unseen if name not in row]:
        notes.append(f"{_count(dropped, 'unseen class')} without photos left out: {_names(dropped)}.")
    if untested := [name for name in kept_seen if name not in with_photos["test_seen"]]:
        notes.append(f"{_count(untested, 'seen class')} without test photos, so not part of S: {_names(untested)}.")

    def photos(role: str) -> tuple[tuple[str, int], ...]:
        return tuple((file, row[class_of[file]]) for file in there[role] if class_of[file] in row)

    return Division(
        folder=folder,
        class_names=tuple(kept),
        n_seen=len(kept_seen),
        train=photos("train"),
        test_seen=photos("test_seen"),
        test_unseen=photos("test_unseen"),
        notes=tuple(notes),
    )


def pictures_in(folder: Path) -> list[str]:
    """Names of the pictures that lie directly in a folder, sorted; none if there is no such folder.

    Raises:
        InputError: the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    try:
        names = [path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read ({error.strerror}).") from error
    return sorted(name for name in names if not name.startswith("."))


def _check_enough(folder: Path, split: Split, seen: list[str], unseen: list[str]) -> None:
    if not seen:
        raise InputError(f"None of the {len(split.seen)} seen classes has training photos in {folder}; expected two.")
    if len(seen) == 1:
        raise InputError(
            f"Only one seen class, {seen[0]}, has training photos in {folder}; expected at least two, for one class "
            "alone teaches no differences."
        )
    if not unseen:
        raise InputError(f"None of the {len(split.unseen)} unseen classes has photos in {folder}; expected one.")


def _count(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'es' if len(names) > 1 else ''}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
