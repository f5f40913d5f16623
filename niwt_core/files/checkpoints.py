"""Checkpoints of a fit: what is done is written while it runs, and the same fit goes on from there.

A checkpoint is a folder. `checkpoint.json` says which fit it is of; beside it stand safetensors files, each written
whole or not at all. Results that all processes have are the main one's to write. What a process has summed up or
computed so far is its own file, named by its number and the team's size: a team of another size starts such a stage
anew, and keeps the results. The folder may be a shared one, or on each machine its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save
from torch import Tensor

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.files import durable
from niwt_core.files.documents import read_document
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.processes import ALONE, Team

if TYPE_CHECKING:
    from niwt_core.datasets import ZeroShotData
    from niwt_core.images import ImageSource
    from niwt_core.network.backbone import Backbone

FORMAT = "niwt-checkpoint"
VERSION = 1
#: Seconds between two writings within a stage.
EVERY = 60.0


class Checkpoint:
    """Keeps nothing and finds nothing; `FolderCheckpoint` does."""

    def is_due(self) -> bool:
        """Whether it is time to write again within a stage."""
        return False

    def own(self, name: str) -> dict[str, Tensor] | None:
        """What this process kept under a name."""
        return None

    def keep_own(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep this process's tensors in place of what it kept under that name."""

    def parts(self, name: str) -> list[Tensor]:
        """The rows that this process kept under a name, part by part."""
        return []

    def add_part(self, name: str, rows: Tensor) -> None:
        """Keep some more rows."""

    def common(self, name: str) -> dict[str, Tensor] | None:
        """What the main process kept under a name; all processes have to ask together."""
        return None

    def keep_common(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep tensors that are the same in all processes."""

    def clear(self) -> None:
        """Keep nothing any more: the project is saved."""


#: The default everywhere.
UNKEPT = Checkpoint()


class FolderCheckpoint(Checkpoint):
    """A checkpoint in a folder."""

    def __init__(self, folder: Path, fingerprint: str, team: Team = ALONE, every: float = EVERY) -> None:
        """Go on with what is in the folder, or begin.

        Args:
            fingerprint: of the fit, see `fingerprint_of`. every: seconds between two writings within a stage.

        Raises:
            InputError: the folder holds another fit's checkpoint.
            durable.UnwritableError: it cannot be written.
        """
        self.folder, self._team, self._every = folder, team, every
        self._written = time.monotonic()
        document = {"format": FORMAT, "version": VERSION, "fit": fingerprint}
        path = folder / "checkpoint.json"
        if not path.is_file():
            with durable.refusing():
                folder.mkdir(parents=True, exist_ok=True)
            durable.sweep(folder)
            durable.write_json(path, document)
        elif read_document(path, limits.DOCUMENT_BYTES) != document:
            raise InputError(
                f"The checkpoint in {folder} is of another fit (other data, network or options, or another version); "
                "expected this fit's. Give another folder, or delete it to start anew."
            )

    def is_due(self) -> bool:
        return time.monotonic() - self._written >= self._every

    def own(self, name: str) -> dict[str, Tensor] | None:
        return self._read(f"{name}.{self._mine}")

    def keep_own(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        self._write(f"{name}.{self._mine}", tensors)

    def parts(self, name: str) -> list[Tensor]:
        found: list[Tensor] = []
        while (part := self._read(f"{name}.{self._mine}.{len(found)}")) is not None:
            found.append(part["rows"])
        return found

    def add_part(self, name: str, rows: Tensor) -> None:
        number = 0
        while self._path(f"{name}.{self._mine}.{number}").is_file():
            number += 1
        self._write(f"{name}.{self._mine}.{number}", {"rows": rows})

    def common(self, name: str) -> dict[str, Tensor] | None:
        return self._team.told(self._read(name) if self._team.is_main else None)

    def keep_common(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        if self._team.is_main:
            self._write(name, tensors)

    def clear(self) -> None:
        """Delete the checkpoint; nothing else in the folder is touched."""
        with contextlib.suppress(OSError):  # left behind, it does no harm
            mine = [] if self._team.is_main else [f".{self._mine}."]
            for path in self.folder.glob("*.checkpoint.safetensors"):
                if not mine or mine[0] in path.name:
                    path.unlink(missing_ok=True)
            (self.folder / "checkpoint.json").unlink(missing_ok=True)
            self.folder.rmdir()

    @property
    def _mine(self) -> str:
        return f"{self._team.rank + 1}-of-{self._team.size}"

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.checkpoint.safetensors"

    def _read(self, name: str) -> dict[str, Tensor] | None:
        path = self._path(name)
        return read_tensors(path)[0] if path.is_file() else None

    def _write(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        durable.write(self._path(name), save({k: v.cpu().contiguous() for k, v in tensors.items()}))
        self._written = time.monotonic()


def fingerprint_of(data: ZeroShotData, backbone: Backbone, options: Any, samples: ImageSource | None = None) -> str:
    """Says which fit it is: the classes, labels, files and descriptions, the network's numbers and the options.

    Of the pictures themselves the first, the middle and the last of each source are looked at.

    Args:
        options: `pipeline.FitOptions`.
    """
    digest = hashlib.sha256()
    document = [data.name, data.class_names, data.n_seen, backbone.name, backbone.layer, asdict(options)]
    digest.update(json.dumps(document).encode())
    digest.update(data.attributes.contiguous().numpy().tobytes())
    for half in (backbone.trunk, backbone.head):
        for name, tensor in half.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    for source in (data.train, data.test_seen, data.test_unseen, samples):
        if source is not None:
            _add_source(digest, source)
    return digest.hexdigest()


def _add_source(digest: Any, source: ImageSource) -> None:
    n = len(source.labels)
    digest.update(source.labels.tobytes())
    digest.update("\n".join(path.name for path in getattr(source, "paths", ())).encode())
    for index in sorted({0, n // 2, n - 1}) if n else ():
        digest.update(source[index].tobytes())


def check_alike(fingerprint: str, team: Team) -> None:
    """Refuse to add up different things.

    Raises:
        InputError: in each process whose fit is not the main one's.
    """
    mine = torch.tensor([int(fingerprint[i : i + 8], 16) for i in range(0, len(fingerprint), 8)])
    told = team.told({"fit": mine})
    if told is None or not torch.equal(told["fit"], mine):
        raise InputError(
            f"Process {team.rank + 1} of {team.size} found other data, another network or other options than the first "
            "process; expected the same command and the same files on every machine."
        )
