"""For each door: whole files to begin with, and the Hypothesis strategy that makes hostile ones of them."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import save
from scipy.io import savemat

from benchmarks.fuzz import picture_files, zip_files
from benchmarks.fuzz.damage import EDGES, NAMES, NUMBERS, cells, damaged, documents, encoded, names
from benchmarks.fuzz.doors import BUNDLED
from benchmarks.fuzz.judge import TARGET
from niwt_core import limits
from niwt_core.notebook.files import to_json
from niwt_core.notebook.kept import Kept


class _Bomb:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {TARGET}",)


PICKLE = pickle.dumps(_Bomb())

# Tables.
_TABLE = (
    'name,seen,description,long neck,stripes\na,seen,a tall one,1,0.5\nb,yes,a small one,0,1\nc,unseen,"x, y",.5,2\n'
)
_HEADERS = ("name", "seen", "description", "Name", "SEEN", "long neck", "stripes", "", " ", *NAMES[:20])


@st.composite
def _csv(draw: Callable) -> str:
    header = draw(st.lists(st.sampled_from(_HEADERS), max_size=6))
    if draw(st.integers(0, 3)):
        header = ["name", "seen", *header]
    if draw(st.integers(0, 60)) == 0:
        header += [""] * draw(st.sampled_from((limits.TABLE_COLUMNS - 8, limits.TABLE_COLUMNS, 10**6)))
    lines = [header]
    for i in range(draw(st.integers(0, 5))):
        first = draw(st.sampled_from((f"c{i}", f"c{i}", "abc"[i % 3], draw(names))))
        seen = draw(st.sampled_from(("seen", "unseen", "yes", "no", "1", "0", "TRUE", "maybe", "")))
        lines.append([first, seen, *draw(st.lists(cells, max_size=min(len(header), 7)))])
    if draw(st.integers(0, 200)) == 0:
        lines += [[f"d{i}", "seen", "x"] for i in range(draw(st.sampled_from((9_000, 10_001))))]
    quote = draw(st.sampled_from(("", '"', '"', "'")))
    separator = draw(st.sampled_from((",",) * 8 + (";", "\t", ", ")))
    rows = (
        separator.join(f"{quote}{cell}{quote}" if set(cell) & set(',"\n\r') else cell for cell in line)
        for line in lines
    )
    return draw(st.sampled_from(("\n", "\n", "\r\n", "\r"))).join(rows)


@st.composite
def _rows(draw: Callable) -> str:
    n_columns = draw(st.sampled_from((4, 4, 4, 4, 3, 5, 0, 1, 3000)))
    n_rows = draw(st.sampled_from((3, 3, 3, 3, 2, 4, 0)))
    whole = st.sampled_from(("0", "1", "2.5", "1e3"))
    one = draw(st.sampled_from((whole, whole, cells))) if n_columns < 10 else whole
    lines = [
        " ".join(draw(st.lists(one, min_size=min(n_columns, 9), max_size=min(n_columns, 9)))) for _ in range(n_rows)
    ]
    return draw(st.sampled_from(("\n", "\r\n", "\u2028", "\f"))).join(lines) + draw(
        st.sampled_from(("", "\n", "\n\n\0"))
    )


def _repeated(text: str, times: int) -> str:
    """So many times, or as often as fits into 2 million characters."""
    return text * max(1, min(times, 2_000_000 // max(len(text), 1)))


@st.composite
def _numbered(draw: Callable) -> str:
    keys = st.one_of(st.integers(0, 9).map(str), st.sampled_from(NUMBERS))
    values = st.one_of(names, st.sampled_from(("a::b", "1", "2", "0 1 1", "1.A", "1.A/1.jpg", "3.C/2.jpg",
                                               "../../x/1.jpg", "/etc/passwd",
                                               "a/" * 2000 + "x", "1.A/" + "x" * 255)))  # fmt: skip
    lines = draw(st.lists(st.tuples(keys, values).map(" ".join), max_size=8))
    times = draw(st.sampled_from((1,) * 30 + (1000, 100_000)))
    return _repeated(draw(st.sampled_from(("\n", "\n", "\r\n", "\x85"))).join(lines), times)


_LABELS = "1 1 1 3 1.0\n1 2 0 1 2.0\n2 3 1 1 1\n3 4 1 1 1\n"


@st.composite
def _labels(draw: Callable) -> str:
    field = st.one_of(st.integers(-1, 6).map(str), st.integers(0, 2).map(str), st.sampled_from(NUMBERS))
    lines = draw(st.lists(st.lists(field, min_size=1, max_size=5).map(" ".join), max_size=6))
    return _LABELS * draw(st.integers(0, 1)) + "\n".join(lines) * draw(st.sampled_from((1,) * 20 + (2000,)))


_WORDS = ("a small yellow bird", "with", "a black cap", "white wing bars", "and", "not", ",", ".", "no", "its",
          "beak is short", "red", "or",
          "orange-red", "é", "鳥", "\u202e", "\0", "<script>alert(1)</script>", "$\\frac{1}{0}$",
          "=cmd|' /C calc'!A0", "[a](javascript:x)",
          "()", "((", "“", "-" * 300, "a" * 999, "very " * 180, "and " * 240, ", " * 490, "\n" * 200,
          "😀" * 200, "\ud800")  # fmt: skip


@st.composite
def _sentences(draw: Callable) -> str:
    words = draw(
        st.lists(st.one_of(st.sampled_from(_WORDS), st.sampled_from(_WORDS[:14]), st.text(max_size=9)), max_size=20)
    )
    said = draw(st.sampled_from((" ", " ", " ", "", ", ", "\n"))).join(words)
    return _repeated(said, draw(st.sampled_from((1,) * 30 + (200, 5000))))


# Binary files.
def _mats() -> list[bytes]:
    def cell(texts: list[str]) -> np.ndarray:
        array = np.empty((len(texts), 1), dtype=object)
        array[:, 0] = texts
        return array

    paths = [f"/home/x/images/{c}/{i}.jpg" for c in ("1.A", "2.B") for i in (1, 2)]
    variables = {
        "image_files": cell(paths),
        "labels": np.array([[1], [1], [2], [2]], dtype=np.uint8),
        "allclasses_names": cell(["1.A", "2.B"]),
        "trainval_loc": np.array([[1.0]]),
        "test_seen_loc": np.array([[2]]),
        "test_unseen_loc": np.array([[3], [4]]),
    }
    others = {"labels": np.zeros((20, 20), dtype=complex), "image_files": {"a": cell(["x"]), "b": np.array([[1]])}}
    found = []
    for content in (variables, others, {"labels": np.eye(3)}):
        for options in ({"do_compression": True}, {}, {"format": "4"}):
            file = io.BytesIO()
            try:
                savemat(file, content, **options)
            except (ValueError, TypeError):  # version 4 has no cells
                continue
            found.append(file.getvalue())
    return [*found, b"MATLAB 7.3 MAT-file" + bytes(105) + b"\0\2IM" + b"\x89HDF\r\n\x1a\n", PICKLE]


_TYPES = ("F32", "F16", "BF16", "F64", "I64", "I32", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "C64", "F4", "X", "", "f32")


@lru_cache(maxsize=1)
def _bundled_header() -> dict[str, Any]:
    whole = next(BUNDLED.glob("tensors.*.safetensors")).read_bytes()
    return json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])


@st.composite
def _headers(draw: Callable, entries: dict[str, Any], body: bytes) -> bytes:
    header = json.loads(json.dumps(entries))
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(list(header) or ["a"]))
        if name not in header or name == "__metadata__":
            continue
        match draw(st.integers(0, 6)):
            case 0:
                header[name]["dtype"] = draw(st.sampled_from(_TYPES))
            case 1:
                header[name]["shape"] = draw(st.lists(st.sampled_from(EDGES), max_size=4))
            case 2:
                header[name]["data_offsets"] = [
                    draw(st.sampled_from((*EDGES, -1))),
                    draw(st.sampled_from((*EDGES, -1))),
                ]
            case 3:
                header[draw(names)] = header.pop(name)
            case 4:
                header["__metadata__"] = draw(
                    st.sampled_from(({"prior": "{}"}, {"prior": "x"}, {"prior": "[" * 5000}, {"a": 1}, [], {}))
                )
            case 5:
                header[name]["dtype"], header[name]["shape"] = "I64", [1]
            case _:
                del header[name]
    text = json.dumps(header).encode("utf-8", "replace")
    if draw(st.integers(0, 20)) == 0:
        text = draw(documents([header]))
    text += b" " * draw(st.sampled_from((0,) * 12 + (7, 2**20)))
    length = draw(st.sampled_from((len(text),) * 12 + (0, len(text) - 1, 2**20 + 1, 100_000_001, 2**63, 2**64 - 1)))
    return struct.pack("<Q", max(length, 0)) + text + body


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + length]), data[8 + length :]


_SMALL = {"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(3), "1.weight": torch.ones(3), "1.bias": torch.zeros(3),
          "1.running_mean": torch.zeros(3), "1.running_var": torch.ones(3),
          "1.num_batches_tracked": torch.tensor(0)}  # fmt: skip


def _pths() -> list[bytes]:
    found = [PICKLE, pickle.dumps({"0.weight": _Bomb()})]
    for state in (
        _SMALL,
        {1: torch.zeros(1)},
        {"0.weight": "x"},
        {"0.weight": None},
        [torch.zeros(1)],
        torch.zeros(2),
        {"a": _Bomb()},
    ):
        for new in (True, False):
            file = io.BytesIO()
            torch.save(state, file, _use_new_zipfile_serialization=new)
            found.append(file.getvalue())
    return found


@lru_cache(maxsize=1)
def _contest() -> bytes:
    n_seen, d = _bundled_header()["trained.weight"]["shape"]
    n_kept = 100
    labels = torch.arange(4) + n_seen - 4
    stored = {"features": torch.zeros(n_seen, d).half(), "labels": torch.arange(n_seen),
              "kept.features": torch.zeros(n_kept, d).half(), "kept.labels": torch.arange(n_kept),
              "kept.weight": torch.zeros(n_kept, d), "kept.bias": torch.zeros(n_kept),
              "rehearsal.classes": torch.arange(n_seen),
              "rehearsal.features": torch.zeros(4, d).half(), "rehearsal.labels": labels}  # fmt: skip
    return save(stored, {"prior": "{}"})


# Documents.
@lru_cache(maxsize=1)
def _project() -> dict[str, Any]:
    return json.loads((BUNDLED / "project.json").read_text())


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, Any]:
    return json.loads((BUNDLED / "neurons.json").read_text())


def _notebook() -> dict[str, Any]:
    kept = Kept(
        title="t",
        text="a bird",
        picks={"a": "b"},
        figures={"found": 95},
        importances=(0.1, -0.2),
        order=(1, 0),
        note="n\nm",
    )
    return json.loads(to_json([kept, Kept(title="second", project="0123abcd")]))


_DRAFT = {"key": "0" * 32, "name": "n", "dataset": "folder", "root": "data", "attribute_names": ["a"],
          "has_table": True, "left_out": {"x": 1},
          "rows": [{"name": "cat", "n_pictures": 5, "seen": True, "description": "d", "numbers": [1.0]}],
          "named": [["a", "b"]], "notes": ["n"]}  # fmt: skip


_TENSORS = save(_SMALL)
_LISTED = "1 a\n2 b\n3 c\n"
_SAID = "a small yellow bird with a black cap, white wing bars and a short orange beak"

#: Whole files for each door: where atheris begins.
SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "pictures": picture_files.seeds,
    "zips": lambda: [zip_files.plain(zip_files.GOOD), zip_files.plain(zip_files.GOOD, 0)],
    "uploads": lambda: [zip_files.plain(zip_files.GOOD), zip_files.plain(zip_files.GOOD, 0)],
    "classes.csv": lambda: [_TABLE.encode()],
    "own folders": lambda: [_TABLE.encode()],
    "number tables": lambda: [b"1 2 3 4\n" * 3],
    "image attributes": lambda: [_LABELS.encode()],
    "lists": lambda: [_LISTED.encode()],
    "data sets": lambda: [
        bytes([i]) + text for i in range(10) for text in (_LISTED.encode(), b"1.A\n2.B\n", b"1 1 1\n")
    ],
    "captions": lambda: [_SAID.encode()],
    "sentences": lambda: [_SAID.encode()],
    "mat reader": _mats,
    "mat files": _mats,
    "project.json": lambda: [json.dumps(_project()).encode()],
    "project tensors": lambda: [_headers_as_they_are()],
    "safetensors": lambda: [_TENSORS, _contest()],
    "contests": lambda: [_contest(), _TENSORS],
    "neurons.json": lambda: [json.dumps(_dictionary() | {"neurons": _dictionary()["neurons"][:2]}).encode()],
    "weights": lambda: [_TENSORS, *_pths()],
    "notebooks": lambda: [json.dumps(_notebook()).encode()],
    "shelf": lambda: [json.dumps(_DRAFT).encode(), json.dumps(_project()).encode()],
    "encoder": lambda: [_TENSORS, PICKLE],
}


def _headers_as_they_are() -> bytes:
    text = json.dumps(_bundled_header()).encode()
    return struct.pack("<Q", len(text)) + text


def _texts(made: st.SearchStrategy[str], door: str) -> st.SearchStrategy[bytes]:
    return st.one_of(encoded(made), encoded(made), damaged(SEEDS[door]()))


@st.composite
def _cub_files(draw: Callable) -> bytes:
    which = draw(st.integers(0, 9))
    made = {4: _names_alone(), 5: _names_alone(), 6: _names_alone(), 8: _rows(), 9: _labels()}.get(which, _numbered())
    return bytes([which]) + draw(
        st.one_of(encoded(made), damaged([_LISTED.encode(), b"1 1\n2 1\n3 2\n4 2\n5 3\n6 3\n"]))
    )


def _names_alone() -> st.SearchStrategy[str]:
    return st.lists(st.one_of(names, st.sampled_from(("1.A", "2.B", "3.C", "1.A/1.jpg"))), max_size=6).map("\n".join)


#: Hostile files for each door.
STRATEGIES: dict[str, Callable[[], st.SearchStrategy[bytes]]] = {
    "pictures": picture_files.pictures,
    "zips": zip_files.zips,
    "uploads": zip_files.zips,
    "classes.csv": lambda: _texts(_csv(), "classes.csv"),
    "own folders": lambda: _texts(_csv(), "own folders"),
    "number tables": lambda: _texts(_rows(), "number tables"),
    "image attributes": lambda: _texts(_labels(), "image attributes"),
    "lists": lambda: _texts(_numbered(), "lists"),
    "data sets": _cub_files,
    "captions": lambda: _texts(_sentences(), "captions"),
    "sentences": lambda: _texts(_sentences(), "sentences"),
    "mat reader": lambda: damaged(_mats()),
    "mat files": lambda: damaged(_mats(), 2),
    "project.json": lambda: documents([_project()]),
    "project tensors": lambda: _headers(_bundled_header(), b""),
    "safetensors": lambda: st.one_of(_headers(*_split(_TENSORS)), damaged([_TENSORS, _contest()])),
    "contests": lambda: st.one_of(_headers(*_split(_contest())), damaged([_contest(), _TENSORS], 2)),
    "neurons.json": lambda: documents([_dictionary()]),
    "weights": lambda: st.one_of(_headers(*_split(_TENSORS)), damaged(_pths(), 2)),
    "notebooks": lambda: documents([_notebook()]),
    "shelf": lambda: documents([_DRAFT, _project(), _project() | _DRAFT]),
    "encoder": lambda: damaged([_TENSORS, PICKLE]),
}
