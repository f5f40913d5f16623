"""The pages in a photo project: what they offer, what they say, and what they do when the photos are gone."""

import io
import itertools
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from photo_shelf import CLASSES, KEY, N_SEEN, words_of
from PIL import Image
from streamlit.testing.v1 import AppTest

from niwt_core.neurons import Dictionary, load_dictionary
from niwt_core.neurons.storage import FILE
from niwt_core.project import load_project
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld
from pages.shared.jobs import naming
from pages.shared.judging import trial

ROOT = Path(__file__).parents[1]
UNSEEN = list(CLASSES)[N_SEEN:]
GOLDFINCH, BLUETHROAT = UNSEEN


def texts(app: AppTest) -> str:
    return "\n".join(m.value for m in [*app.markdown, *app.caption])


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def opened(page: str, key: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    app.query_params["project"] = key
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py")
    return quiet(app.run())


@pytest.fixture
def moved_key(photo_shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same project on another shelf, its photos lost."""
    shutil.copytree(photo_shelf / KEY, tmp_path / KEY)
    shutil.rmtree(tmp_path / KEY / "data")
    monkeypatch.setenv("NIWT_PROJECTS", str(tmp_path))
    return KEY


# -- Describe ----------------------------------------------------------------------------------------------------------


def test_the_unseen_classes_are_ready_examples(photo_key: str) -> None:
    app = opened("describe", photo_key)
    assert [t.value for t in app.title] == ["Describe a class"]
    assert [b.label for b in app.button] == ["Read my words", "Use its description", "Use its description"]
    assert len(app.get("image")) == 2
    app = quiet(app.button(key="own0").click().run())
    assert app.session_state["described"] == Described(words_of(GOLDFINCH), {}, GOLDFINCH)
    assert app.text_area(key="words").value == words_of(GOLDFINCH)
    assert app.query_params["of"] == GOLDFINCH
    assert app.selectbox(key="judge").value == GOLDFINCH
    assert [h.value for h in app.header] == [
        "What was understood", r"Photos of \<b\>goldfinch", "Classes it knows that come nearest",
        "The pattern your words write",
    ]  # fmt: skip
    assert len(app.get("image")) == 4 + N_SEEN
    assert len(app.get("plotly_chart")) == 1


def test_a_refresh_finds_the_class_again(photo_key: str) -> None:
    app = opened("describe", photo_key, text="a blue bird", of=BLUETHROAT, picks="tail_shape.forked~nonsense.x")
    assert app.session_state["described"] == Described("a blue bird", {"tail_shape": "forked"}, BLUETHROAT)
    app = opened("describe", photo_key, of=BLUETHROAT)
    assert app.session_state["described"] == Described("", {}, BLUETHROAT)
    assert "own numbers for **bluethroat**" in texts(app)
    app = opened("describe", photo_key, of="redcap")
    assert "described" not in app.session_state, "seen classes judge no new one"
    assert len(app.header) == 0


def test_words_are_marked_and_what_is_not_known_is_told(photo_key: str) -> None:
    app = opened("describe", photo_key)
    app = quiet(app.text_area(key="words").set_value("a blue bird with a glorious crown and a forked tail").run())
    html = "\n".join(h.proto.body for h in app.get("html"))
    assert "<rt>back, crown: blue</rt>" in html
    assert "tail shape: forked" in html
    assert "**Not understood:** “glorious”" in texts(app)
    app = quiet(app.text_area(key="words").set_value("zzz qqq").run())
    assert ["was understood; expected English words" in e.value for e in app.error] == [True]
    assert app.session_state["described"].text.startswith("a blue bird"), "the class stays as it was"


def test_attributes_can_be_picked_one_value_a_group(photo_key: str) -> None:
    app = opened("describe", photo_key)
    options = app.multiselect(key="attributes").options
    assert "crown: black" in options and "crest" in options and "no crest" in options
    app = quiet(app.multiselect(key="attributes").set_value(["crown_color::black"]).run())
    assert app.session_state["described"] == Described("", {"crown_color": "black"}, "")
    app = quiet(app.multiselect(key="attributes").set_value(["crown_color::black", "crown_color::red"]).run())
    assert app.session_state["described"].picks == {"crown_color": "red"}, "the newer value replaces the older"
    app = quiet(app.multiselect(key="attributes").set_value(["crown_color::red", "crest::no"]).run())
    assert "**Picked by hand:** red crown and no crest." in texts(app)
    app = quiet(app.multiselect(key="attributes").set_value([]).run())
    assert app.session_state["described"] is None


def test_the_pattern_grows_with_the_clauses(photo_key: str) -> None:
    app = opened("describe", photo_key, text=words_of(BLUETHROAT), of=BLUETHROAT)
    chart = app.get("plotly_chart")[0].proto
    assert "4 strips of 128 cells" in texts(app) or "5 strips of 128 cells" in texts(app)
    assert "a blue crown" in chart.spec or "a blue crown" in str(chart)


# -- Importances -------------------------------------------------------------------------------------------------------


def test_importances_show_nearest_classes_by_photo_and_attribute(photo_key: str) -> None:
    app = opened("importances", photo_key, text="a blue bird with a forked tail", of=BLUETHROAT)
    assert [h.value for h in app.header][:2] == [
        "Your class above the classes most like it", "The classes it knows that come closest"
    ]  # fmt: skip
    assert app.subheader[0].value in CLASSES
    assert len(app.get("image")) == N_SEEN
    assert "**Shares**" in texts(app) and "blue" in texts(app)
    assert len(app.get("plotly_chart")) == 2


def test_without_a_class_there_is_no_bird_to_offer(photo_key: str) -> None:
    app = opened("importances", photo_key)
    assert [b.label for b in app.button] == ["Describe a class"]


# -- Explain -----------------------------------------------------------------------------------------------------------


def test_a_test_photo_is_explained_and_its_words_checked_by_the_class_table(photo_key: str) -> None:
    app = opened("explain", photo_key, text=words_of(BLUETHROAT), of=BLUETHROAT)
    assert not app.error
    assert [h.value for h in app.header] == [
        "What it says", "Where it looks", "Why, in words", "Which neurons", "Why this, and not another"
    ]  # fmt: skip
    assert "The strongest for it lies" in texts(app), "no part is known of a photo"
    assert "on the bird" not in texts(app)
    words = [p.proto.text for p in app.get("progress")]
    assert words and all(
        "true of its class, by the class table" in word and "above the usual" in word for word in words
    )
    assert "this very photo may not show it" in texts(app)
    assert len(app.get("image")) >= 6


def test_photos_of_known_and_of_other_new_classes_can_be_chosen(photo_key: str) -> None:
    app = opened("explain", photo_key, text=words_of(BLUETHROAT), of=BLUETHROAT)
    app = quiet(app.button_group(key="photo_source").set_value("A class it knows").run())
    assert list(app.selectbox(key="photo_class").options) == list(CLASSES)[:N_SEEN]
    app = quiet(app.button_group(key="photo_source").set_value("Another new class").run())
    assert list(app.selectbox(key="photo_class").options) == [GOLDFINCH]
    assert r"it shows **\<b\>goldfinch**" in texts(app)
    assert "<b>goldfinch" not in "\n".join(m.value for m in app.markdown)


def test_without_judging_photos_the_known_classes_are_offered(photo_key: str) -> None:
    app = opened("explain", photo_key, text="a blue bird")
    assert "There are no photos of your class" in texts(app)
    assert app.button_group(key="photo_source").options[0] == "A class it knows"


def test_an_upload_is_explained_in_the_terms_of_the_project(photo_key: str) -> None:
    app = opened("explain", photo_key, text="a blue bird")
    app = quiet(app.button_group(key="photo_source").set_value("A picture of your own").run())
    pixels = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    app = quiet(app.file_uploader(key="upload").upload("x.png", buffer.getvalue(), "image/png").run())
    assert [f"knows {N_SEEN} classes, and yours" in i.value for i in app.info] == [True]
    assert "It says **" in texts(app)


# -- Is it faithful? ---------------------------------------------------------------------------------------------------


def finished(app: AppTest) -> AppTest:
    job = app.session_state["trial"]
    for _ in range(1200):
        if not job.progress().running:
            return quiet(app.run())
        time.sleep(0.1)
    raise AssertionError("the trial does not end")


def test_maps_of_photos_are_tested_by_what_needs_no_masks(photo_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "N_PHOTOS", 3)
    app = opened("faithful", photo_key)
    assert "nobody has marked" in texts(app)
    assert "Do the words lie on their parts?" not in [h.value for h in app.header]
    app = finished(quiet(app.button(key="start_trial").click().run()))
    assert not app.error
    tested = app.session_state["trial"].progress().whole
    assert {picture.truth for picture in tested} == set(UNSEEN), "class by class in turn"
    assert all(marks.hit is None and marks.energy is None for picture in tested for marks in picture.marks.values())
    html = "\n".join(h.proto.body for h in app.get("html"))
    assert "Insertion" in html and "on the bird" not in html
    assert "lies on the bird" not in texts(app)
    assert len(app.get("plotly_chart")) == 2


def test_a_trial_of_another_world_is_not_shown(photo_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "N_PHOTOS", 2)
    app = finished(quiet(opened("faithful", photo_key).button(key="start_trial").click().run()))
    app.session_state["world"] = "birds"
    app = quiet(app.run())
    assert "What came out" not in [h.value for h in app.header]


def test_rounds_show_other_photos(photo_shelf: Path) -> None:
    world = PhotoWorld(load_project(photo_shelf / KEY), KEY, photo_shelf / KEY)
    first, second = (next(trial.photos(world, 1, round_)) for round_ in (0, 1))
    assert not np.array_equal(first.picture, second.picture)
    assert len(list(itertools.islice(trial.photos(world, 10_000), 3))) == 3


# -- photos that are gone ----------------------------------------------------------------------------------------------


def test_what_needs_no_photos_goes_on_without_them(moved_key: str) -> None:
    app = opened("describe", moved_key, text="a blue bird with a forked tail")
    assert "are not where they were" in texts(app)
    assert len(app.get("plotly_chart")) == 1, "words still write a pattern"
    app = opened("importances", moved_key, text="a blue bird with a forked tail")
    assert len(app.get("plotly_chart")) == 2
    app = opened("explain", moved_key, text="a blue bird with a forked tail")
    assert ["are not where they were" in e.value for e in app.error] == [True]


def test_a_project_that_is_not_there_is_told(photo_key: str) -> None:
    app = opened("describe", "no-such-project-here")
    assert ["There is no project" in e.value for e in app.error] == [True]
    assert "Work with Paper Birds instead" in [b.label for b in app.button]


# -- Neuron dictionary -------------------------------------------------------------------------------------------------


@pytest.fixture
def own_key(photo_shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The project on a shelf of its own, to be written to."""
    shutil.copytree(photo_shelf / KEY, tmp_path / KEY)
    monkeypatch.setenv("NIWT_PROJECTS", str(tmp_path))
    return KEY


def named(app: AppTest, folder: Path) -> AppTest:
    for _ in range(1200):
        if (folder / FILE).is_file():
            return quiet(app.run())
        time.sleep(0.1)
    raise AssertionError("the dictionary is never made")


def test_the_dictionary_is_made_in_the_background_and_shown_with_photos(own_key: str, tmp_path: Path) -> None:
    app = opened("dictionary", own_key)
    assert [b.label for b in app.button] == ["Name its neurons"]
    app = quiet(app.button(key="start_naming").click().run())
    app = named(app, tmp_path / own_key)
    assert [h.value for h in app.header] == ["All 128 neurons"]
    assert "on photos nothing can be redrawn" in texts(app)
    assert (tmp_path / own_key / FILE).is_file()
    live = next(n for n in dictionary_in(tmp_path / own_key).live if n.top_images)
    app.query_params["neuron"] = str(live.channel)
    app = quiet(app.run())
    assert "On photos nothing can be redrawn" in texts(app)
    assert len(app.get("image")) == len(live.top_images)


def dictionary_in(folder: Path) -> Dictionary:
    return load_dictionary(folder, load_project(folder))


def test_naming_can_be_stopped_and_writes_nothing_then(
    own_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(project, material, progress):
        for done in range(1000):
            progress("ablation", done, 1000)
            time.sleep(0.02)

    monkeypatch.setattr(naming, "build", slowly)
    app = quiet(opened("dictionary", own_key).button(key="start_naming").click().run())
    assert [b.label for b in app.button] == ["Stop"]
    app = quiet(app.button(key="stop_naming").click().run())
    time.sleep(0.2)
    app = quiet(app.run())
    assert [b.label for b in app.button] == ["Name its neurons"]
    assert not app.error
    assert not (tmp_path / own_key / FILE).exists()


def test_the_share_of_naming_counts_the_stages() -> None:
    assert naming.Progress("naming", 0, 10, True, None).share == 0
    assert naming.Progress("classes", 5, 10, True, None).share == 0.625
    assert naming.Progress("ablation", 10, 10, True, None).share == 1


def test_without_photos_there_is_nothing_to_name_by(moved_key: str) -> None:
    app = opened("dictionary", moved_key)
    app = quiet(app.button(key="start_naming").click().run())
    time.sleep(0.5)
    app = quiet(app.run())
    assert ["are not where they were" in e.value for e in app.error] == [True]
