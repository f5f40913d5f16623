"""Any folder of class folders with classes.csv."""

import unicodedata

import pytest
import torch
from PIL import Image

from niwt_core.datasets import load_folder
from niwt_core.errors import InputError

TABLE = """\ufeffName,seen,description,stripes,size
tiger,Seen,"a large cat, striped",3,4
cat,yes,,0,1
зебра,0,полосатая лошадь,8,6
"""


@pytest.fixture
def zoo(tmp_path):
    """Three classes with six pictures each, two of them seen."""
    for name in ("tiger", "cat", "зебра"):
        (tmp_path / name).mkdir()
        for i in range(6):
            Image.new("RGB", (8, 8), (40 * i, 9, 9)).save(tmp_path / name / f"{i}.PNG")
    (tmp_path / "classes.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def write(zoo, text):
    (zoo / "classes.csv").write_text(text, encoding="utf-8")


def test_classes_texts_and_attributes_are_read(zoo):
    data = load_folder(zoo)
    assert (data.name, data.class_names, data.n_seen) == ("folder", ("tiger", "cat", "зебра"), 2)
    assert data.attribute_names == ("stripes", "size")
    assert data.attributes.tolist() == [pytest.approx([0.6, 0.8]), [0, 1], pytest.approx([0.8, 0.6])]
    assert data.texts == ("a large cat, striped", "", "полосатая лошадь")
    assert [p.name for p in data.test_seen.paths] == ["4.PNG", "4.PNG"]
    assert data.train.labels.tolist() == [0] * 5 + [1] * 5
    assert data.test_unseen.labels.tolist() == [2] * 6
    assert data.train[5].size == (8, 8)
    assert data.notes == ()


def test_binary_attributes_are_those_above_the_seen_mean(zoo):
    assert load_folder(zoo, "binary").attributes.tolist() == [
        pytest.approx([0.5**0.5] * 2),
        [0, 0],
        pytest.approx([0.5**0.5] * 2),
    ]
    with pytest.raises(InputError, match="no 'images' attributes of a folder"):
        load_folder(zoo, "images")


def test_words_alone_give_no_attributes(zoo):
    write(zoo, "name,description,seen\ntiger,big,1\ncat,small,1\nзебра,striped,0\n")
    data = load_folder(zoo)
    assert data.attributes.shape == (3, 0)
    assert data.attributes.dtype == torch.float32
    assert data.attribute_names == ()
    assert data.texts == ("big", "small", "striped")


def test_numbers_alone_give_no_texts(zoo):
    write(zoo, "seen,name,size,\n\n1,tiger,4\n1,cat,1,\n0,зебра,6,\n,,,\n")
    data = load_folder(zoo)
    assert data.texts == ()
    assert data.attribute_names == ("size",)


def test_what_is_left_out_is_noted(zoo):
    (zoo / "lion").mkdir()
    Image.new("RGB", (8, 8)).save(zoo / "lion" / "1.jpg")
    (zoo / "notes").mkdir()
    write(zoo, TABLE.replace("size\n", "size,keeper\n").replace(",4\n", ",4,Ann\n") + "dodo,unseen,gone,1,1\n")
    data = load_folder(zoo)
    assert data.class_names == ("tiger", "cat", "зебра")
    assert len(data.texts) == len(data.attributes) == 3
    assert data.notes == (
        "1 unseen class without photos left out: dodo.",
        f"The column 'keeper' of {zoo / 'classes.csv'} holds no numbers.",
        "The folder lion is not in classes.csv and was left out.",
    )


def test_both_spellings_of_an_accent_name_the_same_folder(zoo):
    (zoo / "cat").rename(zoo / unicodedata.normalize("NFD", "gépard"))
    write(zoo, TABLE.replace("\ncat,", "\n" + unicodedata.normalize("NFC", "gépard") + ","))
    assert load_folder(zoo).n_seen == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "classes.csv is empty"),
        ("\n\n", "classes.csv is empty"),
        ("name,seen,description\n", "has a header but no classes"),
        ("name;seen;description\ntiger;1;x\n", "has no column 'name' but 'name;seen;description'"),
        ("name,description\ntiger,big\n", "has no column 'seen'"),
        ("name,seen,size,Size\ntiger,1,1,1\n", "names 'size' twice"),
        ("name,seen,size\n,1,1\n", "Line 2 of .* has no name"),
        ("name,seen,size\ntiger,1,1\ntiger,1,1\n", "names 'tiger' twice"),
        ("name,seen,size\n../tiger,1,1\n", r"names '\.\./tiger'; expected a plain name"),
        ("name,seen,size\na/b,1,1\n", "expected a plain name"),
        ("name,seen,size\n..,1,1\n", "expected a plain name"),
        ("name,seen,size\nC:x,1,1\n", "expected a plain name"),
        ("name,seen,size\ntiger,maybe,1\n", "has 'maybe' in the column seen; expected seen or unseen"),
        ("name,seen,size\ntiger,1,1,2\n", "Line 2 of .* has 4 cells; expected at most 3"),
        ("name,seen,size\ntiger,1,big\ncat,1,2\n", "has 'big' in the column 'size'; expected a number"),
        ("name,seen,size\ntiger,1,2\ncat,1\n", "Line 3 of .* has '' in the column 'size'"),
        ("name,seen,size\ntiger,1,nan\n", "has 'nan' in the column 'size'"),
        ("name,seen,size\ntiger,1,-inf\n", "has '-inf' in the column 'size'"),
        ("name,seen,size\ntiger,1,1e300\n", "has '1e300' in the column 'size'"),
        ("name,seen,size,\ntiger,1,1,7\n", "Column 4 of .* has numbers but no title"),
        ("name,seen,description\ntiger,1,\ncat,0,\n", "describes no class"),
        ('name,seen,description\ntiger,1,"open\n', "is no line of a CSV table"),
        ("name,seen,size\n" + "".join(f"c{i},1,1\n" for i in range(10_001)), "more than 10,000 classes"),
        ("name,seen,description\ntiger,1," + "x" * (5 * 2**20), "expected at most 5 MB"),
        ("name,seen,size\ntiger,1,1\ncat,1,2\n", "has no unseen class"),
        ("name,seen,size\ntiger,0,1\ncat,0,2\n", "has no seen class"),
        ("name,seen,size\ntiger,1,1\ncat,0,2\n", "Only one seen class, tiger"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(zoo, text, message):
    write(zoo, text)
    with pytest.raises(InputError, match=message):
        load_folder(zoo)


def test_other_encodings_and_missing_files_are_named(zoo):
    (zoo / "classes.csv").write_bytes("name,seen,description\nzèbre,1,x\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        load_folder(zoo)
    (zoo / "classes.csv").unlink()
    with pytest.raises(InputError, match=r"classes\.csv is missing"):
        load_folder(zoo)
    with pytest.raises(InputError, match="is no folder"):
        load_folder(zoo / "absent")
