"""A visitor brings photos of their own: uploaded, described, fitted, used, with a refresh on the way."""

import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.serving import served
from niwt_core.birds.drawing import draw
from niwt_core.worlds import server_folders, shelf, weights

pytestmark = pytest.mark.browser

#: Five classes of drawn birds: what is drawn, and what is said of it.
CLASSES = {
    "bluejay": ({"crown_color": "blue", "back_color": "blue", "belly_color": "white"}, "a blue bird, white below"),
    "canary": ({"crown_color": "yellow", "back_color": "yellow", "belly_color": "yellow"}, "a bird yellow all over"),
    "crow": ({"crown_color": "black", "back_color": "black", "belly_color": "black"}, "a bird black all over"),
    "redcap": ({"crown_color": "red", "back_color": "brown", "belly_color": "white"}, "a brown bird with a red cap"),
    "robin": ({"crown_color": "brown", "back_color": "brown", "belly_color": "red"}, "a brown bird with a red belly"),
}
N_EACH = 12


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for c, (name, (bird, _)) in enumerate(CLASSES.items()):
            for i in range(N_EACH):
                picture = io.BytesIO()
                Image.fromarray(draw(bird, seed=1000 * c + i, size=96, masks=False).image).save(picture, "PNG")
                archive.writestr(f"mine/{name}/{i:02}.png", picture.getvalue())
        archive.writestr("mine/crow/broken.jpg", b"no picture")
    return file.getvalue()


def settled(page: Any) -> None:
    page.wait_for_selector("h1")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(500)


def choose(page: Any, label: str, value: str) -> None:
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(value)
    page.get_by_role("option", name=re.compile(value)).first.click()
    settled(page)


def until_kept(projects: Path, words: str) -> None:
    """Wait until what was typed has reached the server."""
    for _ in range(600):
        if any(words in path.read_text(encoding="utf-8") for path in projects.glob("*/draft.json")):
            return
        time.sleep(0.1)
    pytest.fail(f"“{words}” was not kept")


@pytest.fixture
def own_url(tmp_path: Path, monkeypatch: Any) -> Iterator[str]:
    """A server with an empty shelf."""
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "projects"))
    monkeypatch.delenv(server_folders.VARIABLE, raising=False)
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    with served(tmp_path / "server.log") as url:
        yield url


def test_from_a_zip_to_a_classifier_made_of_words(own_url: str, browser_page: Any, tmp_path: Path) -> None:
    page = browser_page
    page.set_default_timeout(120_000)
    page.goto(f"{own_url}/own")
    settled(page)
    page.set_input_files(
        "input[type=file]", files=[{"name": "mine.zip", "mimeType": "application/zip", "buffer": zipped()}]
    )
    page.get_by_role("heading", name="2 What they look like").wait_for()
    settled(page)
    main = page.locator('[data-testid="stMain"]')
    assert "60 pictures in 5 classes" in main.inner_text()
    assert "Left out: 1 file (broken, or no picture)" in main.inner_text()
    for name, (_, words) in CLASSES.items():
        field = page.get_by_label(f"{name} ({N_EACH} photos)")
        field.fill(words)
        field.press("Tab")
        until_kept(tmp_path / "projects", words)

    page.reload()  # in the middle of it
    page.get_by_role("heading", name="4 Fit").wait_for()
    settled(page)
    for name, (_, words) in CLASSES.items():
        assert page.get_by_label(f"{name} ({N_EACH} photos)").input_value() == words
    choose(page, "Network, the smallest first", "mobilenet_v3_small")
    choose(page, "Its weights", "random")
    page.get_by_label("What shall the project be called?").fill("My birds")
    page.get_by_role("button", name="Fit the network to your pictures").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.reload()  # while it is fitted
    page.get_by_role("heading", name="My birds").wait_for(timeout=600_000)  # half a minute on a machine at rest
    settled(page)
    assert "4 seen and 1 unseen class; mobilenet_v3_small, cut at features.12" in main.inner_text()

    page.get_by_role("button", name="Use this project").click()
    page.wait_for_url(re.compile(r"describe.*project=[0-9a-f]{32}"))
    settled(page)
    page.get_by_label("Your description").fill("a brown bird with a red belly")
    page.get_by_role("button", name="Read my words").click()
    page.get_by_role("heading", name="What was understood").wait_for()
    settled(page)
    page.get_by_role("link", name="3 Train").click()
    page.get_by_role("button", name="Solve at once").click()
    page.get_by_text(re.compile("Solved at once, in")).first.wait_for()
    settled(page)
    address = page.url.partition("?")[2]
    link = re.search(r"shelf=[0-9a-f]{32}", page.url)  # it came along through all pages
    assert link
    page.goto(f"{own_url}/own?{link[0]}")
    page.get_by_role("heading", name="My birds").wait_for()
    settled(page)
    walk_on(page, own_url, address)


#: Page -> the button of what it is there for (None: nothing to press), and words that stand there once it is done.
DEEDS: dict[str, tuple[str | None, str]] = {
    "importances": (None, "The neurons that matter most"),
    "train": ("One step", "at iteration 1"),
    "explain": (None, "Where it looks"),
    "which_words": (None, "red belly"),
    "what_if": (None, "red belly"),
    "methods": ("Compare five methods", "What came out"),
    "proof": ("Put it to the proof", "What came out"),
    "dictionary": (None, "neuron"),
    "evaluate": ("Evaluate", "Of 100 photos"),
    "faithful": ("Test it on", "our map"),
    "notebook": (None, "red belly"),
}


def walk_on(page: Any, url: str, address: str) -> None:
    """Every other page with the class described: what it is there for is done, also after a refresh."""
    for name, (button, words) in DEEDS.items():
        page.goto(f"{url}/{name}?{address}")
        settled(page)
        if button is not None:
            page.get_by_role("button", name=re.compile(button)).first.click()
        main = page.locator('[data-testid="stMain"]')
        main.get_by_text(re.compile(words)).first.wait_for()
        settled(page)
        assert page.locator("h1").count() == 1, name
        assert "There is no project" not in main.inner_text(), name
        page.reload()
        settled(page)
        assert page.locator('[data-testid="stException"]').count() == 0, name
