"""CUB, its splits and its attributes, on a small folder in the official layout (see conftest) and on the real one."""

import shutil
import struct

import numpy as np
import pytest
import torch
from scipy.io import savemat

from niwt_core.datasets import load_captions, load_cub
from niwt_core.errors import InputError

CLASSES = ["001.Red_Bird", "002.Green_Bird", "003.Blue_Bird", "004.Gray_Bird"]


def rewrite(cub, name, text):
    (cub / name).write_text(text, encoding="utf-8")


def cells(texts):
    """A MATLAB cell array of texts, (n, 1)."""
    array = np.empty((len(texts), 1), dtype=object)
    array[:, 0] = texts
    return array


def proposed(folder, changes=None, files=None, labels=None, **others):
    """The small folder's photos as xlsa17 writes them: red and blue seen, gray and green unseen."""
    folder.mkdir(exist_ok=True)
    files = files or [f"/BS/someone/work//CUB_200_2011/images/{c}/{i}.jpg" for c in CLASSES for i in range(3)]
    split = {
        "allclasses_names": cells(CLASSES),
        "att": np.ones((2, 4)),
        "original_att": np.ones((2, 4)),
        "trainval_loc": np.array([[1], [3], [9], [7]], dtype=np.uint16),
        "test_seen_loc": np.array([[2.0], [8.0]]),
        "test_unseen_loc": np.array([[10], [11], [12], [4]], dtype=np.uint16),
    } | (changes or {})
    savemat(folder / "att_splits.mat", {k: v for k, v in split.items() if v is not None})
    labels = np.repeat(np.arange(1, 5), 3)[:, None].astype(np.uint8) if labels is None else labels
    images = {"image_files": cells(files), "labels": labels, "features": np.zeros((3, 12))} | others
    savemat(folder / "res101.mat", images)
    return folder


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
    assert (data.notes, data.texts) == ((), ())


def test_without_fixed_test_photos_the_official_split_decides(cub):
    (cub / "splits" / "test_seen_images.txt").unlink()
    data = load_cub(cub)
    assert {p.name for p in data.test_seen.paths} == {"0.jpg"}
    assert len(data.train.labels) == 4
    assert data.notes == ()


def test_another_split_folder_can_be_given(cub, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "trainvalclasses.txt").write_text("\ufeff002.Green_Bird\r\n003.Blue_Bird\r\n", encoding="utf-8")
    (other / "testclasses.txt").write_text("001.Red_Bird\n")
    assert load_cub(cub, other).class_names == ("002.Green_Bird", "003.Blue_Bird", "001.Red_Bird")


def test_attribute_names_may_lie_beside_the_folder_as_in_the_official_archive(cub, tmp_path):
    inner = tmp_path / "inner"
    shutil.copytree(cub, inner, ignore=shutil.ignore_patterns("inner"))
    (inner / "attributes" / "attributes.txt").rename(tmp_path / "attributes.txt")
    assert load_cub(inner).attribute_names == ("has_color::red", "has_color::gray")


def test_the_proposed_split_says_which_photo_is_for_what(cub, tmp_path):
    data = load_cub(cub, proposed(tmp_path / "xlsa17"))
    assert data.class_names == ("001.Red_Bird", "003.Blue_Bird", "002.Green_Bird", "004.Gray_Bird")
    assert data.n_seen == 2

    def files(source):
        return [(p.relative_to(cub / "images").as_posix(), y) for p, y in zip(source.paths, source.labels, strict=True)]

    assert files(data.train) == [
        ("001.Red_Bird/0.jpg", 0),
        ("001.Red_Bird/2.jpg", 0),
        ("003.Blue_Bird/0.jpg", 1),
        ("003.Blue_Bird/2.jpg", 1),
    ]
    assert files(data.test_seen) == [("001.Red_Bird/1.jpg", 0), ("003.Blue_Bird/1.jpg", 1)]
    assert files(data.test_unseen) == [
        ("002.Green_Bird/0.jpg", 2),
        ("004.Gray_Bird/0.jpg", 3),
        ("004.Gray_Bird/1.jpg", 3),
        ("004.Gray_Bird/2.jpg", 3),
    ]
    assert data.attributes.tolist() == [pytest.approx([0.6, 0.8]), [1, 0], [0, 1], pytest.approx([0.6, 0.8])]
    assert data.notes == ()


def test_where_both_kinds_of_split_lie_the_proposed_one_counts(cub):
    proposed(cub / "splits")
    assert len(load_cub(cub).class_names) == 4
    (cub / "splits" / "res101.mat").unlink()
    with pytest.raises(InputError, match=r"res101\.mat is missing; expected both"):
        load_cub(cub)


def crash_the_reader(folder):
    """A text of an unknown kind: SciPy 1.17 ends the whole process on it."""
    text = struct.pack("<II", 16, len(CLASSES[3]))
    data = (folder / "att_splits.mat").read_bytes()
    assert text in data
    (folder / "att_splits.mat").write_bytes(data.replace(text, struct.pack("<II", 212, len(CLASSES[3]))))


MAT_7_3 = b"MATLAB 7.3 MAT-file".ljust(116) + b"\0" * 8 + struct.pack("<H", 0x0200) + b"IM" + b"\x89HDF\r\n\x1a\n"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "att_splits.mat").write_bytes(b"nonsense" * 40), "att_splits.mat is damaged or no MATLAB file"),
        (lambda f: (f / "att_splits.mat").write_bytes(b""), "damaged or no MATLAB file"),
        (
            lambda f: (f / "res101.mat").write_bytes((f / "res101.mat").read_bytes()[:700]),
            "res101.mat (is damaged|has no)",
        ),
        (crash_the_reader, "att_splits.mat is damaged"),
        (lambda f: (f / "res101.mat").write_bytes(MAT_7_3), "MATLAB 7.3 file; expected an earlier format"),
        (lambda f: proposed(f, {"trainval_loc": None}), "has no trainval_loc"),
        (lambda f: proposed(f, {"trainval_loc": np.array([[0], [1]])}), "holds 0; expected whole numbers from 1 to 12"),
        (lambda f: proposed(f, {"trainval_loc": np.array([[13]])}), "holds 13; expected whole numbers from 1 to 12"),
        (lambda f: proposed(f, {"trainval_loc": np.array([[1.5]])}), r"holds 1\.5; expected whole"),
        (lambda f: proposed(f, {"trainval_loc": np.array([[np.nan]])}), "holds nan; expected whole"),
        (lambda f: proposed(f, {"trainval_loc": np.zeros((0, 1))}), "holds no numbers"),
        (lambda f: proposed(f, {"trainval_loc": "text"}), "holds text; expected whole"),
        (lambda f: proposed(f, {"trainval_loc": np.array([[1], [2]])}), "for training and for tests"),
        (lambda f: proposed(f, {"test_unseen_loc": np.array([[10], [7]])}), "as seen and as unseen"),
        (lambda f: proposed(f, {"allclasses_names": np.ones((4, 1))}), "is no list of texts"),
        (lambda f: proposed(f, {"allclasses_names": cells([*CLASSES[:3], CLASSES[2]])}), "names '003.Blue_Bird' twice"),
        (lambda f: proposed(f, files=["/data/birds/1.jpg"] * 12), "expected a path with images/class/photo.jpg"),
        (lambda f: proposed(f, labels=np.ones((11, 1))), "has 11 labels for 12 image_files"),
        (lambda f: proposed(f, labels=np.full((12, 1), 5)), "labels of .* holds 5"),
        (lambda f: proposed(f, labels=np.ones((12, 1))), "labels '002.Green_Bird/0.jpg' as '001.Red_Bird'"),
        (
            lambda f: proposed(
                f,
                {"allclasses_names": cells([*CLASSES[:3], "004.X"])},
                [f"/a/images/{c}/{i}.jpg" for c in [*CLASSES[:3], "004.X"] for i in range(3)],
            ),
            "names the class '004.X', which classes.txt does not list",
        ),
    ],
)
def test_what_is_wrong_with_a_proposed_split_is_named(cub, tmp_path, spoil, message):
    folder = proposed(tmp_path / "xlsa17")
    spoil(folder)
    with pytest.raises(InputError, match=message):
        load_cub(cub, folder)


def test_a_partial_copy_works_and_says_what_is_missing(cub):
    rewrite(cub, "splits/trainvalclasses.txt", "003.Blue_Bird\n001.Red_Bird\n002.Green_Bird\n")
    shutil.rmtree(cub / "images" / "002.Green_Bird")
    (cub / "images" / "001.Red_Bird" / "0.jpg").unlink()
    data = load_cub(cub)
    assert data.class_names == ("003.Blue_Bird", "001.Red_Bird", "004.Gray_Bird")
    assert len(data.train.labels) == 3
    assert data.attributes[0].tolist() == [1, 0]
    assert data.notes == (
        f"4 of 12 photos that the lists name are not in {cub / 'images'}.",
        "1 seen class without training photos left out: 002.Green_Bird.",
    )


def test_photos_that_only_the_split_names_are_counted_too(cub, tmp_path):
    lines = (cub / "images.txt").read_text().splitlines()
    (cub / "images.txt").write_text(
        "\n".join(line for line in lines if "002.Green" not in line and "/1.jpg" not in line)
    )
    data = load_cub(
        cub,
        proposed(
            tmp_path / "xlsa17",
            {"test_seen_loc": np.array([[2], [8], [1 + 8]])} | {"trainval_loc": np.array([[1], [3], [7]])},
        ),
    )
    assert data.class_names == ("001.Red_Bird", "003.Blue_Bird", "004.Gray_Bird")
    assert data.notes == (
        f"4 of 10 photos that the lists name are not in {cub / 'images'}.",
        "1 unseen class without photos left out: 002.Green_Bird.",
        "1 seen class without test photos, so not part of S: 001.Red_Bird.",
    )


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (["003.Blue_Bird"], "Only one seen class, 001.Red_Bird, has training photos"),
        (["003.Blue_Bird", "001.Red_Bird"], "None of the 2 seen classes has training photos"),
        (["004.Gray_Bird"], "None of the 1 unseen classes has photos"),
        (["001.Red_Bird/1.jpg", "003.Blue_Bird/2.jpg"], "No test photo of a seen class"),
    ],
)
def test_a_copy_with_too_little_is_refused(cub, gone, message):
    for name in gone:
        path = cub / "images" / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    with pytest.raises(InputError, match=message):
        load_cub(cub)


def test_binary_attributes_are_those_above_the_seen_classes_mean(cub):
    # Seen: blue (1, 0) and red (30, 40), mean (15.5, 20); unseen: gray (6, 8).
    data = load_cub(cub, attributes="binary")
    assert data.attributes.tolist() == [[0, 0], pytest.approx([0.5**0.5] * 2), [0, 0]]


def test_image_attributes_are_averaged_over_training_and_unseen_photos(cub):
    lines = []
    for image in range(1, 13):
        lines += [f"{image} 1 {int(image in (1, 8, 10, 11, 12))} 3 1.5", f"{image} 2 {int(image in (2, 3, 10))} 4 2.0"]
    lines[3] += " 0 7.5"  # some official lines have too many columns
    rewrite(cub, "attributes/image_attribute_labels.txt", "\n".join(lines))
    data = load_cub(cub, attributes="images")
    # Red: 1 and 3 are for training (2 is a test photo): (1/2, 1/2). Blue: 7 and 8: (1/2, 0). Gray: (3/3, 1/3).
    expected = torch.nn.functional.normalize(torch.tensor([[0.5, 0], [0.5, 0.5], [1, 1 / 3]]), dim=1)
    torch.testing.assert_close(data.attributes, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is missing; expected lines of image, attribute"),
        ("", "no line for the images of 3 of 3 classes"),
        ("1 1 1 4 0.5\n", "no line for the images of 2 of 3 classes"),
        ("1 1\n", "is no list of image, attribute"),
        ("1 one 1 4 0.5\n", "is no list of image, attribute"),
        ("1 3 1 4 0.5\n", "names attribute 3; expected 1 to 2"),
        ("1 1 2 4 0.5\n", "holds 2 in its third column"),
    ],
)
def test_what_is_wrong_with_image_attributes_is_named(cub, text, message):
    if text is not None:
        rewrite(cub, "attributes/image_attribute_labels.txt", text)
    with pytest.raises(InputError, match=message):
        load_cub(cub, attributes="images")


def test_constant_columns_work(cub):
    rewrite(cub, "attributes/class_attribute_labels_continuous.txt", "5 1\n5 2\n5 3\n5 4\n")
    for kind in ("continuous", "binary"):
        assert torch.isfinite(load_cub(cub, attributes=kind).attributes).all()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: (c / "images.txt").unlink(), r"images\.txt is missing"),
        (lambda c: rewrite(c, "images.txt", "1\n"), "Line 1 of .*expected a number and a value"),
        (lambda c: rewrite(c, "images.txt", "1 a/b.jpg\n1 a/c.jpg\n"), "Line 2 of .* has the number 1 again"),
        (lambda c: rewrite(c, "images.txt", "1 a/b.jpg\n2 a/b.jpg\n"), "names 'a/b.jpg' twice"),
        (lambda c: rewrite(c, "images.txt", "1 ../../secret.jpg\n"), "expected a path inside the folder"),
        (lambda c: rewrite(c, "images.txt", "1 /etc/passwd\n"), "expected a path inside the folder"),
        (lambda c: rewrite(c, "images.txt", f"1 a/{'b' * 300}.jpg\n"), "expected a path inside the folder"),
        (lambda c: rewrite(c, "images.txt", ""), "images.txt is empty"),
        (lambda c: (c / "images.txt").write_bytes(b"1 a/\xff\xfe.jpg\n"), r"is not UTF-8 text \(byte 4\)"),
        (lambda c: rewrite(c, "image_class_labels.txt", "1 1\n"), "no entry in the other lists"),
        (lambda c: rewrite(c, "classes.txt", "1 A\n2 A\n"), "names 'A' twice"),
        (lambda c: rewrite(c, "splits/testclasses.txt", "005.Unknown\n"), "names the class '005.Unknown'"),
        (lambda c: rewrite(c, "splits/testclasses.txt", ""), "is empty"),
        (lambda c: rewrite(c, "splits/testclasses.txt", "001.Red_Bird\n"), "as seen and as unseen"),
        (lambda c: rewrite(c, "splits/testclasses.txt", "004.Gray_Bird\n" * 2), "names '004.Gray_Bird' twice"),
        (lambda c: rewrite(c, "splits/trainvalclasses.txt", "001.Red_Bird\n"), "Only one seen class, 001.Red_Bird"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 2\n"), "has 1 rows"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", ""), "has 0 rows"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1\n" * 4), "has 1 columns"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "a b\n" * 4), "no table of numbers"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 2\n1\n" * 2), "no table of num"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 nan\n" * 4), "are no numbers"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 inf\n" * 4), "are no numbers"),
        (lambda c: rewrite(c, "attributes/class_attribute_labels_continuous.txt", "1 1e30\n" * 4), "are no numbers"),
    ],
)
def test_what_is_missing_or_wrong_is_named(cub, spoil, message):
    spoil(cub)
    with pytest.raises(InputError, match=message):
        load_cub(cub)


def test_an_unknown_kind_of_attributes_and_a_folder_that_is_none_are_named(cub, tmp_path):
    with pytest.raises(InputError, match="no 'words' attributes of classes; expected continuous or binary or images"):
        load_cub(cub, attributes="words")
    with pytest.raises(InputError, match="is no folder; expected a CUB"):
        load_cub(tmp_path / "absent")
    with pytest.raises(InputError, match="is no folder; expected a folder with the split"):
        load_cub(cub, tmp_path / "absent")


def test_captions_are_read_by_class_and_photo(tmp_path):
    folder = tmp_path / "text_c10" / "A"
    folder.mkdir(parents=True)
    (folder / "photo_1.txt").write_text("a red bird\n\n  мала птица \n鳥\n", encoding="utf-8")
    (folder / "photo_2.txt").write_text("\n")
    assert load_captions(tmp_path, ["A", "B"]) == {"A": {"photo_1": ("a red bird", "мала птица", "鳥")}}
    assert load_captions(tmp_path / "text_c10", ["A"]).keys() == {"A"}


@pytest.mark.parametrize(
    ("content", "classes", "message"),
    [
        (b"fine\n", ["B"], "has no captions of the 1 classes"),
        (b"fine\n", [], "has no captions of the 0 classes"),
        (b"fine\n", ["../A"], "expected a plain name"),
        (b"\xff\xfe", ["A"], "is not UTF-8 text"),
        (b"long " * 20_000, ["A"], "expected at most"),
    ],
)
def test_captions_that_cannot_be_used_are_named(tmp_path, content, classes, message):
    with pytest.raises(InputError, match="is no folder; expected captions"):
        load_captions(tmp_path, classes)
    (tmp_path / "text_c10" / "A").mkdir(parents=True)
    (tmp_path / "text_c10" / "A" / "1.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_captions(tmp_path, classes)


def test_the_real_folder_has_what_its_readme_says(shared_data):
    root = shared_data / "data" / "CUB_200_2011"
    data = load_cub(root)
    assert (data.n_seen, len(data.class_names), len(data.attribute_names)) == (70, 94, 312)
    assert len(data.train.labels) + len(data.test_seen.labels) + len(data.test_unseen.labels) == 5489
    assert len(data.test_seen.labels) == 844
    assert data.notes == ()
    binary = load_cub(root, attributes="binary").attributes
    assert 0.2 < (binary > 0).float().mean() < 0.6
    captions = load_captions(root, data.class_names)
    assert all(len(texts) == 10 for photos in captions.values() for texts in photos.values())
    assert {f"{p.parent.name}/{p.stem}" for p in data.train.paths} & {f"{c}/{s}" for c in captions for s in captions[c]}
