"""What if? Edits of words and attributes, undo and redo across pages and a refresh, what is kept, and bad words."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.birds.reading import read
from niwt_core.worlds.described import Described
from pages.shared import resources, state
from pages.shared.describing import edits

APP = str(Path(__file__).parents[1] / "app.py")
RED = state.EXAMPLE.replace("black cap", "red cap")


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts need no more than this to be right."""
    monkeypatch.setattr(resources, "N_PICTURES", resources.STEP)


def opened(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    return quiet(at.switch_page("pages/what_if.py").run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    return at


def example() -> AppTest:
    return opened(text=state.EXAMPLE, picks=Described("", read(state.EXAMPLE).attributes).key)


def say(at: AppTest, text: str) -> AppTest:
    return quiet(at.text_area(key="what_if_words").set_value(text).run())


def press(at: AppTest, key: str) -> AppTest:
    return quiet(at.button(key=key).click().run())


def seen(markdown: str) -> str:
    """Text as it looks, without the marks that keep it from being read as Markdown."""
    return re.sub(r"\\(.)", r"\1", markdown)


def told(at: AppTest) -> str:
    return seen("\n".join(m.value for m in at.markdown))


def html(at: AppTest) -> str:
    return "\n".join(e.body for e in at.get("html"))


def test_a_changed_word_is_marked_and_moves_the_counts() -> None:
    at = example()
    assert "Nothing is changed yet" in told(at)
    assert at.button(key="what_if_undo").disabled
    assert at.button(key="what_if_keep").disabled
    at = say(at, RED)
    assert "<del>black</del> <ins>red</ins>" in html(at)
    assert "**Settled otherwise:** crown: red (was black)." in told(at)
    found = re.search(
        r"Of 10 fresh birds as described now it finds (\d+) \(before: (\d+)\); of 10 as described before it finds "
        r"(\d+) \(before: (\d+)\)",
        told(at),
    )
    now_new, before_new, now_old, before_old = map(int, found.groups())
    assert now_new > before_new, "the changed classifier finds the changed birds better than the one before"
    assert before_old > now_old
    table = next(e.body for e in at.get("html") if "cyn-table" in e.body)
    cells = [int(n) for n in re.findall(r"<td>(\d+)</td>", table)]
    assert cells[:4] == [before_old, now_old, before_new, now_new]
    assert [h.value for h in at.header] == [
        "Who finds which pictures?", "The pattern before and now", "What one fresh bird is taken for",
        "The neurons that moved most",
    ]  # fmt: skip
    assert len(at.get("plotly_chart")) == 2
    assert html(at).count('cyn-taken"') == 2
    assert "✓ your bird" in html(at)


def test_the_chosen_class_stays_as_it_was_until_the_version_is_kept() -> None:
    at = say(example(), RED)
    assert at.session_state["described"].text == state.EXAMPLE
    at = press(at, "what_if_keep")
    assert at.session_state["described"] == Described(RED, read(RED).attributes)
    assert RED in at.query_params["text"]
    assert "Kept." in at.success[0].value
    assert at.button(key="what_if_keep").disabled
    at = quiet(at.switch_page("pages/describe.py").run())
    assert at.text_area(key="words").value == RED
    at = quiet(at.switch_page("pages/what_if.py").run())
    at = press(at, "what_if_undo")
    assert at.text_area(key="what_if_words").value == state.EXAMPLE, "and what was before can still be gone back to"
    assert not at.button(key="what_if_keep").disabled


def test_an_attribute_changes_without_the_words() -> None:
    at = example()
    at = quiet(at.selectbox(key="what_if_part").set_value("crown_color").run())
    assert at.selectbox(key="what_if_value").value == "black"
    at = quiet(at.selectbox(key="what_if_value").set_value("blue").run())
    assert at.text_area(key="what_if_words").value == state.EXAMPLE
    assert "crown: blue (was black)" in told(at)
    at = quiet(at.selectbox(key="what_if_value").set_value("").run())
    assert "crown: left open (was black)" in told(at)
    assert [seen(b.label).split(". ")[1] for b in at.button if "version_" in (b.key or "")] == [
        "as it came (before)", "crown: blue (was black)", "crown: left open (was blue) (now)"
    ]  # fmt: skip


def test_undo_and_redo_survive_other_pages_and_say_what_they_do() -> None:
    at = say(example(), RED)
    at = quiet(at.selectbox(key="what_if_part").set_value("crest").run())
    at = quiet(at.selectbox(key="what_if_value").set_value("tufted").run())
    at = quiet(at.switch_page("pages/describe.py").run())
    at = quiet(at.switch_page("pages/what_if.py").run())
    assert at.text_area(key="what_if_words").value == RED
    assert seen(at.button(key="what_if_undo").help) == "crest: tufted (was left open)"
    at = press(at, "what_if_undo")
    assert "crest" not in told(at)
    assert seen(at.button(key="what_if_redo").help) == "crest: tufted (was left open)"
    at = press(at, "what_if_undo")
    assert at.text_area(key="what_if_words").value == state.EXAMPLE
    assert at.button(key="what_if_undo").disabled
    at = press(press(at, "what_if_redo"), "what_if_redo")
    assert "crest: tufted (was left open)" in told(at)
    assert at.button(key="what_if_redo").disabled
    at = press(at, "what_if_version_0")
    assert at.text_area(key="what_if_words").value == state.EXAMPLE


def test_another_version_can_be_what_is_compared_with() -> None:
    at = press(say(example(), RED), "what_if_pin")
    assert "Nothing is changed yet" in told(at)
    at = press(at, "what_if_undo")
    assert "crown: black (was red)" in told(at)


def test_the_version_at_hand_survives_a_refresh() -> None:
    at = say(example(), RED)
    address = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    again = opened(**address)
    assert again.text_area(key="what_if_words").value == RED
    assert "crown: red (was black)" in told(again)
    again = press(again, "what_if_undo")
    assert again.text_area(key="what_if_words").value == state.EXAMPLE
    assert "now_text" not in again.query_params


def test_words_that_cannot_be_read_stay_in_the_field_and_change_nothing() -> None:
    at = say(say(example(), RED), "quite another thing")
    assert "Expected a description" in at.error[0].value
    assert at.text_area(key="what_if_words").value == "quite another thing"
    assert "crown: red (was black)" in told(at)
    at = say(at, RED)
    assert not at.error


def test_the_last_attribute_cannot_be_left_open() -> None:
    at = opened(picks="crest.tufted")
    at = quiet(at.selectbox(key="what_if_part").set_value("crest").run())
    at = quiet(at.selectbox(key="what_if_value").set_value("").run())
    assert "at least one attribute" in at.error[0].value
    assert at.selectbox(key="what_if_value").value == "tufted"


def test_words_are_shown_and_never_obeyed() -> None:
    hostile = "a red bird with a <img src=x onerror=alert(1)> **bold** [cap](http://x.y) of black"
    at = say(example(), hostile)
    assert "<img" not in html(at)
    shown = [*(m.value for m in at.markdown), *(b.label for b in at.button)]
    assert not any(re.search(r"(?<!\\)(<img|\[cap|\*\*bold)", text) for text in shown)


def test_without_a_class_the_page_says_so_and_offers_the_example() -> None:
    at = opened()
    assert [b.label for b in at.button] == ["Describe a bird", "Use the example"]
    at = press(at, "use_example")
    assert at.text_area(key="what_if_words").value == state.EXAMPLE


def test_photos_are_compared_with_pictures_of_their_class_and_without(photo_key: str) -> None:
    text = "a yellow bird with a black crown and a white belly"
    at = say(opened(project=photo_key, text=text, of="bluethroat"), text.replace("black", "blue"))
    assert "pictures of bluethroat" in told(at)
    assert "<del>black</del> <ins>blue</ins>" in html(at)
    assert "What one picture is taken for" in [h.value for h in at.header]
    at = quiet(at.selectbox(key="what_if_part").set_value("crest").run())
    at = quiet(at.selectbox(key="what_if_value").set_value("yes").run())
    assert "crest: yes (was left open)" in told(at)
    alone = say(opened(project=photo_key, text=text), text.replace("black", "blue"))
    assert "There are no pictures of this class to count on" in told(alone)
    assert "The neurons that moved most" in [h.value for h in alone.header]


def test_changes_are_told_in_few_words() -> None:
    assert edits.told_words((("same", "a"), ("gone", "black"), ("new", "red"), ("same", "cap"))) == "“black” → “red”"
    assert edits.told_words((("new", "small"), ("same", "cap"))) == "+ “small”"
    assert edits.told_words((("gone", "small"), ("same", "cap"))) == "− “small”"
    assert len(edits.told_words((("new", "long " * 100),))) == 80


def test_the_described_class_is_marked_by_its_number_not_by_a_name() -> None:
    shown = edits.taken_for([(2, 0.9), (0, 0.1)], [(1, 0.6), (2, 0.4)], ["<b>Jay", "Lark"], "your bird")
    assert shown.count("✓ your bird") == 2
    assert "&lt;b&gt;Jay" in shown
