"""Writers on the shelf: uploads unpacked and edited, projects saved, fits from the pictures to the project."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.faults.killing import Reading, Say
from benchmarks.faults.pictures import zipped
from niwt_core.errors import InputError
from niwt_core.neurons.storage import fingerprint_of
from niwt_core.project import Project, contest_file, load_project
from niwt_core.worlds import shelf
from niwt_core.worlds.drafts import Draft, being_fitted, draft_of, draft_of_zip, was_cut_off
from niwt_core.worlds.making import Order, make, put_on_shelf

OWNER = "a" * 32
NETWORK = ("paper_bird_net", "features.stage4")
_REMOVED = "removed "


class Drafts:
    """Zips unpacked into drafts; drafts edited, removed and brought back."""

    name, events, longest = "zips unpacked, drafts edited", 16, 0.2

    def prepare(self, place: Path) -> None:
        pass

    def write(self, place: Path, life: int, say: Say) -> None:
        use(place)
        rng, number, data = random.Random(life), 0, zipped(life)
        whole = expected(data)
        say({"ready": ""})
        while True:
            number += 1
            name = f"{life}-{number}.zip"
            say({"doing": name, "is": f"{whole} *"})  # the rows follow from the pictures
            draft = draft_of_zip(io.BytesIO(data), name, OWNER)
            say({"done": name, "is": content_of(draft)})
            for _ in range(3):
                draft = _edit(draft, say, rng)
            if rng.random() < 0.5:
                _remove_and_restore(draft, say)

    def read(self, place: Path) -> Reading:
        use(place)
        return swept(read_shelf())


class Projects:
    """The last step of a fit, saving over a project, another title: of a project that was fitted once."""

    name, events, longest = "projects saved", 12, 0.2

    def prepare(self, place: Path) -> None:
        use(place / "template")
        make(draft_of_zip(io.BytesIO(zipped(0)), "template", OWNER), _order("template"))
        (done,) = shelf.projects_of(OWNER)
        shutil.move(shelf.folder_of(done.key), place / "project")

    def write(self, place: Path, life: int, say: Say) -> None:
        base = load_project(place / "project")
        use(place)
        rng, number = random.Random(life), 0
        say({"ready": ""})
        while True:
            number += 1
            draft = _draft_for_a_project(f"{life}-{number}", say)
            _put(_varied(base, draft.name, rng), draft, say)
            over_it = _varied(base, draft.name, rng)
            _put(over_it, draft, say)
            _retitle(over_it, draft, say, rng)

    def read(self, place: Path) -> Reading:
        use(place)
        return swept(read_shelf())


class Fits:
    """Whole fits, one after the other: what is no project yet is still the draft, and said to be cut off."""

    name, events, longest = "fits under way", 5, 5.0

    def prepare(self, place: Path) -> None:
        pass

    def write(self, place: Path, life: int, say: Say) -> None:
        import torch

        torch.set_num_threads(1)
        use(place)
        say({"ready": ""})
        number = 0
        while True:
            number += 1
            name, data = f"{life}-{number}", zipped(life)
            say({"doing": name, "is": f"{expected(data)} *"})
            draft = draft_of_zip(io.BytesIO(data), name, OWNER)
            say({"done": name, "is": content_of(draft)})
            say({"doing": name, "is": "project *"})
            with being_fitted(draft.key):
                make(draft, _order(name))
            say({"done": name, "is": content_of_project(shelf.folder_of(draft.key))})

    def read(self, place: Path) -> Reading:
        use(place)
        reading = read_shelf()
        for draft in _drafts(OWNER, reading):
            if (draft.folder / shelf.FITTING).exists():
                if was_cut_off(draft):
                    reading.told += 1
                else:
                    reading.broken.append(f"{draft.name}: cut off, and nobody is told")
                with being_fitted(draft.key):  # whoever fits it anew is told no more
                    pass
        return swept(reading)


def use(place: Path) -> None:
    """From now on this process's shelf is there."""
    os.environ[shelf.VARIABLE] = str(place / "shelf")


def _order(title: str) -> Order:
    return Order(title, *NETWORK, "random")


# -- what there is -----------------------------------------------------------------------------------------------------


def read_shelf(owner: str = OWNER) -> Reading:
    """Everything of an owner as the pages list it, each read to the end."""
    reading = Reading()
    listed = {project.key: project for project in shelf.projects_of(owner)}
    drafts = {draft.key: draft for draft in _drafts(owner, reading)}
    for folder in shelf.folders_of(owner):
        if folder.name not in listed and folder.name not in drafts:
            reading.broken.append(f"{folder.name}: the owner's, and neither a draft nor a project")
    for draft in drafts.values():
        reading.found[draft.name] = content_of(draft)
    for key in listed:
        try:
            reading.found[listed[key].title.split()[0]] = content_of_project(shelf.folder_of(key))
        except (InputError, OSError, KeyError) as error:
            reading.broken.append(f"{key}: {error}")
    there = shelf.shelf().iterdir() if shelf.shelf().is_dir() else ()
    for folder in there:
        if folder.name.endswith(".removed"):
            draft = replace(draft_of(folder.name), key=folder.name)
            reading.found[draft.name] = _REMOVED + content_of(draft, folder)
    return reading


def _drafts(owner: str, reading: Reading) -> Iterator[Draft]:
    """All of an owner that are no projects; those that cannot be read are noted."""
    for folder in shelf.folders_of(owner):
        if not (folder / "project.json").is_file() and (folder / shelf.DRAFT).is_file():
            try:
                yield draft_of(folder.name)
            except InputError as error:
                reading.broken.append(f"{folder.name}: {error}")


def swept(reading: Reading, owner: str = OWNER) -> Reading:
    """Sweep as the app does; nothing of a killed writer may be left then, and nothing else be gone."""
    reading.swept = shelf.sweep()
    left = list(shelf.shelf().rglob("*.part")) if shelf.shelf().is_dir() else []
    reading.broken += [f"{path}: left behind" for path in left]
    if (after := read_shelf(owner)).found != reading.found:
        reading.broken.append(f"swept away: {sorted(reading.found.keys() - after.found.keys())}")
    return reading


def content_of(draft: Draft, folder: Path | None = None) -> str:
    """A hash of every picture, and of every word of the draft."""
    data = (folder or draft.folder) / draft.root
    files = {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    said = asdict(draft) | {"key": "", "left_out": "", "named": "", "order": ""}
    return f"{_hash(files)} {hashlib.sha256(json.dumps(said).encode()).hexdigest()}"


def expected(data: bytes) -> str:
    """The hash of the files of a zip."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return _hash({name: archive.read(name) for name in archive.namelist()})


def _hash(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        # The table is written anew by a fit, in the app's own way.
        digest.update(name.encode() + (b"" if name.endswith(".csv") else files[name]))
    return digest.hexdigest()


def content_of_project(folder: Path) -> str:
    """A hash of every tensor, of the title, and of the contest's file."""
    project = load_project(folder)
    contest = hashlib.sha256(contest_file(folder).read_bytes()).hexdigest() if contest_file(folder).is_file() else ""
    return f"project {fingerprint_of(project)} {project.card['title']} {contest}"


# -- what is done ------------------------------------------------------------------------------------------------------


def _edit(draft: Draft, say: Say, rng: random.Random) -> Draft:
    rows = tuple(replace(row, description=f"{row.name} {rng.random()}") for row in draft.rows)
    edited = replace(draft, rows=rows)
    say({"doing": draft.name, "is": content_of(edited)})
    edited.save()
    say({"done": draft.name, "is": content_of(edited)})
    return edited


def _remove_and_restore(draft: Draft, say: Say) -> None:
    content = content_of(draft)
    say({"doing": draft.name, "is": _REMOVED + content})
    shelf.remove(draft.key, OWNER)
    say({"done": draft.name, "is": _REMOVED + content})
    say({"doing": draft.name, "is": content})
    shelf.restore(draft.key, OWNER)
    say({"done": draft.name, "is": content})


def _draft_for_a_project(name: str, say: Say) -> Draft:
    data = zipped(0, n_each=1)
    say({"doing": name, "is": f"{expected(data)} *"})
    draft = draft_of_zip(io.BytesIO(data), name, OWNER)
    say({"done": name, "is": content_of(draft)})
    return draft


def _varied(base: Project, name: str, rng: random.Random) -> Project:
    """Another project of the same network: other importances, another title."""
    values = base.importances.values + rng.random()
    card = {**base.card, "title": f"{name} {rng.random()}"}
    return replace(base, importances=replace(base.importances, values=values), card=card)


def _put(project: Project, draft: Draft, say: Say) -> None:
    content = f"project {fingerprint_of(project)} {project.card['title']} "
    say({"doing": draft.name, "is": content})
    put_on_shelf(project, draft)
    say({"done": draft.name, "is": content})


def _retitle(project: Project, draft: Draft, say: Say, rng: random.Random) -> None:
    title = f"{draft.name} renamed {rng.random()}"
    content = f"project {fingerprint_of(project)} {title} "
    say({"doing": draft.name, "is": content})
    shelf.rename(draft.key, OWNER, title)
    say({"done": draft.name, "is": content})
