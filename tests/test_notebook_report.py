"""The report as one HTML file, its pictures, and what is said of figures and patterns."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from niwt_core.errors import InputError
from niwt_core.notebook import Kept
from niwt_core.notebook.report import Chapter, Picture, report
from niwt_core.notebook.telling import differing, told_figures, told_pattern, told_picks
from pages.shared.notebook import kept_pictures

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
KEPT = Kept(
    title=EVIL,
    text=f"a red bird {EVIL}",
    picks={"back_color": "red", EVIL: EVIL},
    world=EVIL,
    note=f"{EVIL}\n**bold**",
    figures={"found": 95, "of": 100, "strength": 100.0, "ridge": 0.3},
    importances=(0.5, -1.0),
    explanation=EVIL,
)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_a_report_needs_nothing_and_runs_nothing() -> None:
    page = Page(report([Chapter(KEPT, (Picture(b"RIFF", EVIL),)), Chapter(KEPT)], rises="blue", hangs="orange"))
    assert not page.all("script")
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    images = page.all("img")
    assert len(images) == 3
    assert all((image["src"] or "").startswith("data:image/") and image["alt"] for image in images)
    assert not page.all("link")
    assert [meta["content"] for meta in page.all("meta") if "http-equiv" in meta] == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    ]
    assert page.text.count(EVIL) >= 10, "what was written is shown as it was written"
    assert "**bold**" in page.text


def test_headings_stand_in_order_and_contents_lead_to_them() -> None:
    page = Page(report([Chapter(KEPT)] * 3, rises="blue", hangs="orange"))
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2", "h2"]
    ids = {attrs["id"] for attrs in page.all("article")}
    assert {(attrs["href"] or "")[1:] for attrs in page.all("a")} == ids
    assert "Finds 95 of 100." in page.text
    assert "Settings: transfer strength 100, ridge 0.3." in page.text
    assert not Page(report([Chapter(KEPT)], rises="a", hangs="b")).all("nav")


def test_a_bird_is_drawn_and_photos_come_from_their_project() -> None:
    bird = Kept(title="a", picks={"back_color": "red", "wheels": "four", "size": "plaid"}, project="birds")
    assert kept_pictures.drawable(bird) == {"back_color": "red"}
    (drawn,) = kept_pictures.chapters([bird], _no_project)
    assert len(drawn.pictures) == kept_pictures.MANY
    images = [Image.open(io.BytesIO(picture.webp)) for picture in drawn.pictures]
    assert {(image.format, image.size) for image in images} == {("WEBP", (320, 320))}
    assert len({picture.webp for picture in drawn.pictures}) == kept_pictures.MANY
    assert len(kept_pictures.chapters([bird] * 9, _no_project)[0].pictures) == kept_pictures.FEW

    photos = Kept(title="b", text="b", of="Jay", project="abcdef")
    (gone,) = kept_pictures.chapters([photos], _no_project)
    assert gone.without == "Without pictures: There is no such project."
    (shown,) = kept_pictures.chapters([photos], lambda key: _World(key))
    assert [Image.open(io.BytesIO(picture.webp)).size for picture in shown.pictures] == [(320, 160)] * 2
    assert shown.pictures[0].alt == "A photo of Jay"


def _no_project(key: str):
    raise InputError("There is no such project.")


class _World:
    """Two photos of whatever class is asked for."""

    def __init__(self, key: str) -> None:
        assert key == "abcdef"
        self.labels = np.zeros(2, dtype=np.int64)

    def pictures_of(self, described, n: int):
        assert (described.of, n) == ("Jay", kept_pictures.MANY)
        return self

    def __getitem__(self, index: int) -> Image.Image:
        return Image.new("RGBA", (640, 320), (index, 0, 0, 255))


def test_the_portrait_of_the_shelf_is_a_picture() -> None:
    address = kept_pictures.portrait(Kept(title="a", picks={"back_color": "red"}))
    assert address is not None
    assert Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).size == (240, 240)
    assert kept_pictures.portrait(Kept(title="a", picks={"back_color": "red"}, project="abcdef")) is None


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, ()),
        ({"found": 95}, ()),
        ({"found": 95, "of": 100, "claimed": 4, "strangers": 50}, ("finds 95 of 100", "claims 4 of 50 strangers")),
        ({"milliseconds": 0.416, "misfit": 0.357, "else": 1}, ("solved in 0.4 ms", "distance to the target 0.36")),
    ],
)
def test_figures_in_words(figures, told) -> None:
    assert told_figures(figures) == told


def test_the_pattern_in_a_sentence() -> None:
    names = ["red", "blue", "big", "small"]
    assert told_pattern([0.5, -2.0, 3.0, 0.0], names) == (
        "Beside the average class, these rise most: neuron 2 (big) and neuron 0 (red). "
        "These fall most: neuron 1 (blue)."
    )
    none = "Beside the average class, these rise most: none. These fall most: none."
    assert told_pattern([0.0], ["red"]) == none


def test_where_words_part() -> None:
    one = Kept(title="a", picks={"size": "small", "back_color": "red"})
    two = Kept(title="b", picks={"size": "small", "crest": "tufted"})
    assert differing([one, two]) == {"back_color": ["red", ""], "crest": ["", "tufted"]}
    assert told_picks(one.picks) == "size: small, back color: red"
