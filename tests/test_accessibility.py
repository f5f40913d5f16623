"""No page has a serious or critical fault by axe-core; those that are Streamlit's own are listed here, with reasons.

axe-core is not part of this project: AXE names its axe.min.js, or `npm install --no-save axe-core@4` puts it beside.
"""

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from niwt_core.birds.reading import read
from pages.shared import frame, state

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[1]
BIRD = state.Described(state.EXAMPLE, read(state.EXAMPLE).attributes)
PAGES = [file for pages in frame.PAGES.values() for file, _ in pages]
LOOKS = [(1280, "light"), (1280, "dark"), (390, "dark"), (390, "light")]
GRAVE = ("serious", "critical")

#: A picture of one point, so that the page that plants a fault has no picture that does not come.
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass(frozen=True)
class Theirs:
    """A fault of Streamlit's own markup: axe's rule, what the element's HTML begins with, and why we cannot mend it."""

    rule: str
    html: str
    reason: str


STREAMLITS_OWN = (
    Theirs("list", r'<ul data-testid="stSidebarNavItems"', "the navigation's groups stand as div in its ul"),
    Theirs("listitem", r'<li class="st-emotion-cache', "the navigation's groups stand as div between ul and li"),
)


@pytest.fixture(scope="session")
def axe() -> str:
    """The script."""
    found = Path(os.environ.get("AXE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if not found.is_file():
        pytest.skip(f"there is no axe-core at {found} (AXE names axe.min.js; npm install --no-save axe-core@4)")
    return found.read_text(encoding="utf-8")


def settled(page: Any) -> None:
    page.wait_for_selector("h1")
    for _ in range(2):  # a page that reruns itself rests in between
        page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
        page.wait_for_timeout(600)


def faults(page: Any, script: str) -> list[str]:
    """Grave faults that are ours, one line each."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(script)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
        if not any(t.rule == rule["id"] and re.match(t.html, node["html"]) for t in STREAMLITS_OWN)
    ]


def levels(page: Any) -> list[int]:
    """The levels of the headings, in order."""
    return page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, h3, h4, h5, h6)')]"
        ".filter(h => h.checkVisibility()).map(h => Number(h.tagName[1]))"
    )


def test_the_check_finds_a_planted_fault(browser_page: Any, axe: str) -> None:
    browser_page.set_content(f'<main><h1>t</h1><p style="color:#999">pale</p><img src="{DOT}"></main>')
    found = "\n".join(faults(browser_page, axe))
    assert "color-contrast" in found
    assert "image-alt" in found


@pytest.mark.parametrize("file", PAGES, ids=[Path(file).stem for file in PAGES])
def test_a_page_has_no_grave_fault_in_any_look(browser_page: Any, app_url: str, axe: str, file: str) -> None:
    page, name = browser_page, Path(file).stem
    address = f"{app_url}/{'' if name == 'start' else name}?picks={BIRD.key}&text={BIRD.text}"
    page.goto(address)
    settled(page)
    ours: dict[str, list[tuple[int, str]]] = {}
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)
        for fault in faults(page, axe):
            ours.setdefault(fault, []).append((width, scheme))
    assert not ours, "\n".join(f"{where} {fault}" for fault, where in ours.items())
    order = levels(page)
    assert order.count(1) == 1
    assert order[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(order)), order


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tours_bar_and_an_opened_word_have_no_grave_fault(
    browser_page: Any, app_url: str, axe: str, scheme: str
) -> None:
    page = browser_page
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{app_url}/importances?tour=2")
    settled(page)
    page.get_by_text("Stop 2 of 6").wait_for()
    page.locator(".term").first.click()
    assert page.locator(".term-says:popover-open").count() == 1
    assert not faults(page, axe)
