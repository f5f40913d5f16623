"""Animals with Attributes 2: 50 animals with 85 attributes, in the official layout, whole or in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from niwt_core.datasets.attributes import check_kind, unit_rows
from niwt_core.datasets.division import divide, pictures_in
from niwt_core.datasets.splits import every_fifth, read_split
from niwt_core.datasets.tables import check_inside, check_unique, number_table, numbered
from niwt_core.datasets.zeroshot import ZeroShotData
from niwt_core.errors import InputError


def load_awa2(root: Path, split: Path | None = None, attributes: str = "continuous") -> ZeroShotData:
    """AwA2, whole or in part: photos and classes that are not there are left out and named in the notes.

    Args:
        root: the folder with classes.txt, predicates.txt, predicate-matrix-*.txt and JPEGImages/<class>/*.jpg.
        split: a folder with the split, see `read_split`; default: the lists in `root` (trainvalclasses.txt, or
            trainclasses.txt where that is missing, and testclasses.txt), the proposed 40 seen and 10 unseen classes.
            Where the split names no test photos of seen classes, every fifth photo of each, by name, is one.
        attributes: the rows, each at unit length, "continuous" (percentages) or "binary" (the official 0 and 1). A
            negative percentage, which some copies have for "unknown", counts as 0.

    Raises:
        InputError: a file that is missing or is not as expected, an unknown class, too few classes with photos.
    """
    check_kind(attributes, ("continuous", "binary"), "AwA2")
    if not root.is_dir():
        raise InputError(f"{root} is no folder; expected the folder of Animals with Attributes 2.")
    classes = list(numbered(root / "classes.txt", "the official list of classes").values())
    check_unique(classes, root / "classes.txt")
    for name in classes:
        check_inside(name, root / "classes.txt")
    plan = read_split(split or root, classes, "JPEGImages", ("trainvalclasses.txt", "trainclasses.txt"))
    photos = root / "JPEGImages"
    class_of = {f"{c}/{file}": c for c in (*plan.seen, *plan.unseen) for file in pictures_in(photos / c)}
    if plan.test_seen is None:
        plan = replace(plan, test_seen=every_fifth(class_of, plan.seen))
    division = divide(photos, class_of, plan)

    names = list(numbered(root / "predicates.txt", "the official list of attributes").values())
    matrix = number_table(root / f"predicate-matrix-{attributes}.txt", len(classes), len(names)).clip(min=0)
    return division.data("awa2", unit_rows(matrix[[classes.index(name) for name in division.class_names]]), names)
