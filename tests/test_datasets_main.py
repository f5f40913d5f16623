"""Data sets on the command line: notes, what the card keeps, and evaluating the same data again."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from niwt_core import text
from niwt_core.__main__ import main


def fit(output, **options):
    words = {"backbone": "shufflenet_v2_x0_5", "weights": "random", "layer": "stage3", "epochs": 1, "views": 1}
    words |= {"output": output} | options
    return main(["fit", *[word for key, value in words.items() for word in (f"--{key}", str(value))]])


@pytest.fixture
def zoo(tmp_path):
    """Three classes with five pictures each, two of them seen, described in numbers."""
    root = tmp_path / "zoo"
    for c, name in enumerate(("tiger", "cat", "zebra")):
        (root / name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (8, 8), (40 * i, 80 * c, 9)).save(root / name / f"{i}.png")
    (root / "classes.csv").write_text("name,seen,description,a,b\ntiger,1,big,3,4\ncat,1,,0,1\nzebra,0,striped,8,6\n")
    return root


def test_a_folder_is_fitted_and_evaluated_again_wherever_it_is(zoo, tmp_path, capsys):
    (zoo / "lion").mkdir()
    Image.new("RGB", (8, 8)).save(zoo / "lion" / "1.jpg")
    assert fit(tmp_path / "p", dataset="folder", root=zoo, attributes="binary") == 0
    out = capsys.readouterr().out
    assert "Note: The folder lion is not in classes.csv and was left out.\n" in out
    card = json.loads((tmp_path / "p" / "project.json").read_text())["card"]
    assert card["source"] == {
        "dataset": "folder",
        "root": str(zoo),
        "split": None,
        "attributes": "binary",
        "knowledge": "attributes",
        "encoder": None,
    }
    zoo.rename(tmp_path / "moved")
    assert main(["evaluate", str(tmp_path / "p")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "p"), "--root", str(tmp_path / "moved"), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == card["figures"]
    assert "Note: The folder lion" in captured.err


def test_a_split_inside_a_folder_that_moved_moves_along(cub, tmp_path, capsys):
    old = tmp_path / "old"
    shutil.copytree(cub, old, ignore=shutil.ignore_patterns("old"))
    (old / "splits").rename(old / "mine")
    assert fit(tmp_path / "p", dataset="cub", root=old, split=old / "mine") == 0
    old.rename(tmp_path / "new")
    assert main(["evaluate", str(tmp_path / "p"), "--root", str(tmp_path / "new")]) == 0
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "new" / "mine").rename(elsewhere)
    assert main(["evaluate", str(tmp_path / "p"), "--root", str(tmp_path / "new"), "--split", str(elsewhere)]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "awa2"}, "The data set awa2 needs --root"),
        ({"dataset": "awa2", "root": "/no/such/folder"}, "is no folder; expected the folder of Animals"),
        ({"dataset": "birds", "attributes": "binary"}, "Paper Birds have no 'binary' attributes"),
        ({"dataset": "folder", "root": "ZOO", "split": "ZOO"}, "takes no --split"),
        ({"dataset": "folder", "root": "ZOO", "attributes": "images"}, "no 'images' attributes of a folder"),
        ({"dataset": "folder", "root": "ZOO", "knowledge": "smells"}, "Unknown knowledge 'smells'"),
        ({"dataset": "folder", "root": "ZOO", "knowledge": "texts"}, "no sentence on cat, or an empty one"),
        ({"dataset": "folder", "root": "ZOO", "knowledge": "captions"}, "expected captions in text_c10"),
        ({"dataset": "folder", "root": "ZOO", "encoder": "mine"}, "'attributes' takes no --encoder"),
        ({"dataset": "folder", "root": "ZOO", "knowledge": "attributes+read-texts"}, "no sentence on cat"),
        ({"dataset": "birds", "knowledge": "texts"}, "The data set birds has no texts"),
        ({"dataset": "birds", "knowledge": "captions"}, "The data set birds has no captions"),
    ],
)
def test_data_that_cannot_be_loaded_end_with_one_sentence(zoo, tmp_path, capsys, options, message, letters):
    options = {key: str(zoo) if value == "ZOO" else value for key, value in options.items()}
    assert fit(tmp_path / "p", **options) == 2
    captured = capsys.readouterr().err
    assert message in captured
    assert captured.count("\n") == 1


class Letters:
    """Stands in for a sentence encoder: how often each letter comes."""

    def __init__(self, name):
        self.name = name

    def encode(self, sentences):
        return np.array([[1 + text.count(chr(97 + i)) for i in range(26)] for text in sentences], dtype=np.float32)


@pytest.fixture
def letters(monkeypatch):
    """The names of the encoders that were asked for."""
    asked = []
    monkeypatch.setattr(text, "load_encoder", lambda name: asked.append(name) or Letters(name))
    return asked


def document(project):
    return json.loads((project / "project.json").read_text())


def test_texts_alone_are_enough_and_evaluate_knows_them_again(zoo, tmp_path, capsys, letters):
    (zoo / "classes.csv").write_text("name,seen,description\ntiger,1,big\ncat,1,small\nzebra,0,striped\n")
    assert fit(tmp_path / "p", dataset="folder", root=zoo) == 0
    fitted = document(tmp_path / "p")
    assert fitted["card"]["source"]["knowledge"] == "texts"
    assert fitted["attribute_names"] == [f"text {i}" for i in range(26)]
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "p"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fitted["card"]["figures"]
    assert letters == [text.DEFAULT] * 2


def test_attributes_and_texts_stand_side_by_side_with_the_encoder_one_names(zoo, tmp_path, letters):
    table = "name,seen,description,a,b\ntiger,1,big,3,4\ncat,1,small,0,1\nzebra,0,striped,8,6\n"
    (zoo / "classes.csv").write_text(table)
    assert fit(tmp_path / "p", dataset="folder", root=zoo, knowledge="attributes+texts", encoder="of/mine") == 0
    fitted = document(tmp_path / "p")
    assert fitted["attribute_names"][:3] == ["a", "b", "text 0"] and len(fitted["attribute_names"]) == 28
    assert {"knowledge": "attributes+texts", "encoder": "of/mine"}.items() <= fitted["card"]["source"].items()
    assert main(["evaluate", str(tmp_path / "p")]) == 0
    assert letters == ["of/mine"] * 2


def test_captions_of_photos_describe_the_classes(cub, tmp_path, capsys, letters):
    for name in ("001.Red_Bird", "003.Blue_Bird", "004.Gray_Bird"):
        (cub / "text_c10" / name).mkdir(parents=True)
        for i in range(3):
            (cub / "text_c10" / name / f"{i}.txt").write_text(f"this bird is {name[4:7].lower()}, like all of them\n")
    assert fit(tmp_path / "p", dataset="cub", root=cub, knowledge="captions") == 0
    assert document(tmp_path / "p")["attribute_names"][25] == "caption 25"
    shutil.rmtree(cub / "text_c10" / "004.Gray_Bird")
    assert fit(tmp_path / "p", dataset="cub", root=cub, knowledge="captions") == 2
    assert "has no captions of 004.Gray_Bird; expected some of each class" in capsys.readouterr().err


def test_an_encoders_folder_is_kept_whole(zoo, tmp_path, monkeypatch, letters):
    (zoo / "classes.csv").write_text("name,seen,description\ntiger,1,big\ncat,1,small\nzebra,0,striped\n")
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert fit(tmp_path / "p", dataset="folder", root=zoo, encoder="model") == 0
    assert document(tmp_path / "p")["card"]["source"]["encoder"] == str(tmp_path / "model")
