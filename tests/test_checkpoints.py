"""Checkpoints: a fit that is cut off anywhere goes on to the same numbers, and no other fit takes them."""

from dataclasses import replace

import pytest
import torch

from niwt_core.errors import InputError
from niwt_core.files.checkpoints import UNKEPT, FolderCheckpoint, check_alike, fingerprint_of
from niwt_core.pipeline import FitOptions, fit
from niwt_core.processes import ALONE, Team

OPTIONS = FitOptions(n_views=1, epochs=2, n_samples=12)


class CutOffError(Exception):
    pass


@pytest.fixture(scope="module")
def whole(small_data, small_project):
    return fit(small_data, small_project.backbone, options=OPTIONS)


@pytest.mark.parametrize("stage", ["activations", "fine-tuning", "statistics"])
def test_a_fit_that_is_cut_off_goes_on_to_the_same_numbers(small_data, small_project, whole, tmp_path, stage):
    def progress(name, done, total):
        if name == stage and done > total / 2:
            raise CutOffError

    def run(progress):
        checkpoint = FolderCheckpoint(tmp_path / "kept", "fit", every=0)
        return fit(small_data, small_project.backbone, options=OPTIONS, progress=progress, checkpoint=checkpoint)

    with pytest.raises(CutOffError):
        run(progress)
    again = []
    found = run(lambda name, done, total: again.append(name))
    assert ("rehearsal" in again) is (stage == "activations")  # what was done is not done again
    for a, b in (
        (found.statistics.gram, whole.statistics.gram),
        (found.statistics.jacobian, whole.statistics.jacobian),
        (found.importances.values, whole.importances.values),
        (found.measured.within, whole.measured.within),
        (found.trained.weight, whole.trained.weight),
        (found.contest.rehearsal.features, whole.contest.rehearsal.features),
    ):
        assert torch.equal(a, b)
    assert found.settings == whole.settings
    assert found.contest.prior == whole.contest.prior


def test_another_fits_checkpoint_is_refused(tmp_path):
    FolderCheckpoint(tmp_path / "kept", "one fit")
    FolderCheckpoint(tmp_path / "kept", "one fit")
    with pytest.raises(InputError, match="is of another fit"):
        FolderCheckpoint(tmp_path / "kept", "another")


def test_what_a_process_keeps_is_its_own_and_its_teams(tmp_path):
    first, second = (FolderCheckpoint(tmp_path / "kept", "fit", Team(rank, 2)) for rank in (0, 1))
    first.keep_own("sums", {"a": torch.ones(2)})
    second.keep_own("sums", {"a": torch.zeros(3)})
    assert first.own("sums")["a"].tolist() == [1, 1]
    assert second.own("sums")["a"].tolist() == [0, 0, 0]
    assert FolderCheckpoint(tmp_path / "kept", "fit", Team(0, 3)).own("sums") is None
    first.add_part("rows", torch.arange(2.0))
    first.add_part("rows", torch.arange(3.0))
    assert [len(part) for part in first.parts("rows")] == [2, 3]
    assert second.parts("rows") == []
    second.keep_common("chosen", {"a": torch.ones(1)})  # the main process writes it
    assert first.common("chosen") is None


def test_clearing_leaves_what_is_not_the_checkpoints(tmp_path):
    checkpoint = FolderCheckpoint(tmp_path / "kept", "fit")
    checkpoint.keep_own("sums", {"a": torch.ones(2)})
    checkpoint.clear()
    assert not (tmp_path / "kept").exists()
    checkpoint = FolderCheckpoint(tmp_path / "kept", "fit")
    (tmp_path / "kept" / "mine.txt").write_text("mine")
    checkpoint.keep_own("sums", {"a": torch.ones(2)})
    checkpoint.clear()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine.txt"]


def test_no_checkpoint_keeps_nothing():
    UNKEPT.keep_own("sums", {"a": torch.ones(1)})
    assert UNKEPT.own("sums") is None
    assert not UNKEPT.is_due()


def test_a_fingerprint_is_of_data_network_and_options(small_data, small_project):
    backbone = small_project.backbone
    same = fingerprint_of(small_data, backbone, OPTIONS)
    assert same == fingerprint_of(small_data, backbone, replace(OPTIONS))
    attributes = small_data.attributes.clone()
    attributes[0, 0] += 1
    others = [
        fingerprint_of(replace(small_data, attributes=attributes), backbone, OPTIONS),
        fingerprint_of(replace(small_data, train=small_data.test_seen), backbone, OPTIONS),
        fingerprint_of(small_data, replace(backbone, layer="x"), OPTIONS),
        fingerprint_of(small_data, backbone, replace(OPTIONS, seed=1)),
        fingerprint_of(small_data, backbone, OPTIONS, small_data.test_seen),
    ]
    assert len({same, *others}) == 6


def test_a_process_with_other_data_is_refused():
    class Second(Team):
        def told(self, tensors):
            return {"fit": tensors["fit"] + 1}

    check_alike("0123456789abcdef", ALONE)
    with pytest.raises(InputError, match="Process 2 of 2 found other data"):
        check_alike("0123456789abcdef", Second(1, 2))
