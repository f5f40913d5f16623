"""The command line, called as a person would, on the small CUB folder."""

import json

import pytest
import torch
from torchvision import models

from niwt_core.__main__ import main


def fit_arguments(cub, output, **changes):
    options = {
        "--dataset": "cub",
        "--root": str(cub),
        "--backbone": "shufflenet_v2_x0_5",
        "--weights": "random",
        "--layer": "stage3",
        "--output": str(output),
        "--epochs": "1",
        "--views": "1",
    } | {f"--{k}": str(v) for k, v in changes.items()}
    return ["fit", *[word for pair in options.items() for word in pair]]


def test_fit_then_evaluate_print_the_same_table(cub, tmp_path, capsys):
    project = tmp_path / "project"
    assert main(fit_arguments(cub, project)) == 0
    fitted = capsys.readouterr().out
    assert "harmonic mean of S and U" in fitted
    assert main(["evaluate", str(project)]) == 0
    again = capsys.readouterr().out
    assert again.splitlines()[0] in fitted
    assert all(line in fitted for line in again.splitlines())

    assert main(["evaluate", str(project), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"seen", "unseen", "harmonic", "unseen_only"} <= figures.keys()
    assert all(0 <= figures[k] <= 1 for k in ("seen", "unseen", "harmonic", "unseen_only"))
    assert json.loads((project / "project.json").read_text())["card"]["figures"] == figures


def test_samples_may_come_from_any_folder(cub, tmp_path):
    assert main(fit_arguments(cub, tmp_path / "p", samples=cub / "images" / "002.Green_Bird")) == 0
    assert json.loads((tmp_path / "p" / "project.json").read_text())["n_sample_images"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": "features.99"}, "no layer 'features.99'"),
        ({"backbone": "shufflenet"}, "Unknown network 'shufflenet'"),
        ({"root": "/no/such/folder"}, "is no folder"),
        ({"split": "/no/such/split"}, "is no folder; expected a folder with the split"),
        ({"weights": "/no/such/file.pth"}, "no weights file"),
        ({"samples": "/no/such/samples"}, "holds no pictures"),
    ],
)
def test_what_cannot_be_used_ends_with_one_sentence_and_code_2(cub, tmp_path, capsys, changes, message):
    assert main(fit_arguments(cub, tmp_path / "project", **changes)) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "project").exists()


def test_weights_of_another_network_are_named(cub, tmp_path, capsys):
    torch.save(models.shufflenet_v2_x1_0().state_dict(), tmp_path / "other.pth")
    assert main(fit_arguments(cub, tmp_path / "project", weights=tmp_path / "other.pth")) == 2
    assert "do not fit shufflenet_v2_x0_5" in capsys.readouterr().err


def test_a_class_without_photos_and_a_damaged_photo_are_named(cub, tmp_path, capsys):
    photo = cub / "images" / "001.Red_Bird" / "0.jpg"
    photo.write_bytes(photo.read_bytes()[:100])
    assert main(fit_arguments(cub, tmp_path / "project")) == 2
    assert "0.jpg" in capsys.readouterr().err
    lines = (cub / "images.txt").read_text().splitlines()
    (cub / "images.txt").write_text("\n".join(line for line in lines if "001.Red" not in line))
    assert main(fit_arguments(cub, tmp_path / "project")) == 2
    assert "Only one seen class, 003.Blue_Bird, has training photos" in capsys.readouterr().err


def test_evaluate_names_what_is_wrong_with_a_project(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "is no project folder" in capsys.readouterr().err


def test_arguments_that_make_no_sense_end_with_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--dataset", "cub", "--epochs", "0"])
    assert stop.value.code == 2
    assert "at least 1" in capsys.readouterr().err
