"""Every limit on input from outside: what is at the limit is taken, what is one past it is refused with a sentence.

A smaller limit stands in where the true one would take seconds or hundreds of MB; each such test says so.
"""

import ast
import inspect
import io
import json
import struct
import tomllib
import zipfile
import zlib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.io import savemat

from niwt_core import limits
from niwt_core.birds.reading import read
from niwt_core.datasets import download, load_captions
from niwt_core.datasets.attributes import image_means
from niwt_core.datasets.class_table import read_class_table
from niwt_core.datasets.mat_variables import plain
from niwt_core.datasets.matfiles import MAT_IMAGES, MAT_SPLIT, read_proposed_images
from niwt_core.datasets.tables import check_inside, lines_of, number_table, read_text
from niwt_core.errors import InputError
from niwt_core.files.archive import LIMITS, unpack
from niwt_core.files.documents import parse, read_document
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.images import decode_image
from niwt_core.neurons.storage import load_dictionary
from niwt_core.notebook.files import from_json, to_json
from niwt_core.notebook.kept import Kept, checked
from niwt_core.project import load_project, save_project
from niwt_core.worlds.described import picks_of
from niwt_core.worlds.shelf import check_title

ROOT = Path(__file__).parents[1]


def refused(message, call, *arguments):
    with pytest.raises(InputError, match=message) as caught:
        call(*arguments)
    assert "expected" in str(caught.value) or "t most" in str(caught.value)


def encoded(form="PNG", size=(4, 3), **options) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 9).save(file, form, **options)
    return file.getvalue()


class TestPictures:
    def test_bytes(self):
        data = encoded("BMP")
        whole = data + bytes(limits.PICTURE_BYTES - len(data))
        assert decode_image(whole).size == (4, 3)
        refused("10.0 MB; expected a picture of at most 10 MB", decode_image, whole + b"\0")

    def test_pixels(self, monkeypatch):
        """4 pixels in the place of 40 million, which take half a second."""
        monkeypatch.setattr(limits, "PICTURE_PIXELS", 12)
        assert decode_image(encoded(size=(4, 3))).size == (4, 3)
        refused("13 x 1", decode_image, encoded(size=(13, 1)))

    def test_the_longer_side(self):
        assert decode_image(encoded(size=(limits.PICTURE_SIDE, 1))).width == limits.PICTURE_SIDE
        refused("expected at most 20,000 on the longer side", decode_image, encoded(size=(limits.PICTURE_SIDE + 1, 1)))

    def test_scans(self):
        data = encoded("JPEG", progressive=True)
        start, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
        one, there = data[start:end], data.count(b"\xff\xda")
        exact = data[:start] + one * (limits.PICTURE_SCANS - there + 1) + data[end:]
        assert exact.count(b"\xff\xda") == limits.PICTURE_SCANS
        assert decode_image(exact).size == (4, 3)
        refused("a JPEG of 101 scans; expected at most 100", decode_image, data[:start] + one + exact[start:])

    def test_parts(self):
        data, chunk = (
            encoded(),
            b"\0\0\0\0aaAa" + struct.pack(">I", zlib.crc32(b"aaAa")),
        )  # any checksum: it is no critical chunk
        there = 3
        exact = data[:33] + chunk * (limits.PICTURE_PARTS - there) + data[33:]
        assert decode_image(exact).size == (4, 3)
        refused("in more than 10,000 parts", decode_image, data[:33] + chunk + exact[33:])


class TestZips:
    """Through the defaults of `archive.Limits`, whose fields are the constants; smaller ones stand in."""

    @pytest.fixture
    def file(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name in ("a/1.png", "a/2.png", "b/1.png"):
                archive.writestr(name, encoded())
        return file

    def test_the_defaults_are_the_constants(self):
        named = {"packed": "BYTES", "unpacked": "UNPACKED_BYTES", "directory": "DIRECTORY_BYTES", "free": "FREE_BYTES"}
        for field in fields(LIMITS):
            assert getattr(LIMITS, field.name) == getattr(limits, f"ZIP_{named.get(field.name, field.name.upper())}")
        config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
        assert config["server"]["maxUploadSize"] * limits.MB == limits.ZIP_BYTES

    def test_each_holds_exactly(self, file, tmp_path):
        size, one, table = len(file.getvalue()), len(encoded()), struct.unpack("<I", file.getvalue()[-10:-6])[0]
        exact = replace(LIMITS, packed=size, unpacked=3 * one, files=3, depth=2, directory=table, pixels=36, free=0)
        exact = replace(exact, ratio=1)
        assert unpack(file, tmp_path / "exact", exact).pictures == {"a": 2, "b": 1}
        for name, past, message in (
            ("packed", size - 1, "expected at most"),
            ("unpacked", 3 * one - 1, "unpacks to more than"),
            ("files", 2, "3 files; expected at most 2"),
            ("directory", table - 1, "expected at most"),
            ("pixels", 35, "megapixels together; expected at most"),
        ):
            refused(message, unpack, file, tmp_path / name, replace(exact, **{name: past}))
            assert not (tmp_path / name).exists()
        refused("no picture that can be used", unpack, file, tmp_path / "depth", replace(exact, depth=1))

    def test_the_ratio_counts_beyond_what_is_free(self, tmp_path):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("a/1.bmp", "b/1.bmp"):
                archive.writestr(name, encoded("BMP", (300, 300)))
        total = 2 * len(encoded("BMP", (300, 300)))
        assert total > len(file.getvalue()) * 10
        assert unpack(file, tmp_path / "a", replace(LIMITS, ratio=10, free=total)).pictures == {"a": 1, "b": 1}
        with pytest.raises(InputError, match="unpacks to more than 10 times its own size"):
            unpack(file, tmp_path / "b", replace(LIMITS, ratio=10, free=total - 1))


class TestTables:
    def table(self, tmp_path, text):
        (tmp_path / "classes.csv").write_text(text)
        return read_class_table(tmp_path / "classes.csv")

    def test_bytes_of_a_class_table(self, tmp_path):
        lines = "name,seen,description\n" + "".join(f"c{i},seen,{'x' * 100_000}\n" for i in range(52))
        exact = lines + "z,seen," + "x" * (limits.CLASS_TABLE_BYTES - len(lines) - 7)
        assert len(self.table(tmp_path, exact).names) == 53
        refused("5.0 MB; expected at most 5 MB", self.table, tmp_path, exact + "x")

    def test_classes(self, tmp_path):
        lines = [f"c{i},seen,x\n" for i in range(limits.CLASSES)]
        assert len(self.table(tmp_path, "name,seen,description\n" + "".join(lines)).names) == limits.CLASSES
        refused(
            "more than 10,000 classes", self.table, tmp_path, "name,seen,description\n" + "".join(lines) + "z,seen,x"
        )

    def test_columns(self, tmp_path):
        def wide(n):
            return f"name,seen,{','.join(f'w{i}' for i in range(n - 2))}\na,seen,{','.join('1' * (n - 2))}\n"

        assert len(self.table(tmp_path, wide(limits.TABLE_COLUMNS)).attribute_names) == limits.TABLE_COLUMNS - 2
        refused("4,097 columns; expected at most 4,096", self.table, tmp_path, wide(limits.TABLE_COLUMNS + 1))

    def test_a_columns_title(self, tmp_path):
        title = "x" * limits.ATTRIBUTE_CHARACTERS
        assert self.table(tmp_path, f"name,seen,{title}\na,seen,1\n").attribute_names == (title,)
        refused("more than 255 characters", self.table, tmp_path, f"name,seen,{title}x\na,seen,1\n")

    def test_names_and_paths(self):
        check_inside("é" * 127 + "x", Path("list"))
        refused("a plain name", check_inside, "é" * 128, Path("list"))
        check_inside("a/" * 998 + "1.jp", Path("list"), folders=True)
        with pytest.raises(InputError, match="a path inside the folder"):
            check_inside("a/" * 998 + "1.jpg", Path("list"), folders=True)

    def test_bytes_and_lines_of_a_list(self, tmp_path, monkeypatch):
        """10 bytes and 5 lines in the place of 32 MB and a million, which take a second."""
        (tmp_path / "a").write_text("1\n2\n3\n4\n5")
        monkeypatch.setattr(limits, "TEXT_BYTES", 9)
        monkeypatch.setattr(limits, "TEXT_LINES", 5)
        assert lines_of(tmp_path / "a", "a list") == list("12345")
        (tmp_path / "a").write_text("1\n2\n\x0c\n4\u2028"[:9])
        refused("6 lines; expected at most 5", lines_of, tmp_path / "a", "a list", 100)
        (tmp_path / "a").write_text("1234567890")
        refused("expected at most", read_text, tmp_path / "a", "a list")

    def test_numbers(self, tmp_path):
        for number in (9.9e14, -9.9e14):
            (tmp_path / "a").write_text(f"{number}\n")
            assert number_table(tmp_path / "a", 1, 1)[0, 0] == np.float32(number)
        for number in ("1e15", "-1e15", "nan", "inf"):
            (tmp_path / "a").write_text(f"{number}\n")
            refused("expected plain numbers", number_table, tmp_path / "a", 1, 1)
            refused("expected a number", self.table, tmp_path, f"name,seen,x,y\na,seen,{number},1\n")

    def test_bytes_of_attributes_of_images(self, tmp_path, monkeypatch):
        """8 bytes in the place of 256 MB."""
        monkeypatch.setattr(limits, "IMAGE_ATTRIBUTES_BYTES", 6)
        (tmp_path / "a").write_text("1 1 1\n")
        assert image_means(tmp_path / "a", {1: 0}, 1, 1).item() == 1
        (tmp_path / "a").write_text("1 1 1\n\n")
        refused("expected at most", image_means, tmp_path / "a", {1: 0}, 1, 1)

    def test_captions(self, tmp_path):
        (tmp_path / "text_c10" / "a").mkdir(parents=True)
        path = tmp_path / "text_c10" / "a" / "1.txt"
        path.write_text("x\n" * limits.CAPTIONS + "\n" * (limits.CAPTIONS_BYTES - 2 * limits.CAPTIONS))
        assert len(load_captions(tmp_path, ["a"])["a"]["1"]) == limits.CAPTIONS
        path.write_text("x\n" * (limits.CAPTIONS + 1))
        refused("101 captions; expected at most 100", load_captions, tmp_path, ["a"])
        path.write_text("\n" * (limits.CAPTIONS_BYTES + 1))
        refused("expected at most", load_captions, tmp_path, ["a"])


class TestMatlabFiles:
    def test_values_and_characters(self):
        assert len(plain(np.zeros(5), 5, 9)) == 5
        with pytest.raises(ValueError, match="6 values where at most 5 were expected"):
            plain(np.zeros(6), 5, 9)
        assert plain(np.array(["x" * 9], dtype=object), 5, 9) == ["x" * 9]
        with pytest.raises(ValueError, match="a text of 10 characters where at most 9 were expected"):
            plain(np.array(["x" * 10], dtype=object), 5, 9)

    def test_bytes_and_seconds(self, tmp_path, monkeypatch):
        """The file's own size in the place of 2 GB, no time in the place of a minute."""
        for name in (MAT_SPLIT, MAT_IMAGES):
            savemat(tmp_path / name, {"labels": np.zeros(3)})
        monkeypatch.setattr(limits, "MAT_BYTES", (tmp_path / MAT_SPLIT).stat().st_size)
        with pytest.raises(InputError, match="has no allclasses_names"):  # it was read
            read_proposed_images(tmp_path, "images")
        monkeypatch.setattr(limits, "MAT_BYTES", limits.MAT_BYTES - 1)
        refused("expected at most", read_proposed_images, tmp_path, "images")
        monkeypatch.setattr(limits, "MAT_BYTES", limits.GB)
        monkeypatch.setattr(limits, "MAT_SECONDS", 0.001)
        with pytest.raises(InputError, match="reading it failed"):
            read_proposed_images(tmp_path, "images")


class TestDocuments:
    def test_bytes(self, tmp_path):
        (tmp_path / "a.json").write_text('{"a": 1}')
        assert read_document(tmp_path / "a.json", 8) == {"a": 1}
        refused("expected a JSON document of at most", read_document, tmp_path / "a.json", 7)

    def test_brackets(self):
        assert len(parse(b"[" + b"[]," * (limits.JSON_BRACKETS - 2) + b"[]]")) == limits.JSON_BRACKETS - 1
        with pytest.raises(ValueError, match="200,001 brackets where at most 200,000 were expected"):
            parse(b"[" + b"[]," * (limits.JSON_BRACKETS - 1) + b"[]]")

    def test_where_they_are_used(self, small_project, tmp_path, monkeypatch):
        """The files' own sizes in the place of 16 and 64 MB."""
        save_project(small_project, tmp_path / "p")
        size = (tmp_path / "p" / "project.json").stat().st_size
        monkeypatch.setattr(limits, "DOCUMENT_BYTES", size)
        load_project(tmp_path / "p")
        monkeypatch.setattr(limits, "DOCUMENT_BYTES", size - 1)
        refused("expected a JSON document of at most", load_project, tmp_path / "p")
        (tmp_path / "p" / "neurons.json").write_text("{}")
        monkeypatch.setattr(limits, "DICTIONARY_BYTES", 2)
        with pytest.raises(InputError, match="no dictionary"):
            load_dictionary(tmp_path / "p", small_project)
        monkeypatch.setattr(limits, "DICTIONARY_BYTES", 1)
        refused("at most", load_dictionary, tmp_path / "p", small_project)

    def test_names_in_a_project(self, small_project, tmp_path):
        save_project(small_project, tmp_path / "p")
        path = tmp_path / "p" / "project.json"
        document = json.loads(path.read_text())

        def with_name(n):
            path.write_text(json.dumps(document | {"class_names": ["x" * n, *document["class_names"][1:]]}))
            return load_project(tmp_path / "p")

        assert len(with_name(limits.ATTRIBUTE_CHARACTERS).class_names[0]) == 255
        with pytest.raises(InputError, match="256 characters"):
            with_name(limits.ATTRIBUTE_CHARACTERS + 1)
        for key, most in (("class_names", limits.CLASSES), ("attribute_names", limits.TABLE_COLUMNS)):
            path.write_text(json.dumps(document | {key: [str(i) for i in range(most)]}))
            with pytest.raises(InputError, match=r"has shape|counts"):  # the names were taken, the tensors are others
                load_project(tmp_path / "p")
            path.write_text(json.dumps(document | {key: [str(i) for i in range(most + 1)]}))
            refused(f"{most + 1:,} names where at most {most:,} were expected", load_project, tmp_path / "p")

    def test_names_of_a_network_and_its_layers(self, small_project, tmp_path):
        save_project(small_project, tmp_path / "p")
        path = tmp_path / "p" / "project.json"
        document = json.loads(path.read_text())
        for key, most, taken in (
            ("name", limits.NETWORK_CHARACTERS, "Unknown network"),
            ("layer", limits.LAYER_CHARACTERS, "layer"),
        ):
            path.write_text(json.dumps(document | {"backbone": document["backbone"] | {key: "x" * most}}))
            with pytest.raises(InputError, match=taken):
                load_project(tmp_path / "p")
            path.write_text(json.dumps(document | {"backbone": document["backbone"] | {key: "x" * (most + 1)}}))
            with pytest.raises(InputError, match="is no short text"):
                load_project(tmp_path / "p")


class TestTensorFiles:
    def test_bytes_of_the_file(self, tmp_path, monkeypatch):
        """The file's own size in the place of 4 GB."""
        save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
        size = (tmp_path / "a.safetensors").stat().st_size
        monkeypatch.setattr(limits, "TENSOR_FILE_BYTES", size)
        assert read_tensors(tmp_path / "a.safetensors")[0]["a"].shape == (3,)
        monkeypatch.setattr(limits, "TENSOR_FILE_BYTES", size - 1)
        refused("expected at most", read_tensors, tmp_path / "a.safetensors")

    def test_bytes_of_the_header(self, tmp_path):
        header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        for more in (0, 8):  # the format wants a multiple of 8
            text = header.ljust(limits.TENSOR_HEADER_BYTES + more)
            (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
            if more:
                refused("1,048,584 bytes; expected at most 1,048,576", read_tensors, tmp_path / "a.safetensors")
            else:
                assert read_tensors(tmp_path / "a.safetensors")[0]["a"].item() == 0

    def test_bytes_of_a_network(self, small_project, tmp_path, monkeypatch):
        """No bytes to spare in the place of 64 MB: four times the tensors that are there must be enough."""
        save_project(small_project, tmp_path / "p")
        monkeypatch.setattr(limits, "NETWORK_SPARE_BYTES", 0)
        load_project(tmp_path / "p")
        monkeypatch.setattr("niwt_core.project.network_bytes", lambda name: 10**9)
        monkeypatch.setattr(limits, "NETWORK_SPARE_BYTES", 64 * limits.MB)
        refused("expected all of them", load_project, tmp_path / "p")


def test_bytes_of_a_download(tmp_path, monkeypatch):
    """10 bytes in the place of 2 GB, from a server in this process."""
    import http.server
    import threading

    class Sends(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 10)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Sends) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, part = f"http://127.0.0.1:{server.server_port}/a", tmp_path / "a.part"
        monkeypatch.setattr(limits, "DOWNLOAD_BYTES", 10)
        download._fetch(url, part, lambda done, total: None)
        assert part.read_bytes() == b"x" * 10
        part.unlink()
        monkeypatch.setattr(limits, "DOWNLOAD_BYTES", 9)
        refused("expected the archive", download._fetch, url, part, lambda done, total: None)
        assert not part.exists()
        server.shutdown()


class TestWhatPeopleType:
    @pytest.mark.parametrize(
        ("field", "value", "more"),
        [
            ("text", "x" * limits.DESCRIPTION, "x"),
            ("explanation", "x" * limits.EXPLANATION, "x"),
            ("title", "x" * limits.ENTRY_TITLE, "x"),
            ("note", "x" * limits.NOTE, "x"),
            ("of", "x" * limits.WORD, "x"),
            ("world", "x" * limits.WORD, "x"),
            ("picks", {str(i): "a" for i in range(limits.PICKS)}, {"more": "a"}),
            ("figures", {f"a{i}": 1.0 for i in range(limits.FIGURES)}, {"more": 1.0}),
            ("importances", (0.5,) * limits.CHANNELS, (0.5,)),
        ],
    )
    def test_what_a_notebook_keeps(self, field, value, more):
        whole = Kept(**({"title": "t"} | {field: value}))
        assert getattr(checked(whole), field) == value
        past = value | more if isinstance(value, dict) else value + more
        refused("[Aa]t most", checked, replace(whole, **{field: past}))

    def test_a_notebooks_file(self, monkeypatch):
        """Two entries and the file's own size in the place of 2,000 and 32 MB."""
        data = to_json([Kept(title="a"), Kept(title="b")])
        monkeypatch.setattr(limits, "ENTRIES", 2)
        monkeypatch.setattr(limits, "NOTEBOOK_BYTES", len(data))
        assert len(from_json(data)) == 2
        refused("at most", from_json, data + b" ")
        monkeypatch.setattr(limits, "ENTRIES", 1)
        refused("at most 1 classes", from_json, data)

    def test_a_description(self):
        fits = "a black bird ".ljust(limits.DESCRIPTION, ".")
        assert read(fits).attributes
        refused("Expected at most 1000 characters; the text has 1001", read, fits + ".")

    def test_a_projects_title(self):
        assert check_title("x" * limits.PROJECT_TITLE)
        refused("81 characters; expected at most 80", check_title, "x" * (limits.PROJECT_TITLE + 1))

    def test_a_key_is_cut_off(self):
        groups = {"a" * (limits.KEY - 2): ("b",), "c": ("d",)}
        exact = f"{'a' * (limits.KEY - 2)}.b"
        assert picks_of(exact, groups) == {"a" * (limits.KEY - 2): "b"}
        assert picks_of("~" + exact, groups) == {}  # its last character is past the limit

    def test_a_sentence_of_ours(self):
        assert str(InputError("x" * limits.SENTENCE)) == "x" * limits.SENTENCE
        longer = str(InputError("x" * (limits.SENTENCE + 1)))
        assert len(longer) == limits.SENTENCE
        assert longer.endswith(" …")


def test_no_limit_is_left_without_its_why_and_none_is_unused():
    source = inspect.getsource(limits)
    names = [
        t.id
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        for t in ast.walk(node)
        if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store)
    ]
    own = [*(ROOT / "niwt_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    used = " ".join(path.read_text() for path in own if path.name != "limits.py")
    assert len(names) > 40
    assert [name for name in names if name not in used] == []
    commented = [line for line in source.splitlines() if line.startswith("#")]
    assert len(commented) > 0.7 * len(names)
