import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.shared.wording import whereabouts

APP = str(Path(__file__).parents[1] / "app.py")
BIRD = "size.small~crown_color.black~belly_color.yellow~wing_pattern.white_bars"
OWN = "A picture of your own"


@pytest.fixture
def page() -> AppTest:
    """The Explain page for a described bird."""
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params["bird"] = BIRD
    at.switch_page("pages/explain.py")
    return at.run()


@pytest.fixture
def upload(page) -> AppTest:
    return page.button_group(key="source").set_value(OWN).run()


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in [*at.markdown, *at.caption])


def words(at: AppTest) -> list[str]:
    return [p.proto.text for p in at.get("progress")]


def png(side: int = 80) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim to be a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_without_a_bird_the_page_says_so():
    at = AppTest.from_file(APP, default_timeout=60)
    at.switch_page("pages/explain.py").run()
    assert not at.exception
    assert len(at.info) == 1
    assert [b.label for b in at.button] == ["Describe a bird"]


def test_a_drawn_bird_is_explained_in_words_that_are_marked_true_or_not(page):
    assert not page.exception
    assert [t.value for t in page.title] == ["Explain what it sees"]
    assert "It says **" in texts(page)
    assert len(page.get("plotly_chart")) == 2
    assert "of what speaks for it lies on the bird" in texts(page)
    assert len(words(page)) == 6
    assert all(("✓ true of this bird" in w) != ("✗ not true of this bird" in w) for w in words(page))


def test_where_the_evidence_lies_is_told_in_the_birds_share_of_it():
    """A bird on a quarter of the picture, its wing on half of that."""
    bird = np.zeros((4, 4), dtype=bool)
    bird[:2, :2] = True
    wing, tail = bird.copy(), bird.copy()
    wing[1], tail[0] = False, False
    masks = {"bird": bird, "tail": tail, "wing": wing}
    on, off = -torch.ones(4, 4), torch.zeros(4, 4)
    on[0, 0], on[1, 0], on[3, 3] = 6.0, 2.0, 2.0
    off[0, 0], off[3, 3] = 1.0, 9.0
    assert whereabouts(on, masks) == (
        "80 % of what speaks for it lies on the bird (which covers 25 % of the picture), most of that on its wing."
    )
    assert whereabouts(off, masks).startswith(
        "Only 10 % of what speaks for it lies on the bird, which covers 25 % of the picture: less than its share."
    )
    assert whereabouts(on, None) == "The strongest for it lies at the top left."
    assert whereabouts(-on.abs(), masks) == "None of it speaks for it."


def test_evidence_for_another_class_changes_the_words(page):
    before = words(page)
    page.selectbox(key="evidence_for").set_value(3).run()
    assert not page.exception
    assert words(page) != before


def test_another_bird_and_another_six_change_the_picture(page):
    def numbers():
        return [chart.proto.spec for chart in page.get("plotly_chart")]

    first = numbers()
    page.button(key="pick3").click().run()
    second = numbers()
    page.button(key="more").click().run()
    assert not page.exception
    assert first != second != numbers() != first


def test_a_known_species_can_be_chosen(page):
    page.button_group(key="source").set_value("A species it knows").run()
    assert not page.exception
    name = page.selectbox(key="species").value
    assert f"Drawn as {name}" in texts(page)


def test_a_picture_of_ones_own_is_explained_without_marks(upload):
    assert not words(upload)
    upload.file_uploader(key="upload").upload("photo.png", png(), "image/png").run()
    assert not upload.exception
    assert "only ever seen paper birds" in upload.info[0].value
    assert len(words(upload)) == 6
    assert not any("true of" in w for w in words(upload))
    assert "The strongest for it lies" in texts(upload)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"a small yellow bird", "is no picture"),
        ("half.png", png()[:4000], "damaged or cut short"),
        ("huge.png", png_of(10_000, 10_000), "100 megapixels"),
        ("empty.png", b"", "is no picture"),
        ("large.png", bytes(11 * 2**20), "11.0 MB"),
    ],
)
def test_a_bad_upload_gives_one_sentence(upload, name, content, said):
    upload.file_uploader(key="upload").upload(name, content, "image/png").run()
    assert not upload.exception
    assert len(upload.error) == 1
    assert said in upload.error[0].value
    assert not words(upload)


def test_the_loops_classifier_can_be_chosen_where_there_is_one(page):
    assert [g.key for g in page.get("button_group")] == ["source"]
    page.switch_page("pages/train.py").run()
    page.button(key="step").click().run()
    page.switch_page("pages/explain.py").run()
    page.button_group(key="way").set_value("from the loop").run()
    assert not page.exception
    assert "The loop stands at iteration 1." in texts(page)
    page.selectbox(key="evidence_for").set_value(150).run()  # the described class, after all the seen ones
    by_loop = words(page)
    page.button_group(key="way").set_value("solved at once").run()
    assert by_loop != words(page)
