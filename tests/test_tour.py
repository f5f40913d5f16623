"""The guided tour: it prepares a class, tells what to look at, and gives back what the person had."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.birds.reading import read
from pages.shared import state
from pages.shared.lessons import tour
from pages.shared.state import Described

ROOT = Path(__file__).parents[1]
EXAMPLE = Described(state.EXAMPLE, read(state.EXAMPLE).attributes)
MINE = Described("a red crown", {"crown_color": "red"})


def open_app(page: str | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    if page:
        app.switch_page(page)
    return quiet(app.run())


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    return quiet(app.button(key=key).click().run())


def told(app: AppTest) -> str:
    """What the bar says; "" without a bar."""
    return next((m.value for m in app.markdown if "Stop " in m.value or "tour waits" in m.value), "")


def address(app: AppTest) -> dict[str, str]:
    """Without the notebook, which is begun wherever a person describes something."""
    found = {name: values if isinstance(values, str) else values[0] for name, values in app.query_params.items()}
    return {name: value for name, value in found.items() if name != "notebook"}


def refreshed(app: AppTest, page: str) -> AppTest:
    """The same address in a session that knows nothing."""
    return open_app(page, **address(app))


def begun(**before: str) -> AppTest:
    """On tour, from the start page."""
    return press(open_app(**before), "tour_begin")


def mine() -> dict[str, str]:
    return {"picks": MINE.key, "text": MINE.text}


def test_every_stop_is_a_page_with_two_sentences() -> None:
    assert len(tour.STOPS) == 6
    for stop in tour.STOPS:
        assert (ROOT / stop.file).is_file()
        assert len(stop.look.split(". ")) == 2, stop.look
        assert stop.look.endswith(".")


def test_no_bar_without_a_tour() -> None:
    app = open_app()
    assert not told(app)
    assert "tour" not in app.query_params


def test_the_tour_prepares_its_class_and_leads_through_all_stops_and_back() -> None:
    app = begun()
    assert app.session_state["described"] == EXAMPLE
    for number, stop in enumerate(tour.STOPS, start=1):
        assert told(app).startswith(f"**Stop {number} of 6: {stop.title}.**")
        assert address(app)["tour"] == str(number)
        if number < len(tour.STOPS):
            app = press(app, "tour_next")
    app = press(app, "tour_back")
    assert told(app).startswith("**Stop 5 of 6")
    assert app.session_state["described"] == EXAMPLE


def test_a_refresh_keeps_stop_and_class() -> None:
    app = refreshed(press(begun(), "tour_next"), "pages/importances.py")
    assert told(app).startswith("**Stop 2 of 6")
    assert app.session_state["described"] == EXAMPLE
    assert told(press(app, "tour_next")).startswith("**Stop 3 of 6")


def test_a_link_to_a_stop_prepares_the_class_by_itself() -> None:
    app = open_app("pages/importances.py", tour="2")
    assert told(app).startswith("**Stop 2 of 6")
    assert app.session_state["described"] == EXAMPLE
    assert app.get("plotly_chart")


def test_a_link_to_the_tour_leads_to_its_stop() -> None:
    app = open_app(tour="2")
    assert told(app).startswith("**Stop 2 of 6: Importances")
    assert app.session_state["page"] == "2 Importances"


@pytest.mark.parametrize("asked", ["0", "7", "-1", "x", "", "²", "1" * 5000])
def test_an_address_that_names_no_stop_is_no_tour(asked: str) -> None:
    assert not told(open_app(tour=asked))


def test_leaving_brings_the_former_class_back() -> None:
    app = begun(**mine())
    assert app.session_state["described"] == EXAMPLE
    app = press(press(app, "tour_next"), "tour_leave")
    assert app.session_state["described"] == MINE
    assert address(app) == mine()
    assert not told(app)
    app = quiet(app.switch_page("pages/describe.py").run())
    assert app.text_area(key="words").value == MINE.text


def test_leaving_after_a_refresh_brings_the_former_class_back() -> None:
    app = press(refreshed(press(begun(**mine()), "tour_next"), "pages/importances.py"), "tour_leave")
    assert app.session_state["described"] == MINE
    assert address(app) == mine()


def test_leaving_without_a_class_before_leaves_none() -> None:
    app = press(begun(), "tour_leave")
    assert "described" not in app.session_state
    assert address(app) == {}
    assert app.text_area(key="words").value == ""


def test_the_training_from_before_goes_on_after_the_tour() -> None:
    app = open_app("pages/train.py", **mine())
    job = press(app, "step").session_state["training"][1]
    app = press(quiet(app.switch_page("pages/start.py").run()), "tour_begin")
    app = quiet(app.switch_page("pages/train.py").run())
    assert app.session_state["training"][1] is not job
    app = press(app, "tour_leave")
    assert app.session_state["training"][1] is job
    assert job.snapshot().iteration == 1


def test_a_class_made_on_the_tour_stays_and_the_former_one_is_offered() -> None:
    app = begun(**mine())
    app = quiet(app.text_area(key="words").set_value("a blue bird").run())
    app = press(app, "tour_leave")
    assert app.session_state["described"].text == "a blue bird"
    app = press(app, "tour_bring")
    assert app.session_state["described"] == MINE
    assert "tour_bring" not in [b.key for b in app.button]


def test_the_tours_example_stays_out_of_the_notebook() -> None:
    app = begun()
    assert "notebook" not in app.query_params
    app = quiet(app.text_area(key="words").set_value("a blue bird").run())
    assert "notebook" in app.query_params, "what a person describes meanwhile is kept"


def test_whoever_turns_to_another_page_finds_the_tour_waiting() -> None:
    app = quiet(press(begun(), "tour_next").switch_page("pages/start.py").run())
    assert "waits at stop 2 of 6" in told(app)
    assert told(press(app, "tour_again")).startswith("**Stop 2 of 6")
    app = quiet(app.switch_page("pages/explain.py").run())
    assert told(app).startswith("**Stop 4 of 6"), "the page of another stop is that stop"


def test_a_kept_class_that_somebody_wrote_into_the_address_is_read_as_any_address() -> None:
    app = open_app("pages/importances.py", tour="2", kept="picks=wheels.four&text=<b>x</b>&tour=3&find=y")
    app = press(app, "tour_leave")
    assert "described" not in app.session_state
    assert set(address(app)) <= {"picks", "text"}


@pytest.mark.browser
def test_the_tour_can_be_walked_by_keyboard(browser_page: Any, app_url: str) -> None:
    page = browser_page
    page.goto(app_url)
    page.get_by_role("button", name="Take the tour").focus()
    page.keyboard.press("Enter")
    for number, stop in enumerate(tour.STOPS, start=1):
        page.get_by_text(f"Stop {number} of 6: {stop.title}.").wait_for()
        if number < len(tour.STOPS):
            page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
            following = page.get_by_role("button", name=f"Next: {tour.STOPS[number].title}")
            following.focus()
            page.keyboard.press("Enter")
    page.reload()
    page.get_by_text("Stop 6 of 6").wait_for()
    page.get_by_role("button", name="Finish").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Stop 6 of 6").wait_for(state="detached")
    assert "tour=" not in page.url
