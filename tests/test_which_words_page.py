"""Which words made this classifier? The page, for a described bird, for hostile words, and for photos."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from niwt_core.birds.reading import read
from niwt_core.laboratory.clauses import Clause
from niwt_core.worlds.described import Described
from pages.shared import state
from pages.shared.describing import clauses

APP = str(Path(__file__).parents[1] / "app.py")


def opened(**address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    return at.switch_page("pages/which_words.py").run()


def address_of(text: str, **by_hand: str) -> dict[str, str]:
    return {"text": text, "picks": Described("", read(text).attributes | by_hand).key}


@pytest.fixture(scope="module")
def page() -> AppTest:
    at = opened(**address_of(state.EXAMPLE, tail_shape="forked"))
    assert not at.exception
    return at


def html_of(at: AppTest) -> str:
    return "\n".join(element.body for element in at.get("html"))


def test_the_description_stands_whole_with_a_rank_and_a_weight_below_each_clause(page: AppTest) -> None:
    weighed = next(e.body for e in page.get("html") if "cyn-weighed" in e.body)
    shown = re.sub(r"<small>.*?</small>", "", weighed[weighed.index('<p class="cyn-weighed">') :])
    assert re.sub(r"<[^>]+>", "", shown).split() == [*state.EXAMPLE.split(), "tail:", "forked", "(picked)"]
    ranks = re.findall(r"<small>(\d)\w\w · (\d+) %</small>", weighed)
    assert sorted(rank for rank, _ in ranks) == ["1", "2", "3", "4", "5"]
    by_rank = [int(weight) for _, weight in sorted(ranks)]
    assert by_rank == sorted(by_rank, reverse=True)
    alphas = [float(a) for a in re.findall(r"rgba\(31,127,192,([\d.]+)\)", weighed)]
    assert max(alphas) == 0.5
    assert alphas.index(0.5) == [rank for rank, _ in ranks].index("1")


def test_the_chart_and_the_table_stand_in_the_order_of_weight(page: AppTest) -> None:
    assert [h.value for h in page.header] == ["What each clause weighs", "What one clause gives the neurons"]
    assert len(page.get("plotly_chart")) == 2
    table = next(e.body for e in page.get("html") if "cyn-table" in e.body)
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table)
    assert rows[0][0] == "none: all words"
    assert len(rows) == 6
    weights = [int(cells.split("<td>")[1].split(" %")[0]) for _, cells in rows[1:]]
    assert weights == sorted(weights, reverse=True)
    assert re.search(r"finds \d+ of 100 fresh birds; with all words it finds \d+", page.markdown[0].value)


def test_another_clause_can_be_looked_at(page: AppTest) -> None:
    def fallen() -> str:
        return next(m.value for m in page.markdown if m.value.startswith("**Without it fall most:**"))

    box = page.selectbox(key="left_out")
    black = next(i for i, option in enumerate(box.options) if option == "a black cap")
    before = fallen()
    box.select_index(black).run()
    assert not page.exception
    assert fallen() != before


def test_without_a_class_the_page_says_so_and_offers_the_example() -> None:
    at = opened()
    assert not at.exception
    assert [b.label for b in at.button] == ["Describe a bird", "Use the example"]
    at.button(key="use_example").click().run()
    assert not at.exception
    assert "cyn-weighed" in html_of(at)


def test_words_are_shown_and_never_obeyed() -> None:
    text = "a red bird <img src=x onerror=alert(1)> with a **black** cap"
    at = opened(**address_of(text))
    assert not at.exception
    assert "<img" not in html_of(at)
    assert "&lt;img src=x" in html_of(at)
    assert not any(re.search(r"(?<!\\)<img", m.value) for m in at.markdown)


def test_a_bird_picked_by_hand_alone_has_its_picks_weighed() -> None:
    at = opened(picks="crown_color.red~tail_shape.forked")
    assert not at.exception
    assert "crown: red (picked)" in html_of(at)
    assert "tail: forked (picked)" in html_of(at)


def test_photos_are_weighed_with_pictures_of_their_class_and_without(photo_key: str) -> None:
    text = "a yellow bird with a black crown and a white belly"
    judged = opened(project=photo_key, text=text, of="bluethroat")
    assert not judged.exception
    assert "of 12 fresh pictures of bluethroat" in judged.markdown[0].value
    alone = opened(project=photo_key, text=text)
    assert not alone.exception
    assert "fresh" not in alone.markdown[0].value
    assert "cyn-weighed" in html_of(alone)
    assert any("no pictures to judge it by" in c.value for c in alone.caption)


def test_the_comma_stays_with_its_clause_and_equal_weights_do_not_break_it() -> None:
    text = "red cap, and white belly"
    effects = [SimpleNamespace(clause=Clause(0, 7), weight=0.0), SimpleNamespace(clause=Clause(13, 24), weight=0.0)]
    html = clauses.coloured(text, effects)
    assert ">red cap,<small>" in html
    assert "</span> and <span" in html
    assert "under 1 %" in html
