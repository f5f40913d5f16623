"""The page Bring your own: from an upload to a project that other pages use, and all that can go wrong on the way."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_drafts import WORDS, Encoder, filled, pictures, zipped

from niwt_core import text
from niwt_core.worlds import apart, drafts, making, server_folders, shelf, weights
from pages.shared.jobs.fitting import Snapshot, State
from pages.shared.jobs.line import FITS_VARIABLE
from pages.shared.own import fit_words, own_projects
from pages.shared.person import turns

APP = str(Path(__file__).parents[1] / "app.py")
OWNER = "a" * 32
REAL_MAKE = making.make


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A shelf of its own, a quick encoder and a small network."""
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "projects"))
    monkeypatch.delenv(server_folders.VARIABLE, raising=False)
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setattr(text, "load_encoder", lambda name: Encoder())
    monkeypatch.setattr(apart, "make_apart", small_make)
    own_projects.fits.clear()
    turns.line.clear()
    return tmp_path / "projects"


def small_make(draft, order, progress, expect):
    REAL_MAKE(draft, replace(order, network="paper_bird_net", layer="features.stage4"), progress, expect)


def open_page(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page("pages/own.py")
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    return at


def said(at: AppTest) -> str:
    kinds = (at.markdown, at.error, at.info, at.warning, at.success, at.caption, at.header, at.subheader)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def upload(at: AppTest, entries: dict[str, bytes], name: str = "colours.zip") -> AppTest:
    return quiet(at.file_uploader[0].set_value((name, zipped(entries).getvalue(), "application/zip")).run())


def given(described: bool = True):
    """A draft on the shelf, as an upload leaves it."""
    draft = drafts.draft_of_zip(zipped(pictures()), "colours.zip", OWNER)
    if described:
        draft = filled(draft)
        draft.save()
    return draft


def wait_for(at: AppTest, condition) -> None:
    for _ in range(300):
        if condition(quiet(at.run())):
            return
        time.sleep(0.2)
    pytest.fail(f"the page did not get there: {said(at)}")


def test_the_page_opens_with_one_thing_to_do():
    at = open_page()
    assert [title.value for title in at.title] == ["Bring your own"]
    assert [header.value for header in at.header] == ["1 Your pictures"]
    assert len(at.file_uploader) == 1
    assert "shelf" not in at.query_params  # nothing to find again yet
    assert "server" not in "".join(s.value for s in at.subheader)


def test_from_an_upload_to_a_project_that_the_other_pages_use():
    at = upload(open_page(), pictures() | {"sun/broken.png": b"?", "sun/more.zip": b"?"})
    assert "30 pictures in 5 classes" in said(at)
    assert "Left out: 1 file (an archive in the archive); 1 file (broken, or no picture)." in said(at)
    assert "Without a description so far: coal, grass, rose and 2 more." in said(at)
    assert at.button(key="own_fit").disabled
    key = drafts.latest_draft(at.session_state["shelf"]).key
    for i, words in enumerate(WORDS.values()):
        at.text_input(key=f"own_words_{key}_{i}").set_value(words)
    quiet(at.run())
    assert not at.button(key="own_fit").disabled
    quiet(at.selectbox(key="own_weights").set_value(weights.RANDOM).run())
    assert "has learned nothing yet" in said(at)
    at.text_input(key=f"own_title_{key}").set_value("My *colours*")
    quiet(at.button(key="own_fit").click().run())
    wait_for(at, lambda page: [s.value for s in page.subheader] == [r"My \*colours\*"])
    assert "4 seen and 1 unseen class; paper_bird_net, cut at features.stage4" in said(at)
    assert "of 100** of classes known from words alone (4 and 6 photos" in said(at)
    quiet(at.button(key=f"own_use_{key}").click().run())
    assert at.session_state["world"] == key
    assert at.title[0].value != "Bring your own"


def test_after_a_refresh_everything_is_found_again_by_the_link():
    draft = given()
    at = open_page(shelf=OWNER)
    assert [box.value for box in at.text_input][:5] == list(WORDS.values())
    at.text_input(key=f"own_words_{draft.key}_0").set_value("black <b>coal</b>").run()
    at.checkbox(key=f"own_seen_{draft.key}_1").uncheck().run()
    again = open_page(shelf=OWNER)
    assert again.text_input(key=f"own_words_{draft.key}_0").value == "black <b>coal</b>"
    assert not again.checkbox(key=f"own_seen_{draft.key}_1").value
    assert [header.value for header in open_page().header] == ["1 Your pictures"]  # without it, nothing


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"../a/1.png": b""}, "leads out of it"),
        ({name: data for name, data in pictures().items() if name.startswith("sky")}, "one class, 'sky'"),
        ({}, "no picture that can be used"),
    ],
)
def test_an_upload_that_cannot_be_used_is_one_sentence(place, entries, message):
    at = upload(open_page(), entries)
    (error,) = at.error
    assert message in error.value
    assert [header.value for header in at.header] == ["1 Your pictures"]
    assert not place.exists() or list(place.iterdir()) == []
    quiet(at.run())
    assert message in at.error[0].value  # it stays while the file does


def test_many_classes_or_numbers_are_shown_as_a_table():
    table = "name,seen,red\n" + "".join(f"{name},{int(name != 'sun')},{i}\n" for i, name in enumerate(WORDS))
    drafts.draft_of_zip(zipped(pictures() | {"classes.csv": table.encode()}), "c.zip", OWNER)
    at = open_page(shelf=OWNER)
    assert len(at.dataframe) == 1
    assert "learned from numbers alone" in said(at)
    assert not at.button(key="own_fit").disabled


def test_the_layer_is_proposed_with_its_reason():
    given()
    at = open_page(shelf=OWNER)
    at.selectbox(key="own_network").set_value("squeezenet1_1").run()
    assert at.selectbox(key="own_layer_squeezenet1_1").value == "features.11"
    assert "512 channels will be the neurons, on a map of 13 × 13 places; a class is 512 weights" in said(at)
    assert "only pools" in said(at)


def test_a_network_without_local_weights_offers_none(tmp_path, monkeypatch):
    given()
    (tmp_path / "squeezenet1_0.pth").write_bytes(b"")
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    at = open_page(shelf=OWNER)
    assert at.selectbox(key="own_network").value == "squeezenet1_0"
    assert at.selectbox(key="own_weights").options[0] == "from this server"
    at.selectbox(key="own_network").set_value("mobilenet_v2").run()
    assert [o.partition(", downloaded")[0] for o in at.selectbox(key="own_weights").options] == [
        "ImageNet weights", "random (quick to try, poor at seeing)",
    ]  # fmt: skip


class Held:
    """A fit that stands still until it is let go on."""

    def __init__(self, monkeypatch, error: Exception | None = None) -> None:
        self.go, self.error = threading.Semaphore(0), error
        monkeypatch.setattr(apart, "make_apart", self)

    def __call__(self, draft, order, progress, expect) -> None:
        progress("activations", 1, 3)
        assert self.go.acquire(timeout=30)
        if self.error:
            raise self.error
        progress("activations", 2, 3)


def begin(at: AppTest) -> AppTest:
    quiet(at.selectbox(key="own_weights").set_value(weights.RANDOM).run())
    return quiet(at.button(key="own_fit").click().run())


def test_a_fit_can_be_paused_found_again_and_cancelled(monkeypatch):
    held, draft = Held(monkeypatch), given()
    at = begin(open_page(shelf=OWNER))
    assert at.header[0].value == "Fitting “colours.zip”"
    quiet(at.button(key="own_pause").click().run())
    assert "own_go_on" in [button.key for button in at.button]
    again = open_page(shelf=OWNER)  # another browser, or this one after a refresh
    quiet(again.button(key="own_go_on").click().run())
    assert "own_pause" in [button.key for button in again.button]
    quiet(again.button(key="own_cancel").click().run())
    held.go.release()
    wait_for(again, lambda page: "Cancelled. Nothing was saved" in said(page))
    assert again.text_input(key=f"own_words_{draft.key}_0").value == WORDS["coal"]
    assert shelf.projects_of(OWNER) == []


def test_a_fit_that_fails_is_one_sentence_and_can_be_tried_again(monkeypatch):
    held = Held(monkeypatch, RuntimeError("boom"))
    given()
    at = begin(open_page(shelf=OWNER))
    held.go.release()
    wait_for(at, lambda page: "RuntimeError (boom)." in said(page))
    assert "your pictures and descriptions are still here" in at.error[0].value
    held.error = None
    begin(at)
    assert at.header[0].value == "Fitting “colours.zip”"
    held.go.release()


def test_a_second_fit_stands_in_line(monkeypatch):
    monkeypatch.setenv(FITS_VARIABLE, "1")
    held = Held(monkeypatch)
    given()
    first = begin(open_page(shelf=OWNER))
    other = filled(drafts.draft_of_zip(zipped(pictures()), "b.zip", "b" * 32))
    other.save()
    begin(open_page(shelf="b" * 32))
    assert own_projects.fits().get(other.key).snapshot().place == 1
    assert "own_pause" in [button.key for button in first.button]
    held.go.release(2)


def test_removing_can_be_undone():
    draft = given()
    REAL_MAKE(draft, making.Order("Colours", "paper_bird_net", "features.stage4", weights.RANDOM))
    at = open_page(shelf=OWNER, project=draft.key)
    quiet(at.button(key=f"own_remove_{draft.key}").click().run())
    assert [s.value for s in at.subheader] == []
    assert "“Colours” was removed." in said(at)
    assert at.session_state["world"] == "birds"
    quiet(at.button(key="own_undo").click().run())
    assert [s.value for s in at.subheader] == ["Colours"]
    at.text_input(key=f"own_rename_{draft.key}").set_value("<i>New</i>").run()
    quiet(at.button(key=f"own_do_{draft.key}").click().run())
    assert [s.value for s in at.subheader] == [r"\<i\>New\</i\>"]


def test_other_pictures_can_be_taken_and_the_first_brought_back():
    given()
    at = open_page(shelf=OWNER)
    quiet(at.button(key="own_other").click().run())
    assert len(at.file_uploader) == 1
    quiet(at.button(key="own_undo").click().run())
    assert "30 pictures in 5 classes" in said(at)


def test_a_folder_of_the_server_is_taken_where_the_operator_allows_it(tmp_path, monkeypatch):
    for name, data in pictures().items():
        path = tmp_path / "allowed" / "colours" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv(server_folders.VARIABLE, str(tmp_path / "allowed"))
    at = open_page()
    at.selectbox(key="own_folder").set_value("colours").run()
    quiet(at.button(key="own_take_folder").click().run())
    assert "30 pictures in 5 classes" in said(at)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "a few seconds"), (28, "about 30 seconds"), (70, "about a minute"), (600, "about 10 minutes"),
     (4000, "about an hour"), (9000, "about 2 hours")],
)  # fmt: skip
def test_durations_are_no_more_exact_than_they_are_known(seconds, words):
    assert fit_words.duration(seconds) == words


def test_where_a_fit_stands_is_one_line():
    now = Snapshot(State.RUNNING, 1, "activations", 40, 120, 0.3, 9.0, 28.0, None)
    assert fit_words.standing(now) == "Looking at every picture, 40 of 120 looks. About 30 seconds left."
    assert fit_words.standing(replace(now, state=State.WAITING, place=2)).startswith("2nd in line")
    assert fit_words.standing(replace(now, state=State.PAUSED)) == "Paused. Looking at every picture, 40 of 120 looks."
    assert [fit_words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd",
    ]  # fmt: skip
