"""The doors of the pages: what is typed and what stands in an address, on its way to a screen, a file and a link.

A door raises AssertionError where something does not hold, and anything else where it breaks.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import plotly.graph_objects as go
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmarks.fuzz import texts
from niwt_core import limits
from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.reading import read
from niwt_core.birds.understanding import understood
from niwt_core.errors import InputError
from niwt_core.laboratory.clauses import Clause
from niwt_core.laboratory.whatif import changed_words
from niwt_core.notebook import Kept
from niwt_core.notebook.files import from_json, to_csv, to_json
from niwt_core.notebook.kept import checked, title_of
from niwt_core.notebook.report import Chapter, Picture, report
from niwt_core.typed import clean, is_hidden
from niwt_core.worlds.described import Described, picks_of
from pages.shared import state
from pages.shared.charts.downloads import csv_of, file_name
from pages.shared.describing import clauses, edits, history, sentence
from pages.shared.lessons import snippets, tour
from pages.shared.neurons import surgery
from pages.shared.person import notebook_key, owner, permalinks
from pages.shared.wording import in_words, plain


@dataclass(frozen=True)
class Door:
    """A name, what comes through, what has to hold, and how many inputs it is tried with.

    Attributes:
        target: returns whether the input was taken; raises `InputError` where it is refused with a sentence.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    target: Callable[[Any], object]
    n: int = 10_000


# -- Markdown ----------------------------------------------------------------------------------------------------------

#: Characters of what is read again as a browser would; for longer texts the time alone counts that `plain` takes.
LONG = 5000
_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
#: What Streamlit's browser code makes of text after Markdown has been read: icons, emoji, links, arrows.
_MADE_LATER = re.compile(
    r":material[/_]\w+:|:streamlit:|:[\w+-]+:|https?://|(?<!\w)www\.|[-.\w+]+@[-\w]+(\.[-\w]+)+"
    r"|(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
    re.IGNORECASE | re.ASCII,
)
_OPEN = re.compile(r"(?<!\\)(?:\\\\)*[:$]")


def check_markdown(text: str) -> None:
    """Typed text, made ready for a place that reads Markdown, is read there as one line of the same text."""
    text = text[: limits.NOTE]  # nothing longer is ever shown
    made = plain(text)
    if len(made) > LONG:
        return
    tokens = _READER.parse(made)
    assert [t.type for t in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"]), f"blocks from {made!r}"
    parts = (tokens[1].children or []) if tokens else []
    assert all(part.type == "text" for part in parts), f"{[p.type for p in parts]} from {made!r}"
    shown = "".join(part.content for part in parts)
    assert not _MADE_LATER.search(shown), f"{shown!r} becomes something else"
    assert not _OPEN.search(made.replace("\u2060", "")), f"a directive or a formula in {made!r}"
    seen = "".join(c for c in shown if not is_hidden(c))
    assert seen == " ".join(clean(text).split()), f"{text!r} looks like {seen!r}"
    for around in (f"**{made}**: said", f"- {made}", f"“{made}” was deleted."):
        kinds = {token.type for token in _READER.parse(around)}
        assert kinds <= {"paragraph_open", "inline", "paragraph_close", "bullet_list_open", "list_item_open",
                         "list_item_close", "bullet_list_close"}, f"{kinds} from {around!r}"  # fmt: skip


# -- HTML --------------------------------------------------------------------------------------------------------------


class Seen(HTMLParser):
    """What a browser finds in a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")


def check_html(html: str, allowed: set[str], said: tuple[str, ...] = ()) -> None:
    """Only the tags that we write, nothing that runs or fetches, and what was typed is there as text."""
    seen = Seen(html)
    assert {tag for tag, _ in seen.tags} <= allowed, {tag for tag, _ in seen.tags} - allowed
    for tag, attributes in seen.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            assert name not in ("href", "src") or (value or "").startswith(("#", "data:image/")), f"{tag} {value!r}"
    for text in said:
        assert text in seen.text or text.replace("\x00", "\ufffd") in seen.text, (
            f"{text!r} is not in {seen.text[:300]!r}"
        )


# -- the doors ---------------------------------------------------------------------------------------------------------


def _typed(text: str) -> str:
    """A description as the pages take it: cleaned, and not too long."""
    text = clean(text, lines=True)
    if len(text) > limits.DESCRIPTION:
        raise InputError(f"Expected at most {limits.DESCRIPTION} characters.")
    return text


def _describe(text: str) -> None:
    check_markdown(text)
    found = read(clean(text, lines=True))
    for start, end in (*found.clauses, *found.unknown, *((span.start, span.end) for span in found.spans)):
        assert 0 <= start <= end <= len(found.text)
    assert all(found.attributes[group] in GROUPS[group] for group in found.attributes)
    read_as = understood(found)
    pieces = sentence.pieces(read_as)
    assert "".join(piece.text for piece in pieces) == read_as.text
    check_html(sentence.marked(read_as), {"p", "ruby", "rp", "rt", "span"})
    check_markdown(" ".join(found.notes))
    described = Described(found.text, found.attributes)
    assert not _OPEN.search(in_words(described).replace("\u2060", ""))
    for label, _ in sentence.steps(read_as, lambda begun: understood(read(begun))):
        check_markdown(label)


def _compare(pair: tuple[str, str]) -> None:
    before, now = map(_typed, pair)
    stretches = changed_words(before, now)
    check_html(edits.marked(stretches), {"style", "p", "ins", "del"})
    check_markdown(edits.told_words(stretches))
    effects: Any = [SimpleNamespace(clause=Clause(at, at + 3), weight=0.5) for at in range(0, len(now) - 3, 7)]
    check_html(clauses.coloured(now, effects), {"style", "p", "span", "small"})


def _code(text: str) -> None:
    described, world = (
        Described(_typed(text), {"crown_color": "black"}, text[:50]),
        SimpleNamespace(drawn=True, key="birds"),
    )
    anyone: Any = world
    for page in ("describe", "importances", "train", "which_words", "what_if"):
        _check_code(snippets.code_for(page, anyone, described), described)


def _check_code(code: str, described: Described) -> None:
    """User text stands in code as one constant and nowhere else, printable from end to end."""
    tree = ast.parse(code)
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert described.text in constants and (described.of in constants or not described.of)
    assert all(c == "\n" or c.isprintable() for c in code), "what nobody sees in code"
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"__import__", "eval", "exec", "os"}, names


def _keep(parts: tuple[str, str, str]) -> None:
    """A class as a notebook keeps it, and all that can be taken along."""
    title, text, note = parts
    made = Kept(title=title_of(text) if not clean(title) else title, text=text, picks={"size": "small"}, note=note,
                of=clean(title)[:50], world=clean(note)[: limits.WORD], figures={"found": 3.0, "of": 5.0},
                importances=(0.5, -1.0))  # fmt: skip
    kept = checked(made)
    assert not any(is_hidden(c) for part in (kept.title, kept.text, kept.note) for c in part if c != "\n")
    document = to_json([kept])
    document.decode("utf-8")
    json.loads(document)
    (again,) = from_json(document)
    assert (again.title, again.text, again.note, again.of) == (kept.title, kept.text, kept.note, kept.of)
    check_table(to_csv([kept]), 2)
    page = report(
        [Chapter(kept, (Picture(b"RIFF", kept.text),)), Chapter(kept, without=kept.note)], rises="a", hangs="b"
    )
    tags = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "nav", "ol", "li", "a", "article", "div",
            "img", "strong"}  # fmt: skip
    check_html(page.decode(), tags)
    assert b"default-src 'none'" in page
    assert re.fullmatch(r"[a-z0-9-]{1,60}", file_name(title))


def check_table(data: bytes, n_rows: int | None = None) -> list[list[str]]:
    """A table for spreadsheets: none of its texts is a formula, wherever a spreadsheet cuts it."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert n_rows is None or len(rows) == n_rows
    for row in rows:
        for text in row:
            try:
                float(text)
            except ValueError:
                for part in re.split("[;\t\r\n]", text):
                    assert not part.lstrip(" \"'").startswith(tuple("=+-@|%＝＋－＠")) or "'" in part[: len(part) - len(
                        part.lstrip(" \"'"))], f"{part!r} in {text!r}"  # fmt: skip
    return rows


def _chart(parts: tuple[str, str, str]) -> None:
    """The numbers of a chart whose labels somebody typed, as a table."""
    a, b, c = (_carried(part)[:LONG] for part in parts)
    fig = go.Figure(go.Bar(x=[1.5, -2.0], y=[a, b], text=[c, a], name=b))
    fig.update_layout(title={"text": c}, xaxis_title=a)
    rows = check_table(csv_of(fig))
    assert {float(row[1]) for row in rows[1:]} == {1.5, -2.0}


def _carried(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Browser:
    """What the pages ask of Streamlit about an address, without Streamlit: an address and a session."""

    def __init__(self, query: str) -> None:
        self.query_params = Parameters({name: values[-1] for name, values in parse_qs(query, True).items()})
        self.session_state: dict[str, Any] = {}
        self.context = SimpleNamespace(url="http://localhost:8501/explain")
        self.user: dict[str, Any] = {}


class Parameters(dict[str, str]):
    """An address's parameters; nothing but text goes in."""

    def __setitem__(self, name: str, value: str) -> None:
        assert isinstance(value, str)
        super().__setitem__(name, value)

    def to_dict(self) -> dict[str, str]:
        return dict(self)


_READS_ADDRESSES: tuple[Any, ...] = (state, history, notebook_key, owner, permalinks, surgery, tour)


def _visit(address: dict[str, str]) -> None:
    """A visitor with an address that somebody wrote: what the pages take from it, and what they write back."""
    browser = Browser(texts.query(address))
    saved = [(module, module.st) for module in _READS_ADDRESSES]
    try:
        for module, _ in saved:
            module.st = browser
        _check_address(browser)
    finally:
        for module, original in saved:
            module.st = original


def _check_address(browser: Browser) -> None:
    key = state.world_key()
    assert 0 < len(key) <= 100
    if key != state.BIRDS:
        browser.query_params.pop("project", None)
        browser.session_state["world"] = state.BIRDS
    current = state.described()
    assert tour.stop() in (None, *range(1, len(tour.STOPS) + 1))
    assert len(notebook_key.secret()) <= 100
    assert re.fullmatch("[0-9a-f]{32}", owner.owner())
    off = surgery.from_address(browser.query_params.get("off", ""), 128)
    assert surgery.from_address(surgery.to_address(off), 128) == off and all(0 <= k < 128 for k in off)
    world: Any = SimpleNamespace(key="birds", drawn=True, groups=GROUPS)
    for found in (current, history.history_of(world, current).now if current else None):
        if found is None:
            continue
        assert found.picks and all(value in GROUPS[group] for group, value in found.picks.items())
        assert len(found.text) <= limits.DESCRIPTION
        assert not any(is_hidden(c) for c in found.text if c != "\n")
        link = permalinks.link(permalinks.DESCRIBE, permalinks.address_of(found, "birds"))
        assert urlsplit(link).netloc == "localhost:8501" and link.isascii()
        again = {name: values[-1] for name, values in parse_qs(urlsplit(link).query, True).items()}
        assert again.get("text", "") == found.text and picks_of(again["picks"], GROUPS) == found.picks
    if "tour" in browser.session_state:
        tour.leave()
        state.described()


DOORS = (
    Door("addresses", texts.addresses(), _visit),
    Door("descriptions", st.one_of(texts.sentences(), texts.texts()), _describe),
    Door("descriptions compared", st.tuples(texts.sentences(), texts.sentences()), _compare),
    Door("text as Markdown", texts.texts(), check_markdown),
    Door("text in code", texts.texts(12), _code),
    Door("notebook files and reports", st.tuples(texts.texts(4), texts.texts(12), texts.texts()), _keep),
    Door("tables of charts", st.tuples(texts.texts(12), texts.texts(4), texts.texts(4)), _chart),
)
