"""A visitor walks through every page in a project of photos, on a desk and on a telephone, with a refresh on each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from photo_shelf import CLASSES, KEY, words_of

from benchmarks.serving import served
from pages.shared.frame import PAGES

pytestmark = pytest.mark.browser

UNSEEN = "bluethroat"
ADDRESS = urlencode({"project": KEY, "of": UNSEEN, "text": words_of(UNSEEN)})
#: Whether the page, or a field on it, holds some words.
SAYS = """words => document.querySelector('[data-testid=stMain]').innerText.includes(words)
  || [...document.querySelectorAll('textarea')].some(field => field.value.includes(words))"""


@pytest.fixture(scope="module")
def photo_url(photo_shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("photos") / "server.log"
    with served(log, environment={"NIWT_PROJECTS": str(photo_shelf)}) as url:
        yield url


def settled(page: Any) -> str:
    """Wait until the page rests; returns what it says."""
    page.wait_for_selector("h1")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(500)
    return page.inner_text('[data-testid="stMain"]')


def test_every_page_works_on_photos_and_finds_the_class_after_a_refresh(browser_page: Any, photo_url: str) -> None:
    page, names = browser_page, [Path(file).stem for pages in PAGES.values() for file, _ in pages]
    assert UNSEEN in CLASSES
    for name in names:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{photo_url}/{'' if name == 'start' else name}?{ADDRESS}")
        settled(page)
        page.reload()
        page.set_viewport_size({"width": 390, "height": 844})
        said = settled(page)
        assert page.locator("h1").count() == 1, name
        assert page.locator('[data-testid="stException"]').count() == 0, name
        assert f"project={KEY}" in page.url, name
        assert "There is no project" not in said, name
        if name not in ("start", "own", "notebook", "dictionary", "evaluate", "faithful"):
            page.wait_for_function(SAYS, arg="blue crown", polling=200)
            assert "No class has been described" not in said, name
            settled(page)
        wide = page.evaluate(
            "Math.max(...['html', '[data-testid=stMain]'].map(s => document.querySelector(s))"
            ".map(e => e.scrollWidth - e.clientWidth))"
        )
        assert wide == 0, name
