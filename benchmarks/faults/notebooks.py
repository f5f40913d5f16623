"""Writers of notebooks: classes kept, renamed, copied, deleted, brought back and brought in, all in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import fields, replace
from pathlib import Path

from benchmarks.faults.killing import Reading, Say
from niwt_core.notebook import Database, Entry, Kept, Notebook, create_notebook, open_notebook
from niwt_core.notebook.files import from_json, to_json

N_CHANNELS = 64
#: Classes of one file that is brought in.
N_IMPORTED = 5
_READER = "written by the reader"
#: What the clock decides is no content.
_TIMES = ("created", "changed")


class Notebooks:
    """Each life goes on in the notebook of the ones before."""

    name, events, longest = "classes in the notebook", 40, 0.1

    def prepare(self, place: Path) -> None:
        (place / "secret").write_text(create_notebook(_database(place)))

    def write(self, place: Path, life: int, say: Say) -> None:
        notebook, rng, number = opened(place), random.Random(life), 0
        notebook.page()
        say({"ready": ""})
        while True:
            number += 1
            entry = _keep(notebook, one_class(f"{life}-{number}", rng), say)
            rng.choice((_rename, _duplicate, _delete, _undo, _measure, _bring_in))(notebook, entry, say, rng)

    def read(self, place: Path) -> Reading:
        notebook = opened(place)
        reading = Reading(found_in(notebook))
        notebook.delete(notebook.keep(one_class(_READER, random.Random(0))).id)  # and it can be gone on with
        return reading


def found_in(notebook: Notebook) -> dict[str, str]:
    """Everything in it, also what is deleted and can come back."""
    found: dict[str, str] = {}
    together: dict[str, list[str]] = {}
    for state, entries in (("", notebook.everything()), ("deleted ", notebook.deleted())):
        for entry in entries:
            if entry.world.startswith("file"):
                together.setdefault(entry.world, []).append(state + _content(entry))
            elif entry.text != _READER:
                found[_name(entry)] = state + _content(entry)
    return found | {name: _joint(parts) for name, parts in together.items()}


def _database(place: Path) -> Database:
    return Database(f"sqlite:///{place / 'notebook.sqlite'}")


def opened(place: Path) -> Notebook:
    """The notebook that `Notebooks.prepare` has made there."""
    return open_notebook(_database(place), (place / "secret").read_text())


def one_class(name: str, rng: random.Random, world: str = "Paper Birds") -> Kept:
    """A class as a notebook gives it back."""
    values = tuple(rng.uniform(-1, 1) for _ in range(N_CHANNELS))
    kept = Kept(title=name, text=name, picks={"size": "small"}, importances=values, note="n" * 500, world=world)
    return from_json(to_json([kept]))[0]


def _name(entry: Entry) -> str:
    return f"copy of {entry.text}" if entry.title.endswith("(copy)") else entry.text


def _content(kept: Kept) -> str:
    said = [str(getattr(kept, field.name)) for field in fields(Kept) if field.name not in _TIMES]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _joint(parts: list[str]) -> str:
    return hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()


def _keep(notebook: Notebook, kept: Kept, say: Say) -> Entry:
    say({"doing": kept.text, "is": _content(kept)})
    entry = notebook.keep(kept)
    say({"done": kept.text, "is": _content(entry)})
    return entry


def _rename(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    title, note = f"renamed {rng.random()}", "another note"
    say({"doing": entry.text, "is": _content(replace(entry, title=title, note=note))})
    say({"done": entry.text, "is": _content(notebook.edit(entry.id, entry.version, title, note))})


def _duplicate(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    copy = replace(entry, title=f"{entry.title} (copy)")
    say({"doing": _name(copy), "is": _content(copy)})
    say({"done": _name(copy), "is": _content(notebook.duplicate(entry.id))})


def _delete(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    gone = f"deleted {_content(entry)}"
    say({"doing": entry.text, "is": gone})
    notebook.delete(entry.id)
    say({"done": entry.text, "is": gone})


def _undo(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    _delete(notebook, entry, say, rng)
    say({"doing": entry.text, "is": _content(entry)})
    say({"done": entry.text, "is": _content(notebook.restore(entry.id))})


def _measure(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    """The same class once more, with new figures."""
    _keep(notebook, replace(one_class(entry.text, rng), figures={"found": 7.0, "of": 10.0}), say)


def _bring_in(notebook: Notebook, entry: Entry, say: Say, rng: random.Random) -> None:
    """A file comes in whole or not at all."""
    world = f"file {entry.text}"
    arriving = from_json(to_json([one_class(f"{world} {i}", rng, world) for i in range(N_IMPORTED)]))
    content = _joint([_content(kept) for kept in arriving])
    say({"doing": world, "is": content})
    notebook.add(arriving)
    say({"done": world, "is": content})
