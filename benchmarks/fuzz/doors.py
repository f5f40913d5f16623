"""The doors of the core: each takes bytes as a stranger would send them, or as a file on the disk would hold them."""

from __future__ import annotations

import io
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from unittest import mock

from benchmarks.fuzz.judge import Bounds
from niwt_core import text as encoding
from niwt_core.birds.reading import read as read_bird
from niwt_core.datasets import load_captions, load_cub, load_folder
from niwt_core.datasets.attributes import image_means
from niwt_core.datasets.class_table import read_class_table
from niwt_core.datasets.mat_variables import read as read_variables
from niwt_core.datasets.matfiles import MAT_IMAGES, MAT_SPLIT, read_proposed_images
from niwt_core.datasets.tables import listed, number_table, numbered
from niwt_core.errors import InputError
from niwt_core.files.archive import unpack
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.images import decode_image
from niwt_core.limits import MAT_CHARACTERS, MAT_VALUES
from niwt_core.methods.contest import load_contest
from niwt_core.network.backbone import load_state
from niwt_core.neurons.storage import load_dictionary
from niwt_core.notebook.files import from_json, to_csv, to_json
from niwt_core.project import Project, load_project
from niwt_core.wording import read_captions
from niwt_core.wording.pieces import clauses_of
from niwt_core.worlds import drafts, shelf

BUNDLED = Path(__file__).parents[2] / "assets" / "paper_birds"
OWNER = "the owner’s secret"
KEY = "0" * 32


@dataclass(frozen=True)
class Door:
    """Attributes:
    enter: takes the input's bytes and a folder that is its own; raises InputError to refuse.
    what: in a few words, for the table. most: generated inputs at most, where one costs over 50 ms. may_start: it
        starts this Python again. may_end: an input may end the process, for in the app it is one of its own.
    """

    name: str
    what: str
    enter: Callable[[bytes, Path], object]
    bounds: Bounds
    most: int = 10_000
    may_start: bool = False
    may_end: bool = False


def picture(data: bytes, folder: Path) -> None:
    image = decode_image(data, paper="white" if len(data) % 2 else None)
    assert image.mode == "RGB"
    assert image.width * image.height > 0


def zip_file(data: bytes, folder: Path) -> None:
    found = unpack(io.BytesIO(data), folder / "data")
    kept = [path for path in (folder / "data").rglob("*") if not path.is_dir()]
    assert all(path.is_file() and not path.is_symlink() for path in kept)
    assert len(kept) == sum(found.pictures.values()) + found.has_table


def upload(data: bytes, folder: Path) -> None:
    with mock.patch.dict(os.environ, {shelf.VARIABLE: str(folder)}):
        try:
            draft = drafts.draft_of_zip(io.BytesIO(data), "upload.zip", OWNER)
        except InputError:
            left = [path for path in folder.iterdir() if path.name[0] != "." and (path / "data").exists()]
            assert not left
            raise
        assert drafts.latest_draft(OWNER) == draft


def class_table(data: bytes, folder: Path) -> None:
    (folder / "classes.csv").write_bytes(data)
    table = read_class_table(folder / "classes.csv")
    assert table.attributes.shape == (len(table.names), len(table.attribute_names))


def number_rows(data: bytes, folder: Path) -> None:
    (folder / "matrix.txt").write_bytes(data)
    assert number_table(folder / "matrix.txt", 3, 4).shape == (3, 4)


def lists(data: bytes, folder: Path) -> None:
    (folder / "list.txt").write_bytes(data)
    try:
        numbered(folder / "list.txt", "a list")
    finally:
        listed(folder / "list.txt", "a list")


def attributes_of_images(data: bytes, folder: Path) -> None:
    (folder / "labels.txt").write_bytes(data)
    means = image_means(folder / "labels.txt", {1: 0, 2: 1, 3: 1}, 2, 4)
    assert ((means >= 0) & (means <= 1)).all()


def captions(data: bytes, folder: Path) -> None:
    (folder / "text_c10" / "a").mkdir(parents=True)
    (folder / "text_c10" / "a" / "1.txt").write_bytes(data)
    found = load_captions(folder, ["a"])
    read_captions(list(found["a"]["1"]), CUB_NAMES)


CUB_NAMES = ("has_wing_color::blue", "has_wing_color::red", "has_bill_shape::hooked", "has_crown_color::black")


def sentence(data: bytes, folder: Path) -> None:
    """Words as somebody types them."""
    try:
        text = data.decode("utf-8", "surrogatepass")  # half a character, as a broken program may send it
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    clauses_of(text)
    read_captions([text], CUB_NAMES)
    read_bird(text)


_LISTS = ("classes.txt", "images.txt", "image_class_labels.txt", "train_test_split.txt", "splits/trainvalclasses.txt",
          "splits/testclasses.txt", "splits/test_seen_images.txt", "attributes/attributes.txt",
          "attributes/class_attribute_labels_continuous.txt", "attributes/image_attribute_labels.txt")  # fmt: skip


def data_set(data: bytes, folder: Path) -> None:
    """One file of a small CUB replaced: the first byte says which."""
    _small_cub(folder)
    name = _LISTS[data[0] % len(_LISTS)] if data else _LISTS[0]
    (folder / "cub" / name).write_bytes(data[1:])
    found = load_cub(folder / "cub", attributes="images" if name.startswith("attributes/image") else "continuous")
    for source in (found.train, found.test_seen, found.test_unseen):
        assert all(path.resolve().is_relative_to(folder) for path in source.paths)  # type: ignore[attr-defined]


def _small_cub(folder: Path) -> None:
    root = folder / "cub"
    names = ("1.A", "2.B", "3.C")
    files = [f"{name}/{i}.jpg" for name in names for i in (1, 2)]
    for part in ("splits", "attributes", *(f"images/{name}" for name in names)):
        (root / part).mkdir(parents=True)
    for file in files:
        (root / "images" / file).touch()
    texts = (
        "".join(f"{i} {name}\n" for i, name in enumerate(names, 1)),
        "".join(f"{i} {file}\n" for i, file in enumerate(files, 1)),
        "".join(f"{i} {(i + 1) // 2}\n" for i in range(1, 7)),
        "".join(f"{i} {i % 2}\n" for i in range(1, 7)),
        "1.A\n2.B\n",
        "3.C\n",
        "1.A/1.jpg\n",
        "1 a::b\n2 a::c\n",
        "1 2\n3 4\n5 6\n",
        "".join(f"{i} {j} 1 1 1.0\n" for i in range(1, 7) for j in (1, 2)),
    )
    for name, text in zip(_LISTS, texts, strict=True):
        (root / name).write_text(text)


def own_folder(data: bytes, folder: Path) -> None:
    for name in "abc":
        (folder / name).mkdir()
        for i in range(5):
            (folder / name / f"{i}.png").touch()
    (folder / "classes.csv").write_bytes(data)
    found = load_folder(folder)
    for source in (found.train, found.test_seen, found.test_unseen):
        assert all(path.resolve().is_relative_to(folder) for path in source.paths)  # type: ignore[attr-defined]


def mat_reader(data: bytes, folder: Path) -> None:
    """The reader itself, without the process around it."""
    (folder / "a.mat").write_bytes(data)
    answer = read_variables(str(folder / "a.mat"), MAT_VALUES, MAT_CHARACTERS, ["labels", "image_files"])
    if "error" in answer:
        raise InputError(answer["error"])


def mat_files(data: bytes, folder: Path) -> None:
    """Both files as one: each is read in a process of its own."""
    for name in (MAT_SPLIT, MAT_IMAGES):
        (folder / name).write_bytes(data)
    read_proposed_images(folder, "images")


@lru_cache(maxsize=1)
def bundled() -> Project:
    return load_project(BUNDLED)


def _tensors() -> Path:
    return next(BUNDLED.glob("tensors.*.safetensors"))


def project_document(data: bytes, folder: Path) -> None:
    (folder / "project.json").write_bytes(data)
    (folder / _tensors().name).symlink_to(_tensors())
    project = load_project(folder)
    project.learner.importances(project.descriptions[:1])


def project_tensors(data: bytes, folder: Path) -> None:
    """The header of the project's tensors replaced, and a few of its bytes."""
    shutil.copyfile(BUNDLED / "project.json", folder / "project.json")
    whole = _tensors().read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    (folder / _tensors().name).write_bytes(data + whole[8 + length :])
    load_project(folder)


def tensors(data: bytes, folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(data)
    found, _ = read_tensors(folder / "a.safetensors")
    assert sum(tensor.nbytes for tensor in found.values()) <= len(data)
    assert all(len(str(tensor.sum())) for tensor in found.values())


def contest(data: bytes, folder: Path) -> None:
    (folder / "contest.safetensors").write_bytes(data)
    load_contest(folder / "contest.safetensors", bundled())


def dictionary(data: bytes, folder: Path) -> None:
    (folder / "neurons.json").write_bytes(data)
    load_dictionary(folder, bundled())


def weights(data: bytes, folder: Path) -> None:
    """Weights that an operator was given: .safetensors, or .pth, which is a pickle."""
    from torch import nn

    path = folder / ("a.safetensors" if data[8:9] == b"{" else "a.pth")
    path.write_bytes(data)
    load_state(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), "small", path)


def notebook(data: bytes, folder: Path) -> None:
    entries = from_json(data)
    assert from_json(to_json(entries)) == entries
    to_csv(entries)


def shelf_documents(data: bytes, folder: Path) -> None:
    """A draft and a project on the shelf that the disk has damaged: listed without them, never an error."""
    own = folder / KEY
    own.mkdir()
    shelf.claim(own, OWNER)
    with mock.patch.dict(os.environ, {shelf.VARIABLE: str(folder)}):
        (own / "draft.json").write_bytes(data)
        drafts.latest_draft(OWNER)
        (own / "project.json").write_bytes(data)
        shelf.projects_of(OWNER)
        shelf.rename(KEY, OWNER, "another")


def encoder(data: bytes, folder: Path) -> None:
    """Other weights in the place of the sentence encoder's: refused by their checksum before anything reads them."""
    (folder / "model.safetensors").write_bytes(data)
    planted = mock.Mock()
    planted.name, planted.locate = "model.safetensors", lambda: folder / "model.safetensors"
    with mock.patch.object(metadata, "files", return_value=[planted]):
        encoding.load_encoder()


_SMALL = Bounds(seconds=2, megabytes=400)

DOORS = {
    door.name: door
    for door in (
        Door("pictures", "an uploaded picture", picture, Bounds(6, 800)),
        Door("zips", "class folders in a zip", zip_file, Bounds(6, 800)),
        Door("uploads", "the same, onto the shelf", upload, Bounds(6, 800)),
        Door("classes.csv", "the table of classes", class_table, Bounds(6, 800)),
        Door("own folders", "class folders with a table", own_folder, _SMALL),
        Door("number tables", "attributes of classes", number_rows, _SMALL),
        Door("image attributes", "attributes of images", attributes_of_images, _SMALL),
        Door("lists", "official lists of data sets", lists, _SMALL),
        Door("data sets", "CUB’s folder, one file replaced", data_set, _SMALL),
        Door("captions", "captions of a photo", captions, Bounds(6, 400)),
        Door("sentences", "a description, as typed", sentence, _SMALL),
        Door("mat reader", "MATLAB files, in the process", mat_reader, Bounds(6, 4096), may_end=True),
        Door("mat files", "MATLAB files, in its own process", mat_files, Bounds(6, 400), 400, True),
        Door("project.json", "a project’s document", project_document, Bounds(6, 800)),
        Door("project tensors", "a project’s tensors", project_tensors, Bounds(6, 800)),
        Door("safetensors", "tensor files alone", tensors, _SMALL),
        Door("contests", "the contest beside a project", contest, _SMALL),
        Door("neurons.json", "a dictionary of neurons", dictionary, _SMALL),
        Door("weights", "a network’s weights", weights, _SMALL),
        Door("notebooks", "a notebook brought back", notebook, Bounds(10, 800)),
        Door("shelf", "drafts and projects, damaged", shelf_documents, _SMALL),
        Door("encoder", "the sentence encoder’s weights", encoder, _SMALL),
    )
}
