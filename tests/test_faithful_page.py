import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.shared import resources
from pages.shared.charts import tables
from pages.shared.jobs.gathering import Gathering
from pages.shared.judging import trial, verdicts, words_on_parts
from pages.shared.judging.trial import CENTRE, CLASSIC, NAMES, OURS, RANDOM, Judged, Marks

HEADERS = ["What each test does", "Do the words lie on their parts?", "And are they true?"]
APP = str(Path(__file__).parents[1] / "app.py")


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The page, with three birds in place of twenty."""
    monkeypatch.setattr(trial, "N_BIRDS", 3)
    at = AppTest.from_file(APP, default_timeout=300)
    at.switch_page("pages/faithful.py")
    return at.run()


@pytest.fixture(scope="module")
def birds() -> list[Judged]:
    return list(trial.birds(resources.project(), 3))


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in [*at.markdown, *at.caption])


def html(at: AppTest) -> str:
    return "\n".join(h.proto.body for h in at.get("html"))


def finished(job: Gathering) -> None:
    for _ in range(600):
        if not job.progress().running:
            return
        time.sleep(0.1)
    raise AssertionError("the test did not end within a minute")


def marks(hit: bool = True, level: float = 0.5, forgetful: float = 0.0, energy: float = 0.6) -> Marks:
    curve = np.full(trial.N_STEPS + 1, level)
    return Marks(torch.zeros(4, 4), (0.5, 0.5), hit, energy, curve, curve, forgetful)


def bird(**by_name: Marks) -> Judged:
    """A bird on a fifth of its picture; the maps that are not given do as badly as the random one."""
    names = {"ours": OURS, "classic": CLASSIC, "centre": CENTRE}
    given = {names[key]: value for key, value in by_name.items()}
    return Judged(np.zeros((8, 8, 3), np.uint8), "A", "A", 0.2, {n: given.get(n, marks(False, 0.1)) for n in NAMES})


def test_before_a_run_the_page_says_what_is_tested_and_shows_no_result(page):
    assert not page.exception
    assert [t.value for t in page.title] == ["Is it faithful?"]
    assert [h.value for h in page.header] == HEADERS
    for test in ("Pointing game", "Heat on the bird", "Insertion and deletion", "Forgetting"):
        assert test in texts(page)
    assert [b.label for b in page.button] == ["Test it on 3 fresh birds", "Test the words of 12 fresh birds"]
    assert OURS not in html(page)


def test_the_words_figures_are_those_of_the_card(page):
    for band in resources.project().card["word_trust"]:
        if band["n_words"]:
            assert f"<td>{band['n_words']:,}</td><td>{band['n_true']:,}</td>" in html(page)


def test_a_run_on_three_birds_ends_in_a_table_a_reading_a_picture_and_two_charts(page):
    page.button(key="start_trial").click().run()
    assert not page.exception
    job = page.session_state["trial"]
    finished(job)
    page.run()
    assert not page.exception and not page.error
    assert job.progress().error is None
    assert len(job.progress().whole) == 3
    assert [h.value for h in page.header] == ["What came out", *HEADERS]
    assert all(f'<th scope="row">{name}</th>' in html(page) for name in NAMES)
    assert f"in **{sum(b.marks[OURS].hit for b in job.progress().whole)} of 3**" in texts(page)
    assert len(page.get("plotly_chart")) == 2
    page.selectbox[0].set_value(2).run()
    assert not page.exception
    assert f"{job.progress().whole[2].truth}; the network says" in texts(page)
    assert page.button(key="start_trial").label == "Test it on another 3 fresh birds"


def test_another_run_shows_other_birds(page):
    shown = []
    for _ in range(2):
        page.button(key="start_trial").click().run()
        finished(page.session_state["trial"])
        page.run()
        shown.append([b.truth for b in page.session_state["trial"].progress().whole])
    assert not page.exception
    assert not set(shown[0]) & set(shown[1])


def test_a_running_test_can_be_stopped_and_keeps_what_is_done(page, monkeypatch, birds):
    def slowly(*_):
        for one in birds * 100:
            time.sleep(0.05)
            yield one

    monkeypatch.setattr(trial, "birds", slowly)
    page.button(key="start_trial").click().run()
    assert [b.label for b in page.button] == ["Stop", "Test the words of 12 fresh birds"]
    job = page.session_state["trial"]
    for _ in range(100):
        if job.progress().whole:
            break
        time.sleep(0.05)
    page.button(key="stop_trial").click().run()
    done = len(job.progress().whole)
    time.sleep(0.3)
    assert not job.progress().running
    assert 1 <= done == len(job.progress().whole) < 300
    assert not page.exception
    assert "What came out" in [h.value for h in page.header]


def test_an_error_in_the_thread_becomes_a_sentence(page, monkeypatch):
    def broken(*_):
        raise ValueError("no bird today")
        yield

    monkeypatch.setattr(trial, "birds", broken)
    page.button(key="start_trial").click().run()
    finished(page.session_state["trial"])
    page.run()
    assert not page.exception
    assert "no bird today" in page.error[0].value


def test_the_marks_of_real_birds_are_what_they_should_be(birds):
    again = next(trial.birds(resources.project(), 1))
    assert np.array_equal(again.picture, birds[0].picture)
    for one in birds:
        assert set(one.marks) == set(NAMES)
        assert one.marks[CENTRE].forgetful == pytest.approx(1.0)  # it never looked
        ends = [(m.inserted[0], m.inserted[-1], m.deleted[0], m.deleted[-1]) for m in one.marks.values()]
        assert np.allclose(ends, ends[0], atol=1e-5)  # all maps start and end at the same two pictures
        assert ends[0][0] == pytest.approx(ends[0][3], abs=1e-5)
        assert all(0 <= m.energy <= 1 for m in one.marks.values())
    assert trial.summaries(birds)[OURS].energy.value > trial.summaries(birds)[RANDOM].energy.value


def test_means_come_with_their_error():
    assert str(trial.mean_of([0.4, 0.6])) == "0.50 ± 0.10"
    assert str(trial.mean_of([0.5])) == "0.50"
    assert str(trial.mean_of([-0.001])) == "0.00"
    assert str(trial.mean_of([-0.2])) == "−0.20"


def test_the_reading_says_what_speaks_against_our_map_too():
    tested = [
        bird(ours=marks(True, 0.5), centre=marks(True, 0.8)),
        bird(ours=marks(False, 0.52), centre=marks(True, 0.8)),
    ]
    said = verdicts.reading(tested, trial.summaries(tested))
    assert "**1 of 2**" in said
    assert "does it in 2: birds stand there" in said
    assert f"By insertion, {CENTRE} is ahead of {OURS} (0.51 and 0.80)." in said
    assert f"By deletion, {RANDOM} is ahead" in said or f"By deletion, {CLASSIC} is ahead" in said
    assert "keeps nothing of itself" in said
    alike = [replace(t, marks=dict(t.marks) | {OURS: marks(True, 0.5, forgetful=0.7)}) for t in tested]
    assert "part of it is the bare picture" in verdicts.reading(alike, trial.summaries(alike))


def test_a_difference_within_chance_is_no_lead():
    tested = [bird(ours=marks(True, a), centre=marks(False, b)) for a, b in ((0.4, 0.5), (0.8, 0.6))]
    said = verdicts.reading(tested, trial.summaries(tested))
    assert f"By insertion, {OURS} and {CENTRE} are level (0.60 and 0.55): the difference may be chance." in said
    assert "birds stand there" not in said


def test_the_bird_shown_first_is_one_where_the_maps_do_not_agree():
    both, one = bird(ours=marks(), classic=marks()), bird(ours=marks(), classic=marks(False))
    assert verdicts.telling([both, one]) == 1
    assert verdicts.telling([both, both]) == 0


@pytest.mark.parametrize(
    ("n_true", "said"), [(80, "surer than they should be"), (99, "keep their promise"), (100, "keep their promise")]
)
def test_calibration_in_words(n_true, said):
    assert said in verdicts.calibration({"n_true": n_true, "n_words": 100, "promised": 0.99})
    assert "modest" in verdicts.calibration({"n_true": 95, "n_words": 100, "promised": 0.85})


def test_a_table_stays_text(monkeypatch):
    shown = []
    monkeypatch.setattr(tables.st, "html", shown.append)
    tables.show([("<b>", "x")], [("<i>", "1")], 'a "label"', first_is_bold=True)
    assert "&lt;b&gt;" in shown[0] and "&lt;i&gt;" in shown[0]
    assert 'aria-label="a &quot;label&quot;"' in shown[0]
    assert 'tabindex="0"' in shown[0]


def test_the_words_of_fresh_birds_are_tested_against_their_parts(page, monkeypatch):
    monkeypatch.setattr(words_on_parts, "N_BIRDS", 2)
    page.run()
    page.button(key="start_words").click().run()
    job = page.session_state["word_trial"]
    finished(job)
    page.run()
    assert not page.exception and not page.error
    said = sum(len(bird.words) for bird in job.progress().whole)
    assert said > 0
    assert f"Of **{said}** words said of {len(job.progress().whole)} birds" in texts(page)
    assert page.button(key="start_words").label == "Test the words of another 2 fresh birds"
