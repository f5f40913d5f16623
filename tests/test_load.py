"""The visitors of the load test, on scripts that are known to break, and a few of them on the app itself."""

import asyncio
import math
import textwrap
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.load.client import MissingError, Session
from benchmarks.load.measures import Log, loads, spread, tracebacks
from benchmarks.load.people import MARKER, Pupil, marker_of
from benchmarks.load.tree import Tree
from benchmarks.serving import served


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: the browser of other tests holds a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


# -- the tree ----------------------------------------------------------------------------------------------------------


def element(path: list[int], words: str, fragment: str = "", script: str = "main") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.metadata.active_script_hash = script
    message.delta.new_element.markdown.body = words
    message.delta.fragment_id = fragment
    return message


def block(path: list[int]) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.add_block.vertical.border = False
    return message


def test_a_run_that_does_not_send_an_element_again_takes_it_away():
    tree = Tree()
    tree.begin("1")
    for message in (element([0, 0], "first"), block([0, 1]), element([0, 1, 0], "inner"), element([0, 2], "last")):
        tree.take(message)
    tree.finish("1", ())
    assert tree.words == "first\ninner\nlast"
    tree.begin("2")
    tree.take(element([0, 0], "again"))
    assert "inner" in tree.words, "what is old stands until the run is over"
    tree.finish("2", ())
    assert tree.words == "again"


def test_an_element_takes_the_place_of_a_block_with_all_that_stood_in_it():
    tree = Tree()
    tree.begin("1")
    tree.take(block([0, 0]))
    tree.take(element([0, 0, 3], "inner"))
    tree.take(block([0, 0]))
    assert tree.words == "inner", "a block that comes again keeps what stands in it"
    tree.take(element([0, 0], "over it"))
    assert tree.words == "over it"


def test_a_run_of_a_fragment_clears_up_after_itself_alone():
    tree = Tree()
    tree.begin("1")
    for message in (element([0, 0], "page"), element([0, 1], "old", "f"), element([0, 2], "other", "g")):
        tree.take(message)
    tree.begin("2")
    tree.take(element([0, 3], "new", "f"))
    tree.finish("2", ("f",))
    assert tree.words == "page\nother\nnew"


def test_another_page_leaves_what_the_main_script_drew():
    tree = Tree()
    tree.take(element([0, 0], "of all pages"))
    tree.take(element([0, 1], "of one", script="page"))
    tree.keep_script("main")
    assert tree.words == "of all pages"


# -- the log -----------------------------------------------------------------------------------------------------------


def test_only_the_words_of_others_count_as_seen():
    mine, yours = marker_of(1, 0), marker_of(2, 0)
    log = Log(MARKER, {mine, yours})
    log.hear(mine, f"my {mine}, and a picture's letters: {MARKER}qqqqqqqq".encode())
    assert not log.seen
    log.hear(mine, f"a title: {yours.upper()}".encode())
    assert log.seen == {(mine, yours): 1}
    log.secrets = {mine: {b"key of mine"}, yours: {b"key of yours"}}
    log.hear(mine, b"notebook=key of mine")
    assert len(log.seen) == 1
    log.hear(mine, b"notebook=key of yours")
    assert log.seen[mine, f"the secret of {yours}"] == 1


def test_percentiles_are_of_the_nearest_rank():
    found = spread([*range(1, 101)])
    assert (found.n, found.median, found.p95, found.p99, found.longest) == (100, 50, 95, 99, 100)
    assert math.isnan(spread([]).p95)


def test_what_the_server_counts_is_read():
    line = 'cache_lookups_total{cache="pages.shared.resources.encoder",cache_type="st_cache_resource",result="miss"}'
    assert loads({line: 2.0}) == {"_birds": 0, "_own": 0, "encoder": 2}


def test_tracebacks_of_a_log_are_counted_by_their_last_line():
    log = (
        'started\nTraceback (most recent call last):\n  File "a.py", line 3, in b\n    c()\nKeyError: 4\ngoes on\n' * 2
    )
    assert tracebacks(log) == {'KeyError: 4 (File "a.py", line 3, in b)': 2}
    framed = "─── Traceback (most recent call last) ───\n  /a.py:3 in b   \n  ❱ 3 c()  \n─────\nNameError: not there\n"
    assert list(tracebacks(f"\x1b[31m{framed}")) == ["NameError: not there (/a.py:3 in b)"]


# -- a server that breaks on purpose -----------------------------------------------------------------------------------

#: Raises, says what is wrong, shows what somebody else wrote, and has a living part.
PLANTED = """
    import streamlit as st

    @st.cache_resource
    def wall():
        return []

    st.title("Planted")
    words = st.text_input("Words", key="words")
    if words:
        wall().append(words)
    if st.button("Raise", key="raise"):
        raise KeyError("planted")
    if st.button("Refuse", key="refuse"):
        st.error("planted refusal")
    if st.button("Leak", key="leak"):
        st.markdown(" ".join(wall()))

    @st.fragment(run_every=0.2)
    def living():
        st.session_state["n"] = st.session_state.get("n", 0) + 1
        st.markdown(f"looked {st.session_state['n']} times")

    living()
    file = st.file_uploader("File", key="file")
    if file is not None:
        st.markdown(f"got {file.getvalue().decode()}")
    st.markdown("kept " * 4000)  # long enough to be sent by its hash the second time
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The address of a server with a script of its own, with the app's settings."""
    folder = tmp_path_factory.mktemp("planted")
    script = folder / "planted.py"
    script.write_text(textwrap.dedent(PLANTED))
    with served(folder / "server.log", ("run", str(script))) as url:
        yield url


def test_a_visitor_without_a_screen_sees_what_is_there_and_what_is_broken(planted):
    run(_visit(planted))


async def _visit(url: str) -> None:
    log = Log(MARKER)
    tabs = []
    for i in range(2):
        own = marker_of(i, 0)
        log.words.add(own)
        tabs.append(
            Session(url, hears=lambda raw, own=own: log.hear(own, raw), fails=lambda text, i=i: log.fail(i, "", text))
        )
    one, other = tabs
    for tab in tabs:
        opened = await tab.open()
        assert 0 < opened.first <= opened.seconds < 30
    assert one.tree.title == "Planted"
    await one.write("words", f"the {marker_of(0, 0)}")
    assert one.tree.find("words") is not None
    assert "kept kept" in one.tree.words, "the long text came by its hash"
    assert not log.failures
    assert not log.seen

    assert await one.wait_for(lambda tree: "looked 4 times" in tree.words, 10), "the living part is asked for again"
    assert one.n_polls
    await one.upload("file", "a.txt", b"a file", "text/plain")
    assert "got a file" in one.tree.words
    with pytest.raises(MissingError, match="has no button “nowhere”"):
        await one.press("nowhere")

    await other.press("leak")
    assert log.seen == {(marker_of(1, 0), marker_of(0, 0)): 1}
    await other.press("refuse")
    await other.press("raise")
    assert [failure.text.partition(":")[0] for failure in log.failures] == ["error message", "exception"]
    assert {failure.person for failure in log.failures} == {1}

    again = await one.refreshed()
    await again.open()
    assert again.id != one.id
    assert "got a file" not in again.tree.words
    for tab in (again, other):
        await tab.close()


# -- the app itself ----------------------------------------------------------------------------------------------------


class Quick(Pupil):
    """Comes, takes an example, looks at its importances; nothing for which the sentence encoder would have to load."""

    async def lesson(self) -> None:
        await self.step(lambda: self.tab.press("teach"))
        await self.step(lambda: self.tab.press(label="Red, crested"))
        await self.step(lambda: self.tab.press("next"))
        await self.step(lambda: self.tab.go(""))


def test_three_pupils_in_a_hurry_break_nothing_and_see_only_their_own(app_url):
    log = run(_hurry(app_url))
    assert not log.failures
    assert not log.seen
    assert len(log.answered) >= 12
    assert {answered.page for answered in log.answered} == {"", "describe", "importances"}
    assert len(log.secrets) == 3, "each has a notebook, and nobody was sent the secret of another's"


async def _hurry(url: str) -> Log:
    first = Session(url, "importances", "picks=size.small", patience=120)  # a cold server loads its network
    await first.open()
    await first.close()
    log = Log(MARKER)
    pupils = [Quick(i, url, 7, log, time.monotonic() + 60, hurry=0.01) for i in range(3)]
    lessons = asyncio.gather(*(pupil.live() for pupil in pupils))
    while len(log.answered) < 15 and not lessons.done():
        await asyncio.sleep(0.1)
    for pupil in pupils:
        pupil.until = 0.0
    await lessons
    return log


def test_the_same_elements_as_in_a_browser(app_url, browser_page):
    """Headings, pictures and buttons, in the same order and with the same words."""
    query = "picks=size.small~crown_color.black~belly_color.yellow"
    headings, pictures, buttons = run(_seen(app_url, "describe", query))
    browser_page.goto(f"{app_url}/describe?{query}")
    browser_page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    browser_page.get_by_role("button", name=buttons[-1], exact=True).wait_for()

    def there() -> tuple[list[str], list[str | None]]:
        titles = browser_page.locator(".stMainBlockContainer").locator("h1, h2, h3").all_inner_texts()
        images = browser_page.locator('[data-testid="stImage"] img').all()
        return titles, [image.get_attribute("alt") for image in images]

    late = time.monotonic() + 20
    while there() != (headings, pictures) and time.monotonic() < late:  # a browser that is busy paints later
        browser_page.wait_for_timeout(200)
    assert there() == (headings, pictures)
    assert len(pictures) == 8
    for label in buttons:
        assert browser_page.get_by_role("button", name=label, exact=True).count() == 1, label


def test_what_a_visitor_chooses_stands_in_the_address_as_a_browser_writes_it(app_url: str) -> None:
    async def chosen() -> tuple[str, str, bool]:
        tab = Session(app_url, "explain", "picks=size.small~crown_color.black", patience=120)
        await tab.open()
        await tab.choose_of("source", "A picture of your own")
        own = tab.address.get("source", "")
        again = await tab.refreshed()
        await again.open()
        held = again.tree.find("upload") is not None
        await again.choose_of("source", "Your bird")
        default = again.address.get("source", "not there")
        await again.close()
        return own, default, held

    assert run(chosen()) == ("A picture of your own", "not there", True)


async def _seen(url: str, page: str, query: str) -> tuple[list[str], list[str], list[str]]:
    tab = Session(url, page, query, patience=120)
    await tab.open()
    tree = tab.tree
    await tab.close()
    pictures = [picture.alt for node in tree.of_kind("imgs") for picture in node.proto.imgs]
    return [n.proto.body for n in tree.of_kind("heading")], pictures, [n.label for n in tree.of_kind("button")]
