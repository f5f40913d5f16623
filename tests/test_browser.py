"""A visitor in a real browser: from a sentence to its importances, through refreshes, on a desk and on a telephone."""

import json
import re
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.shared.state import EXAMPLE

pytestmark = pytest.mark.browser


def settled(page: Any) -> None:
    """Wait until the page has been painted and Streamlit rests."""
    page.wait_for_selector("h1")
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(500)


def until(page: Any, expression: str) -> None:
    """Wait for a condition by the clock: animation frames, the default, may stand still in a busy headless browser."""
    page.wait_for_function(expression, polling=200)


def pick(page: Any, part: str, value: str) -> None:
    """Choose from a list, opening it again where it closed while the page was being made."""
    option = page.get_by_role("option", name=value)
    for _ in range(6):
        page.get_by_label(part, exact=True).click()
        page.wait_for_timeout(1500)
        if option.count():
            break
        page.keyboard.press("Escape")
    option.click()


def describe(page: Any, app_url: str) -> None:
    page.goto(f"{app_url}/describe")
    page.get_by_label("Your description").fill(EXAMPLE)
    page.get_by_role("button", name="Read my words").click()
    page.get_by_role("heading", name="What was understood").wait_for()
    until(page, "() => document.querySelector('.js-plotly-plot .main-svg')")
    settled(page)


def expect_text(page: Any) -> None:
    """The field holds the example, a moment after the headings are there."""
    until(page, f"() => document.querySelector('textarea')?.value === {json.dumps(EXAMPLE)}")


def overflow(page: Any) -> int:
    """How many pixels the page could be scrolled sideways."""
    return page.evaluate(
        "Math.max(...['html', '[data-testid=stMain]'].map(s => document.querySelector(s))"
        ".map(e => e.scrollWidth - e.clientWidth))"
    )


def test_walk_from_a_sentence_to_its_importances(browser_page: Any, app_url: str) -> None:
    page = browser_page
    describe(page, app_url)
    assert "crown: black" in page.locator(".read").inner_text()
    assert page.locator(".st-key-portraits_described img").count() == 8
    page.get_by_role("button", name="See its importances").click()
    page.get_by_role("heading", name="What each neuron says").wait_for()
    until(page, "() => document.querySelector('.js-plotly-plot .main-svg')")
    settled(page)
    assert "small size, black crown, yellow back" in page.inner_text('[data-testid="stMain"]')
    assert page.locator("h1").count() == 1


def test_class_survives_navigation_and_refresh(browser_page: Any, app_url: str) -> None:
    page = browser_page
    describe(page, app_url)
    page.get_by_role("link", name="2 Importances").click()
    page.get_by_role("heading", name="Your bird above the birds most like it").wait_for()
    page.wait_for_url(re.compile("/importances.*crown_color.black"))
    page.reload()
    page.get_by_role("heading", name="Your bird above the birds most like it").wait_for()
    page.get_by_role("link", name="1 Describe").click()
    page.get_by_role("heading", name="What was understood").wait_for()
    expect_text(page)
    page.wait_for_url(re.compile("crown_color.black"))
    page.reload()
    page.get_by_role("heading", name="What was understood").wait_for()
    expect_text(page)
    settled(page)
    assert page.get_by_label("Your description").input_value() == EXAMPLE
    assert "crown: black" in page.locator(".read").inner_text()
    assert "crown_color.black" in page.url


def test_a_refresh_of_explain_finds_which_picture_was_asked_for(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/explain?picks=size.small~crown_color.black~belly_color.yellow")
    page.get_by_role("radio", name="A picture of your own").click()
    page.get_by_text("The picture stays in this session").wait_for()
    page.wait_for_url(re.compile("source="))
    settled(page)
    page.reload()
    page.get_by_text("The picture stays in this session").wait_for()
    assert page.get_by_role("radio", name="A picture of your own").get_attribute("aria-checked") == "true"


def test_pickers_stay_open_while_a_bird_is_picked(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe")
    settled(page)  # while the page is still being made, a list that was opened closes again
    page.get_by_text("Or pick it part by part").click()
    for part, value in (("Crown", "red"), ("Tail", "forked")):
        pick(page, part, value)
        page.get_by_text(re.compile(f"Picked by hand:.*{part.lower()}: {value}")).wait_for()
        assert page.get_by_label("Crest").is_visible()
    settled(page)


def test_typed_markup_stays_text(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe")
    page.get_by_label("Your description").fill("a red <b id=evil>small</b> bird <img src=x onerror=alert(1)> :red[x]")
    page.get_by_role("button", name="Read my words").click()
    page.get_by_role("heading", name="What was understood").wait_for()
    settled(page)
    assert page.locator("#evil, img[src=x]").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator(".read").inner_text().replace("\n", "")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(browser_page: Any, app_url: str, width: int) -> None:
    page = browser_page
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{app_url}/describe")
    settled(page)
    assert overflow(page) == 0
    describe(page, app_url)
    assert overflow(page) == 0
    page.get_by_role("button", name="See its importances").click()
    page.get_by_role("heading", name="The neurons that matter most").wait_for()
    settled(page)
    assert overflow(page) == 0


def test_a_fresh_server_knows_its_frame_at_a_pages_own_address(fresh_app_url: str, browser_page: Any) -> None:
    """The first visit of all may be a link to a page: it must come with the navigation and the class."""
    page = browser_page
    page.goto(f"{fresh_app_url}/importances?picks=crown_color.black~belly_color.yellow")
    page.get_by_role("heading", name="Your bird above the birds most like it").wait_for()
    assert page.get_by_role("link", name="3 Train").is_visible()
    assert page.locator('[data-testid="stSidebarNav"]').count() == 0


def iteration(page: Any) -> int:
    """How far the loop has come, by the page's own words."""
    found = re.search(r"(?:iteration|Finished after) (\d+)", page.inner_text('[data-testid="stMain"]'))
    return int(found.group(1)) if found else 0


def test_the_whole_lesson(browser_page: Any, app_url: str) -> None:
    """From a sentence to a classifier that learns live, goes on learning on its own, and explains what it sees."""
    page = browser_page
    describe(page, app_url)
    page.get_by_role("button", name="See its importances").click()
    page.get_by_role("button", name="Train its classifier").click()
    page.get_by_role("button", name="Start").click()
    until(page, "() => /iteration ([3-9]|\\d\\d)/.test(document.body.innerText)")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    page.wait_for_timeout(2000)  # the board plays the last steps that it was sent
    settled(page)
    paused = iteration(page)
    assert paused >= 3
    page.get_by_role("button", name="One step").click()
    page.get_by_text(f"Paused at iteration {paused + 1}").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="1 Describe").click()
    page.get_by_role("heading", name="What was understood").wait_for()
    page.get_by_role("link", name="3 Train").click()
    until(
        page,
        f"() => Number((document.body.innerText.match(/(?:iteration|Finished after) (\\d+)/) || [])[1]) > {paused + 5}",
    )
    page.get_by_role("button", name="Solve at once").click()
    page.get_by_text(re.compile(r"Solved at once, in [\d.]+ ms")).wait_for()
    text = page.inner_text('[data-testid="stMain"]')
    assert int(re.search(r"the closed form finds (\d+) of 100", text).group(1)) >= 70
    page.get_by_role("button", name="Explain what it sees").click()
    page.get_by_role("heading", name="Why, in words").wait_for()
    page.get_by_text("true of this bird").first.wait_for()
    settled(page)
    assert page.locator("h1").all_inner_texts() == ["Explain what it sees"]
    assert overflow(page) == 0


def test_a_late_refresh_of_train_leaves_the_next_page_alone(browser_page: Any, app_url: str) -> None:
    """On a slow line the browser goes on asking for Train's curves while the server makes the next page."""
    page = browser_page
    lines, refreshes = [], []

    def listen(line: Any) -> None:
        server = line.connect_to_server()
        lines.append(server)

        def pass_on(message: bytes) -> None:
            if BackMsg.FromString(message).rerun_script.fragment_id:
                refreshes.append(message)
            server.send(message)

        line.on_message(pass_on)

    page.route_web_socket(re.compile("/_stcore/stream"), listen)
    page.goto(f"{app_url}/train?picks=crown_color.black~belly_color.yellow")
    page.get_by_role("button", name="Start").click()
    until(page, "() => /iteration [1-9]/.test(document.body.innerText)")
    while not refreshes:
        page.wait_for_timeout(100)
    page.get_by_role("button", name="Explain what it sees").click()
    last = page.get_by_role("heading", name="Why, in words")
    for _ in range(1000):
        lines[-1].send(refreshes[-1])
        page.wait_for_timeout(25)
        if last.is_visible():
            break
    settled(page)
    page.wait_for_timeout(3000)  # a late answer comes after the page has been made
    assert page.locator("h1").all_inner_texts() == ["Explain what it sees"]
    assert last.is_visible()


def test_a_neuron_is_searched_opened_and_found_again_by_its_address(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/dictionary?picks=crown_color.black")
    page.get_by_role("link", name=re.compile("^Neuron 0:")).wait_for()
    settled(page)
    assert page.locator(".wall a").count() == 128
    assert overflow(page) == 0
    field = page.get_by_label("Search by word or number")
    field.fill("red crown")
    field.press("Enter")
    page.get_by_role("heading", name="What answers to “red crown”").wait_for()
    cell = page.get_by_role("link", name=re.compile(r"^Neuron \d+: red crown")).first
    label = cell.get_attribute("aria-label")
    cell.focus()
    page.keyboard.press("Enter")
    card = page.get_by_role("heading", level=2, name=label.partition(",")[0])
    card.wait_for()
    until(page, "() => document.activeElement?.matches('.st-key-card h2')")
    page.wait_for_url(re.compile(r"picks=.*find=red\+crown|find=red\+crown.*picks="))
    page.wait_for_url(re.compile(r"neuron=\d+"))
    until(page, "() => document.querySelectorAll('.st-key-card .js-plotly-plot .main-svg').length")
    settled(page)
    assert overflow(page) == 0
    assert page.locator(".st-key-card img").count() >= 10
    page.reload()
    card.wait_for()
    page.get_by_role("heading", name="What answers to “red crown”").wait_for()
    until(page, "() => document.querySelector('[data-testid=stTextInput] input')?.value === 'red crown'")
    page.get_by_role("button", name="Next →").click()
    until(page, f"() => !document.body.innerText.includes({json.dumps(label.partition(',')[0])})")
    page.get_by_role("button", name="Close").click()
    page.locator(".st-key-card").wait_for(state="detached")
    page.wait_for_url(lambda url: "neuron=" not in url and "find=red+crown" in url)
