import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from niwt_core.errors import InputError
from niwt_core.pipeline import evaluate_project
from niwt_core.project import load_project, save_project


@pytest.fixture
def folder(small_project, tmp_path):
    save_project(small_project, tmp_path / "project")
    return tmp_path / "project"


def test_a_project_comes_back_as_it_was(small_project, small_data, folder):
    loaded = load_project(folder)
    assert loaded.class_names == small_project.class_names
    assert loaded.settings == small_project.settings
    assert loaded.card["n_train_images"] == 24
    assert torch.equal(loaded.importances.values, small_project.importances.values)
    images = torch.randn(2, 3, 64, 64)
    one, other = small_project.backbone, loaded.backbone
    assert torch.allclose(one.head(one.trunk(images)), other.head(other.trunk(images)), atol=1e-6)
    assert torch.allclose(loaded.new.weight, small_project.new.weight, atol=1e-4)
    assert evaluate_project(loaded, small_data) == evaluate_project(small_project, small_data)


def test_saving_twice_leaves_one_whole_project(small_project, folder):
    save_project(small_project, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["project.json", "tensors.safetensors"]
    load_project(folder)


def edit(folder, **changes):
    path = folder / "project.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_another_version_is_refused(folder):
    edit(folder, version=99)
    with pytest.raises(InputError, match="version '99'; this program reads version 1"):
        load_project(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not the description of a project"),
        ({"n_seen": 0}, "counts 0 seen of 11"),
        ({"n_seen": "many"}, "not as expected"),
        ({"settings": {"unknown": 1}}, "not as expected"),
        ({"backbone": {"name": "paper_bird_net", "layer": "features.stage9"}}, "no layer 'features.stage9'"),
        ({"class_names": ["one"]}, "8 seen of 1"),
    ],
)
def test_a_changed_document_is_explained(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(InputError, match=message):
        load_project(folder)


def test_damaged_files_are_explained(folder, tmp_path):
    with pytest.raises(InputError, match="no project folder"):
        load_project(tmp_path)
    tensors = folder / "tensors.safetensors"
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged"):
        load_project(folder)
    tensors.unlink()
    with pytest.raises(InputError, match=r"has no tensors\.safetensors"):
        load_project(folder)
    (folder / "project.json").write_text("{")
    with pytest.raises(InputError, match=r"project\.json is damaged"):
        load_project(folder)


def test_every_tensor_is_checked(folder, tmp_path):
    tensors = load_file(folder / "tensors.safetensors")
    for name, change, message in (
        ("seen.weight", None, "lacks the tensor 'seen.weight'"),
        ("class_means", torch.zeros(1, 2), r"'class_means' .* has shape \(1, 2\); expected \(8, 256\)"),
        ("descriptions", torch.full((11, 63), float("nan")), "values that are no numbers"),
        ("surplus", torch.zeros(1), "'surplus' that its network does not know"),
    ):
        other = tmp_path / name
        shutil.copytree(folder, other)
        changed = {k: v for k, v in tensors.items() if k != name} | ({} if change is None else {name: change})
        save_file(changed, other / "tensors.safetensors")
        with pytest.raises(InputError, match=message):
            load_project(other)
