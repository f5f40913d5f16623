"""The page Neuron dictionary without a browser, on a small dictionary made by hand for the bundled network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.birds.attributes import ATTRIBUTE_NAMES
from niwt_core.birds.probing import CLASS_SEED
from niwt_core.birds.species import make_species
from niwt_core.neurons import Alternative, Causal, ClassLoss, Dictionary, Neuron, TopImage, save_dictionary
from niwt_core.neurons.building import with_same_names
from niwt_core.neurons.storage import FILE, fingerprint_of
from pages.shared import resources
from pages.shared.charts import figures
from pages.shared.neurons import neurons

APP = str(Path(__file__).parents[1] / "app.py")
RED, BLUE, FORK = "crown_color::red", "back_color::blue", "tail_shape::forked"


def entry(channel: int, best: str, confidence: float, *, clear: bool = True, strongest: str | None = None) -> Neuron:
    """A live neuron; it fails the causal test where another attribute is the strongest."""
    passed = strongest is None
    effect = 1.5 if passed else 0.5
    return Neuron(
        channel=channel,
        live=True,
        grid=(8, 8),
        paper_name=BLUE,
        auc_name=best,
        best_name=best,
        name=best if clear else None,
        confidence=confidence,
        auc=0.96,
        margin=0.5,
        alternatives=(Alternative(best, 1.2, 0.96, effect), Alternative("belly_color::red", 0.3, 0.62, -0.2)),
        causal=Causal(effect, 0.1, strongest or best, 1.5, passed, False),
        losses=(ClassLoss("Maple Finch", -3.21, -0.125),),
        top_images=(TopImage(0, make_species()[0].name, CLASS_SEED, 2, 7, 0.4),),
    )


@pytest.fixture(scope="module")
def made() -> Dictionary:
    """Two red crowns, a failing forked tail, an unclear blue back; all others were never active."""
    project = resources.project()
    live = {
        0: entry(0, RED, 0.917),
        1: entry(1, BLUE, 0.4, clear=False),
        3: entry(3, RED, 0.97),
        4: entry(4, FORK, 0.9, strongest=RED),
    }
    rows = [live.get(k) or Neuron(k, False, (8, 8)) for k in range(project.backbone.n_channels)]
    return Dictionary(
        fingerprint_of(project), "mean", True, "fresh drawings", ATTRIBUTE_NAMES, with_same_names(rows),
        {"n_judging_bases": 12},
    )  # fmt: skip


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Dictionary], None]:
    """Lay a dictionary where the page looks for it."""
    monkeypatch.setattr(resources, "BUNDLED", tmp_path)
    return lambda dictionary: save_dictionary(dictionary, tmp_path)


def open_page(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page("pages/dictionary.py")
    at.run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    return "\n".join(element.value for element in [*at.markdown, *at.caption])


def headings(at: AppTest) -> list[str]:
    return [h.value for h in [*at.header, *at.subheader]]


def wall(at: AppTest) -> str:
    """What goes to the wall's script, as JSON; empty where there is no wall."""
    shown = [component.proto.json for component in at.get("bidi_component")]  # charts have one for saving them, too
    return next((json for json in shown if '"sections"' in json), "")


def test_the_page_opens_with_its_numbers_and_the_whole_wall(use, made):
    use(made)
    at = open_page()
    assert "128 neurons, 3 with a clear name." in "".join(h.proto.body for h in at.get("html"))
    assert headings(at) == ["All 128 neurons"]
    assert "Of the 3 clear names **2 pass**" in texts(at)
    assert "0 of 4 do" in texts(at)
    assert wall(at).count('"said"') == 128
    for said in ("Neuron 0: red crown, passed the causal test", "Neuron 4: forked tail, failed the causal test",
                 "Neuron 1: no clear name", "Neuron 2: never active"):  # fmt: skip
        assert f'"said":"{said}"' in wall(at).replace('": "', '":"')


def test_search_finds_words_and_numbers_and_answers_kindly_where_there_is_nothing(use, made):
    use(made)
    at = open_page(find="crown red")
    assert headings(at) == ["What answers to “crown red”"]
    assert wall(at).count('"said"') == 2
    at.text_input(key="find").set_value("blue").run()
    assert "Neuron 1: no clear name, perhaps blue back" in wall(at)
    at.text_input(key="find").set_value("4").run()
    assert "By its number" in wall(at)
    at.text_input(key="find").set_value("purple *feet* <b>").run()
    assert not wall(at)
    assert "No neuron is named after “purple \\*feet\\* \\<b\\>”" in at.info[0].value
    at.text_input(key="find").set_value("500").run()
    assert at.info[0].value == "There is no neuron 500: the numbers go from 0 to 127."


def test_filters_leave_clear_names_or_one_part(use, made):
    use(made)
    at = open_page()
    assert at.selectbox(key="part").options == ["every part", "crown", "tail"]
    at.toggle(key="clear").set_value(True).run()
    assert wall(at).count('"said"') == 3
    at.selectbox(key="part").set_value("tail").run()
    assert wall(at).count('"said"') == 1
    at.text_input(key="find").set_value("red crown").run()
    assert "2 neurons answer to that, but the filters" in at.info[0].value


def test_a_card_opens_from_the_address_and_shows_claim_test_and_evidence(use, made):
    use(made)
    at = open_page(neuron="3")
    assert headings(at)[0] == "Neuron 3: red crown"
    said = texts(at)
    assert "Of names shown at this confidence, about **97 of 100** pass" in said
    assert "**red crown** · ✓ passes the causal test" in said
    assert "**blue back** · ✗ fails the causal test" in said
    assert "it answers more to the one with it in **96**" in said
    assert "| Maple Finch | −3.2 | 12 of 100 fewer |" in said
    progress = [p.proto.text for p in at.get("progress")]
    assert len(progress) == neurons.N_REDRAWN
    assert progress[0].startswith("red crown · ")
    assert len(at.get("plotly_chart")) == 2
    assert [b.label for b in at.button if b.key == "same0"] == ["Neuron 0"]
    at.button(key="same0").click().run()
    assert not at.exception
    assert headings(at)[0] == "Neuron 0: red crown"
    assert at.button(key="go← Previous").disabled
    at.button(key="goNext →").click().run()
    assert headings(at)[0] == "Neuron 1: no clear name"
    assert "Its best guess is **blue back**. Of names with evidence like this only about 40 of 100 pass" in texts(at)
    at.button(key="goNext →").click().run()
    assert "There is nothing to name." in texts(at)
    at.button(key="close").click().run()
    assert headings(at) == ["All 128 neurons"]


def test_a_name_that_fails_says_what_moves_the_neuron_instead_and_redraws_that_too(use, made):
    use(made)
    at = open_page(neuron="4")
    assert "✗ **forked tail** fails: **red crown** moves this neuron more." in texts(at)
    progress = [p.proto.text for p in at.get("progress")]
    assert [p.partition(" · ")[0] for p in progress if "100" in p.partition(" · ")[2]]
    assert len(progress) == 2 * neurons.N_REDRAWN
    at.button(key="another_bird").click().run()
    assert [p.proto.text for p in at.get("progress")] != progress


@pytest.mark.parametrize("asked", ["128", "-1", "x", "٣", "<b>", "9" * 400, ""])
def test_a_neuron_that_does_not_exist_gives_a_sentence_and_the_wall(use, made, asked):
    use(made)
    at = open_page(neuron=asked)
    assert "does not exist: the numbers go from 0 to 127" in at.warning[0].value
    assert wall(at).count('"said"') == 128


def test_on_photos_the_page_says_that_nothing_can_be_redrawn(use, made):
    def without(neuron: Neuron) -> Neuron:
        alternatives = tuple(replace(a, effect=None) for a in neuron.alternatives)
        tops = tuple(replace(t, seed=None) for t in neuron.top_images)
        return replace(neuron, causal=None, confidence=None, alternatives=alternatives, top_images=tops)

    use(replace(made, causal=False, neurons=tuple(map(without, made.neurons))))
    at = open_page(neuron="3")
    assert "On photos nothing can be redrawn" in texts(at)
    assert "**red crown** · not tested" in texts(at)
    assert "It answers most to pictures of" in texts(at)
    assert not at.get("progress")
    assert "✓" not in wall(at)


def test_without_a_dictionary_the_page_says_how_to_make_one(use):
    at = open_page()
    assert "Nobody has named this network’s neurons yet" in at.info[0].value
    assert [c.value for c in at.code] == ["python -m niwt_core name-neurons"]


def test_a_stale_or_damaged_dictionary_is_not_believed(use, made, tmp_path):
    use(replace(made, fingerprint="of another network"))
    at = open_page(neuron="3")
    assert "made for another network or is damaged" in at.warning[0].value
    assert [c.value for c in at.code] == ["python -m niwt_core name-neurons"]
    (tmp_path / FILE).write_text("{")
    at.run()
    assert not at.exception
    assert "made for another network or is damaged" in at.warning[0].value


def test_the_barcode_stands_by_the_dictionarys_names(use, made):
    use(made)
    order, names = figures.channel_order(resources.project())
    assert order[:5].tolist() == [3, 0, 4, 1, 2], "crown before tail, the surest first, without a clear name last"
    assert sorted(order.tolist()) == list(range(128))
    assert [names[k] for k in (0, 4, 1, 2)] == ["crown: red", "tail: forked", figures.UNCLEAR, figures.UNCLEAR]


def test_a_redraw_changes_its_attribute_only_and_never_hides_wing_marks():
    project = resources.project()
    for which in range(3):
        for attribute in ("back_color::white", "wing_pattern::white bars", "crest::tufted"):
            row = neurons.redrawn(project, "max", 3, attribute, "back_color::green", which)
            assert row[0].attribute == attribute
            assert row[1].attribute == "back_color::green" or not attribute.startswith("back")
            assert len({r.attribute for r in row}) == len(row) == min(4, 2 if "crest" in attribute else 4)
            assert all((row[0].picture != r.picture).any() for r in row[1:])


def test_a_spotlight_keeps_colours_where_the_neuron_fires():
    picture = np.full((4, 4, 3), (200, 0, 0), dtype=np.uint8)
    fired = np.zeros((4, 4))
    fired[0, 0], fired[3, 3] = 2.0, -5.0
    lit = neurons.spotlight(picture, fired)
    assert lit[0, 0].tolist() == [200, 0, 0]
    assert len(set(lit[3, 3].tolist())) == 1
