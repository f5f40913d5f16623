"""A notebook as a file: without loss to JSON and back, nothing trusted on the way in, no formula on the way out."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from niwt_core.errors import InputError
from niwt_core.notebook import Database, Kept, create_notebook, files, open_notebook
from niwt_core.notebook.face import HEIGHT, WIDTH, cosine, face
from niwt_core.notebook.files import from_json, to_csv, to_json
from niwt_core.notebook.kept import checked

ROW = np.random.default_rng(0).normal(size=7).astype(np.float32)
KEPT = checked(
    Kept(
        title="=cmd|' /C calc'!A0",
        text="a red bird",
        picks={"back_color": "red"},
        of="004.Gray_Bird",
        project="ab-12",
        world="My <photos>",
        note="+1\n@SUM(A1)",
        figures={"found": 95, "milliseconds": 0.4},
        importances=tuple(ROW.tolist()),
        order=(6, 5, 4, 3, 2, 1, 0),
        explanation="It is red.",
        created=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        changed=datetime(2026, 1, 3, tzinfo=timezone(timedelta(hours=2))),
    )
)


def document(**changes) -> bytes:
    made = json.loads(to_json([KEPT]))
    made["entries"][0] |= changes
    return json.dumps(made).encode()


def test_out_and_in_again_without_loss() -> None:
    assert from_json(to_json([KEPT, replace(KEPT, title="ü 👩‍🔬")])) == (KEPT, replace(KEPT, title="ü 👩‍🔬"))
    assert from_json(b"\xef\xbb\xbf" + to_json([])) == ()
    assert np.allclose(KEPT.importances, ROW, rtol=1e-5)


def test_through_a_notebook_and_a_file_into_another_notebook(tmp_path) -> None:
    data = Database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    first, second = (open_notebook(data, create_notebook(data)) for _ in range(2))
    first.keep(KEPT)
    first.duplicate(first.keep(replace(KEPT, text="other", importances=(), order=())).id)
    second.add(from_json(to_json(first.everything())))
    assert sorted(e.title for e in second.everything()) == sorted(e.title for e in first.everything())
    assert {to_json([e]) for e in first.everything()} == {to_json([e]) for e in second.everything()}


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "no notebook"),
        (b"PK\x03\x04", "no notebook"),
        (b"\xff\xfe", "no notebook"),
        (b"[" * 100_000, "no notebook"),
        (b"[]", "no notebook"),
        (b'{"format": "niwt-notebook", "version": NaN}', "no notebook"),
        (b'{"format": "niwt-project"}', '"format": "niwt-notebook"'),
        (b'{"format": "niwt-notebook", "version": 2}', "version '2'.*reads version 1"),
        (b'{"format": "niwt-notebook", "version": 1}', "a list of at most 2,000"),
        (json.dumps({"format": "niwt-notebook", "version": 1, "entries": [1] * 2001}).encode(), "at most 2,000"),
        (b'{"format": "niwt-notebook", "version": 1, "entries": [5]}', "Class 1 .* It is no class"),
        (document(title=5), "“title” should be a text"),
        (document(title=""), "needs a title"),
        (document(note="n" * 20_001), "20,001 characters"),
        (document(picks=["a"]), "“picks” should be"),
        (document(picks={"a": 1}), "“picks” should be"),
        (document(of="a\nb"), "no name"),
        (document(project="../x"), "no key"),
        (document(figures={"found": True}), "“figures” should be"),
        (document(figures={"found": "95"}), "“figures” should be"),
        (document(importances=[0.1, None]), "“importances” should be"),
        (document(importances=[0.1]), "each of the 1 channels once"),
        (document(importances=[10**400] * 7), "cannot be read"),
        (document(order=[0.0] * 7), "“order” should be"),
        (document(order=[0] * 7), "each of the 7 channels once"),
        (document(created="yesterday"), "“created” should be a time"),
        (document(created=None), "“created” should be a time"),
    ],
)
def test_a_file_that_is_not_right_is_refused_whole(data: bytes, part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        from_json(data)
    assert "Nothing was brought in." in str(caught.value)


def test_a_file_too_large_is_not_even_read() -> None:
    with pytest.raises(InputError, match=r"50 MB; a notebook has at most 32 MB"):
        from_json(b" " * (50 << 20))


def test_control_characters_of_a_file_go() -> None:
    (kept,) = from_json(document(title="a\x00b\u202ec", note="\x1b[31mred\r\nline"))
    assert (kept.title, kept.note) == ("abc", "[31mred\nline")


def test_a_spreadsheet_gets_no_formula_and_true_numbers() -> None:
    table = to_csv(
        [KEPT, replace(KEPT, title="-2+3", note=" =1", figures={"claimed": -4.0}, importances=(-1.5,), order=())]
    )
    assert table.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert rows[0]["title"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["note"] == "'+1\n'@SUM(A1)"
    assert rows[1]["title"] == "'-2+3"
    assert rows[1]["note"] == "' =1"
    assert rows[0]["attributes"] == "back_color: red"
    assert (float(rows[0]["found"]), rows[0]["claimed"]) == (95.0, "")
    assert (float(rows[1]["claimed"]), float(rows[1]["importance of neuron 0"])) == (-4.0, -1.5)
    assert tuple(float(rows[0][f"importance of neuron {k}"]) for k in range(7)) == KEPT.importances
    assert rows[1]["importance of neuron 6"] == ""
    for row in rows:
        assert not [v for k, v in row.items() if k in ("title", "text", "note", "world") and v[:1] in "=+-@" and v]
    assert files.to_csv([]).count(b"\n") == 1


def test_a_face_rises_for_and_hangs_against_in_the_given_order() -> None:
    picture = face([1.0, -1.0, 0.0, 0.5], (3, 2, 1, 0), rises="blue", hangs="orange")
    step, middle = WIDTH / 4, HEIGHT // 2
    assert f'<path d="M{0:.2f} 0h{step:.2f}v{middle}h-{step:.2f}z" fill="blue"' in picture
    assert f'<path d="M{2 * step:.2f} {middle}h{step:.2f}v{middle}h-{step:.2f}z" fill="orange"' in picture
    assert f"M{3 * step:.2f} 0h" in picture
    assert picture.count("fill=") == 3, "zero is the page's ground"
    assert "fill=" not in face([], rises="blue", hangs="orange")
    assert "fill=" not in face([0.0, 0.0], rises="blue", hangs="orange")


def test_cosines_of_patterns() -> None:
    assert cosine([1.0, 0.0], [2.0, 0.0]) == 1.0
    assert cosine([1.0, 0.0], [0.0, 3.0]) == 0.0
    assert cosine([3.0, 4.0], [4.0, 3.0]) == pytest.approx(0.96)
    assert cosine([1.0], [1.0, 2.0]) is None
    assert cosine([0.0], [1.0]) is None
