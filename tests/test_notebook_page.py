"""The Notebook page, run without a browser: what a person does there, and what is then in the notebook."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.notebook import Database, Entry, Kept, Notebook, create_notebook, database, notebook_url, open_notebook
from niwt_core.notebook.files import to_json
from pages.shared import frame, resources
from pages.shared.notebook import keeping, kept_pictures
from pages.shared.person import permalinks
from pages.shared.state import Described

APP = str(Path(__file__).parents[1] / "app.py")
ROW = tuple((-1) ** k * k / 128 for k in range(128))
YELLOW = Kept(
    title="a yellow bird",
    text="a yellow bird",
    picks={"back_color": "yellow", "belly_color": "yellow"},
    world="Paper Birds",
    figures={"found": 95, "of": 100, "claimed": 4, "strangers": 100, "milliseconds": 0.42},
    importances=ROW,
    explanation="Speaks for it most: neuron 126.",
    created=datetime(2026, 1, 1, 12, tzinfo=UTC),
    changed=datetime(2026, 1, 1, 12, tzinfo=UTC),
)
RED = replace(YELLOW, title="The <b>red</b> *one*", text="a red bird", picks={"back_color": "red"}, note="# see [x](y)",
              importances=ROW[::-1], figures={})  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("NIWT_DATA", str(tmp_path))
    return Database(notebook_url())


@pytest.fixture
def secret(data: Database) -> str:
    return create_notebook(data)


@pytest.fixture
def notebook(data: Database, secret: str) -> Notebook:
    return open_notebook(data, secret)


@pytest.fixture
def filled(notebook: Notebook) -> tuple[Entry, Entry]:
    """A yellow bird, and a red one that changed later."""
    return notebook.keep(YELLOW), notebook.keep(RED)


def open_page(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page("pages/notebook.py")
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    return at


def press(at: AppTest, key: str) -> AppTest:
    return quiet(at.button(key=key).click().run())


def shown(at: AppTest) -> str:
    return "\n".join([m.value for m in at.markdown] + [h.proto.body for h in at.get("html")])


def headings(at: AppTest) -> list[str]:
    return [h.value for h in at.header]


def test_without_a_notebook_the_page_says_how_one_comes_and_makes_none(data: Database) -> None:
    at = open_page()
    assert [t.value for t in at.title] == ["Notebook"]
    assert headings(at) == ["Nothing here yet"]
    assert "notebook" not in at.query_params
    assert not data._file.exists(), "looking makes nothing"
    at = press(at, "to_describe")
    assert at.title[0].value == "Describe a bird"


def test_a_link_opens_its_notebook_and_stays_in_the_address(secret: str, filled) -> None:
    at = open_page(notebook=secret)
    assert headings(at)[0] == "2 classes"
    text = shown(at)
    assert "<h3>a yellow bird</h3>" in text
    assert "<strong>Finds 95 of 100</strong> · claims 4 of 100 strangers · solved in 0.4 ms" in text
    assert "Not solved yet" in text
    assert text.index("a red bird") < text.index("a yellow bird"), "the last changed comes first"
    assert 'class="kept-face" src="data:image/svg+xml' in text
    quiet(at.switch_page("pages/describe.py").run())
    assert at.query_params["notebook"] in (secret, [secret])


def test_what_people_wrote_stays_text(secret: str, filled) -> None:
    text = shown(open_page(notebook=secret))
    assert "The &lt;b&gt;red&lt;/b&gt; *one*" in text
    assert "<b>red" not in text
    assert '<p class="kept-note"># see [x](y)</p>' in text


@pytest.mark.parametrize("wrong", ["x" * 32, "short", "%00", "a" * 5000])
def test_a_link_to_no_notebook_says_so_and_offers_a_new_one(data: Database, wrong: str) -> None:
    at = open_page(notebook=wrong)
    assert "There is no notebook at this link." in at.error[0].value
    at = press(at, "start")
    assert not at.error
    assert headings(at)[0] == "Nothing here yet"
    assert open_notebook(Database(notebook_url()), at.session_state["notebook"]).page().total == 0


def test_open_goes_to_describe_with_that_class(secret: str, filled) -> None:
    yellow, _ = filled
    at = open_page(notebook=secret)
    at = press(at, f"open_{yellow.id}")
    assert at.title[0].value == "Describe a bird"
    assert at.session_state["described"] == Described("a yellow bird", dict(YELLOW.picks))
    assert at.text_area(key="words").value == "a yellow bird"


def test_a_class_of_a_project_that_is_gone_cannot_be_opened_and_the_page_says_why(secret: str, notebook) -> None:
    entry = notebook.keep(replace(YELLOW, project="f" * 32))
    at = press(open_page(notebook=secret), f"open_{entry.id}")
    assert "There is no project" in at.error[0].value
    assert at.title[0].value == "Notebook"


def test_a_class_of_nonsense_is_shown_and_cannot_be_opened(secret: str, notebook) -> None:
    entry = notebook.keep(replace(YELLOW, picks={"wheels": "four", "back_color": "plaid"}))
    at = press(open_page(notebook=secret), f"open_{entry.id}")
    assert "at least one attribute of a bird" in at.error[0].value


def test_title_and_note_are_changed_and_kept(secret: str, notebook, filled) -> None:
    yellow, _ = filled
    at = press(open_page(notebook=secret), f"edit_{yellow.id}")
    at.text_input(key="edit_title").set_value("My canary")
    at.text_area(key="edit_note").set_value("Two\nlines")
    at = press(at, "save")
    assert not at.text_input(key="search").value
    assert "<h3>My canary</h3>" in shown(at)
    (found,) = notebook.some([yellow.id])
    assert (found.title, found.note) == ("My canary", "Two\nlines")


def test_a_note_too_long_is_a_sentence_and_stays_in_the_field(secret: str, notebook, filled) -> None:
    yellow, _ = filled
    at = press(open_page(notebook=secret), f"edit_{yellow.id}")
    at.text_area(key="edit_note").set_value("n" * 100_000)
    at = press(at, "save")
    assert "The note has 100,000 characters; at most 20,000 fit." in at.error[0].value
    assert at.text_area(key="edit_note").value == "n" * 100_000
    assert notebook.some([yellow.id]) == (yellow,)
    at = press(at, "cancel")
    assert not at.error


@pytest.mark.parametrize(("choice", "title"), [("keep_mine", "mine"), ("keep_other", "theirs")])
def test_the_second_of_two_tabs_chooses_which_text_to_keep(secret: str, notebook, filled, choice, title) -> None:
    yellow, _ = filled
    at = press(open_page(notebook=secret), f"edit_{yellow.id}")
    other = notebook.edit(yellow.id, yellow.version, "theirs", "<i>their note</i>")
    at.text_input(key="edit_title").set_value("mine")
    at = press(at, "save")
    assert "changed in another tab" in at.error[0].value
    assert "&lt;i&gt;their note" in shown(at)
    assert at.text_input(key="edit_title").value == "mine"
    assert notebook.some([yellow.id]) == (other,)
    at = press(at, choice)
    assert not at.error
    assert notebook.some([yellow.id])[0].title == title


def test_delete_is_undone_by_the_line_and_by_the_list(secret: str, notebook, filled) -> None:
    yellow, red = filled
    at = open_page(notebook=secret)
    at.session_state[f"more_{yellow.id}"] = True
    at = press(quiet(at.run()), f"delete_{yellow.id}")
    assert headings(at)[0] == "1 class"
    assert "“a yellow bird” was deleted." in shown(at)
    at = press(at, "undo_delete")
    assert headings(at)[0] == "2 classes"
    assert "was deleted" not in shown(at)
    notebook.delete(red.id)
    at = press(open_page(notebook=secret), f"restore_{red.id}")
    assert headings(at)[0] == "2 classes"
    assert notebook.deleted() == ()


def test_duplicate_stands_first(secret: str, notebook, filled) -> None:
    yellow, _ = filled
    at = open_page(notebook=secret)
    at.session_state[f"more_{yellow.id}"] = True
    at = press(quiet(at.run()), f"copy_{yellow.id}")
    assert headings(at)[0] == "3 classes"
    assert notebook.page().entries[0].title == "a yellow bird (copy)"


def test_a_deed_on_what_another_tab_deleted_is_a_sentence(secret: str, notebook, filled) -> None:
    yellow, _ = filled
    at = open_page(notebook=secret)
    at.session_state[f"more_{yellow.id}"] = True
    at = quiet(at.run())
    notebook.delete(yellow.id)
    at = press(at, f"copy_{yellow.id}")
    assert "not in the notebook any more" in at.error[0].value
    assert headings(at)[0] == "1 class"


def test_the_link_of_a_class_opens_it_and_says_nothing_of_the_notebook(secret: str, filled) -> None:
    yellow, _ = filled
    at = open_page(notebook=secret)
    at.session_state[f"more_{yellow.id}"] = True
    at = quiet(at.run())
    (link,) = [c.value for c in at.code if "picks=" in c.value]
    assert secret not in link
    query = dict(part.split("=") for part in link.partition("?")[2].split("&"))
    assert query == {"picks": "back_color.yellow~belly_color.yellow", "text": "a+yellow+bird"}
    assert permalinks.address_of(Described("", {}, "Jay"), "abc") == {"of": "Jay", "project": "abc"}


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("http://localhost:8501/notebook", "http://localhost:8501/describe?text=a+b"),
        ("https://birds.example/lesson/notebook", "https://birds.example/lesson/describe?text=a+b"),
        ("https://birds.example/lesson/", "https://birds.example/lesson/describe?text=a+b"),
        (None, "/describe?text=a+b"),
    ],
)
def test_links_start_where_the_visitor_is(here: str | None, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permalinks, "st", SimpleNamespace(context=SimpleNamespace(url=here)))
    assert permalinks.link("pages/describe.py", {"text": "a b"}) == there
    first = next(iter(frame.PAGES.values()))[0][0]
    assert permalinks.link(first, {}) == there.removesuffix("describe?text=a+b")


def test_search_narrows_and_says_what_it_found(secret: str, filled) -> None:
    at = open_page(notebook=secret, search="RED back")
    assert headings(at)[0] == "1 class with “RED back”"
    at = quiet(at.text_input(key="search").set_value("<b>zebra").run())
    assert headings(at)[0] == "Nothing with “\\<b\\>zebra”"
    at = quiet(at.text_input(key="search").set_value("").run())
    assert headings(at)[0] == "2 classes"


def test_many_classes_come_a_dozen_at_a_time(secret: str, notebook) -> None:
    notebook.add(replace(YELLOW, text=f"bird {i}", title=f"bird {i}") for i in range(200))
    at = open_page(notebook=secret)
    assert headings(at)[0] == "200 classes"
    assert shown(at).count('class="kept"') == 12
    at = press(at, "older")
    assert "Sheet 2 of 17" in shown(at)
    at = open_page(notebook=secret, sheet="17")
    assert shown(at).count('class="kept"') == 8
    at = open_page(notebook=secret, sheet="999")
    assert "Sheet 17 of 17" in shown(at)
    at = quiet(at.text_input(key="search").set_value("bird 199").run())
    assert shown(at).count('class="kept"') == 1


def test_two_chosen_classes_are_compared(secret: str, filled) -> None:
    yellow, red = filled
    at = open_page(notebook=secret)
    at = quiet(at.checkbox(key=f"choose_{yellow.id}").check().run())
    assert "Choose another one" in shown(at)
    at = quiet(at.checkbox(key=f"choose_{red.id}").check().run())
    at = press(at, "compare_them")
    assert headings(at) == ["Side by side"]
    assert len(at.get("plotly_chart")) == 1
    text = shown(at)
    cosine = sum(a * b for a, b in zip(ROW, ROW[::-1], strict=True)) / sum(a * a for a in ROW)
    assert f"have a cosine of {cosine:.2f}" in text
    assert "<td>95 of 100</td><td>not measured</td>" in text
    assert '<th scope="row">back</th><td>yellow</td><td>red</td>' in text
    assert '<th scope="row">belly</th><td>yellow</td><td>left open</td>' in text
    again = open_page(notebook=secret, compare=f"{yellow.id}~{red.id}")
    assert headings(again) == ["Side by side"]
    at = press(at, "back")
    assert headings(at)[0] == "2 classes"


def test_three_classes_two_networks(secret: str, notebook, filled) -> None:
    yellow, red = filled
    other = notebook.keep(replace(YELLOW, project="e" * 32, importances=(1.0, 2.0), title="a yellow bird"))
    at = open_page(notebook=secret, compare=f"{yellow.id}~{other.id}~{red.id}")
    assert len(at.get("plotly_chart")) == 2
    assert "another network" in shown(at)
    assert "a yellow bird (2)" in shown(at)


@pytest.mark.parametrize("asked", ["", "1~x", "99~98", "-1~2", "1" * 300])
def test_a_comparison_of_nothing_shows_the_shelf(secret: str, filled, asked: str) -> None:
    assert headings(open_page(notebook=secret, compare=asked))[0] == "2 classes"


# -- files -------------------------------------------------------------------------------------------------------------


def upload(at: AppTest, content: bytes) -> AppTest:
    at.get("file_uploader")[0].set_value(("notebook.json", content, "application/json"))
    return press(quiet(at.run()), "bring_in")


def test_a_saved_notebook_comes_back_in_another(data, secret: str, notebook, filled) -> None:
    saved = to_json(notebook.everything())
    at = upload(open_page(), saved)
    assert "2 classes came in." in at.success[0].value
    assert at.session_state["notebook"] != secret
    there = open_notebook(data, at.session_state["notebook"])
    assert to_json(there.everything()) == saved
    at = upload(at, saved)
    assert "0 classes came in. 2 of the file were here already." in at.success[0].value


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"GIF89a", "This is no notebook"), (b" " * (50 << 20), "50 MB; a notebook has at most 32 MB"),
     (json.dumps({"format": "niwt-notebook", "version": 9, "entries": []}).encode(), "reads version 1")],
)  # fmt: skip
def test_a_wrong_file_is_a_sentence_and_changes_nothing(secret: str, notebook, filled, content, part) -> None:
    at = upload(open_page(notebook=secret), content)
    assert part in at.error[0].value
    assert notebook.page().total == 2


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_locked_notebook_is_a_sentence_and_can_be_tried_again(
    secret: str, notebook, filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    yellow, _ = filled
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    keeping._database.clear()
    at = press(open_page(notebook=secret), f"edit_{yellow.id}")
    at.text_area(key="edit_note").set_value("what I wrote")
    other = sqlite3.connect(notebook.database._file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    at = press(at, "save")
    assert "The notebook is busy" in at.error[0].value
    assert at.text_area(key="edit_note").value == "what I wrote"
    other.execute("ROLLBACK")
    other.close()
    press(at, "save")
    assert notebook.some([yellow.id])[0].note == "what I wrote"
    keeping._database.clear()


def test_a_file_that_is_no_notebook_is_a_sentence_and_the_page_recovers(data, secret: str, filled) -> None:
    file = data._file
    good = file.read_bytes()
    for beside in file.parent.glob("notebook.sqlite-*"):
        beside.unlink()
    file.write_bytes(b"rubbish" * 1000)
    at = open_page(notebook=secret)
    assert "damaged, or is no notebook" in at.error[0].value
    file.write_bytes(good)
    at = press(at, "again")
    assert headings(at)[0] == "2 classes"


def test_a_wrong_setting_is_a_sentence(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIWT_NOTEBOOK_URL", "mysql://me:hunter2@host/x")
    at = open_page(notebook=secret)
    assert "NIWT\\_NOTEBOOK\\_URL is no URL" in at.error[0].value
    assert "hunter2" not in at.error[0].value


# -- keeping -----------------------------------------------------------------------------------------------------------

BIRD = "size.small~crown_color.black"


def describe(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page("pages/describe.py")
    return quiet(at.run())


def kept_line(at: AppTest) -> list[str]:
    return [link.proto.label for link in at.get("page_link") if "notebook" in link.proto.label]


def its_notebook(at: AppTest) -> Notebook:
    return open_notebook(Database(notebook_url()), at.session_state["notebook"])


def test_what_is_described_is_kept_and_says_so(data: Database) -> None:
    at = describe(picks=BIRD, text="a small bird with a black crown")
    assert kept_line(at) == ["Kept in your notebook"]
    (entry,) = its_notebook(at).everything()
    assert (entry.text, entry.picks) == ("a small bird with a black crown", {"size": "small", "crown_color": "black"})
    assert (entry.project, entry.world, entry.version) == ("birds", "Paper Birds", 1)
    apart = np.array(entry.importances) - resources.average_importances()
    assert entry.explanation.startswith(f"Beside the average class, these rise most: neuron {int(apart.argmax())} (")
    assert sorted(entry.order) == list(range(len(entry.importances)))
    assert 0 < entry.figures["found"] <= entry.figures["of"]
    changed = entry.changed
    quiet(at.run())
    assert its_notebook(at).everything()[0].changed == changed, "nothing new, nothing written"
    quiet(at.switch_page("pages/importances.py").run())
    assert at.query_params["notebook"] in (at.session_state["notebook"], [at.session_state["notebook"]])


def test_picking_part_by_part_leaves_one_entry(data: Database) -> None:
    at = describe()
    for group, value in (("size", "small"), ("crown_color", "red"), ("crest", "tufted")):
        at = quiet(at.selectbox(key=f"pick_{group}").select(value).run())
    (entry,) = its_notebook(at).everything()
    assert entry.picks == {"size": "small", "crown_color": "red", "crest": "tufted"}
    assert entry.title == "small size, red crown, tufted crest"


def test_a_trained_class_keeps_its_figures(data: Database) -> None:
    at = describe(picks=BIRD)
    quiet(at.switch_page("pages/train.py").run())
    press(at, "solve")
    (entry,) = its_notebook(at).everything()
    solution = at.session_state["solved"][1]
    assert entry.figures["found"] == solution.found
    assert entry.figures["of"] == 100
    assert entry.figures["claimed"] == solution.claimed
    assert entry.figures["misfit"] == pytest.approx(solution.misfit)
    quiet(at.switch_page("pages/describe.py").run())
    assert its_notebook(at).everything()[0].figures["of"] == 100


def test_what_cannot_be_kept_waits_in_the_session_and_is_kept_later(
    data: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data._file.parent / "data"
    folder.write_text("in the way")
    monkeypatch.setenv("NIWT_DATA", str(folder))
    at = describe(picks=BIRD)
    assert kept_line(at) == []
    assert any("Not kept in your notebook" in c.value and "folder cannot be made" in c.value for c in at.caption)
    assert at.title[0].value == "Describe a bird", "the page goes on"
    at = quiet(at.selectbox(key="pick_size").select("large").run())
    quiet(at.switch_page("pages/notebook.py").run())
    assert "folder cannot be made" in at.error[0].value
    assert "2 classes are waiting in this session" in at.info[0].value
    folder.unlink()
    at = press(at, "again")
    assert headings(at)[0] == "2 classes"
    assert {entry.picks["size"] for entry in its_notebook(at).everything()} == {"small", "large"}


def test_a_class_described_at_a_dead_link_goes_into_the_new_notebook(data: Database) -> None:
    at = describe(picks=BIRD, notebook="x" * 32)
    assert any("There is no notebook at this link" in c.value for c in at.caption)
    quiet(at.switch_page("pages/notebook.py").run())
    at = press(at, "start")
    assert headings(at)[0] == "1 class"


def test_two_people_have_two_notebooks(data: Database) -> None:
    one, two = describe(picks=BIRD), describe(picks="size.large")
    assert one.session_state["notebook"] != two.session_state["notebook"]
    assert [e.picks for e in its_notebook(one).everything()] == [{"size": "small", "crown_color": "black"}]
    assert [e.picks for e in its_notebook(two).everything()] == [{"size": "large"}]


def test_a_class_of_photos_is_kept_and_opens_in_its_own_project(data: Database, photo_key: str) -> None:
    of = "<b>goldfinch"
    at = describe(project=photo_key, text="a yellow bird with a black crown", of=of)
    assert kept_line(at) == ["Kept in your notebook"]
    notebook = its_notebook(at)
    (entry,) = notebook.everything()
    assert (entry.project, entry.of) == (photo_key, of)
    assert entry.figures["of"] > 0

    other = describe(notebook=at.session_state["notebook"], picks=BIRD)
    quiet(other.switch_page("pages/notebook.py").run())
    assert headings(other)[0] == "2 classes"
    assert "judged on &lt;b&gt;goldfinch" in shown(other)
    other = press(other, f"open_{entry.id}")
    assert other.session_state["world"] == photo_key
    assert other.session_state["described"] == Described("a yellow bird with a black crown", {}, of)
    report = kept_pictures.report_of([entry]).decode()
    assert report.count("data:image/webp") == min(kept_pictures.MANY, 12)
    assert "A photo of &lt;b&gt;goldfinch" in report
