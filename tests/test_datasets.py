"""Readers of data sets, on a small folder in the official layout (see conftest) and on the real one."""

import pytest

from niwt_core.datasets import load_cub
from niwt_core.errors import InputError


def test_the_official_layout_is_read(cub):
    data = load_cub(cub)
    assert data.class_names == ("003.Blue_Bird", "001.Red_Bird", "004.Gray_Bird")
    assert data.n_seen == 2
    assert data.attribute_names == ("has_color::red", "has_color::gray")
    assert data.attributes.tolist() == [[1, 0], pytest.approx([0.6, 0.8]), pytest.approx([0.6, 0.8])]
    assert sorted(data.train.labels.tolist()) == [0, 0, 1, 1]
    assert sorted(data.test_seen.labels.tolist()) == [0, 1]
    assert data.test_unseen.labels.tolist() == [2, 2, 2]
    held = {p.relative_to(cub / "images").as_posix() for p in data.test_seen.paths}
    assert held == {"001.Red_Bird/1.jpg", "003.Blue_Bird/2.jpg"}
    blue = data.train[data.train.labels.tolist().index(0)]
    assert blue.getpixel((0, 0))[0] == pytest.approx(160, abs=3)


def test_without_fixed_test_photos_the_official_split_decides(cub):
    (cub / "splits" / "test_seen_images.txt").unlink()
    data = load_cub(cub)
    assert {p.name for p in data.test_seen.paths} == {"0.jpg"}
    assert len(data.train.labels) == 4


def test_another_split_folder_can_be_given(cub, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "trainvalclasses.txt").write_text("002.Green_Bird\n")
    (other / "testclasses.txt").write_text("001.Red_Bird\n")
    assert load_cub(cub, other).class_names == ("002.Green_Bird", "001.Red_Bird")


def rewrite(cub, name, text):
    (cub / name).write_text(text)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: (c / "images.txt").unlink(), r"images\.txt is missing"),
        (lambda c: rewrite(c, "images.txt", "1\n"), "Line 1 of .*expected a number and a value"),
        (lambda c: rewrite(c, "image_class_labels.txt", "1 1\n"), "no entry in the other lists"),
        (lambda c: rewrite(c, "splits/testclasses.txt", "005.Unknown\n"), "names the class '005.Unknown'"),
        (lambda c: rewrite(c, "splits/testclasses.txt", ""), "is empty"),
        (lambda c: rewrite(c, "splits/testclasses.txt", "001.Red_Bird\n"), "as seen and as unseen"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 2\n"), "has 1 rows"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "a b\n"), "no table of numbers"),
        (
            lambda c: rewrite(c, "images.txt", "\n".join((c / "images.txt").read_text().splitlines()[:9])),
            "Class 004.Gray_Bird has no photos",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(cub, spoil, message):
    spoil(cub)
    with pytest.raises(InputError, match=message):
        load_cub(cub)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        load_cub(tmp_path / "absent")


def test_the_real_folder_has_what_its_readme_says(shared_data):
    data = load_cub(shared_data / "data" / "CUB_200_2011")
    assert (data.n_seen, len(data.class_names), len(data.attribute_names)) == (70, 94, 312)
    assert len(data.train.labels) + len(data.test_seen.labels) + len(data.test_unseen.labels) == 5489
    assert len(data.test_seen.labels) == 844
