"""Uploaded zips: what is taken, what is left out, and what is refused before it does harm."""

import io
import random
import stat
import struct
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from niwt_core.errors import InputError
from niwt_core.files.archive import LIMITS, Limits, sentence, unpack


def picture(seed: int = 0, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(192)).save(file, format)
    return file.getvalue()


def zipped(entries: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]], method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, data)
    return file


GOOD = {"cat/1.png": picture(1), "cat/2.png": picture(2), "dog/1.png": picture(3)}


def test_class_folders_and_the_table_are_unpacked(tmp_path):
    told = []
    found = unpack(
        zipped(GOOD | {"Classes.CSV": b"name,seen\n"}), tmp_path / "data", progress=lambda *x: told.append(x)
    )
    assert found.pictures == {"cat": 2, "dog": 1}
    assert found.has_table
    assert found.left_out == {}
    assert (tmp_path / "data" / "cat" / "2.png").read_bytes() == GOOD["cat/2.png"]
    assert (tmp_path / "data" / "classes.csv").read_bytes() == b"name,seen\n"
    assert told == [(i, 4) for i in (1, 2, 3, 4)]


@pytest.mark.parametrize("top", ["mine/", "a/b/c/", "mine\\", "./"])
def test_one_folder_that_holds_everything_is_left_away(tmp_path, top):
    found = unpack(zipped({top + name: data for name, data in GOOD.items()}), tmp_path / "data")
    assert found.pictures == {"cat": 2, "dog": 1}


def test_a_table_beside_the_classes_is_found_below_the_top(tmp_path):
    found = unpack(zipped({"z/classes.csv": b"x", "z/cat/1.png": picture(), "z/dog/1.png": picture()}), tmp_path / "d")
    assert found.has_table
    assert found.pictures == {"cat": 1, "dog": 1}


@pytest.mark.parametrize(
    "path",
    [
        "../evil.png",
        "cat/../../evil.png",
        "/etc/evil.png",
        "C:/evil.png",
        "c:evil.png",
        "..\\evil.png",
        "cat/.. /e.png",
    ],
)
def test_a_path_that_leads_out_is_refused_and_nothing_is_written(tmp_path, path):
    with pytest.raises(InputError, match="leads out of it"):
        unpack(zipped(GOOD | {path: picture()}), tmp_path / "in" / "data")
    assert list(tmp_path.rglob("*.png")) == []


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (mode | 0o644) << 16
    return info


def test_links_and_devices_are_named_and_left_out(tmp_path):
    entries = [*GOOD.items(), (special("cat/l.png", stat.S_IFLNK), b"/etc/passwd")]
    entries += [(special("cat/d.png", stat.S_IFCHR), b"")]
    found = unpack(zipped(entries), tmp_path / "data")
    assert found.left_out == {"a link": 1, "no plain file": 1}
    assert found.named == (("cat/l.png", "a link"), ("cat/d.png", "no plain file"))
    assert not (tmp_path / "data" / "cat" / "l.png").exists()


def test_nested_archives_other_files_and_junk(tmp_path):
    others = {"cat/more.zip": zipped(GOOD).getvalue(), "cat/run.py": b"x", "top.png": picture()}
    others |= {"cat/sub/3.png": picture(), "cat/classes.csv": b"x", "a/b/c/d/e/f/g/h/1.png": picture()}
    junk = {"__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", "cat/Thumbs.db": b"x"}
    found = unpack(zipped(GOOD | others | junk), tmp_path / "data")
    assert found.pictures == {"cat": 2, "dog": 1}
    assert dict(found.named) == {
        "cat/more.zip": "an archive in the archive",
        "cat/run.py": "no picture",
        "top.png": "in no class folder",
        "cat/sub/3.png": "in a folder inside a class folder",
        "cat/classes.csv": "classes.csv in another place than beside the class folders",
        "a/b/c/d/e/f/g/h/1.png": "more than 8 folders deep",
    }
    assert not found.has_table


def test_broken_pictures_are_named_counted_and_left_out(tmp_path):
    broken = {
        "cat/cut.jpg": picture(1, "JPEG")[:300],
        "dog/text.png": b"hello",
        "dog/big.png": b"\0" * (10 * 2**20 + 1),
    }
    found = unpack(zipped(GOOD | broken, zipfile.ZIP_STORED), tmp_path / "data")
    assert found.pictures == {"cat": 2, "dog": 1}
    assert found.left_out == {"broken, or no picture": 2, "larger than 10 MB": 1}
    assert sentence(found.left_out) == ("Left out: 2 files (broken, or no picture); 1 file (larger than 10 MB).")
    assert not (tmp_path / "data" / "cat" / "cut.jpg").exists()


def test_a_picture_damaged_in_the_zip_is_left_out(tmp_path):
    file = zipped(GOOD, zipfile.ZIP_STORED)
    data = bytearray(file.getvalue())
    data[data.index(GOOD["cat/1.png"]) + 60] ^= 0xFF  # the checksum no longer holds
    found = unpack(io.BytesIO(data), tmp_path / "data")
    assert found.pictures == {"cat": 1, "dog": 1}
    assert found.named == (("cat/1.png", "damaged in the zip"),)


def test_the_same_path_twice_is_taken_once(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = zipped([*GOOD.items(), ("cat/1.png", picture(9)), ("Cat/1.PNG", picture(9))])
    found = unpack(file, tmp_path / "data")
    assert found.pictures == {"cat": 2, "dog": 1}
    assert found.left_out == {"more than once there": 2}
    assert (tmp_path / "data" / "cat" / "1.png").read_bytes() == GOOD["cat/1.png"]


def test_names_in_other_scripts_come_as_they_are(tmp_path):
    found = unpack(zipped({"зебра/1.png": picture(), "gepard/ä.png": picture(), "猫/1.png": picture()}), tmp_path / "d")
    assert set(found.pictures) == {"зебра", "gepard", "猫"}
    unmarked = zipped({"зебра/1.png": picture(), "cat/1.png": picture()}).getvalue()
    unmarked = unmarked.replace(struct.pack("<HHH", 20, 0x800, 8), struct.pack("<HHH", 20, 0, 8))
    found = unpack(io.BytesIO(unmarked), tmp_path / "e")
    assert set(found.pictures) == {"зебра", "cat"}


def test_names_that_no_folder_can_have_are_left_out(tmp_path):
    odd = {"10:30/1.png": picture(), "cat/a\tb.png": picture(), "x" * 300 + "/1.png": picture()}
    found = unpack(zipped(GOOD | odd), tmp_path / "data")
    assert found.left_out == {"named as no file can be everywhere": 3}


def test_encrypted_zips_are_refused(tmp_path):
    data = zipped(GOOD).getvalue()
    marked = data.replace(struct.pack("<HHH", 20, 0, 8), struct.pack("<HHH", 20, 1, 8))
    assert marked != data
    with pytest.raises(InputError, match="encrypted"):
        unpack(io.BytesIO(marked), tmp_path / "data")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\5\6", picture(), b"PK\5\6" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"no zip|lists"):
        unpack(io.BytesIO(data), tmp_path / "data")


def test_a_zip_cut_short_is_refused(tmp_path):
    with pytest.raises(InputError, match="no zip"):
        unpack(io.BytesIO(zipped(GOOD).getvalue()[:-30]), tmp_path / "data")


def test_one_class_or_none_is_said(tmp_path):
    with pytest.raises(InputError, match="one class, 'cat'; expected at least three"):
        unpack(zipped({"cat/1.png": picture(), "cat/2.png": picture()}), tmp_path / "a")
    with pytest.raises(InputError, match=r"no picture that can be used.*Left out: 2 files \(in no class folder\)"):
        unpack(zipped({"1.png": picture(), "2.png": picture()}), tmp_path / "b")
    with pytest.raises(InputError, match="no picture that can be used"):
        unpack(zipped({}), tmp_path / "c")


def test_each_limit_holds_exactly(tmp_path):
    file = zipped(GOOD, zipfile.ZIP_STORED)
    size, total = len(file.getvalue()), sum(map(len, GOOD.values()))
    exact = replace(LIMITS, packed=size, unpacked=total, files=3, depth=2)
    assert unpack(file, tmp_path / "exact", exact).pictures == {"cat": 2, "dog": 1}
    for past, message in (
        (replace(exact, packed=size - 1), "expected at most"),
        (replace(exact, unpacked=total - 1), "unpacks to more than"),
        (replace(exact, files=2), "3 files; expected at most 2"),
        (replace(exact, directory=10), "lists 3 files"),
    ):
        with pytest.raises(InputError, match=message):
            unpack(file, tmp_path / "past", past)
        assert not (tmp_path / "past").exists()


def bomb() -> bytes:
    """A good zip with a BMP of nothing, which shrinks a thousand times."""
    file = io.BytesIO()
    Image.new("RGB", (1500, 1500)).save(file, "BMP")
    return zipped(GOOD | {f"dog/{i}.bmp": file.getvalue() for i in range(2, 4)}).getvalue()


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path):
    with pytest.raises(InputError, match="100 times its own size"):
        unpack(io.BytesIO(bomb()), tmp_path / "data")


def test_a_bomb_that_lies_in_its_headers_gives_no_more_than_it_says(tmp_path):
    data = bytearray(bomb())
    honest = struct.pack("<I", 1500 * 1500 * 3 + 54)
    lies = data.replace(honest, struct.pack("<I", 100))
    assert lies != data
    found = unpack(io.BytesIO(lies), tmp_path / "data", Limits(free=10_000))
    assert found.pictures == {"cat": 2, "dog": 1}
    assert found.left_out == {"damaged in the zip": 2}
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.*") if path.is_file()) < 10_000


def test_more_entries_than_the_end_record_says_are_found_out(tmp_path):
    entries = {f"c{i % 2}/{i}.png": picture() for i in range(40)}
    data = bytearray(zipped(entries).getvalue())
    data[-14:-10] = struct.pack("<HH", 1, 1)  # "one entry"
    with pytest.raises(InputError, match="40 files; expected at most 30"):
        unpack(io.BytesIO(data), tmp_path / "data", replace(LIMITS, files=30))


def test_the_format_for_very_large_zips_is_refused_before_it_is_read(tmp_path):
    data = zipped(GOOD).getvalue()
    locator = b"PK\6\7" + b"\0" * 16
    with pytest.raises(InputError, match="zip64"):
        unpack(io.BytesIO(data[:-22] + locator + data[-22:]), tmp_path / "data")


def test_the_server_takes_as_much_as_an_archive_may_have():
    config = tomllib.loads((Path(__file__).parents[1] / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] * 2**20 == LIMITS.packed


def test_unusual_compression_is_left_out(tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in GOOD.items():
            archive.writestr(name, data)
        archive.writestr("dog/2.png", picture(), zipfile.ZIP_LZMA)
    assert unpack(file, tmp_path / "data").left_out == {"packed in an unusual way": 1}
