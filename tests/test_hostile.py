"""Hostile input that once cost too much, raised the wrong error, or could have; each as small as it can be."""

import io
import json
import pickle
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from scipy.io import savemat
from torch import nn

from niwt_core import limits
from niwt_core.__main__ import BUNDLED
from niwt_core.datasets import load_captions, mat_variables
from niwt_core.datasets.class_table import read_class_table
from niwt_core.datasets.matfiles import MAT_IMAGES, MAT_SPLIT, read_proposed_images
from niwt_core.datasets.tables import check_inside, numbered
from niwt_core.errors import InputError, without
from niwt_core.files.archive import unpack
from niwt_core.files.documents import parse
from niwt_core.files.tensorfiles import read_tensors
from niwt_core.images import decode_image
from niwt_core.network.backbone import load_state, network_bytes
from niwt_core.neurons.storage import load_dictionary
from niwt_core.notebook.files import from_json, to_json
from niwt_core.notebook.kept import Kept
from niwt_core.project import load_project
from niwt_core.worlds import shelf


def encoded(form: str, size: tuple[int, int] = (8, 8), **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 9).save(file, form, **options)
    return file.getvalue()


class TestPictures:
    def test_a_jpeg_of_thousands_of_scans_is_refused_at_once(self):
        """Each scan of 59 bytes went over 36 megapixels again: a file of 10 MB took an hour."""
        data = encoded("JPEG", progressive=True)
        start, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
        began = time.process_time()
        with pytest.raises(InputError, match=r"a JPEG of 5,00\d scans; expected at most 100"):
            decode_image(data[:start] + data[start:end] * 5000 + data[end:])
        assert time.process_time() - began < 0.5

    @pytest.mark.parametrize("part", [b"\xff\xe1\0\x0aExif\0\0ab", b"\xff\xee\0\2", b"\xff"])
    def test_a_jpeg_in_thousands_of_segments_is_refused(self, part):
        data = encoded("JPEG")
        with pytest.raises(InputError, match="in more than 10,000 parts"):
            decode_image(data[:2] + part * 10_001 + data[2:])

    def test_a_png_and_a_gif_in_thousands_of_parts_are_refused(self):
        png, gif = encoded("PNG"), encoded("GIF")
        with pytest.raises(InputError, match="parts"):
            decode_image(png[:33] + b"\0\0\0\0aaAa\0\0\0\0" * 10_001 + png[33:])
        header = 13 + (3 << ((gif[10] & 7) + 1) if gif[10] & 0x80 else 0)
        with pytest.raises(InputError, match="parts"):
            decode_image(gif[:header] + b"\x21\xfe" + b"\1c" * 10_001 + b"\0" + gif[header:])

    @pytest.mark.parametrize(
        "exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\2\0\0\0\1", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
    )
    def test_turning_by_damaged_exif_raises_nothing_else(self, exif):
        """It was done outside the net that catches what decoders raise."""
        data = encoded("JPEG")
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        try:
            assert decode_image(data[:2] + segment + data[2:]).size == (8, 8)
        except InputError as error:
            assert "damaged" in str(error)

    def test_a_strip_of_millions_of_pixels_is_refused(self):
        with pytest.raises(InputError, match="20,000 on the longer side"):
            decode_image(encoded("PNG", (20_001, 1)))


class TestZips:
    def test_a_zip_of_huge_pictures_is_stopped_by_their_pixels(self, tmp_path, monkeypatch):
        """White squares of 40 megapixels pack to nothing, and each takes half a second: hours in 200 MB."""
        from zipfile import ZipFile

        import niwt_core.files.archive as archive

        file = io.BytesIO()
        with ZipFile(file, "w") as packed:
            for i in range(6):
                packed.writestr(f"{'ab'[i % 2]}/{i}.png", encoded("PNG", (100, 100)))
        few = archive.Limits(pixels=50_000)
        tried = []
        monkeypatch.setattr(archive, "decode_image", lambda data: tried.append(data))
        with pytest.raises(InputError, match="megapixels together"):
            unpack(file, tmp_path / "data", few)
        assert len(tried) == 5  # the sixth was not decoded
        assert not (tmp_path / "data").exists()

    def test_a_name_that_begins_with_nothing_is_left_out(self, tmp_path):
        """`ZipInfo.is_dir` looks at the last character of what is before the first NUL: IndexError."""
        from zipfile import ZipFile

        file = io.BytesIO()
        with ZipFile(file, "w") as packed:
            for name in ("a/1.png", "b/1.png", "?/1.png"):
                packed.writestr(name, encoded("PNG"))
        data = file.getvalue().replace(b"?/1.png", b"\0/1.png")
        assert unpack(io.BytesIO(data), tmp_path / "data").left_out == {"named as no file can be everywhere": 1}


class TestTables:
    def test_a_wide_table_of_short_lines_makes_no_empty_cells(self, tmp_path):
        """A header of a million commas and 10,000 lines of "a,seen" became 10^10 cells."""
        path = tmp_path / "classes.csv"
        path.write_text("name,seen,description" + "," * 10**6 + "\n" + "".join(f"c{i},seen,x\n" for i in range(9_999)))
        with pytest.raises(InputError, match="1,000,003 columns; expected at most 4,096"):
            read_class_table(path)
        path.write_text("name,seen,description" + "," * 4_000 + "\n" + "".join(f"c{i},seen,x\n" for i in range(9_999)))
        began = time.process_time()
        assert len(read_class_table(path).names) == 9_999
        assert time.process_time() - began < 3

    def test_a_path_too_long_for_any_disk_is_refused_by_name(self):
        """Its parts were short enough each; asking the disk for it raised OSError."""
        with pytest.raises(InputError, match="a path inside the folder"):
            check_inside("a/" * 3000 + "x.jpg", Path("images.txt"), folders=True)

    def test_a_line_that_comes_from_a_file_cannot_break_the_sentence(self, tmp_path):
        (tmp_path / "list.txt").write_text("1 a\n" + "x" * 10**6 + " b\n" + "x" * 10**6 + " b\n")
        with pytest.raises(InputError) as caught:
            numbered(tmp_path / "list.txt", "a list")
        assert len(str(caught.value)) < 300
        assert str(InputError("a\nb\x1b[31m\u202e" + "x" * 5000)).startswith("a b [31m x")
        assert len(str(InputError("x" * 10**6))) == limits.SENTENCE

    def test_captions_without_end_are_refused(self, tmp_path):
        (tmp_path / "text_c10" / "a").mkdir(parents=True)
        (tmp_path / "text_c10" / "a" / "1.txt").write_text("x\n" * 30_000)
        with pytest.raises(InputError, match="30,000 captions; expected at most 100"):
            load_captions(tmp_path, ["a"])


class TestMatlabFiles:
    @pytest.fixture
    def zeros(self, tmp_path) -> Path:
        """8 MB of zeros that pack to 8 kB; a gigabyte packs to 1 MB."""
        for name in (MAT_SPLIT, MAT_IMAGES):
            savemat(tmp_path / name, {"allclasses_names": np.zeros(10**6 + 1)}, do_compression=True)
        return tmp_path

    def test_packed_zeros_are_no_list_of_millions(self, zeros):
        with pytest.raises(InputError, match="1,000,001 values where at most 1,000,000"):
            read_proposed_images(zeros, "images")

    def test_the_reader_has_no_more_memory_than_it_is_given(self, zeros):
        command = [sys.executable, "-P", mat_variables.__file__, str(zeros / MAT_SPLIT), "9", "9", str(40 * 2**20)]
        ran = subprocess.run([*command, "allclasses_names"], capture_output=True, check=False)
        assert b'"found"' not in ran.stdout


class TestDocuments:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[" * 100_000, "too deep"),
            ('{"a": "\\ud800"}', "half of a character"),
            ("[" + "[]," * limits.JSON_BRACKETS + "[]]", "brackets where at most"),
            ('{"a": ' + "9" * 5000 + "}", "digits"),
        ],
    )
    def test_json_that_no_document_needs_is_refused(self, text, said):
        with pytest.raises(ValueError, match=said):
            parse(text.encode())
        assert parse(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}

    def test_a_deep_document_on_the_shelf_is_left_out_of_the_list(self, tmp_path, monkeypatch):
        """It raised RecursionError on the page of one's own projects."""
        monkeypatch.setenv(shelf.VARIABLE, str(tmp_path))
        (tmp_path / ("0" * 32)).mkdir()
        shelf.claim(tmp_path / ("0" * 32), "me")
        whole = '{"n_seen": 1, "class_names": [], "backbone": {"name": "a", "layer": "b"}, "card": {}}'
        for text in ("[" * 100_000, whole.replace("1", "1e999"), whole.replace("[]", "true")):
            (tmp_path / ("0" * 32) / "project.json").write_text(text)
            assert shelf.projects_of("me") == []

    def test_a_notebook_title_of_millions_of_characters_is_refused_at_once(self):
        data = to_json([Kept(title="TITLE", text="x")]).replace(b"TITLE", "é".encode() * 10**6)
        began = time.process_time()
        with pytest.raises(InputError, match="1,000,000 characters; at most 120"):
            from_json(data)
        assert time.process_time() - began < 0.3

    def test_a_dictionary_with_a_number_beyond_all_is_refused(self, tmp_path):
        """`math.isfinite(10**400)` raises OverflowError."""
        text = (BUNDLED / "neurons.json").read_text()
        (tmp_path / "neurons.json").write_text(text.replace('"activation": ', f'"activation": {10**400}, "other": ', 1))
        with pytest.raises(InputError, match="is not as expected: OverflowError"):
            load_dictionary(tmp_path, load_project(BUNDLED))


class TestProjects:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        shutil.copytree(BUNDLED, tmp_path / "project")
        return tmp_path / "project"

    def change(self, folder: Path, **changes: object) -> None:
        path = folder / "project.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes).replace("Infinity", "1e999"))

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"n_seen": float("inf")}, "a whole number"),
            ({"n_seen": True}, "a whole number"),
            ({"n_sample_images": 1e3}, "a whole number"),
            ({"score_unit": 10**400}, "OverflowError"),
            ({"class_names": "birds"}, "a list of names"),
            ({"class_names": ["a"] * 200}, "comes twice"),
            ({"class_names": ["x" * 256]}, "256 characters"),
            ({"class_names": ["\ud800"]}, "half of a character"),
            ({"backbone": {"name": "x" * 65, "layer": "l"}}, "no short text"),
            ({"backbone": {"name": "vgg16", "layer": "x," * 501}}, "no short text"),
            ({"settings": {"kernel": "yes"}}, "the setting kernel"),
            ({"settings": {"alone": True}}, "the setting alone"),
            ({"settings": {"ridge": 10**400}}, "the setting ridge"),  # it was above 0 and below infinity
            ({"card": {"title": ["a"]}}, "title is no text"),
            ({"card": {"source": "birds"}}, "source is no object"),
            ({"card": {"word_trust": [{"least": "x", "n_true": 0, "n_words": 1, "promised": 0}]}}, "word_trust"),
            ({"card": {"word_trust": [{}]}}, "KeyError"),
            ({"tensors": "x" * 300 + ".safetensors"}, "cannot be read"),
            ({"tensors": "../tensors.safetensors"}, "a file beside it"),
        ],
    )
    def test_a_document_of_another_kind_is_refused_in_a_sentence(self, folder, changes, said):
        self.change(folder, **changes)
        with pytest.raises(InputError, match=said):
            load_project(folder)

    def test_a_huge_network_is_not_built_for_a_small_file(self, folder):
        """2.5 GB and half a minute, only to say that the tensors are others."""
        self.change(folder, backbone={"name": "regnet_y_128gf", "layer": "stem"})
        began = time.process_time()
        with pytest.raises(InputError, match=r"MB of tensors for regnet_y_128gf, which needs 2,4\d\d MB"):
            load_project(folder)
        assert time.process_time() - began < 5
        assert network_bytes("paper_bird_net") < 5 * limits.MB

    def test_a_tensor_of_another_type_is_refused(self, folder):
        """Whole numbers, complex and 8-bit ones had the right shape, and failed later."""
        (path,) = folder.glob("tensors.*.safetensors")
        tensors, _ = read_tensors(path)
        for kind, said in ((torch.int64, "has the type int64; expected float32"), (torch.complex64, "complex64"),
                           (torch.float8_e5m2, "float8"), (torch.float64, "float64; expected float32")):  # fmt: skip
            save_file(tensors | {"within": tensors["within"].to(kind)}, path)
            with pytest.raises(InputError, match=said):
                load_project(folder)


def test_a_link_to_a_broken_project_does_not_tell_where_the_server_keeps_it(tmp_path, monkeypatch):
    from pages.shared import resources

    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path))
    (tmp_path / ("0" * 32)).mkdir()
    (tmp_path / ("0" * 32) / "project.json").write_text("[")
    with pytest.raises(InputError, match=r"project\.json is damaged") as caught:
        resources.world_of("0" * 32)
    assert str(tmp_path) not in str(caught.value)
    said = without(InputError(f"{tmp_path}/a.csv of {tmp_path} is empty."), tmp_path, None)
    assert said == f"a.csv of {tmp_path.name} is empty."


class TestWeights:
    @pytest.mark.parametrize("state", [{"weight": "text"}, {"weight": None}, {1: torch.zeros(1)}, [torch.zeros(1)]])
    def test_a_file_of_other_things_is_refused(self, tmp_path, state):
        torch.save(state, tmp_path / "a.pth")
        with pytest.raises(InputError, match="could not be read as a state dict of tensors"):
            load_state(nn.Linear(1, 1), "small", tmp_path / "a.pth")

    def test_a_pickle_runs_nothing(self, tmp_path):
        class Bomb:
            def __reduce__(self):
                return Path.touch, (tmp_path / "ran",)

        for data in (pickle.dumps(Bomb()), pickle.dumps({"weight": Bomb()})):
            (tmp_path / "a.pth").write_bytes(data)
            with pytest.raises(InputError):
                load_state(nn.Linear(1, 1), "small", tmp_path / "a.pth")
        assert not (tmp_path / "ran").exists()

    def test_a_header_that_lies_about_its_length_is_not_parsed(self, tmp_path):
        for length in (2**63, 10**8, 2**20 + 1):
            (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", length) + b"{" * (2**20 + 2))
            with pytest.raises(InputError, match=r"damaged|header"):
                read_tensors(tmp_path / "a.safetensors")
