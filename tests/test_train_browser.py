"""The living board in a real browser: how many pictures a second are painted, and two visitors who train at once."""

import itertools
import re
import statistics
from typing import Any

import pytest

pytestmark = pytest.mark.browser

BIRD, OTHER = "crown_color.black~belly_color.yellow", "crown_color.red~size.large"
#: Frame by frame, until so many iterations were seen or so many seconds are over: when another iteration stands on the
#: board, and whether its curve changed with it.
WATCH = """([most, seconds]) => new Promise(done => {
  const times = [], tops = new Set(); let last = null, curve = null, curves = 0; const began = performance.now();
  const look = () => {
    const board = document.querySelector('.cyn-board'), now = board?.dataset.iteration;
    if (now && now !== last) {
      last = now; times.push(performance.now() - began);
      const d = board.querySelectorAll('path.line')[1].getAttribute('d');
      curves += d !== curve; curve = d;
      tops.add(Math.round(board.getBoundingClientRect().height));
    }
    if (times.length < most && performance.now() - began < 1000 * seconds) requestAnimationFrame(look);
    else done({times, curves, heights: [...tops]});
  };
  requestAnimationFrame(look);
})"""


def open_board(page: Any, app_url: str, bird: str) -> None:
    page.goto(f"{app_url}/train?picks={bird}")
    page.wait_for_selector(".cyn-board[data-iteration]", timeout=150_000)  # the first visit wakes the network


def iteration(page: Any) -> int:
    return int(page.get_attribute(".cyn-board", "data-iteration"))


def until(page: Any, expression: str) -> None:
    page.wait_for_function(expression, polling=200)


def test_the_board_is_painted_several_times_a_second_and_does_not_jump(browser_page: Any, app_url: str) -> None:
    """At least 5 a second on a quiet machine; a busy one gets some leave."""
    page = browser_page
    open_board(page, app_url, BIRD)
    page.get_by_role("button", name="Start", exact=True).click()
    until(page, "() => document.querySelector('.cyn-board').dataset.iteration >= 3")
    seen = page.evaluate(WATCH, [40, 40])
    gaps = [b - a for a, b in itertools.pairwise(seen["times"])]
    assert len(gaps) >= 10
    rate = 1000 / statistics.median(gaps)
    mean = 1000 * len(gaps) / (seen["times"][-1] - seen["times"][0])
    print(f"{rate:.1f} pictures a second by the median gap, {mean:.1f} on average")
    assert rate >= 3
    assert seen["curves"] == len(seen["times"]), "with each iteration the curve is drawn anew"
    assert len(seen["heights"]) <= 2, "names of two lines may come and go in the tray, nothing else"


def test_two_visitors_train_at_once_and_do_not_disturb_each_other(
    chromium: Any, browser_page: Any, app_url: str
) -> None:
    other = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    other.set_default_timeout(60_000)
    try:
        open_board(browser_page, app_url, BIRD)
        open_board(other, app_url, OTHER)
        for page in (browser_page, other):
            page.get_by_role("button", name="Start", exact=True).click()
        for page in (browser_page, other):
            until(page, "() => document.querySelector('.cyn-board').dataset.iteration >= 5")
        browser_page.get_by_role("button", name="Pause").click()
        browser_page.get_by_role("button", name="Go on").wait_for()
        browser_page.get_by_text("What changed with the last step").wait_for()
        browser_page.wait_for_timeout(2000)  # the board plays the last steps that it was sent
        held, before = iteration(browser_page), iteration(other)
        until(other, f"() => document.querySelector('.cyn-board').dataset.iteration >= {before + 10}")
        assert iteration(browser_page) == held
        assert "red crown" in other.inner_text('[data-testid="stMain"]')
        assert "black crown" in browser_page.inner_text('[data-testid="stMain"]')
    finally:
        other.context.close()


def test_a_neuron_is_read_by_keyboard(browser_page: Any, app_url: str) -> None:
    open_board(browser_page, app_url, BIRD)
    browser_page.locator(".cyn-board .rows svg").focus()
    browser_page.keyboard.press("ArrowRight")
    until(
        browser_page, "() => /^neuron \\d+, .*the words ask for/.test(document.querySelector('.readout').textContent)"
    )
    first = browser_page.inner_text(".readout")
    browser_page.keyboard.press("ArrowRight")
    assert browser_page.inner_text(".readout") != first
    browser_page.keyboard.press("Escape")
    until(browser_page, "() => document.querySelector('.readout').textContent.includes('still pull the other way')")


def test_a_refresh_in_the_middle_finds_the_loop_where_it_is(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe?picks={BIRD}")
    page.get_by_text("Kept in your notebook").wait_for()
    page.wait_for_url(re.compile("notebook="))
    page.get_by_role("link", name="3 Train").click()
    page.get_by_role("button", name="Start", exact=True).click()
    until(page, "() => document.querySelector('.cyn-board')?.dataset.iteration >= 5")
    before = iteration(page)
    page.reload()
    until(page, f"() => document.querySelector('.cyn-board')?.dataset.iteration >= {before}")
    assert iteration(page) >= before, "a new loop would have begun at 0"
