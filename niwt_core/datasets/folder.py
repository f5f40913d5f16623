"""Any folder as a data set: a folder of pictures for each class, and classes.csv with their descriptions."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from niwt_core.datasets.attributes import above_mean, check_kind, unit_rows
from niwt_core.datasets.class_table import read_class_table
from niwt_core.datasets.division import divide, pictures_in
from niwt_core.datasets.splits import Split, every_fifth
from niwt_core.datasets.zeroshot import ZeroShotData
from niwt_core.errors import InputError


def load_folder(root: Path, attributes: str = "continuous") -> ZeroShotData:
    """A person's own classes: root/classes.csv (see `read_class_table`) and root/<class>/ with pictures.

    Every fifth picture of a seen class, by name, is for tests, and every picture of an unseen class. Descriptions in
    words are kept as `texts`. Classes without pictures are left out and named in the notes.

    Args:
        attributes: the rows, each at unit length: "continuous", the table's numbers, or "binary", 1 where a class's
            number is above the seen classes' mean. Without columns of numbers they are (n_classes, 0).

    Raises:
        InputError: a table that is not as expected, too few classes with pictures.
    """
    check_kind(attributes, ("continuous", "binary"), "a folder")
    if not root.is_dir():
        raise InputError(f"{root} is no folder; expected a folder with classes.csv and one folder a class.")
    table = read_class_table(root / "classes.csv")
    # The same name can be spelt in two ways in Unicode, and systems disagree on which one they keep.
    folders = {unicodedata.normalize("NFC", path.name): path.name for path in root.iterdir() if path.is_dir()}
    folder_of = {name: folders.get(unicodedata.normalize("NFC", name), name) for name in table.names}
    class_of = {f"{folder}/{file}": name for name, folder in folder_of.items() for file in pictures_in(root / folder)}

    seen = tuple(name for name, is_seen in zip(table.names, table.seen, strict=True) if is_seen)
    unseen = tuple(name for name, is_seen in zip(table.names, table.seen, strict=True) if not is_seen)
    for names, word in ((seen, "seen"), (unseen, "unseen")):
        if not names:
            raise InputError(f"{root / 'classes.csv'} has no {word} class; expected some of both, seen and unseen.")
    division = divide(root, class_of, Split(seen, unseen, test_seen=every_fifth(class_of, seen)))

    rows = [table.names.index(name) for name in division.class_names]
    matrix = table.attributes[rows]
    if attributes == "binary":
        matrix = above_mean(matrix, division.n_seen)
    unlisted = sorted(set(folders.values()) - set(folder_of.values()))
    unlisted = [name for name in unlisted if pictures_in(root / name)]
    notes = list(table.notes)
    if unlisted:
        more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
        notes.append(f"The folder {unlisted[0]}{more} is not in classes.csv and was left out.")
    texts = [table.texts[row] for row in rows] if any(table.texts) else []
    return division.data("folder", unit_rows(matrix), table.attribute_names, texts, notes)
