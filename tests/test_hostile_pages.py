"""Hostile input on the pages: small versions of `python -m benchmarks.fuzz.pages`, and one test for each finding."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from benchmarks.fuzz import page_doors, pages, screens, texts
from niwt_core.birds.reading import read
from niwt_core.datasets.class_table import read_class_table
from niwt_core.errors import InputError
from niwt_core.files.spreadsheets import cell, table
from niwt_core.notebook import Database, Kept, Notebook, create_notebook, open_notebook
from niwt_core.notebook.files import to_csv
from niwt_core.typed import clean
from niwt_core.worlds.shelf import check_title
from pages.shared import resources, state
from pages.shared.wording import plain

#: What Streamlit's browser code would make an icon, a link, an arrow, a list or a rule of, found in a real browser.
BECAME_SOMETHING_ELSE = (
    ":material/home:", "::material/home::", ":streamlit:", "ten:20:", "a:smile:b", "see http://evil.example/x?y=1",
    "HTTPS://EVIL.EXAMPLE", "www.evil.example", "me@evil.example", "mailto:a@b.cd", "a -> b -- c <- d >= e ~= f <-> g",
    "1. one", "12) twelve", "- two", "+ three", "---", "- [ ] task", "![p](http://evil.example/a.png)",
)  # fmt: skip
SEEN = "What was understood"


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    database = Database(f"sqlite:///{tmp_path / 'notebook.sqlite'}")
    return open_notebook(database, create_notebook(database))


def described(text: str) -> AppTest:
    """The page Describe after somebody has typed a text."""
    app = AppTest.from_file(str(screens.ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/describe.py").run()
    return app.text_area(key="words").set_value(text).run()


# -- every door, a little ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", page_doors.DOORS, ids=lambda door: door.name)
def test_nothing_comes_through_a_door_that_must_not(door: page_doors.Door) -> None:
    found = pages.attack(door, 60)
    assert found.n == 60 and found.taken > 5
    assert not found.findings


@pytest.mark.parametrize("door", ["descriptions", "text in code", "addresses"])
def test_a_door_that_lets_something_through_is_noticed(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch itself: markup, code and unseen characters are found where they get through."""
    monkeypatch.setattr(page_doors, "plain", lambda text: text)
    monkeypatch.setattr(page_doors.snippets, "code_for", lambda page, world, described: f"text = '{described.text}'")
    monkeypatch.setattr(state, "clean", lambda text, lines: text)
    known = next(each for each in page_doors.DOORS if each.name == door)
    inputs = {"addresses": st.just({"text": "a red\u202e bird", "picks": "back_color.red"})}
    again = page_doors.Door(door, inputs.get(door, st.sampled_from(texts.PIECES)), known.target)
    assert pages.attack(again, 60).findings


@pytest.mark.parametrize("file", screens.SCREENS.values(), ids=screens.SCREENS)
def test_every_page_stands_a_hostile_address_and_hostile_fields(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "encoder", _no_encoder)  # seconds to load, and the words near these are nobody's
    address = dict.fromkeys(texts.NAMES, screens.MARKED) | {
        "text": f"a red bird {screens.MARKED}", "picks": "back_color.red~\x00~crown_color.black", "project": "",
        "neuron": "9" * 40,
        "off": "1.0~999.1~x", "tour": "7", "compare": "99999999999999~1", "sheet": "٣", "proof": "-1",
    }  # fmt: skip
    app = screens.open_page(file, screens.without_work(address))
    screens.check(app)
    screens.type_into(app, f"a red bird {screens.MARKED} \u202e\x00")
    screens.check(app)


def _no_encoder() -> None:
    raise InputError("There is no sentence encoder here.")


@pytest.mark.parametrize("project", ["../../etc", "a" * 5000, "<b>ev1l</b>", "x\x00"])
def test_a_project_that_is_none_is_refused_with_a_sentence_and_a_way_back(project: str) -> None:
    app = screens.open_page("pages/describe.py", {"project": project, "text": "a red bird"})
    screens.check(app)
    assert any("project" in error.value for error in app.error)
    assert [button.label for button in app.button] == ["Work with Paper Birds instead"]


# -- what was found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", BECAME_SOMETHING_ELSE)
def test_text_stays_text(text: str) -> None:
    page_doors.check_markdown(text)


def test_ordinary_text_is_not_touched() -> None:
    for text in ("a small, red bird (5.5 cm); isn’t it?", "well-known", "3.5 of 100", "“beak”", "10:20", "a / b"):
        assert plain(text).replace("\\", "") == text


@pytest.mark.parametrize("text", ["a \u202ebird", "\u2066red", "a\u200b\ufeff b\u00ad", "\x00\x07\x1b[31m", "\ud800"])
def test_what_nobody_sees_is_left_out(text: str) -> None:
    assert all(c.isprintable() for c in plain(text))
    assert clean(text).isprintable()


def test_text_read_from_the_right_does_not_turn_our_words() -> None:
    assert plain("טקסט") == "\u2068טקסט\u2069" and plain("text") == "text"


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", " =", "\u200b=", "|", "%", '"  %', "'="]
)
def test_no_cell_is_a_formula(start: str) -> None:
    assert cell(f"{start}1+1").startswith("'")


@pytest.mark.parametrize("cut", [";", "\t", "\n", '"\n', "; "])
def test_nor_where_a_spreadsheet_cuts_elsewhere(cut: str) -> None:
    assert cell(f"red{cut}=1+1") == f"red{cut}'=1+1"


def test_ordinary_cells_and_numbers_are_not_touched() -> None:
    rows = list(csv.reader(io.StringIO(table(["a", "b; c"], [["x-y", -1.5], ["1 = 1", 3]]).decode("utf-8-sig"))))
    assert rows == [["a", "b; c"], ["x-y", "-1.5"], ["1 = 1", "3"]]


def test_a_cell_of_line_ends_takes_no_time() -> None:
    began = time.process_time()
    cell("a" + "\n" * 100_000 + "b")
    assert time.process_time() - began < 0.5  # was quadratic: a minute


def test_classes_csv_is_read_as_it_was_written(tmp_path: Path) -> None:
    """It is the app's own, not a spreadsheet's: nothing in it may be changed."""
    rows = [["=1+1", "seen", "+red; =2"], ["@a", "seen", "-blue"], ["'b", "unseen", "'=white"]]
    with (tmp_path / "classes.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["name", "seen", "description"], *rows])
    found = read_class_table(tmp_path / "classes.csv")
    assert found.names == ("=1+1", "@a", "'b") and found.texts == ("+red; =2", "-blue", "'=white")


@pytest.mark.parametrize(
    "search", ["\x00", "\ud800", "a\x00b", "%", "_", "\\", "'; drop table notebooks; --", "x" * 5000]
)
def test_any_search_finds_what_it_says_and_nothing_else(notebook: Notebook, search: str) -> None:
    notebook.keep(Kept(title="a bird", text="with a cap"))
    assert notebook.page(search).total == (1 if not clean(search) else 0)
    assert notebook.page("bird").total == 1


def test_entries_that_no_database_could_have_are_not_there(notebook: Notebook) -> None:
    entry = notebook.keep(Kept(title="a bird"))
    assert [found.id for found in notebook.some([10**14, -1, 2**31, entry.id])] == [entry.id]


def test_a_class_is_kept_and_linked_without_what_nobody_sees() -> None:
    app = described(" a red\u202e bird\x00 with a black\u200b cap\u2066 ")
    assert not app.exception
    assert app.query_params["text"] == "a red bird with a black cap"
    assert app.session_state["described"] == state.Described(
        "a red bird with a black cap", read("a red bird with a black cap").attributes
    )


def test_a_million_characters_are_answered_with_a_sentence_and_kept_nowhere(own_data: Path) -> None:
    before = sum(path.stat().st_size for path in own_data.glob("*.sqlite*"))
    app = AppTest.from_file(str(screens.ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/describe.py").run()
    began = time.process_time()
    app.text_area(key="words").set_value("a red bird " * 100_000).run()
    assert time.process_time() - began < 3
    assert ["at most 1000 characters" in error.value for error in app.error] == [True]
    assert "text" not in app.query_params and "described" not in app.session_state
    assert sum(path.stat().st_size for path in own_data.glob("*.sqlite*")) == before
    plain_began = time.process_time()
    plain("a@:b-" * 200_000)
    assert time.process_time() - plain_began < 6


def test_a_notebook_full_of_markup_is_shown_as_text(own_data: Path) -> None:
    from niwt_core.notebook import notebook_url

    database = Database(notebook_url())
    secret = create_notebook(database)
    mine = open_notebook(database, secret)
    ids = [
        mine.keep(
            Kept(title=f"{n} {screens.MARKED}"[:120], text=f"{n} {screens.MARKED}", picks={"back_color": "red"},
                 of=screens.MARKED[:90], world=screens.MARKED[:90], explanation=screens.MARKED, importances=(1.0, -1.0))
        ).id
        for n in range(3)
    ]  # fmt: skip
    mine.edit(ids[0], 1, screens.MARKED[:120], screens.MARKED * 3)
    mine.delete(ids[2])
    for address in ({}, {"compare": f"{ids[0]}~{ids[1]}"}, {"search": screens.MARK}, {"search": screens.MARKED[:90]}):
        app = screens.open_page("pages/notebook.py", {"notebook": secret, **address})
        assert screens.MARK in "".join(text for _, _, text in screens.strings(app))
        screens.check(app)


def test_a_title_is_kept_without_what_nobody_sees() -> None:
    assert check_title(" my\u202e \x00birds\u200b ") == "my birds"
    with pytest.raises(InputError, match="empty"):
        check_title("\u200b\x00")


def test_a_table_of_classes_names_its_columns_safely() -> None:
    head = to_csv([Kept(title="a", picks={"=a": "@b"})]).decode("utf-8-sig").splitlines()[1]
    assert ",'=a: @b," in head


# -- in a real browser -------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_browser_shows_what_was_typed_and_makes_nothing_of_it(browser_page: Any, app_url: str) -> None:
    from urllib.parse import urlencode

    page = browser_page
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said = (
        "a red bird <img src=x onerror=alert(1)> **b** $x^2$ :material/home: :smile: :red[r] [l](http://evil.example) "
        "www.evil.example me@evil.example -> `c` \u202e<b>z</b>"
    )
    seen = said.replace("\u202e", "")
    page.goto(f"{app_url}/proof?{urlencode({'text': said, 'picks': 'back_color.red'})}")
    line = page.locator("[data-testid=stMarkdownContainer] p", has_text="Your bird").first
    line.wait_for()
    shown = line.inner_text().replace("\u2060", "")
    assert seen in shown, shown
    assert not line.locator("a, img, code, em, b, .katex, [role=img]").count()
    page.goto(f"{app_url}/describe?{urlencode({'text': said, 'picks': 'back_color.red'})}")
    page.get_by_role("heading", name=SEEN).wait_for()
    assert not page.locator(".read img, .read b, .read script").count()
    assert not [url for url in asked if not url.startswith((app_url, "data:", "blob:"))], "it asks nobody else"


@pytest.mark.browser
def test_a_million_characters_pasted_are_answered(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(f"{app_url}/describe")
    field = page.get_by_label("Your description")
    field.fill("a red bird " * 100_000)
    page.get_by_role("button", name="Read my words").click()
    page.get_by_text("Expected at most 1000 characters").wait_for(timeout=20_000)
    assert "text=" not in page.url
