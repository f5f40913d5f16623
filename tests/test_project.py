import dataclasses
import errno
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from niwt_core.__main__ import BUNDLED
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, join
from niwt_core.network.backbone import load_backbone
from niwt_core.pipeline import FitOptions, evaluate_project, fit
from niwt_core.project import contest_file, load_project, save_project


@pytest.fixture
def folder(small_project, tmp_path):
    save_project(small_project, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def other_project(small_project):
    """The same project but for its trained classifier and its card."""
    trained = small_project.trained
    other = Classifier(trained.names, trained.weight + 1, trained.bias)
    return dataclasses.replace(small_project, trained=other, card={"note": "the other"})


def tensors_of(folder):
    """The one tensor file of a project."""
    (path,) = folder.glob("tensors.*.safetensors")
    return path


def test_a_project_comes_back_as_it_was(small_project, small_data, folder):
    loaded = load_project(folder)
    assert loaded.class_names == small_project.class_names
    assert loaded.attribute_names == small_project.attribute_names
    assert loaded.settings == small_project.settings
    assert loaded.card == small_project.card
    assert loaded.card["n_train_images"] == 24
    assert torch.equal(loaded.importances.values, small_project.importances.values)
    assert torch.equal(loaded.trained.weight, small_project.trained.weight)
    assert torch.equal(loaded.trained.bias, small_project.trained.bias)
    for field in dataclasses.fields(loaded.measured):
        one, other = (getattr(project.measured, field.name) for project in (loaded, small_project))
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
    images = torch.randn(2, 3, 64, 64)
    one, other = small_project.backbone, loaded.backbone
    assert torch.allclose(one.head(one.trunk(images)), other.head(other.trunk(images)), atol=1e-6)
    assert torch.equal(loaded.seen.weight, small_project.seen.weight)
    assert torch.allclose(loaded.new.weight, small_project.new.weight, atol=1e-4)
    assert evaluate_project(loaded, small_data) == evaluate_project(small_project, small_data)


def test_the_seen_classifier_is_the_discriminant_of_the_measured_means(small_project):
    """Between their class's mean and the mean of all stands the threshold; new classes are made on the same ground."""
    settings = dataclasses.replace(small_project.settings, blend=0.0)
    seen, means = dataclasses.replace(small_project, settings=settings).seen, small_project.measured.means
    assert seen.names == small_project.class_names[:8]
    halfway = seen((means + means.mean(0)) / 2).diagonal()
    size = seen(means).diagonal()
    assert (size > 0).all()
    assert (halfway.abs() < 1e-3 * size).all()
    joined = join(seen, small_project.new)
    assert joined.names == small_project.class_names


def test_saving_twice_leaves_one_whole_project(small_project, folder):
    save_project(small_project, folder)
    assert len(list(folder.iterdir())) == 3
    assert json.loads((folder / "project.json").read_text())["tensors"] == tensors_of(folder).name
    load_project(folder)


def test_a_save_over_another_project_replaces_it_and_clears_up(other_project, folder):
    """Also what an earlier format and saves that were cut short have left; other files stay."""
    old = tensors_of(folder).name
    for name in (
        "tensors.safetensors",
        "tensors.0123456789ab.safetensors",
        "tensors.0123.safetensors.part",
        "contest.0123456789ab.safetensors",
        "notes.md",
    ):
        (folder / name).write_bytes(b"")
    save_project(other_project, folder)
    new = tensors_of(folder).name
    assert new != old
    assert sorted(p.name for p in folder.iterdir()) == [contest_file(folder).name, "notes.md", "project.json", new]
    loaded = load_project(folder)
    assert loaded.card == {"note": "the other"}
    assert torch.equal(loaded.trained.weight, other_project.trained.weight)


@pytest.mark.parametrize("at", ["project.json", ".safetensors"])
def test_a_save_cut_short_leaves_the_old_project_whole(small_project, other_project, folder, monkeypatch, at):
    replace = Path.replace

    def fails(self, target):
        if str(target).endswith(at):
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(InputError, match="disk is full, so nothing was saved"):
        save_project(other_project, folder)
    monkeypatch.undo()
    loaded = load_project(folder)
    assert loaded.card == small_project.card
    assert torch.equal(loaded.trained.weight, small_project.trained.weight)
    save_project(other_project, folder)
    assert load_project(folder).card == {"note": "the other"}
    assert len(list(folder.iterdir())) == 3


def test_files_get_their_names_when_they_are_written_to_the_end(other_project, folder, monkeypatch):
    """What a reader finds under a file's name is never half of it: the disk has it before it is renamed, and the
    name before the next file is begun: two orders to the disk for each.
    """
    synced, named = [], []
    fsync, replace = __import__("os").fsync, Path.replace

    def note_sync(descriptor):
        synced.append(descriptor)
        fsync(descriptor)

    def note_name(self, target):
        named.append((Path(target).name, len(synced), self.stat().st_size))
        return replace(self, target)

    monkeypatch.setattr("os.fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_name)
    save_project(other_project, folder)
    files = [tensors_of(folder), contest_file(folder), folder / "project.json"]
    assert named == [(file.name, 2 * i + 1, file.stat().st_size) for i, file in enumerate(files)]


def edit(folder, **changes):
    path = folder / "project.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("version", [1, 99, "2", None])
def test_another_version_is_refused(folder, version):
    edit(folder, version=version)
    message = f"has version '{version}'; this program reads version 2. Fit it again, or use the program that wrote it"
    with pytest.raises(InputError, match=message):
        load_project(folder)


@pytest.mark.parametrize(
    "name", ["../tensors.aa.safetensors", "/tmp/tensors.aa.safetensors", "a/b.safetensors", "project.json", "", None, 7]
)
def test_tensors_anywhere_but_beside_the_document_are_refused(folder, name):
    shutil.copy(tensors_of(folder), folder.parent / "tensors.aa.safetensors")  # a real one, where it may not be read
    edit(folder, tensors=name)
    with pytest.raises(InputError, match="as its tensors; expected a file beside it"):
        load_project(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "not the description of a project"),
        ({"n_seen": 0}, "counts 0 seen of 11"),
        ({"n_seen": "many"}, "not as expected"),
        ({"settings": {"unknown": 1}}, "not as expected"),
        ({"settings": {"shrinkage": 0.0}}, "not as expected: ValueError expected finite settings"),
        ({"settings": {"strength": "strong"}}, "not as expected: TypeError"),
        ({"score_unit": float("nan")}, "not as expected: ValueError score_unit nan"),
        ({"score_unit": 0}, "not as expected: ValueError score_unit 0"),
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
    tensors = tensors_of(folder)
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is damaged"):
        load_project(folder)
    tensors.unlink()
    with pytest.raises(InputError, match=rf"has no {tensors.name}; expected it beside project.json"):
        load_project(folder)
    for name in ("gone.safetensors", "nul\0.safetensors"):
        edit(folder, tensors=name)
        with pytest.raises(InputError, match=r"has no (gone|nul)|is damaged"):
            load_project(folder)
    (folder / "project.json").write_text("{")
    with pytest.raises(InputError, match=r"project\.json is damaged"):
        load_project(folder)


def test_every_tensor_is_checked(folder, tmp_path):
    file = tensors_of(folder)
    tensors = load_file(file)
    for name, change, message in (
        ("trained.weight", None, "lacks the tensor 'trained.weight'"),
        ("within", torch.zeros(256), r"'within' .* has shape \(256,\); expected \(256, 256\)"),
        ("class_means", torch.zeros(1, 2), r"'class_means' .* has shape \(1, 2\); expected \(8, 256\)"),
        ("descriptions", torch.full((11, 63), float("nan")), "values that are no numbers"),
        ("surplus", torch.zeros(1), "'surplus' that its network does not know"),
    ):
        other = tmp_path / name
        shutil.copytree(folder, other)
        changed = {k: v for k, v in tensors.items() if k != name} | ({} if change is None else {name: change})
        save_file(changed, other / file.name)
        with pytest.raises(InputError, match=message):
            load_project(other)


def test_a_project_of_several_layers_comes_back_as_it_was(small_data, tmp_path):
    torch.manual_seed(0)
    backbone = load_backbone("paper_bird_net", "features.stage4, features.stage3")
    fitted = fit(small_data, backbone, options=FitOptions(n_views=0, epochs=1, n_samples=3))
    assert fitted.importances.values.shape == (8, 256)
    save_project(fitted, tmp_path / "project")
    loaded = load_project(tmp_path / "project")
    assert loaded.backbone.layers == ("features.stage3", "features.stage4")
    assert loaded.backbone.channels == (128, 128)
    assert torch.allclose(loaded.new.weight, fitted.new.weight, atol=1e-4)
    assert evaluate_project(loaded, small_data) == evaluate_project(fitted, small_data)
    edit(tmp_path / "project", backbone={"name": "paper_bird_net", "layer": "features.stage3"})
    with pytest.raises(InputError, match=r"'importances.values' .* has shape \(8, 256\); expected \(8, 128\)"):
        load_project(tmp_path / "project")


def test_the_bundled_project_loads_unchanged():
    loaded = load_project(BUNDLED)
    assert loaded.backbone.layer == "features.stage4"
    assert loaded.backbone.channels == (loaded.backbone.n_channels,) == (128,)
