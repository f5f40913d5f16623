"""The pages Describe and Importances, run without a browser: what a person does, and what the page then knows."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.reading import read
from niwt_core.birds.understanding import understood
from pages.shared import resources, state, wording
from pages.shared.charts import figures
from pages.shared.describing import sentence

ROOT = Path(__file__).parents[1]
EXAMPLE_BIRD = {
    "size": "small",
    "crown_color": "black",
    "back_color": "yellow",
    "belly_color": "yellow",
    "bill_color": "orange",
    "bill_shape": "short",
    "wing_pattern": "white bars",
}
N_PORTRAITS = 8


def open_app(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("pages/describe.py")
    return quiet(app.run())


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def say(app: AppTest, text: str) -> AppTest:
    return quiet(app.text_area(key="words").set_value(text).run())


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [b for b in app.button if b.label == label]
    return quiet(button.click().run())


def shown(app: AppTest) -> str:
    return "\n".join(m.value for m in app.markdown)


@pytest.fixture
def described_app() -> AppTest:
    return say(open_app(), state.EXAMPLE)


def test_first_visit_offers_a_field_and_five_examples_and_no_next_step() -> None:
    app = open_app()
    assert [t.value for t in app.title] == ["Describe a bird"]
    assert not app.error
    assert [b.label for b in app.button] == [
        "Read my words", "Yellow, black cap", "Gray, hooked bill", "Brown, spotted", "Red, crested", "Blue and orange"
    ]  # fmt: skip


def test_example_gives_its_attributes_pictures_and_a_next_step(described_app: AppTest) -> None:
    app = described_app
    assert app.session_state["described"].picks == EXAMPLE_BIRD
    assert app.query_params["text"] == state.EXAMPLE
    assert "7 of 13 parts are settled." in shown(app)
    assert "Left open: breast, tail, leg colour, leg length, eye ring and crest." in shown(app)
    assert len(app.get("image")) == N_PORTRAITS
    assert len(app.get("plotly_chart")) == 1
    assert "See its importances →" in [b.label for b in app.button]


@pytest.mark.parametrize("name", ["Yellow, black cap", "Gray, hooked bill", "Brown, spotted", "Red, crested"])
def test_example_buttons_fill_the_field(name: str) -> None:
    app = press(open_app(), name)
    text = app.text_area(key="words").value
    assert app.session_state["described"] == state.Described(text, read(text).attributes)
    assert not read(text).unknown


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the text is empty"),
        ("a red bird " * 92, "at most 1000 characters"),
        ("ein kleiner gelber Vogel mit schwarzer Kappe", "in English"),
        ("a small large bird", "keep one"),
    ],
)
def test_words_that_cannot_be_read_leave_the_class_as_it_was(described_app: AppTest, text: str, part: str) -> None:
    app = say(described_app, text)
    assert [part in e.value for e in app.error] == [True]
    assert app.session_state["described"] == state.Described(state.EXAMPLE, EXAMPLE_BIRD)
    assert app.text_area(key="words").value == text, "what was typed must not be lost"
    app = say(app, "a red bird")
    assert not app.error
    assert app.session_state["described"].picks["back_color"] == "red"


def test_a_picker_changes_the_bird_and_keeps_the_text(described_app: AppTest) -> None:
    app = quiet(described_app.selectbox(key="pick_tail_shape").select("forked").run())
    assert app.session_state["described"] == state.Described(state.EXAMPLE, EXAMPLE_BIRD | {"tail_shape": "forked"})
    assert "**Picked by hand:** tail: forked." in shown(app)
    app = press(app, "Read my words")
    assert app.session_state["described"].picks["tail_shape"] == "forked", "unchanged words must not undo a pick"
    app = quiet(app.selectbox(key="pick_size").select("left open").run())
    assert "size" not in app.session_state["described"].picks
    assert "size: left open" in shown(app)


def test_pickers_alone_make_a_bird_and_unmake_it() -> None:
    app = open_app()
    assert [s.options[0] for s in app.selectbox] == ["left open"] * len(GROUPS)
    app = quiet(app.selectbox(key="pick_crown_color").select("red").run())
    assert app.session_state["described"] == state.Described("", {"crown_color": "red"})
    app = quiet(app.selectbox(key="pick_crown_color").select("left open").run())
    assert app.session_state["described"] is None


def test_marks_that_cannot_be_seen_are_told(described_app: AppTest) -> None:
    app = quiet(described_app.selectbox(key="pick_back_color").select("white").run())
    assert ["will not be seen" in i.value for i in app.info] == [True]


def test_clear_can_be_undone(described_app: AppTest) -> None:
    app = press(described_app, "Clear")
    assert app.session_state["described"] is None
    assert "bird" not in app.query_params
    assert app.text_area(key="words").value == ""
    app = press(app, "Undo: bring my bird back")
    assert app.session_state["described"] == state.Described(state.EXAMPLE, EXAMPLE_BIRD)
    assert app.text_area(key="words").value == state.EXAMPLE


def test_address_restores_the_class_and_ignores_what_is_not_of_this_world() -> None:
    key = state.Described("", EXAMPLE_BIRD).key
    app = open_app(picks=key + "~tail_shape.curly~wheels.four~nonsense", text=state.EXAMPLE)
    assert app.session_state["described"] == state.Described(state.EXAMPLE, EXAMPLE_BIRD)


def test_text_is_shown_and_never_obeyed() -> None:
    text = "a red <img src=x> bird with a **bold** [link](http://x.y) black cap"
    html = sentence.marked(understood(read(text)))
    assert "<img" not in html
    assert html.count("<") == html.count("<p ") + html.count("<r") + html.count("</") + html.count("<span ")
    assert "".join(piece.text for piece in sentence.pieces(understood(read(text)))) == text
    assert wording.plain("<b>*x* [y](z) $q$ `c`") == r"\<b\>\*x\* \[y\](z) \$q\$ \`c\`"


def test_steps_grow_to_the_whole_bird() -> None:
    grown = sentence.steps(understood(read(state.EXAMPLE)), lambda text: understood(read(text)))
    assert [label for label, _ in grown] == [
        "a small yellow bird", "a black cap", "white wing bars", "a short orange beak"
    ]  # fmt: skip
    assert [len(bird.picks) for _, bird in grown] == sorted(len(bird.picks) for _, bird in grown)
    assert grown[-1][1] == state.Described(state.EXAMPLE, EXAMPLE_BIRD)


# -- Importances -------------------------------------------------------------------------------------------------------


def open_importances(app: AppTest) -> AppTest:
    return quiet(app.switch_page("pages/importances.py").run())


def test_importances_without_a_class_offer_the_example() -> None:
    app = open_importances(open_app())
    assert [b.label for b in app.button] == ["Describe a bird", "Use the example"]
    assert not app.get("plotly_chart")
    app = press(app, "Use the example")
    assert app.session_state["described"] == state.Described(state.EXAMPLE, EXAMPLE_BIRD)
    assert len(app.get("plotly_chart")) == 2
    app = quiet(app.switch_page("pages/describe.py").run())
    assert app.text_area(key="words").value == state.EXAMPLE


def test_words_and_picks_survive_a_change_of_page(described_app: AppTest) -> None:
    app = quiet(described_app.selectbox(key="pick_tail_shape").select("forked").run())
    app = quiet(open_importances(app).switch_page("pages/describe.py").run())
    assert app.text_area(key="words").value == state.EXAMPLE
    assert app.selectbox(key="pick_tail_shape").value == "forked"
    assert "**Picked by hand:** tail: forked." in shown(app)


def test_unknown_words_are_listed_and_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an encoder to which "plurb" is "crimson" it is red; "singing", near nothing, stays unknown."""

    def encoder(words: list[str]) -> np.ndarray:
        kinds = [0 if word in ("plurb", "crimson") else 1 if word == "singing" else 2 for word in words]
        return np.eye(3, dtype=np.float32)[kinds]

    monkeypatch.setattr(resources, "encoder", lambda: encoder)
    app = say(open_app(), "a singing green bird with a plurb crown")
    assert app.session_state["described"].picks == {"crown_color": "red", "back_color": "green", "belly_color": "green"}
    assert "**Not understood:** “singing”" in shown(app)
    assert 'I read "plurb" as red, the nearest word I know.' in shown(app)
    app = say(app, "a bird with a plurb crown")
    assert not app.error, "nothing is listed here, yet all is understood"
    assert app.session_state["described"].picks == {"crown_color": "red"}


def test_importances_show_the_class_and_its_nearest(described_app: AppTest) -> None:
    app = open_importances(described_app)
    assert app.session_state["described"].picks == EXAMPLE_BIRD, "the class survives a change of page"
    assert [t.value for t in app.title] == ["What each neuron says"]
    assert len(app.subheader) == 4
    assert len(app.get("plotly_chart")) == 2
    assert all(" of 7:**" in m.value for m in app.markdown if m.value.startswith("**Shares"))
    assert "Train its classifier →" in [b.label for b in app.button]


def test_importances_compare_with_any_seen_class(described_app: AppTest) -> None:
    app = open_importances(described_app)
    name = app.multiselect(key="compare_with").options[0]
    app = quiet(app.multiselect(key="compare_with").select(name).run())
    assert name in app.dataframe[0].value.columns


def test_a_described_bird_has_a_classifier_that_is_tried_out_and_kept(described_app: AppTest) -> None:
    ready = next(m.value for m in described_app.markdown if "classifier is ready" in m.value)
    found, claimed = re.search(r"finds \*\*(\d+) of 40\*\*.*takes (\d+) of 100 strangers", ready).groups()
    assert int(found) >= 32
    assert int(claimed) <= 30
    assert "Kept in your notebook" in [link.label for link in described_app.get("page_link")]


def test_what_sets_a_bird_apart_is_what_its_words_say(described_app: AppTest) -> None:
    """What speaks for every class is no reason: the neuron that rises most is named after something that was said."""
    app = open_importances(described_app)
    apart = next(c.value for c in app.caption if c.value.startswith("Strongest for your bird"))
    project = resources.project()
    known = project.importances.values.numpy()
    rises = resources.predicted_importances([app.session_state["described"]])[0] - known.mean(0)
    _, names = figures.channel_order(project)
    best = int(rises.argmax())
    assert f"neuron {best}, {wording.plain(names[best])}." in apart
    assert names[best] in {wording.word(group, value) for group, value in EXAMPLE_BIRD.items()}
    app = quiet(app.segmented_control(key="strongest_way").set_value("As they are").run())
    plain = next(c.value for c in app.caption if c.value.startswith("Strongest for your bird"))
    assert plain != apart
