import json
import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.jobs.line import Kind
from pages.shared.jobs.training import State
from pages.shared.person import turns

APP = str(Path(__file__).parents[1] / "app.py")
BIRD = "size.small~crown_color.black~belly_color.yellow~wing_pattern.white_bars"


@pytest.fixture
def page() -> AppTest:
    """The Train page for a described bird."""
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params["picks"] = BIRD
    at.switch_page("pages/train.py")
    return at.run()


def board_data(at: AppTest) -> dict:
    """What the page gives the board."""
    return json.loads(at.get("bidi_component")[0].proto.json)


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in at.markdown)


def test_without_a_bird_the_page_says_so_and_offers_to_describe_one():
    at = AppTest.from_file(APP, default_timeout=60)
    at.switch_page("pages/train.py").run()
    assert not at.exception
    assert len(at.info) == 1
    assert [b.label for b in at.button] == ["Describe a bird", "Use the example"]
    at.button(key="to_describe").click().run()
    assert at.title[0].value == "Describe a bird"


def test_before_any_learning(page):
    assert not page.exception
    assert [t.value for t in page.title] == ["Train"]
    assert "black crown" in texts(page)
    assert "Before any learning" in texts(page)
    assert "among 151 classes" in texts(page)
    assert "of 100 fresh birds" in page.header[0].value
    assert "71 of 128 neurons happen to pull" in texts(page)
    assert len(page.get("bidi_component")) == 1


def test_the_board_gets_what_the_job_has(page):
    page.button(key="step").click().run()
    data = board_data(page)
    now = page.session_state["training"][1].snapshot()
    assert data["history"]["iteration"] == [0, 1]
    assert data["history"]["found"] == [p.found for p in now.history]
    assert data["history"]["claimed"] == [p.claimed for p in now.history]
    assert data["history"]["cosine"] == [round(p.cosine, 4) for p in now.history]
    assert data["frames"][-1]["birds"].count(None) == int(now.won[:24].sum())
    assert len(data["target"]) == len(data["names"]) == 128
    assert not data["plays"]


def test_one_step_is_one_step_and_reset_goes_back(page):
    page.button(key="step").click().run()
    assert "Paused at iteration 1." in texts(page)
    first, last = page.session_state["training"][1].snapshot().history
    assert f"fell from {first.check:.3f} to {last.check:.3f}" in texts(page)
    assert f"neurons that pull the right way {first.agreeing} → {last.agreeing}" in texts(page)
    page.button(key="step").click().run()
    assert "Paused at iteration 2." in texts(page)
    page.button(key="reset").click().run()
    assert not page.exception
    assert "Before any learning" in texts(page)


def claimed(at: AppTest) -> int:
    return int(re.search(r"takes \*\*(\d+) of 100\*\* strangers", texts(at)).group(1))


def test_the_page_tells_knowing_the_bird_from_knowing_the_unknown(page):
    """Weights by chance find birds, too: whatever is unknown looks like one. Learning shows in the strangers."""
    before = claimed(page)
    assert before > 50
    page.button(key="solve").click().run()
    assert claimed(page) < before - 30
    assert f"It also claims {claimed(page)} of 100 strangers" in page.success[0].value
    assert "The loop" not in page.success[0].value
    page.button(key="step").click().run()
    assert claimed(page) > 50
    assert f"and claims {claimed(page)} of 100 strangers" in page.success[0].value


def test_start_becomes_pause_and_back(page):
    page.button(key="start").click().run()
    assert not page.exception
    job = page.session_state["training"][1]
    assert job.snapshot().state in (State.RUNNING, State.CONVERGED)
    page.button(key="pause").click().run()
    assert job.snapshot().state in (State.PAUSED, State.CONVERGED)
    assert page.button(key="start").label == "Go on"


def test_who_has_to_wait_sees_the_place_in_line(page):
    holds = [turns.line().stand(Kind.LOOK, f"somebody {i}") for i in range(4)]
    try:
        for hold in holds:
            hold.enter()
        page.button(key="start").click().run()
        assert not page.exception
        assert "**2nd in line.**" in page.info[0].value
        assert any(m.value.startswith("Waiting for its turn at iteration 0.") for m in page.markdown)
        assert page.button(key="pause")
    finally:
        for hold in holds:
            hold.leave()
    wait = time.monotonic() + 10
    while page.session_state["training"][1].snapshot().iteration == 0:
        assert time.monotonic() < wait
        time.sleep(0.02)
    page.run()
    assert len(page.info) == 0
    assert not any("Waiting for its turn" in m.value for m in page.markdown)
    page.button(key="pause").click().run()


def test_the_speed_goes_to_the_job(page):
    page.selectbox(key="speed").set_value("5 steps a second").run()
    assert page.session_state["training"][1].snapshot().speed == 5.0
    page.selectbox(key="speed").set_value("as fast as it goes").run()
    assert page.session_state["training"][1].snapshot().speed is None


def test_solve_at_once_tells_the_time_and_the_count(page):
    assert not page.success
    page.button(key="solve").click().run()
    assert not page.exception
    assert "ms:" in page.success[0].value
    solution = page.session_state["solved"][1]
    assert f"finds **{solution.found} of 100** fresh birds" in page.success[0].value
    assert page.header[0].value == f"Finds {solution.found} of 100 fresh birds"
    page.button(key="step").click().run()  # what was pressed last is what the birds show
    assert board_data(page)["solution"] is None
    found = page.session_state["training"][1].snapshot().found
    assert found != solution.found
    assert page.header[0].value == f"Finds {found} of 100 fresh birds"


def test_the_rule_can_be_switched_off(page):
    job = page.session_state["training"][1]
    assert page.toggle(key="by_the_rule").value
    page.toggle(key="by_the_rule").set_value(False).run()
    page.selectbox(key="speed").set_value("as fast as it goes").run()
    page.button(key="start").click().run()
    end = time.monotonic() + 60
    while (ruled := job.snapshot().ruled) is None or job.snapshot().iteration <= ruled:
        assert time.monotonic() < end
        time.sleep(0.05)
    page.button(key="pause").click().run()
    assert not page.exception
    assert job.snapshot().state in (State.PAUSED, State.ENDED)
    assert board_data(page)["ruled"] == ruled
    page.switch_page("pages/explain.py").run()
    page.switch_page("pages/train.py").run()
    assert not page.toggle(key="by_the_rule").value, "a choice is kept while other pages are shown"


def test_the_job_outlives_a_visit_to_another_page_and_ends_with_another_bird(page):
    page.button(key="step").click().run()
    job = page.session_state["training"][1]
    page.switch_page("pages/explain.py").run()
    page.switch_page("pages/train.py").run()
    assert page.session_state["training"][1] is job
    assert "Paused at iteration 1." in texts(page)

    page.button(key="start").click().run()
    del page.session_state["described"]
    page.query_params["picks"] = "crown_color.red"
    page.run()
    assert page.session_state["training"][1] is not job
    assert job.snapshot().state is not State.RUNNING
    assert "Before any learning" in texts(page)


def test_the_next_page_is_one_button_away(page):
    page.button(key="to_explain").click().run()
    assert not page.exception
    assert page.title[0].value == "Explain what it sees"
