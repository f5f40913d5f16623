"""The notebook in a real browser: described, found, renamed, refreshed, and its link opened by somebody else."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pages.shared.state import EXAMPLE

pytestmark = pytest.mark.browser


def settled(page: Any) -> None:
    page.wait_for_selector("h1")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(500)


def overflow(page: Any) -> int:
    """How many pixels the page could be scrolled sideways."""
    return page.evaluate(
        "Math.max(...['html', '[data-testid=stMain]'].map(s => document.querySelector(s))"
        ".map(e => e.scrollWidth - e.clientWidth))"
    )


def test_described_kept_renamed_and_opened_by_somebody_else(chromium: Any, browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe")
    page.get_by_label("Your description").fill(EXAMPLE)
    page.get_by_role("button", name="Read my words").click()
    page.get_by_role("link", name="Kept in your notebook").click()
    page.get_by_role("heading", name="1 class").wait_for()
    settled(page)
    secret = parse_qs(urlsplit(page.url).query)["notebook"][0]

    page.get_by_role("button", name="Title and note").click()
    page.get_by_label("Title", exact=True).fill("My <b>canary</b>")
    page.get_by_label("Note", exact=True).fill("seen **once**")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("heading", level=3, name="My <b>canary</b>").wait_for()
    page.reload()
    page.get_by_role("heading", level=3, name="My <b>canary</b>").wait_for()
    assert page.locator(".kept-note").inner_text() == "seen **once**"
    assert page.locator(".kept b").count() == 0
    for picture in page.locator(".kept img, img.kept-face").all():
        assert picture.evaluate("e => e.complete && e.naturalWidth > 0")
        assert picture.get_attribute("alt")

    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="More").click()
    link = page.locator('[data-testid="stCode"]').filter(has_text="picks=").inner_text().strip()
    settled(page)
    assert overflow(page) == 0
    assert link.startswith(f"{app_url}/")
    assert secret not in link

    stranger = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    stranger.set_default_timeout(60_000)
    try:
        stranger.goto(link)
        stranger.get_by_role("heading", name="What was understood").wait_for()
        settled(stranger)
        says = "words => [...document.querySelectorAll('textarea')].some(field => field.value === words)"
        stranger.wait_for_function(says, arg=EXAMPLE)
        assert parse_qs(urlsplit(stranger.url).query)["picks"] == parse_qs(urlsplit(link).query)["picks"]
        assert "crown: black" in stranger.locator(".read").inner_text()
        theirs = parse_qs(urlsplit(stranger.url).query).get("notebook", [""])[0]
        assert theirs != secret, "a link to a class is no key to the notebook"
        stranger.goto(f"{app_url}/notebook?notebook={secret}")
        stranger.get_by_role("heading", level=3, name="My <b>canary</b>").wait_for()
    finally:
        stranger.context.close()


def test_a_report_and_a_file_are_saved_and_the_file_comes_back(browser_page: Any, app_url: str, tmp_path: Any) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe?picks=crown_color.red~size.large")
    page.get_by_role("link", name="Kept in your notebook").click()
    page.get_by_role("heading", name="1 class").wait_for()
    page.get_by_text("Save all classes in a file").click()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Report (HTML)").click()
    report = coming.value.path().read_text()
    assert report.count("data:image/webp;base64,") == 8
    assert "<h2>large size, red crown</h2>" in report
    with page.expect_download() as coming:
        page.get_by_role("button", name="Data (JSON)").click()
    saved = tmp_path / "saved.json"
    coming.value.save_as(saved)
    page.get_by_text("This notebook’s own link").click()
    page.get_by_role("button", name="Begin a new, empty notebook").click()
    page.get_by_role("heading", name="Nothing here yet").wait_for()
    settled(page)
    page.get_by_text("Bring classes in from a file").click()
    page.locator('input[type="file"]').set_input_files(saved)
    page.get_by_role("button", name="Bring them in").click()
    page.get_by_text("1 class came in.").wait_for()
    page.get_by_role("heading", level=3, name="large size, red crown").wait_for()
