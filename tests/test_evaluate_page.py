"""The Evaluate page on a small world, and the job behind it: stops, goes on, and says what is missing."""

import dataclasses
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from conftest import served
from streamlit.testing.v1 import AppTest

from niwt_core.errors import InputError
from niwt_core.evaluation import Curve
from niwt_core.project import contest_file, load_project, save_project
from niwt_core.worlds.birds import BirdWorld
from pages.shared import resources
from pages.shared.jobs.evaluating import EvaluationJob, order_of_tests
from pages.shared.judging import standings

APP = str(Path(__file__).parents[1] / "app.py")


class SmallWorld(BirdWorld):
    """Drawn birds, but few of them."""

    def __init__(self, project, data) -> None:
        super().__init__(project, "small")
        self._data = data

    @cached_property
    def data(self):
        return self._data


@pytest.fixture
def world(small_project, small_data, tmp_path):
    """A world whose project stands in `tmp_path`."""
    save_project(small_project, tmp_path)
    return SmallWorld(load_project(tmp_path), small_data)


def finished(job: EvaluationJob) -> Any:
    for _ in range(600):
        now = job.progress()
        if not now.running:
            return now
        time.sleep(0.05)
    raise AssertionError(f"The job did not end: {now.stage}, {now.done} of {now.total}.")


def test_test_pictures_come_class_by_class_in_turns(small_data):
    which, index, rank, labels = order_of_tests(small_data)
    assert len(labels) == 22
    assert sorted(labels[:11]) == list(range(11)) and sorted(labels[11:]) == list(range(11))
    assert (rank == np.repeat([0, 1], 11)).all()
    assert (which == (labels >= 8)).all()
    assert len(set(zip(which, index, strict=True))) == 22
    for w, i, label in zip(which, index, labels, strict=True):
        assert (small_data.test_seen, small_data.test_unseen)[w].labels[i] == label


def test_a_larger_evaluation_goes_on_where_the_smaller_ended(world, tmp_path):
    job = EvaluationJob(world, tmp_path)
    job.start(1)
    first = finished(job)
    assert first.error is None
    assert (first.judged, first.most, first.next_step) == (1, 2, 2)
    assert len(first.evaluation.labels) == 11 and len(first.evaluation.standings) == 11
    learned = list(job._learned)
    job.start(2)
    second = finished(job)
    assert len(second.evaluation.labels) == 22 and second.next_step is None
    assert job._learned == learned  # nothing was learned twice
    assert (second.evaluation.labels[:11] == first.evaluation.labels).all()
    for name, standing in first.evaluation.standings.items():
        assert (second.evaluation.standings[name].predicted[:11] == standing.predicted).all()
    picture = job.picture(0, 96)
    assert picture.shape == (96, 96, 3) and picture.dtype == np.uint8


class Gate:
    """Pictures that wait until they are let through, and are counted."""

    def __init__(self, source) -> None:
        self.source, self.labels = source, source.labels
        self.open, self.reached, self.asked = threading.Event(), threading.Event(), []

    def __getitem__(self, index):
        self.asked.append(index)
        self.reached.set()
        assert self.open.wait(20)
        return self.source[index]


def test_stopped_it_keeps_what_it_has_seen_and_goes_on_from_there(small_project, small_data, tmp_path):
    save_project(small_project, tmp_path)
    gate = Gate(small_data.test_seen)
    world = SmallWorld(load_project(tmp_path), dataclasses.replace(small_data, test_seen=gate))
    job = EvaluationJob(world, tmp_path)
    job.start(2)
    assert gate.reached.wait(20)
    assert "birds" in job.progress().stage and job.progress().total == 22
    job.stop()
    assert not job.progress().running
    gate.open.set()
    for thread in threading.enumerate():
        if thread.name == "evaluation":
            thread.join(20)
    seen = len(gate.asked)
    assert 0 < seen < 16 and job.progress().evaluation is None
    job.start(2)
    now = finished(job)
    assert now.error is None and len(now.evaluation.labels) == 22
    assert sorted(gate.asked) == list(range(16))  # none was looked at twice


def test_pictures_that_are_gone_are_one_sentence(world, tmp_path, monkeypatch):
    def gone(self):
        raise InputError("The photos are not where they were.")

    monkeypatch.setattr(SmallWorld, "data", property(gone))
    job = EvaluationJob(world, tmp_path)
    job.start(5)
    now = finished(job)
    assert now.error == "The photos are not where they were." and now.evaluation is None


@pytest.fixture
def page(world, tmp_path, monkeypatch):
    """Opens the page on the small world, which is new to the server."""
    monkeypatch.setattr(resources, "world", lambda: world)
    monkeypatch.setattr(resources, "identity", lambda: str(tmp_path))
    monkeypatch.setattr(resources, "folder_of", lambda key: tmp_path)
    return lambda: AppTest.from_file(APP, default_timeout=60).switch_page("pages/evaluate.py").run()


def evaluated(at: AppTest) -> AppTest:
    at.button(key="start_evaluation").click().run()
    for _ in range(200):
        if any(h.value == "What came out" for h in at.header):
            return at
        time.sleep(0.1)
        at.run()
    raise AssertionError("The evaluation did not end.")


def words(at: AppTest) -> str:
    return "\n".join(m.value for m in at.markdown)


def test_at_first_there_is_one_button_and_what_it_does(page):
    at = page()
    assert not at.exception
    assert [t.value for t in at.title] == ["Evaluate"]
    assert at.button(key="start_evaluation").label == "Evaluate it on 5 drawings of each of 11 classes"
    assert not at.header


def test_the_whole_page_and_the_second_visitor_waits_for_nothing(page):
    at = evaluated(page())
    assert not at.exception and not at.error
    assert [h.value for h in at.header] == ["What came out", "Which classes are hard", "What is taken for what"]
    told = words(at)
    assert "(S)" in told and "(U)" in told and "H = " in told and "among all 11 classes" in told
    assert "The best of 9 other methods" in told and "in a rehearsal, where seen classes played new ones" in told
    table = next(h.value for h in at.get("html") if "What every method reaches" in h.value)
    assert table.count("<tr") == 12 and table.index(">NIWT<") < table.index("ESZSL")
    assert len(at.get("plotly_chart")) == 3
    assert not any(b.key == "more_evaluation" for b in at.button)  # two drawings of each class are all there are
    other = page()
    assert not other.exception
    assert [h.value for h in other.header] == [h.value for h in at.header]


def test_classes_are_found_by_name_and_pairs_show_their_pictures(page, small_data):
    at = evaluated(page())
    name = small_data.class_names[9]
    at.multiselect(key="wanted_classes").set_value([9]).run()
    assert not at.exception
    table = next(h.value for h in at.get("html") if "how many of their pictures are found" in h.value)
    assert table.count("<tr") == 2 and name in table and "unseen" in table
    pair = at.selectbox(key="confused")
    assert len(pair.options) > 1  # an untrained network confuses much
    assert " taken for " in pair.options[-1]
    true, _, rest = pair.options[-1].partition(" taken for ")
    pair.select(pair.options[-1]).run()
    assert not at.exception
    assert f"**{true}, taken for {rest.partition(':')[0]}**" in words(at)


def test_another_methods_answers_can_be_looked_at(page):
    at = evaluated(page())
    at.selectbox(key="closer_method").set_value("ESZSL").run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 3


def test_a_project_that_kept_no_rehearsal_is_judged_alone_and_says_so(page, tmp_path):
    contest_file(tmp_path).unlink()
    at = evaluated(page())
    assert not at.exception and not at.error
    told = words(at)
    assert "NIWT stands alone here" in told and "other methods, " not in told
    assert not [s for s in at.selectbox if s.key == "closer_method"]


def test_a_damaged_file_is_a_sentence_and_can_be_tried_again(page, tmp_path):
    contest_file(tmp_path).write_bytes(b"no tensors")
    at = page()
    at.button(key="start_evaluation").click().run()
    for _ in range(100):
        if at.error:
            break
        time.sleep(0.1)
        at.run()
    assert "is damaged or another project" in at.error[0].value
    assert at.button(key="start_evaluation").label.startswith("Evaluate it on")


def test_the_drawn_curve_is_the_curve(small_data):
    """Only points between which it runs straight are left out: the area under it stays, and so do its ends."""
    curve = Curve(
        np.array([1, 1, 1, 0.75, 0.5, 0.5, 0.0]), np.array([0, 0.25, 0.5, 0.5, 0.5, 1.0, 1.0]), (0.5, 1.0), 0.75
    )
    s, u = standings._corners(curve)
    assert list(zip(s, u, strict=True)) == [(1, 0), (1, 0.5), (0.5, 0.5), (0.5, 1), (0, 1)]


def test_dots_stand_by_kind_and_hardness_and_the_matrix_by_truth_and_answer():
    names = [f"class <{i}>" for i in range(40)]
    rates = np.linspace(1, 0.1, 40)
    rates[3] = np.nan  # no pictures
    fig = standings.class_dots(names, 30, rates, np.full(40, 10), [35])
    seen, unseen = fig.data
    assert list(seen.x) == list(range(29)) and list(unseen.x) == list(range(29, 39))
    assert list(seen.y) == sorted(seen.y) and list(unseen.y) == sorted(unseen.y)
    assert seen.text[0] == "class &lt;29&gt;" and "class &lt;3&gt;" not in seen.text
    assert [a.text for a in fig.layout.annotations] == ["class &lt;35&gt;"]

    order = standings.class_order(torch.tensor([[3.0], [1.0], [2.0], [9.0], [8.0]]), 3)
    assert sorted(order[:3]) == [0, 1, 2] and list(order) in ([1, 2, 0, 4, 3], [0, 2, 1, 3, 4])
    fig = standings.confusion_matrix(
        list("abcde"), 3, np.array([1, 2, 0, 4, 3]), np.array([0, 0, 3]), np.array([1, 1, 3])
    )
    right, wrong = fig.data
    assert isinstance(wrong, go.Scatter) and list(wrong.text) == ["a taken for b: 2"]
    assert (wrong.x[0], wrong.y[0]) == (0, 2) and list(wrong.customdata[0]) == [0, 1]
    assert list(right.text) == ["d taken for d: 1"]


def test_a_project_of_photos_is_evaluated_with_its_odd_names_kept_as_text(photo_key):
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params["project"] = photo_key
    at.switch_page("pages/evaluate.py").run()
    assert "photos of each of" in at.button(key="start_evaluation").label
    at = evaluated(at)
    assert not at.exception and not at.error
    assert "photos of classes that the network was trained on" in words(at)
    assert "too few seen classes for a rehearsal" in words(at)
    at.multiselect(key="wanted_classes").set_value([4]).run()
    table = next(h.value for h in at.get("html") if "how many of their pictures are found" in h.value)
    assert "&lt;b&gt;goldfinch" in table
    assert "<b>" not in words(at)


@pytest.mark.browser
def test_a_pressed_square_of_the_matrix_shows_its_pictures(browser_page, photo_key, tmp_path):
    page = browser_page
    with served(tmp_path / "server.log") as url:  # with the shelf of the photo project
        page.goto(f"{url}/evaluate?project={photo_key}")
        page.locator(".st-key-start_evaluation button").click(timeout=120_000)
        page.get_by_role("heading", name="What is taken for what").wait_for(timeout=240_000)
        page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
        page.get_by_text("Or choose it in the whole confusion matrix").click()
        squares = page.locator(".st-key-confusion_matrix .scatterlayer .trace").nth(1).locator(".point")
        squares.first.wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        chosen = page.locator(".st-key-confused input")
        before = chosen.input_value()
        for i in range(squares.count()):
            squares.nth(i).scroll_into_view_if_needed()
            box = squares.nth(i).bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            words = page.locator(".hoverlayer .hovertext").text_content(timeout=10_000)
            page.mouse.down()
            page.mouse.up()
            if not before.startswith(words):
                break
        else:
            pytest.skip("the network of this fit confuses no more than one pair")
        page.wait_for_function(
            "words => document.querySelector('.st-key-confused input').value.startsWith(words)", arg=words, polling=200
        )
        true, _, taken = words.rpartition(":")[0].partition(" taken for ")
        page.get_by_text(f"{true}, taken for {taken}", exact=True).wait_for()
        page.goto("about:blank")  # before its server ends, which the browser would complain of
