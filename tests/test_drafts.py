"""Drafts: what an upload or a folder of the server becomes, and the project that is made of it."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from niwt_core import text
from niwt_core.datasets import load_folder
from niwt_core.errors import InputError
from niwt_core.network.backbone import load_backbone
from niwt_core.pipeline import FitOptions
from niwt_core.project import load_project
from niwt_core.sources import load_data, source_of
from niwt_core.worlds import drafts, effort, server_folders, shelf, weights
from niwt_core.worlds.drafts import draft_of_folder, draft_of_zip, latest_draft, problem, write_table
from niwt_core.worlds.making import Order, make
from niwt_core.worlds.server_folders import offer_of, offers

OWNER = "a" * 32
COLORS = {
    "coal": (20, 20, 20),
    "grass": (30, 160, 40),
    "rose": (200, 30, 60),
    "sky": (90, 160, 230),
    "sun": (240, 220, 40),
}
WORDS = {name: f"all {name}, like {name} itself" for name in COLORS}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "projects"))
    return tmp_path / "projects"


def picture(color, seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-20, 20, (24, 24, 3))
    file = io.BytesIO()
    Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def pictures(n: int = 6) -> dict[str, bytes]:
    return {f"{name}/{i}.png": picture(color, i) for name, color in COLORS.items() for i in range(n)}


def zipped(entries: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file


def filled(draft):
    return replace(draft, rows=tuple(replace(row, description=WORDS[row.name]) for row in draft.rows))


def test_without_a_table_the_folders_are_proposed_as_classes():
    draft = draft_of_zip(zipped(pictures()), "colours.zip", OWNER)
    assert [(row.name, row.n_pictures, row.seen) for row in draft.rows] == [
        ("coal", 6, True), ("grass", 6, True), ("rose", 6, True), ("sky", 6, True), ("sun", 6, False),
    ]  # fmt: skip
    assert not draft.has_table
    assert draft.knowledge == "texts"
    assert latest_draft(OWNER) == draft
    assert latest_draft("b" * 32) is None


def test_edits_are_there_after_a_refresh():
    draft = filled(draft_of_zip(zipped(pictures()), "colours.zip", OWNER))
    draft.save()
    assert latest_draft(OWNER) == draft


def test_a_table_that_came_along_is_taken():
    table = "name,seen,description,red,green\nrose,1,a rose,1,0\ngrass,1,,0,1\nsky,0,,0.1,0.5\nmoon,1,,0,0\n"
    draft = draft_of_zip(zipped(pictures() | {"classes.csv": table.encode()}), "c.zip", OWNER)
    assert [(row.name, row.seen) for row in draft.rows] == [("rose", True), ("grass", True), ("sky", False)]
    assert draft.rows[0].description == "a rose"
    assert draft.rows[2].numbers == pytest.approx((0.1, 0.5))
    assert draft.attribute_names == ("red", "green")
    assert draft.knowledge == "attributes"
    assert draft.notes == (
        "classes.csv names 1 without pictures, such as moon; left out.",
        "classes.csv does not name 2 of the folders, such as coal; left out.",
    )


@pytest.mark.parametrize("table", [b"name;seen\n", b"\xff\xfe", b"", b"name,seen,description\nmoon,1,x\n"])
def test_a_table_that_cannot_be_used_is_named_and_the_folders_are_proposed(table):
    draft = draft_of_zip(zipped(pictures() | {"classes.csv": table}), "c.zip", OWNER)
    assert len(draft.rows) == 5
    assert draft.notes[0].startswith("classes.csv ")
    assert draft.notes[0].endswith("Fill the table in below instead.")
    assert str(shelf.shelf()) not in draft.notes[0]


def test_a_refused_zip_leaves_nothing_on_the_shelf(place):
    with pytest.raises(InputError, match="leads out"):
        draft_of_zip(zipped(pictures() | {"../x.png": b""}), "c.zip", OWNER)
    assert list(place.iterdir()) == []


def test_what_keeps_a_fit_from_beginning_is_said_in_turn():
    draft = draft_of_zip(zipped(pictures()), "c.zip", OWNER)
    rows = draft.rows
    assert problem(rows, False).startswith("Without a description so far: coal, grass, rose and 2 more.")
    assert "1 of the classes is seen" in problem([replace(r, seen=r.name == "sky") for r in rows], False)
    assert "All classes are seen" in problem([replace(r, seen=True) for r in rows], False)
    assert "same description" in problem([replace(r, description="a thing") for r in rows], False)
    assert "No seen class has 5 pictures" in problem([replace(r, n_pictures=4) for r in rows], False)
    assert "same numbers" in problem([replace(r, numbers=(1.0,)) for r in rows], True)
    assert problem([replace(r, numbers=(float(i),)) for i, r in enumerate(rows)], True) is None
    assert problem(filled(draft).rows, False) is None


def test_the_table_that_is_written_is_the_one_that_is_read():
    draft = filled(draft_of_zip(zipped(pictures()), "c.zip", OWNER))
    odd = 'of "many",\nlines'
    draft = replace(draft, rows=(replace(draft.rows[0], description=odd), *draft.rows[1:]))
    write_table(draft)
    data = load_folder(draft.data)
    assert data.class_names == ("coal", "grass", "rose", "sky", "sun")
    assert data.n_seen == 4
    assert data.texts[0] == 'of "many", lines'
    assert data.texts[4] == WORDS["sun"]


class Encoder:
    """Sentences as numbers by their letters."""

    def encode(self, sentences: list[str]) -> np.ndarray:
        return np.array([[1 + s.count(letter) for letter in "aeioucgrs"] for s in sentences], dtype=np.float32)


def test_a_draft_becomes_a_project_and_can_be_moved(place, monkeypatch):
    monkeypatch.setattr(text, "load_encoder", lambda name: Encoder())
    draft = filled(draft_of_zip(zipped(pictures()), "c.zip", OWNER))
    stages, expected = [], []
    make(
        draft,
        Order("Colours", "paper_bird_net", "features.stage4", weights.RANDOM),
        lambda stage, done, total: stages.append(stage),
        lambda planned: expected.extend(planned),
    )
    assert list(dict.fromkeys(stages)) == ["descriptions", "network", *[s.name for s in expected], "saving"]
    counted = {s.name: stages.count(s.name) for s in expected}
    assert counted["statistics"] <= next(s.units for s in expected if s.name == "statistics")
    assert latest_draft(OWNER) is None
    (found,) = shelf.projects_of(OWNER)
    assert (found.key, found.title, found.n_seen, found.n_unseen) == (draft.key, "Colours", 4, 1)
    assert 0 <= found.figures["harmonic"] <= 1

    folder = place / draft.key
    moved = folder.rename(place / "another-place")
    project = load_project(moved)
    assert project.card["source"]["root"] == "data"
    data = load_data(source_of(project.card, moved))
    assert data.class_names == project.class_names
    assert data.train[0].size == (24, 24)


def test_cancelling_leaves_no_half_project(place, monkeypatch):
    monkeypatch.setattr(text, "load_encoder", lambda name: Encoder())
    draft = filled(draft_of_zip(zipped(pictures()), "c.zip", OWNER))

    class Stop(BaseException):
        pass

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "saving":
            raise Stop

    with pytest.raises(Stop):
        make(draft, Order("x", "paper_bird_net", "features.stage4", weights.RANDOM), progress)
    assert shelf.projects_of(OWNER) == []
    assert latest_draft(OWNER) == draft
    assert sorted(path.name for path in (place / draft.key).iterdir()) == ["data", "draft.json", "owner"]


def test_errors_name_the_upload_and_no_path_of_the_server(place):
    draft = filled(draft_of_zip(zipped(pictures()), "c.zip", OWNER))
    (place / draft.key / "data" / "coal" / "0.png").write_bytes(b"no longer")
    with pytest.raises(InputError, match=r"“c\.zip”/coal/0\.png is no picture") as caught:
        make(replace(draft, attribute_names=("n", "m"), rows=numbered(draft)), order())
    assert str(place) not in str(caught.value)


def numbered(draft):
    return tuple(replace(row, numbers=(float(i + 1), 1.0)) for i, row in enumerate(draft.rows))


def order(**changes) -> Order:
    return replace(Order("x", "paper_bird_net", "features.stage4", weights.RANDOM), **changes)


def test_local_weights_are_those_the_operator_put_there(tmp_path, monkeypatch):
    assert weights.file_of("squeezenet1_1") is None
    (tmp_path / "squeezenet1_1.pth").write_bytes(b"no tensors")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    assert weights.file_of("squeezenet1_1") == tmp_path / "squeezenet1_1.pth"
    assert weights.file_of("../squeezenet1_1") is None
    assert weights.file_of("squeezenet1_0") is None


def test_weights_that_cannot_be_downloaded_are_said_with_what_to_do_instead(monkeypatch, tmp_path):
    from torchvision import models

    def offline(name, weights=None, **options):
        raise OSError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(models, "get_model", offline)
    draft = draft_of_zip(zipped(pictures()), "c.zip", OWNER)
    draft = replace(draft, attribute_names=("n", "m"), rows=numbered(draft))
    with pytest.raises(InputError, match=r"could not be downloaded.*squeezenet1_1\.pth.*NIWT_WEIGHTS.*Random weights"):
        make(draft, Order("x", "squeezenet1_1", "features.11", weights.DOWNLOAD))
    with pytest.raises(InputError, match="no local weights for squeezenet1_1"):
        make(draft, Order("x", "squeezenet1_1", "features.11", weights.FILE))


def test_few_images_are_looked_at_often_and_many_seldom():
    backbone = load_backbone("squeezenet1_1", "features.11")
    few, usual, many = (effort.options_for(backbone, n) for n in (40, 1000, 6000))
    assert few.epochs == 30
    assert (usual.epochs, usual.n_views) == (FitOptions().epochs, FitOptions().n_views)
    assert (many.epochs, many.n_views) == (3, 1)
    with pytest.raises(InputError, match=r"the activations of 90,000 pictures take .* GB; expected at most 2 GB"):
        effort.options_for(backbone, 90_000)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """An allowed root with class folders, beside a place that is not allowed."""
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    for name, data in pictures().items():
        for root in (allowed / "colours", secret):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
    monkeypatch.setenv(server_folders.VARIABLE, str(allowed))
    return allowed, secret


def test_no_folder_is_offered_unless_the_operator_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv(server_folders.VARIABLE, raising=False)
    assert offers() == ()
    with pytest.raises(InputError, match="may be read"):
        offer_of(str(tmp_path))


def test_folders_below_the_allowed_roots_are_offered(server):
    (offer,) = offers()
    assert (offer.title, offer.path, offer.dataset) == ("colours", server[0] / "colours", "folder")
    assert offer_of(str(server[0] / "colours")) == offer
    with pytest.raises(InputError, match="holds no data set"):
        offer_of(str(server[0] / "colours" / "sky"))


def test_nothing_outside_is_read_whichever_way_it_is_asked_for(server):
    allowed, secret = server
    (allowed / "way").symlink_to(secret, target_is_directory=True)
    assert [offer.title for offer in offers()] == ["colours"]
    tried = [secret, allowed / "way", allowed / ".." / "secret", "secret", "", "\0", secret / "absent", "/"]
    said = set()
    for path in tried:
        with pytest.raises(InputError, match="no folder that may be read") as caught:
            offer_of(str(path))
        said.add(str(caught.value).partition(" is no folder")[2])
    assert len(said) == 1  # the same words whether or not there is something


def test_a_folder_of_the_server_is_not_copied_and_its_links_are_not_followed(server):
    allowed, secret = server
    (allowed / "colours" / "linked").symlink_to(secret / "sky", target_is_directory=True)
    draft = draft_of_folder(allowed / "colours", "folder", OWNER)
    assert [row.name for row in draft.rows] == ["coal", "grass", "rose", "sky", "sun"]
    write_table(filled(draft))
    assert len(load_folder(draft.data).train.labels) == 4 * 5
    assert not (allowed / "colours" / "classes.csv").exists()
    shelf.remove(draft.key, OWNER)
    assert (allowed / "colours" / "sky" / "0.png").exists()


def test_official_data_sets_are_known_by_their_files(cub, tmp_path, monkeypatch):
    monkeypatch.setenv(server_folders.VARIABLE, str(cub.parent))
    named = {offer.path: (offer.title, offer.dataset) for offer in offers()}
    assert named[cub] == (f"CUB-200-2011 ({cub.name})", "cub")
    draft = draft_of_folder(cub, "cub", OWNER)
    assert (draft.rows, draft.knowledge, draft.data) == ((), "attributes", cub)
    assert latest_draft(OWNER) == draft


def test_a_damaged_draft_is_passed_over(place):
    draft = draft_of_zip(zipped(pictures()), "c.zip", OWNER)
    (place / draft.key / "draft.json").write_text(json.dumps({"name": "x"}))
    assert latest_draft(OWNER) is None


def test_a_full_disk_is_said_before_anything_is_unpacked(monkeypatch, place):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(drafts.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="nearly full"):
        draft_of_zip(zipped(pictures()), "c.zip", OWNER)
    assert list(place.iterdir()) == []
