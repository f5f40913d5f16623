"""The shelf: where people's own projects stand, each in a folder of its own.

`PROJECTS/<key>/` is a project as `niwt_core.project` writes it. Pictures that came with an upload stand beside it, in
`PROJECTS/<key>/data/`. Keys are long and random, so that nobody finds another's project by guessing. Who has the key
can use a project; only its owner, who has another secret, finds it in a list, renames it or removes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files import durable
from niwt_core.files.documents import read_document
from niwt_core.typed import clean
from niwt_core.worlds import ages

#: Another place for projects than ./projects, for operators and tests.
VARIABLE = "NIWT_PROJECTS"
_KEY = re.compile(r"[a-z0-9-]{6,64}")
#: What a folder has that is not yet a project: pictures with their descriptions, on their way to one (`drafts`).
DRAFT = "draft.json"
#: Its pictures, and a project's that was made of them.
DATA = "data"
#: A mark in the folder of a draft that is being fitted, or stands in line for it.
FITTING = ".fitting"
_PROJECT, _OWNER, _REMOVED = "project.json", "owner", ".removed"
#: Removed projects and drafts that nobody touched stay for so many seconds at least, by `ages`: two days.
KEPT_SECONDS = 2 * 24 * 3600.0


@dataclass(frozen=True)
class Shelved:
    """A project on the shelf, without its network.

    Attributes:
        network: "mobilenet_v2, cut at features.17". made: seconds since 1970.
        figures: a `gzsl.GZSLResult` as numbers by name; empty where the fit left none.
    """

    key: str
    title: str
    network: str
    n_seen: int
    n_unseen: int
    made: float
    figures: Mapping[str, float]


def shelf() -> Path:
    """The folder of all projects; it need not exist yet."""
    return Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "projects")


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_hex(16)


def folder_of(key: str) -> Path:
    """The folder of a project.

    Raises:
        InputError: no key of a project, or no such project.
    """
    if not _KEY.fullmatch(key):
        raise InputError(f"There is no project {key[:40]!r}; expected a key such as the address of a project has.")
    folder = shelf() / key
    if not (folder / _PROJECT).is_file():
        raise InputError(f"There is no project {key[:64]!r} here; it was removed, or made on another computer.")
    return folder


def stamp_of(folder: Path) -> tuple[int, int]:
    """When a project was written, and how long its description is: what a cache of it has to be keyed on."""
    found = (folder / _PROJECT).stat()
    return found.st_mtime_ns, found.st_size


def claim(folder: Path, owner: str) -> None:
    """Write down whose folder this is: a fingerprint of the owner's secret, not the secret.

    Raises:
        durable.UnwritableError: no room, or no permission.
    """
    durable.write(folder / _OWNER, _fingerprint(owner).encode())


def folders_of(owner: str) -> list[Path]:
    """Projects and drafts of an owner; those that were removed are not among them."""
    mark = _fingerprint(owner)
    there = sorted(shelf().iterdir()) if shelf().is_dir() else []
    return [folder for folder in there if _KEY.fullmatch(folder.name) and _mark_of(folder) == mark]


def projects_of(owner: str) -> list[Shelved]:
    """The projects of an owner, the latest first; one that cannot be read is left out."""
    found = []
    for folder in folders_of(owner):
        try:
            document = read_document(folder / _PROJECT, limits.DOCUMENT_BYTES)
            n_classes, n_seen = len(document["class_names"]), int(document["n_seen"])
            backbone, title = document["backbone"], document["card"].get("title")
            network = f"{backbone['name']}, cut at {backbone['layer']}"
            figures = {str(name): float(value) for name, value in (document["card"].get("figures") or {}).items()}
            made = (folder / _PROJECT).stat().st_mtime
        except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError):
            continue
        shown = str(title or "Untitled")[: limits.PROJECT_TITLE]
        found.append(Shelved(folder.name, shown, network, n_seen, n_classes - n_seen, made, figures))
    return sorted(found, key=lambda project: -project.made)


def check_title(title: str) -> str:
    """A title in one line.

    Raises:
        InputError: none, or a long one.
    """
    line = " ".join(clean(title).split())
    if not line:
        raise InputError("The title is empty; expected a few words.")
    if len(line) > limits.PROJECT_TITLE:
        raise InputError(f"The title has {len(line)} characters; expected at most {limits.PROJECT_TITLE}.")
    return line


def rename(key: str, owner: str, title: str) -> None:
    """Give a project another title.

    Raises:
        InputError: a title that is none, no project of this owner, or one that cannot be written.
    """
    title = check_title(title)
    path = _owned(key, owner) / _PROJECT
    try:
        document = read_document(path, limits.DOCUMENT_BYTES)
        made = path.stat().st_mtime
        document["card"]["title"] = title
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The project {key} is damaged; it cannot be renamed.") from error
    durable.write_json(path, document)
    with durable.refusing():
        os.utime(path, (time.time(), made + 0.001))  # it stays where it was in the list, and caches see the change


def remove(key: str, owner: str) -> None:
    """Take a project or a draft off the shelf; `restore` brings it back for KEPT_SECONDS.

    Raises:
        InputError: nothing of this owner, or a shelf that cannot be written.
    """
    folder = _owned(key, owner)
    with durable.refusing():
        os.utime(folder)  # removed anew: its days begin anew
    durable.move(folder, folder.with_name(key + _REMOVED))


def restore(key: str, owner: str) -> None:
    """Bring back what was removed.

    Raises:
        InputError: it is gone for good, or was never this owner's; a shelf that cannot be written.
    """
    folder = shelf() / f"{key}{_REMOVED}"
    if not _KEY.fullmatch(key) or _mark_of(folder) != _fingerprint(owner):
        raise InputError("What was removed is gone for good; removed projects stay for two days.")
    durable.move(folder, shelf() / key)


def sweep() -> int:
    """Delete what was removed, drafts that nobody touched, once they are old enough, and what is left of cut off work.

    Returns:
        how many files and folders of cut off work there were.
    """
    there = [folder for folder in shelf().iterdir() if folder.is_dir()] if shelf().is_dir() else []
    left = durable.sweep(shelf())
    stamps = {}
    for folder in there:
        left += durable.sweep(folder) + durable.sweep(folder / DATA)
        if mark := _passing(folder):
            with contextlib.suppress(OSError):
                stamps[folder.name] = mark.stat().st_mtime_ns
    for name, seconds in ages.left_alone(shelf(), stamps).items() if there else ():
        if seconds > KEPT_SECONDS:
            shutil.rmtree(shelf() / name, ignore_errors=True)
    return left


def _passing(folder: Path) -> Path | None:
    """What tells when a folder that does not stay for ever was touched; None for a project, which does."""
    if folder.name.endswith(_REMOVED):
        return folder
    if not _KEY.fullmatch(folder.name) or (folder / _PROJECT).is_file() or not (folder / _OWNER).is_file():
        return None
    if (folder / FITTING).is_file() and not durable.is_forsaken(folder / FITTING):
        return None
    return folder / DRAFT if (folder / DRAFT).is_file() else folder


def _owned(key: str, owner: str) -> Path:
    folder = shelf() / key
    if not _KEY.fullmatch(key) or _mark_of(folder) != _fingerprint(owner):
        raise InputError("There is no such project among yours; it was removed, or belongs to another link.")
    return folder


def _fingerprint(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()


def _mark_of(folder: Path) -> str | None:
    try:
        return (folder / _OWNER).read_text()
    except (OSError, UnicodeDecodeError):
        return None
