"""Drafts: pictures on their way to a project, with what is said of their classes so far; kept on the shelf.

A draft is `PROJECTS/<key>/` with draft.json and data/, the class folders. Of a folder that was on the server before,
data/ holds links to its class folders. The fit writes data/classes.csv and project.json, and the draft is a project.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from niwt_core import limits
from niwt_core.datasets.class_table import read_class_table
from niwt_core.datasets.division import pictures_in
from niwt_core.datasets.splits import HOLD_OUT
from niwt_core.errors import InputError
from niwt_core.files import durable
from niwt_core.files.archive import LIMITS, TABLE, unpack
from niwt_core.files.documents import read_document
from niwt_core.worlds.server_folders import KNOWN
from niwt_core.worlds.shelf import DATA, DRAFT, FITTING, claim, folders_of, new_key, shelf, sweep

#: Unless somebody says otherwise, one class in so many is unseen.
ONE_UNSEEN_IN = 5


@dataclass(frozen=True)
class ClassRow:
    """What is said of one class; `numbers` are its attributes, in the order of `Draft.attribute_names`."""

    name: str
    n_pictures: int
    seen: bool
    description: str = ""
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Draft:
    """Pictures on their way to a project.

    Attributes:
        name: what the person gave: the file's or the folder's name.
        dataset: "folder", or "cub" or "awa2", which bring their descriptions and have no `rows`.
        root: where the pictures are, relative to the draft's folder or absolute.
        has_table: whether descriptions came along. left_out: why -> how many files. named: the first, (path, why).
        notes: sentences on what came with it. order: what was last asked to be made of it, as `making.Order` has it; {}
            before the first fit.
    """

    key: str
    name: str
    dataset: str
    root: str
    rows: tuple[ClassRow, ...] = ()
    attribute_names: tuple[str, ...] = ()
    has_table: bool = False
    left_out: dict[str, int] = field(default_factory=dict)
    named: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    order: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return shelf() / self.key

    @property
    def data(self) -> Path:
        """Where the pictures are."""
        return self.folder / self.root

    @property
    def knowledge(self) -> str:
        """What describes the classes, see `knowledge.KINDS`."""
        return "texts" if self.dataset == "folder" and not self.attribute_names else "attributes"

    def save(self) -> None:
        """Write it down.

        Raises:
            durable.UnwritableError: no room, no permission, or it was removed.
        """
        durable.write_json(self.folder / DRAFT, asdict(self))


def draft_of_zip(
    file: BinaryIO, name: str, owner: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> Draft:
    """Unpack an upload onto the shelf.

    Raises:
        InputError: as `archive.unpack`; no room on the disk.
    """
    with _new(owner) as (key, folder):
        found = unpack(file, folder / DATA, progress=progress)
        draft = Draft(
            key, name[:120], "folder", DATA, has_table=found.has_table, left_out=found.left_out, named=found.named
        )
        draft = _described(draft, found.pictures, folder / DATA)
        durable.write_json(folder / DRAFT, asdict(draft))
    return draft


def draft_of_folder(root: Path, dataset: str, owner: str) -> Draft:
    """Begin with a folder that is on the server; whoever calls has checked that it may be read (`server_folders`).

    Raises:
        InputError: fewer than two classes.
    """
    with _new(owner) as (key, folder):
        if dataset != "folder":
            draft = Draft(key, KNOWN[dataset][0], dataset, str(root))
        else:
            pictures, has_table = _linked(root, folder / DATA)
            draft = _described(Draft(key, root.name, "folder", DATA, has_table=has_table), pictures, folder / DATA)
        durable.write_json(folder / DRAFT, asdict(draft))
    return draft


def _linked(root: Path, data: Path) -> tuple[dict[str, int], bool]:
    """Links to the class folders of `root` in a new folder `data`; returns class -> pictures, whether it has a table.

    Raises:
        InputError: fewer than two classes.
    """
    data.mkdir()
    pictures = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()):
        if n := len(pictures_in(folder)):
            pictures[folder.name] = n
            (data / folder.name).symlink_to(folder, target_is_directory=True)
    if len(pictures) < 2:
        raise InputError(
            f"The folder {root.name} holds {len(pictures)} folders of pictures; expected one for each class, at "
            "least three."
        )
    if has_table := (root / TABLE).is_file() and not (root / TABLE).is_symlink():
        shutil.copyfile(root / TABLE, data / TABLE)
    return pictures, has_table


@contextmanager
def _new(owner: str) -> Iterator[tuple[str, Path]]:
    """A new key, and a hidden folder to fill for its owner, which stands on the shelf once the block is done.

    Raises:
        InputError: a shelf that cannot be written, or is nearly full.
    """
    with durable.refusing():
        shelf().mkdir(parents=True, exist_ok=True)
        sweep()
        free = shutil.disk_usage(shelf()).free
    if free < 2 * LIMITS.unpacked:
        raise InputError("The server’s disk is nearly full; ask whoever runs it to make room for new projects.")
    key = new_key()
    with durable.new_folder(shelf() / key) as folder:
        claim(folder, owner)
        yield key, folder
    sweep()  # its days begin


def _described(draft: Draft, pictures: dict[str, int], data: Path) -> Draft:
    """The draft with a row for each class folder, from the table in `data` as far as that can be read."""
    if draft.has_table:
        try:
            draft = _from_table(draft, pictures, data / TABLE)
        except InputError as error:
            said = str(error).replace(str(data / TABLE), TABLE)
            draft = replace(draft, has_table=False, notes=(f"{said} Fill the table in below instead.",))
    if not draft.has_table:
        names = [name for name in pictures if len(pictures) <= limits.CLASSES]
        rows = tuple(
            ClassRow(name, pictures[name], seen=(i + 1) % ONE_UNSEEN_IN != 0 and (len(names) > 4 or i + 1 < len(names)))
            for i, name in enumerate(names)
        )
        draft = replace(draft, rows=rows)
    return draft


def _from_table(draft: Draft, pictures: dict[str, int], path: Path) -> Draft:
    table = read_class_table(path)
    rows = tuple(
        ClassRow(name, pictures[name], seen, text[: limits.DESCRIPTION], tuple(map(float, numbers)))
        for name, seen, text, numbers in zip(table.names, table.seen, table.texts, table.attributes, strict=True)
        if name in pictures
    )
    notes = [note.replace(str(path), TABLE) for note in table.notes]
    if missing := [name for name in table.names if name not in pictures]:
        notes.append(f"{TABLE} names {len(missing)} without pictures, such as {missing[0][:60]}; left out.")
    if unlisted := [name for name in pictures if name not in table.names]:
        notes.append(f"{TABLE} does not name {len(unlisted)} of the folders, such as {unlisted[0][:60]}; left out.")
    if not rows:
        raise InputError(f"{TABLE} names none of the folders; expected each folder's name in the column name.")
    return replace(draft, rows=rows, attribute_names=table.attribute_names, notes=tuple(notes))


def latest_draft(owner: str) -> Draft | None:
    """The draft that the owner touched last."""
    found = [folder for folder in folders_of(owner) if (folder / DRAFT).is_file()]
    found = [folder for folder in found if not (folder / "project.json").is_file()]
    for folder in sorted(found, key=lambda folder: -(folder / DRAFT).stat().st_mtime_ns):
        with contextlib.suppress(InputError):
            return draft_of(folder.name)
    return None


def draft_of(key: str) -> Draft:
    """The draft of a key that is known to be one.

    Raises:
        InputError: it is gone, or no longer whole.
    """
    try:
        kept = read_document(shelf() / key / DRAFT, limits.DRAFT_BYTES)
        rows = tuple(ClassRow(**row | {"numbers": tuple(row["numbers"])}) for row in kept.pop("rows"))
        tuples = {name: tuple(kept.pop(name)) for name in ("attribute_names", "notes")}
        named = tuple((path, why) for path, why in kept.pop("named"))
        order = {str(name): str(value) for name, value in kept.pop("order", {}).items()}
        return Draft(**kept | tuples | {"rows": rows, "named": named, "order": order, "key": key})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            "The pictures on their way to a project are gone, or no longer whole; upload them anew."
        ) from error


def problem(rows: Sequence[ClassRow], has_numbers: bool) -> str | None:
    """Why no fit can begin with these classes yet, as a sentence; None where one can."""
    seen = [row for row in rows if row.seen]
    if len(seen) < 2:
        return f"{len(seen)} of the classes {'is' if len(seen) == 1 else 'are'} seen; the network needs at least two."
    if len(seen) == len(rows):
        return "All classes are seen; untick at least one, for the network to learn from words alone."
    if not any(row.n_pictures >= HOLD_OUT for row in seen):
        return f"No seen class has {HOLD_OUT} pictures; every fifth is kept for tests, so one at least needs as many."
    if has_numbers:
        rows_of_numbers = {row.numbers for row in seen}
        return None if len(rows_of_numbers) > 1 else "All seen classes have the same numbers; expected differences."
    if empty := [row.name for row in rows if not row.description.strip()]:
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        return f"Without a description so far: {', '.join(empty[:3])}{more}. Say in a sentence what each looks like."
    if len({row.description.strip().lower() for row in seen}) == 1:
        return "All seen classes have the same description; expected sentences that tell them apart."
    return None


def write_table(draft: Draft) -> None:
    """Write data/classes.csv from the draft's rows, as `load_folder` reads it.

    Raises:
        durable.UnwritableError: no room, or no permission.
    """
    draft.save()  # touched: its days begin anew
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(["name", "seen", "description", *draft.attribute_names])
    for row in draft.rows:
        seen = "seen" if row.seen else "unseen"
        table.writerow([row.name, seen, " ".join(row.description.split()), *row.numbers])
    durable.write(draft.data / TABLE, written.getvalue().encode())


@contextmanager
def being_fitted(key: str) -> Iterator[None]:
    """Mark a draft as long as it stands in line for a fit or is fitted, so that `was_cut_off` knows where none ended.

    A draft that cannot be marked is fitted all the same.
    """
    mark = shelf() / key / FITTING
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(durable.UnwritableError):
            stack.enter_context(durable.held(mark))
        yield


def was_cut_off(draft: Draft) -> bool:
    """Whether the server stopped while the draft was fitted or in line; a new fit forgets that."""
    return durable.is_forsaken(draft.folder / FITTING)
