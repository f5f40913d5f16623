"""The shelf: where a person's own projects stand, each in a folder of its own.

`PROJECTS/<key>/` is a project as `niwt_core.project` writes it. Pictures that came with an upload stand beside it, in
`PROJECTS/<key>/data/`. Keys are long and random, so that nobody finds another's project by guessing.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from niwt_core.errors import InputError

#: Another place for projects than ./projects, for operators and tests.
VARIABLE = "NIWT_PROJECTS"
_KEY = re.compile(r"[a-z0-9-]{6,64}")


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
    if not (folder / "project.json").is_file():
        raise InputError(f"There is no project {key[:64]!r} here; it was removed, or made on another computer.")
    return folder


def stamp_of(folder: Path) -> tuple[int, int]:
    """When a project was written, and how long its description is: what a cache of it has to be keyed on."""
    found = (folder / "project.json").stat()
    return found.st_mtime_ns, found.st_size
