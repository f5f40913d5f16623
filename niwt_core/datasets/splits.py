"""Splits: which classes are seen, and which photos are for training and for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from niwt_core.datasets.matfiles import MAT_SPLIT, ProposedImages, read_proposed_images
from niwt_core.datasets.tables import listed
from niwt_core.errors import InputError

#: Where nothing says which photos of seen classes are for tests, every fifth is.
HOLD_OUT = 5


@dataclass(frozen=True)
class Split:
    """Classes by name, photos by file ("class/photo.jpg"); None where the split does not say.

    Attributes:
        train: None: all photos of seen classes but those for tests. test_unseen: None: all photos of unseen classes.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    train: frozenset[str] | None = None
    test_seen: frozenset[str] | None = None
    test_unseen: frozenset[str] | None = None


def read_split(
    folder: Path,
    classes: Sequence[str],
    photos_folder: str,
    seen_lists: Sequence[str] = ("trainvalclasses.txt",),
) -> Split:
    """A split from its folder, which holds one of two kinds of files.

    - The proposed splits of Xian et al. (xlsa17): att_splits.mat and res101.mat. Where they are, they count.
    - Lists, one name a line: trainvalclasses.txt, testclasses.txt and, if the seen test photos are fixed,
      test_seen_images.txt (class/photo.jpg).

    Args:
        classes: all class names of the data set. photos_folder: its folder of photos, which paths in .mat files name.
        seen_lists: names that the list of seen classes may have, the first that is there counts.

    Raises:
        InputError: a file that is missing or damaged, an unknown class, a class both seen and unseen.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; expected a folder with the split: its class lists or {MAT_SPLIT}.")
    if (folder / MAT_SPLIT).is_file():
        split, origin = _from_images(read_proposed_images(folder, photos_folder)), folder / MAT_SPLIT
    else:
        split, origin = _from_lists(folder, seen_lists), folder
    known = set(classes)
    for name in (*split.seen, *split.unseen):
        if name not in known:
            raise InputError(f"{origin} names the class {name[:60]!r}, which classes.txt does not list.")
    if both := set(split.seen) & set(split.unseen):
        raise InputError(f"Class {min(both)} is listed as seen and as unseen in {origin}; expected one of the two.")
    return split


def every_fifth(class_of: Mapping[str, str], seen: Sequence[str]) -> frozenset[str]:
    """The 5th, 10th, ... photo of each seen class, by name: the test photos where no split names them."""
    photos: dict[str, list[str]] = {name: [] for name in seen}
    for file, name in class_of.items():
        if name in photos:
            photos[name].append(file)
    return frozenset(file for files in photos.values() for file in sorted(files)[HOLD_OUT - 1 :: HOLD_OUT])


def _from_lists(folder: Path, seen_lists: Sequence[str]) -> Split:
    path = next((folder / name for name in seen_lists if (folder / name).is_file()), folder / seen_lists[0])
    seen = listed(path, f"the seen classes, one name a line (or {MAT_SPLIT} beside it)")
    unseen = listed(folder / "testclasses.txt", "the unseen classes, one name a line")
    held = folder / "test_seen_images.txt"
    test_seen = None
    if held.is_file():
        # The list may be longer than the split in use: photos of other classes are not looked for.
        named = listed(held, "the seen classes' test photos, one class/photo.jpg a line")
        test_seen = frozenset(file for file in named if file.split("/")[0] in set(seen))
    return Split(tuple(seen), tuple(unseen), test_seen=test_seen)


def _from_images(images: ProposedImages) -> Split:
    def classes_of(*groups: frozenset[str]) -> tuple[str, ...]:
        used = {file.split("/")[0] for group in groups for file in group}
        return tuple(name for name in images.class_names if name in used)

    return Split(
        seen=classes_of(images.train, images.test_seen),
        unseen=classes_of(images.test_unseen),
        train=images.train,
        test_seen=images.test_seen,
        test_unseen=images.test_unseen,
    )
