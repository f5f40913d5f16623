"""Whole pages under hostile addresses and texts: no traceback, a title, and what was typed stays text."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest  # noqa: TID251 - pages are what is tested here

from benchmarks.fuzz import texts
from pages.shared import frame

ROOT = Path(__file__).parents[2]
SCREENS = {f"page {Path(file).stem}": file for pages in frame.PAGES.values() for file, _ in pages}
#: Seconds that a page may take; those that draw a hundred birds are the slowest.
MOST = 30.0

#: What every typed text holds beside the generated part, so that it can be found again wherever a page shows it.
MARK = "ev1l"
MARKED = (
    f"**{MARK}** <i>{MARK}</i> :red[{MARK}] :material/home: ${MARK}$ [{MARK}](http://{MARK}.example) "
    f"www.{MARK}.example a@{MARK}.example `{MARK}`"
)
_ACTIVE_MARKDOWN = re.compile(
    rf"(?<!\\)\*\*{MARK}|(?<!\\)<i>{MARK}|(?<!\\):red|:material/home|(?<!\\)\${MARK}|(?<!\\)\[{MARK}|://{MARK}|www\.{MARK}"
    rf"|a@{MARK}|(?<!\\)`{MARK}"
)
_ACTIVE_HTML = re.compile(rf"<i>{MARK}|href=.{{0,9}}{MARK}")
#: Fields of Streamlit's messages that its browser code reads as Markdown.
_MARKDOWN_FIELDS = {"body", "label", "help", "caption", "text", "content", "message", "captions", "markdown"}


def attack_screen(name: str, n: int, start: int) -> Any:
    """Open a page n times, each time with another address, and type into it."""
    from benchmarks.fuzz.pages import Tally

    tally = Tally()

    @seed(start)
    @settings(
        max_examples=n, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(visits())
    def send(visit: Visit) -> None:
        if tally.n >= n:
            return
        began = time.process_time()
        try:
            app = open_page(SCREENS[name], visit[0])
            check(app)
            type_into(app, visit[1])
            check(app)
            tally.refused += bool(app.error)
            tally.taken += not app.error
        except Exception as error:
            tally.note(f"{type(error).__name__}: {str(error)[:400]} with {visit!r:.400}")
        took = time.process_time() - began
        if took > MOST:
            tally.note(f"took {took:.0f} s with {visit!r:.400}")
        tally.n, tally.seconds, tally.slowest = tally.n + 1, tally.seconds + took, max(tally.slowest, took)

    send()
    return tally


#: An address, and what is typed into the page's fields.
Visit = tuple[dict[str, str], str]


def visits() -> st.SearchStrategy[Visit]:
    """Addresses that mostly have a class, and texts that mostly say something."""
    described = st.tuples(texts.texts(4), st.sampled_from(["crown_color.black~size.small", "back_color.red", ""])).map(
        lambda found: {"text": f"a red bird {carried(found[0])[:300]} {MARKED}", "picks": found[1]}
    )
    address = st.tuples(texts.addresses(), st.one_of(described, st.just({}))).map(lambda found: found[0] | found[1])
    typed = st.one_of(texts.sentences(), texts.texts()).map(lambda text: f"{carried(text)} {MARKED}")
    return st.tuples(address.map(without_work), typed)


def without_work(address: dict[str, str]) -> dict[str, str]:
    """An address without what makes the server draw a hundred birds: that goes on when the page is left."""
    return {name: value for name, value in address.items() if name != "proof"}


def carried(text: str) -> str:
    """A text after its way through UTF-8, as browsers send it."""
    return text.encode("utf-8", "replace").decode()


def open_page(file: str, address: dict[str, str]) -> AppTest:
    """A page as somebody's link opens it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=2 * MOST)
    for name, value in address.items():
        if not name.startswith("embed"):  # Streamlit's own, which scripts cannot set
            app.query_params[name] = value
    return app.switch_page(file).run()


def type_into(app: AppTest, text: str) -> None:
    """Type the text into every field of the page."""
    for field in [*app.text_area, *app.text_input]:
        field.set_value(text[: field.max_chars] if field.max_chars else text)
    if app.text_area or app.text_input:
        app.run()


def check(app: AppTest) -> None:
    """What holds for every page, whatever was in its address and in its fields."""
    assert not app.exception, f"{app.exception[0].message} {app.exception[0].stack_trace}"
    assert len(app.title) == 1 or app.error, "a page has one title, or says why there is nothing"
    for kind, field, text in strings(app):
        assert "Traceback" not in text, text[:300]
        if kind == "html":
            assert not _ACTIVE_HTML.search(text), f"html: {text[:300]!r}"
        elif field in _MARKDOWN_FIELDS and (found := _ACTIVE_MARKDOWN.search(text)):
            raise AssertionError(f"{kind} {field}: {found[0]!r} in {text[:300]!r}")
        elif field == "spec" and f"<i>{MARK}" in text.replace("\\u003c", "<").replace("\\u003e", ">"):
            raise AssertionError(f"markup in a chart: {text[max(0, text.index('<i>') - 80) :][:200]!r}")


def strings(app: AppTest) -> Iterator[tuple[str, str, str]]:
    """Every string that the page sends: kind of element, field, text."""
    for element in app.main:
        proto = getattr(element, "proto", None)
        if proto is None:
            continue
        for field, text in _fields(proto):
            yield element.type, field, text


def _fields(message: Any) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        values = value if _is_repeated(value) else [value]
        for each in values:
            if isinstance(each, str):
                yield field.name, each
            elif hasattr(each, "ListFields"):
                yield from _fields(each)


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes) and not hasattr(value, "keys")
