import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.methods.rivals import Outcome
from pages.shared.jobs.contest import ContestJob, RingHolder
from pages.shared.judging import versus

APP = str(Path(__file__).parents[1] / "app.py")
BIRD = "size.small~crown_color.black~belly_color.yellow~wing_pattern.white_bars"

OUTCOMES = (
    Outcome("NIWT, closed form", 95, 10, 0, 0.0004, 0.28, True),
    Outcome("NIWT, the paper's loop", 88, 46, 1, 0.8, 0.54, True),
    Outcome("DEM, ridge", 96, 12, 0, 0.0001, 0.25, False),
    Outcome("ESZSL", 60, 14, 2, 0.0002, -0.02, False),
    Outcome("Weight regression", 50, 10, 0, 0.0002, 0.18, False),
)


def open_page(picks: str = "") -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    if picks:
        at.query_params["picks"] = picks
    at.switch_page("pages/methods.py")
    return at.run()


def finished(at: AppTest) -> AppTest:
    job, end = at.session_state["contest"][1], time.monotonic() + 400
    while job.standing().running:
        assert time.monotonic() < end
        time.sleep(0.1)
    return at.run()


def test_without_a_bird_the_page_says_so_and_offers_the_example() -> None:
    at = open_page()
    assert not at.exception
    assert len(at.info) == 1
    assert {"to_describe", "use_example"} <= {b.key for b in at.button}
    at.button(key="use_example").click().run()
    assert not at.exception
    assert "compare" in {b.key for b in at.button}


def test_one_press_compares_five_methods_and_says_what_came_out() -> None:
    at = open_page(BIRD)
    assert not at.exception
    at.button(key="compare").click().run()
    assert not at.exception
    at = finished(at)
    assert not at.exception
    now = at.session_state["contest"][1].standing()
    assert now.error is None
    found = {o.name: o for o in now.outcomes}
    assert found["NIWT, closed form"].found >= 75
    assert found["NIWT, closed form"].lost <= 15
    assert found["NIWT, the paper's loop"].agreement > found["NIWT, closed form"].agreement
    assert found["NIWT, the paper's loop"].seconds > 20 * found["NIWT, closed form"].seconds
    assert any(versus.verdict(now.outcomes, 100, 100) == m.value for m in at.markdown)
    assert len(at.get("plotly_chart")) == 1

    at.switch_page("pages/train.py").run()
    at.switch_page("pages/methods.py").run()
    assert at.session_state["contest"][1].standing().outcomes is now.outcomes, "what was compared is kept"


def test_a_comparison_can_be_stopped_and_begun_anew() -> None:
    at = open_page(BIRD)
    at.button(key="compare").click().run()
    job = at.session_state["contest"][1]
    job.stop()
    at = finished(at)
    assert not at.exception
    if not job.standing().outcomes:  # on a quick machine it was done before it heard
        assert "compare" in {b.key for b in at.button}
        assert job.standing().error is None


def test_an_error_becomes_a_sentence_and_others_can_still_begin() -> None:
    holder = RingHolder()

    def broken(progress):
        raise RuntimeError("the planted fault")

    job = ContestJob(holder, broken, lesson=None)  # type: ignore[arg-type]
    job.start()
    end = time.monotonic() + 20
    while job.standing().running:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "RuntimeError: the planted fault" in job.standing().error
    assert holder.lock.acquire(timeout=1)


@pytest.mark.parametrize(
    ("niwt", "other", "told"),
    [(95, 96, "cannot tell the two apart"), (95, 60, "NIWT does better"), (60, 96, "prototype does better")],
)
def test_the_verdict_is_honest(niwt: int, other: int, told: str) -> None:
    outcomes = tuple(
        Outcome(o.name, {"NIWT, closed form": niwt, "DEM, ridge": other}.get(o.name, o.found), *values(o))
        for o in OUTCOMES
    )
    assert told in versus.verdict(outcomes, 100, 100)


def values(o: Outcome) -> tuple:
    return o.claimed, o.lost, o.seconds, o.agreement, o.explains


def test_the_balance_by_hand() -> None:
    assert versus.balance(OUTCOMES[0], 100, 100) == pytest.approx(2 * 0.95 * 0.9 / (0.95 + 0.9))
    assert versus.balance(Outcome("x", 0, 100, 0, 1, 0, False), 100, 100) == 0


def test_the_table_says_of_how_many_and_the_ratio_of_times() -> None:
    columns, rows = versus.table(OUTCOMES, 100, 50, 30)
    assert ("Strangers claimed", "of 50") in columns
    assert [row[5] for row in rows] == ["1.0", "2,000", "0.2", "0.5", "0.5"]
    assert [row[4] for row in rows] == ["0.40 ms", "0.8 s", "0.10 ms", "0.20 ms", "0.20 ms"]
    assert [row[6] for row in rows] == ["28", "54", "25", "−2", "18"]
    assert [row[7] for row in rows] == ["yes, beforehand"] * 2 + ["only afterwards"] * 3


def test_without_pictures_nothing_is_said_of_what_would_be_found() -> None:
    columns, rows = versus.table(OUTCOMES, 0, 50, 30)
    assert [name for name, _ in columns][:2] == ["Method", "Strangers claimed"]
    assert {len(row) for row in rows} == {len(columns)}
    assert "finds" not in versus.verdict(OUTCOMES, 0, 50)
