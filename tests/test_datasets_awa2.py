"""The AwA2 reader, on the official text files where they are and on a small folder in the same layout."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from niwt_core.datasets import load_awa2
from niwt_core.errors import InputError

ANIMALS = ["antelope", "grizzly+bear", "killer+whale"]


def add_photos(root, animals, n):
    for animal in animals:
        folder = root / "JPEGImages" / animal
        folder.mkdir(parents=True)
        for i in range(n):
            Image.new("RGB", (8, 8), (20 * i, 50, 90)).save(folder / f"{animal}_{10001 + i}.jpg")


@pytest.fixture
def awa2(tmp_path):
    """Three animals with seven photos each, the first and the last seen."""
    root = tmp_path / "awa2"
    add_photos(root, ANIMALS, 7)
    (root / "classes.txt").write_text("".join(f"{i:6}\t{name}\n" for i, name in enumerate(ANIMALS, 1)))
    (root / "predicates.txt").write_text("     1\tblack\n     2\tbig\n")
    (root / "predicate-matrix-continuous.txt").write_text("  -1.00  5.00\n  30.00  40.00\n  0.00  0.00\n")
    (root / "predicate-matrix-binary.txt").write_text("0 1\n1 1\n0 0\n")
    (root / "trainvalclasses.txt").write_text("killer+whale\nantelope\n")
    (root / "testclasses.txt").write_text("grizzly+bear\n")
    return root


def test_the_official_layout_is_read_and_every_fifth_photo_held_out(awa2):
    (awa2 / "JPEGImages" / "antelope" / "._antelope_1.jpg").write_bytes(b"not a photo")
    (awa2 / "JPEGImages" / "antelope" / "readme.txt").write_bytes(b"not a photo")
    data = load_awa2(awa2)
    assert data.class_names == ("killer+whale", "antelope", "grizzly+bear")
    assert (data.name, data.n_seen, data.attribute_names) == ("awa2", 2, ("black", "big"))
    assert data.attributes.tolist() == [[0, 0], [0, 1], pytest.approx([0.6, 0.8])]
    assert sorted(p.name for p in data.test_seen.paths) == ["antelope_10005.jpg", "killer+whale_10005.jpg"]
    assert np.bincount(data.train.labels).tolist() == [6, 6]
    assert data.test_unseen.labels.tolist() == [2] * 7
    assert data.train[0].size == (8, 8)
    assert data.notes == ()
    assert load_awa2(awa2).train.paths == data.train.paths


def test_the_official_binary_attributes_can_be_chosen(awa2):
    half = pytest.approx([0.5**0.5] * 2)
    assert load_awa2(awa2, attributes="binary").attributes.tolist() == [[0, 0], [0, 1], half]
    with pytest.raises(InputError, match="no 'images' attributes of AwA2; expected continuous or binary"):
        load_awa2(awa2, attributes="images")


def test_the_list_of_seen_classes_may_have_its_other_official_name(awa2):
    (awa2 / "trainvalclasses.txt").rename(awa2 / "trainclasses.txt")
    assert load_awa2(awa2).n_seen == 2


def test_the_proposed_split_fixes_the_test_photos(awa2, tmp_path):
    files = [
        f"/BS/xian/Animals_with_Attributes2//JPEGImages/{a}/{a}_{10001 + i}.jpg" for a in ANIMALS for i in range(7)
    ]
    image_files, names = np.empty((21, 1), dtype=object), np.empty((3, 1), dtype=object)
    image_files[:, 0], names[:, 0] = files, ANIMALS
    savemat(tmp_path / "res101.mat", {"image_files": image_files, "labels": np.repeat([1, 2, 3], 7)[:, None]})
    split = {"trainval_loc": [1, 2, 3, 15, 16], "test_seen_loc": [4, 21], "test_unseen_loc": list(range(8, 15))}
    split = {key: np.array(value, dtype=np.uint16)[:, None] for key, value in split.items()}
    savemat(tmp_path / "att_splits.mat", {"allclasses_names": names, **split})
    (awa2 / "JPEGImages" / "antelope" / "antelope_10002.jpg").unlink()
    data = load_awa2(awa2, tmp_path)
    assert data.class_names == ("antelope", "killer+whale", "grizzly+bear")
    assert [p.name for p in data.test_seen.paths] == ["antelope_10004.jpg", "killer+whale_10007.jpg"]
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.notes == (f"1 of 14 photos that the lists name are not in {awa2 / 'JPEGImages'}.",)


def test_a_class_without_photos_is_left_out_and_named(awa2):
    (awa2 / "classes.txt").write_text((awa2 / "classes.txt").read_text() + "     4\tox\n")
    (awa2 / "testclasses.txt").write_text("ox\ngrizzly+bear\n")
    for kind in ("continuous", "binary"):
        path = awa2 / f"predicate-matrix-{kind}.txt"
        path.write_text(path.read_text() + "1 1\n")
    data = load_awa2(awa2)
    assert data.class_names[2:] == ("grizzly+bear",)
    assert data.notes == ("1 unseen class without photos left out: ox.",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("classes.txt", "1 antelope\n2 ../x\n", r"names '\.\./x'; expected a plain name"),
        ("classes.txt", "1 antelope\n2 antelope\n", "names 'antelope' twice"),
        ("testclasses.txt", "unicorn\n", "names the class 'unicorn', which classes.txt does not list"),
        ("trainvalclasses.txt", "antelope\n", "Only one seen class, antelope"),
        ("predicates.txt", "1 black\n", "has 2 columns; expected one for each of the 1 attributes"),
        ("predicate-matrix-continuous.txt", "1 2\n", "has 1 rows; expected one for each of the 3 classes"),
    ],
)
def test_what_is_wrong_is_named(awa2, name, text, message):
    (awa2 / name).write_text(text)
    with pytest.raises(InputError, match=message):
        load_awa2(awa2)


def test_too_few_photos_to_hold_one_out_are_named(awa2):
    for animal in ("antelope", "killer+whale"):
        for path in sorted((awa2 / "JPEGImages" / animal).iterdir())[4:]:
            path.unlink()
    with pytest.raises(InputError, match="at least 5 photos of a seen class"):
        load_awa2(awa2)
    shutil.rmtree(awa2 / "JPEGImages")
    with pytest.raises(InputError, match="None of the 2 seen classes has training photos"):
        load_awa2(awa2)
    with pytest.raises(InputError, match="is no folder; expected the folder of Animals"):
        load_awa2(awa2 / "absent")


def test_the_real_text_files_are_read(shared_data, tmp_path):
    root = tmp_path / "Animals_with_Attributes2"
    shutil.copytree(shared_data / "data" / "Animals_with_Attributes2", root, copy_function=shutil.copyfile)
    root.chmod(0o755)
    add_photos(root, [line.split()[1] for line in (root / "classes.txt").read_text().splitlines()], 5)
    data = load_awa2(root)
    assert (data.n_seen, len(data.class_names)) == (40, 50)
    assert set(data.class_names[40:]) >= {"sheep", "dolphin", "bat", "blue+whale", "bobcat"}
    assert data.attributes.shape == (50, 85)
    torch.testing.assert_close(data.attributes.norm(dim=1), torch.ones(50))
    assert (len(data.train.labels), len(data.test_seen.labels), len(data.test_unseen.labels)) == (160, 40, 50)
    whale = load_awa2(root, attributes="binary").attributes[data.class_names.index("blue+whale")]
    yes = {name for name, value in zip(data.attribute_names, whale, strict=True) if value > 0}
    assert {"blue", "ocean", "swims"} <= yes
    assert "stripes" not in yes
