"""How quick the app feels: medians in a real browser, beside Streamlit's own hello page in the same run.

    python -m benchmarks.browser [--repeats 5] [--chromium /usr/bin/chromium]

prints a Markdown table. Needs Chromium, and playwright from requirements-test.txt.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.serving import served

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
PATIENCE_MS = 120_000
#: Birds that have not been described before, so that nothing comes from a cache.
SENTENCES = (
    "a red bird with a white belly and a hooked black bill",
    "a large green bird with a yellow crown and long orange legs",
    "a blue bird with a gray belly, a forked tail and a white eye ring",
    "a brown bird with a spotted breast and a broad red bill",
    "a small orange bird with black wing tips and pink legs",
    "a white bird with a blue crown, a tuft and a fanned tail",
    "a black bird with a red belly and a long yellow bill",
    "a gray bird with green crown, banded breast and short legs",
    "a yellow bird with a brown back, a pointed tail and a yellow eye ring",
)
#: On so many birds a what-if is counted first, and on so many in the end.
FIRST, ALL = 10, 100
COLOURS = ("red", "blue", "green", "white", "gray", "brown", "orange", "yellow")
#: Address and main heading of pages that are changed between.
PAGES = (
    ("1 Describe", "Describe a bird"),
    ("2 Importances", "What each neuron says"),
    ("3 Train", "Train"),
    ("4 Explain", "Explain what it sees"),
)


@contextmanager
def browser_page(chromium: str) -> Iterator[Any]:
    """A page of a Chromium of its own, at 1280 x 900."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def timed(deed: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def settled(page: Any) -> None:
    """Wait until Streamlit rests."""
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_timeout(300)


def first_paint(page: Any, command: tuple[str, ...], heading: str, folder: Path) -> float:
    """Seconds from starting a server to its first page's heading, as a person sees it who starts it by hand."""
    began = time.perf_counter()
    with served(folder / "server.log", command) as url:
        page.goto(url)
        page.get_by_role("heading", name=heading, level=1).wait_for()
        return time.perf_counter() - began


def hello_change(page: Any, url: str) -> float:
    """Seconds from a click to the next page of Streamlit's hello, there and back, the mean of both."""
    page.goto(url)
    page.get_by_role("link", name="Plotting demo").wait_for()
    settled(page)

    def there_and_back() -> None:
        page.get_by_role("link", name="Plotting demo").click()
        page.get_by_role("heading", name="Plotting demo", level=1).wait_for()
        page.get_by_role("link", name="DataFrame demo").click()
        page.get_by_role("heading", name="DataFrame demo", level=1).wait_for()

    return timed(there_and_back) / 2


def page_changes(page: Any) -> list[float]:
    """Seconds from a click in the navigation to the next page's heading, once round."""
    times = []
    for link, heading in (*PAGES[1:], PAGES[0]):
        settled(page)

        def change(link: str = link, heading: str = heading) -> None:
            page.get_by_role("link", name=link).click()
            page.get_by_role("heading", name=heading, level=1).wait_for()

        times.append(timed(change))
    settled(page)
    return times


def described(page: Any, sentence: str) -> float:
    """Seconds from "Read my words" to the solved classifier, tried out on fresh birds, as the page says it."""
    ready = page.locator(".st-key-ready")
    before = ready.inner_text() if ready.count() else ""
    page.get_by_label("Your description").fill(sentence)

    def read() -> None:
        page.get_by_role("button", name="Read my words").click()
        _until_other(page, ".st-key-ready", before, "finds")

    seconds = timed(read)
    settled(page)
    return seconds


def what_if(page: Any, url: str, repeats: int) -> list[float]:
    """Seconds from another value of one attribute to the counts that it changes."""
    page.goto(f"{url}/what_if?picks=crown_color.black~back_color.yellow~size.small")
    page.get_by_role("heading", name="What if?", level=1).wait_for()
    page.locator(".cyn-table").first.wait_for()
    settled(page)
    _choose(page, "Or one attribute", "crown")
    page.get_by_label("Crown becomes").wait_for()
    settled(page)
    times = []
    for colour in COLOURS[: repeats + 1]:  # each for the first time, so that its birds have to be drawn
        page.get_by_text(f"{ALL} fresh birds").first.wait_for()
        settled(page)
        before = page.locator(".stMain").inner_text()
        option = _open(page, "Crown becomes", colour)

        def choose(option: Any = option, before: str = before) -> None:
            option.click()
            _until_other(page, ".stMain", before, f"{FIRST} fresh birds")

        times.append(timed(choose))
        settled(page)
    return times[1:]  # the first one wakes what the page needs


def _open(page: Any, label: str, value: str) -> Any:
    """Unfold a list; returns one of its options."""
    page.get_by_label(label).click()
    option = page.get_by_role("option", name=value, exact=True)
    option.wait_for()
    return option


def _choose(page: Any, label: str, value: str) -> None:
    _open(page, label, value).click()


def _until_other(page: Any, where: str, before: str, word: str) -> None:
    """Wait until an element says something else than before, a certain word among it."""
    page.wait_for_function(
        """([where, before, word]) => {
            const text = document.querySelector(where)?.innerText ?? "";
            return text !== before && text.includes(word);
        }""",
        arg=[where, before, word],
        polling=20,
    )


def measure(chromium: str, repeats: int) -> dict[str, list[float]]:
    """All seconds, by what they are of."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, browser_page(chromium) as page:
        folder = Path(name)
        for _ in range(max(2, repeats // 2)):
            for what, command, heading in (
                ("hello", ("hello",), "Welcome to Streamlit!"),
                ("first page", ("run", "app.py"), "Teach a network"),
            ):
                times.setdefault(what, []).append(first_paint(page, command, heading, folder))
        with served(folder / "hello.log", ("hello",)) as url:
            times["hello change"] = [hello_change(page, url) for _ in range(repeats + 1)][1:]
        data = {"NIWT_DATA": name}
        with served(folder / "app.log", environment=data) as url:
            page.goto(f"{url}/describe")
            page.get_by_role("heading", name=PAGES[0][1], level=1).wait_for()
            found = [described(page, sentence) for sentence in SENTENCES[: repeats + 1]]
            times["described"] = found[1:]  # the first one loads the models
            page_changes(page)
            times["change"] = [seconds for _ in range(repeats) for seconds in page_changes(page)]
            times["what if"] = what_if(page, url, repeats)
    return times


def table(times: dict[str, list[float]]) -> str:
    """Medians as Markdown, each beside what it is a multiple of."""
    median = {what: statistics.median(found) for what, found in times.items()}
    rows = [
        ("starting a server, to its first page", "first page", "hello", 3.0),
        ("a click, to the next page of the lesson", "change", "hello change", 1.0),
        ("“Read my words”, to the solved classifier tried out on fresh birds", "described", "hello change", 1.0),
        ("what if: another attribute, to its new counts", "what if", "hello change", 0.5),
    ]
    lines = ["| what | median | slowest | times Streamlit’s hello, same step or a page change | target |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for what, mine, theirs, target in rows:
        met = "met" if median[mine] <= target else "missed"
        lines.append(
            f"| {what} ({len(times[mine])} times) | {median[mine]:.2f} s | {max(times[mine]):.2f} s | "
            f"{median[mine] / median[theirs]:.1f} (hello: {median[theirs]:.2f} s) | {target:.1f} s: {met} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args(arguments)
    print(table(measure(args.chromium, args.repeats)))


if __name__ == "__main__":
    main()
