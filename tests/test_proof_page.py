"""Proof by drawing and neuron surgery on the page: what a person does, and what the page then says."""

import threading
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from niwt_core.errors import InputError
from niwt_core.laboratory import proof
from niwt_core.laboratory.proof import ELSE, Confusion, Exhibits
from niwt_core.laboratory.surgery import Loss, Losses
from pages.shared import resources
from pages.shared.jobs.gathering import Gathering
from pages.shared.judging.confusion import verdict
from pages.shared.neurons import surgery
from pages.shared.neurons.surgery import Operations, from_address, said, to_address

APP = str(Path(__file__).parents[1] / "app.py")
BIRD = "size.small~crown_color.black~belly_color.yellow~wing_pattern.white_bars"


@pytest.fixture
def small(monkeypatch):
    """Few pictures, so that a proof takes a moment."""
    monkeypatch.setattr(proof, "N_OWN", 6)
    monkeypatch.setattr(proof, "N_EACH", 2)
    monkeypatch.setattr(surgery, "N_PICTURES", 6)
    monkeypatch.setattr("niwt_core.laboratory.surgery.MOST_DRAWN", 20)


@pytest.fixture
def opened(small) -> Callable[..., AppTest]:
    """The page at an address."""

    def run(**address: str) -> AppTest:
        at = AppTest.from_file(APP, default_timeout=120)
        for name, value in address.items():
            at.query_params[name] = value
        at.switch_page("pages/proof.py")
        return at.run()

    return run


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in [*at.markdown, *at.caption])


def until_done(at: AppTest) -> AppTest:
    for _ in range(600):
        waiting = [at.session_state["proof"].job] if "proof" in at.session_state else []
        if not any(job.progress().running for job in waiting):
            return at.run()
        time.sleep(0.1)
    raise AssertionError("the proof did not end within a minute")


def settled(at: AppTest) -> AppTest:
    """Once the pictures that losses are counted on are there."""
    for _ in range(600):
        at.run()
        if "so far" not in "".join(str(p.proto.text) for p in at.get("progress")):
            return at
        time.sleep(0.1)
    raise AssertionError("the pictures were not gathered within a minute")


def test_without_a_bird_the_page_says_so_and_offers_two_ways_on(opened):
    at = opened()
    assert not at.exception
    assert [b.label for b in at.button] == ["Describe a bird", "Use the example"]
    at.button(key="use_example").click().run()
    assert not at.exception
    assert at.button(key="start_proof").label == "Draw a hundred birds"


def test_before_it_is_asked_nothing_is_drawn(opened):
    at = opened(picks=BIRD)
    assert not at.exception
    assert [t.value for t in at.title] == ["Proof by drawing"]
    assert "proof" not in at.session_state
    assert [h.value for h in at.header] == ["Neuron surgery"]
    row = resources._birds().row(at.session_state["described"])
    near = proof.neighbours(resources._birds().project, row)
    for number in near:
        assert resources._birds().project.class_names[number] in texts(at)


def test_a_proof_says_what_came_out_and_opens_cells_and_pictures(opened):
    at = opened(picks=BIRD)
    at.button(key="start_proof").click().run()
    assert not at.exception
    until_done(at)
    assert not at.exception and not at.error
    assert [h.value for h in at.header] == ["What came out", "Neuron surgery"]
    counts = at.session_state["proof"].job.progress().whole.which[:, 0]
    assert np.bincount(counts).tolist() == [6, 2, 2, 2, 2]
    assert "of 6**" in texts(at)
    assert at.button(key="start_proof").label == "Draw another hundred birds"

    at.session_state["proof_cell"] = (0, 0)
    at.run()
    assert at.subheader[0].value.startswith("Your bird, recognised: ")
    at.session_state["proof_picture"] = 0
    at.run()
    assert not at.exception
    assert "Number 1 is your bird; it is taken for **your bird**, which is right." in texts(at)
    assert "For **your bird** rather than" in texts(at)
    named = [p.proto.text.partition(" ·")[0] for p in at.get("progress")]
    assert named[0] == "**your bird**" and len(named) == 3  # what it is stands first, then what it might have been

    at.button(key="start_proof").click().run()  # other birds; what was open belongs to the old ones
    assert at.session_state["proof"].round == 1
    assert "proof_cell" not in at.session_state


def test_a_proof_can_be_stopped_and_keeps_what_it_has(opened, monkeypatch):
    monkeypatch.setattr(proof, "N_OWN", 2000)
    at = opened(picks=BIRD)
    at.button(key="start_proof").click().run()
    while not at.session_state["proof"].job.progress().n_done:
        time.sleep(0.05)
    at.button(key="stop_proof").click().run()
    assert not at.exception
    n_done = at.session_state["proof"].job.progress().n_done
    assert 0 < n_done < 2000
    assert f"Stopped after {n_done} of 2008 pictures." in texts(at)
    assert at.button(key="start_proof").label == "Draw another hundred birds"


def test_a_refresh_finds_the_proof_again(opened):
    at = until_done(opened(picks=BIRD, proof="2"))
    assert at.session_state["proof"].round == 2
    assert at.header[0].value == "What came out"
    assert opened(picks=BIRD, proof="-2; nonsense").header[0].value == "Neuron surgery"


def test_another_bird_ends_the_proof_of_the_first(opened):
    at = until_done(opened(picks=BIRD, proof="0"))
    first = at.session_state["proof"]
    del at.session_state["described"]
    at.query_params["picks"] = "crown_color.red"
    at.run()
    assert not at.exception
    assert "proof" not in at.session_state
    assert "proof" not in at.query_params
    first.job.start()
    assert not first.job.progress().running


def test_surgery_changes_the_outcome_and_can_be_undone(opened):
    at = until_done(opened(picks=BIRD, proof="0"))
    before = next(m.value for m in at.markdown if m.value.startswith("Finds"))
    first = at.button_group[0]
    channel = int(first.key.rpartition("_")[2])
    world = resources._birds()
    importances = world.project.learner.importances(world.row(at.session_state["described"]))[0]
    offered = [int(group.key.rpartition("_")[2]) for group in at.button_group[:4]]
    apart = importances - world.project.importances.values.mean(0)
    assert offered == apart.topk(4).indices.tolist()
    assert offered != importances.topk(4).indices.tolist()  # those speak for nearly every class
    first.set_value(0).run()
    assert not at.exception
    assert f"**1 neuron is altered:** {channel} off." in texts(at)
    assert at.query_params["off"] in (f"{channel}.0", [f"{channel}.0"])
    assert f"With every neuron as it was: f{before[1:]}" in texts(at)
    settled(at)
    assert f"With neuron {channel} off, your bird is found in" in texts(at)

    at.button(key="proof_undo").click().run()
    assert "altered:" not in texts(at)
    assert "off" not in at.query_params
    assert before in [m.value for m in at.markdown]
    at.button(key="proof_redo").click().run()
    assert f"**1 neuron is altered:** {channel} off." in texts(at)
    at.button(key="banner_put_back").click().run()
    assert "altered:" not in texts(at)
    assert not at.button(key="proof_undo").disabled


def test_surgery_is_kept_over_pages_and_in_the_address(opened):
    at = opened(picks=BIRD, off="5.0~7.50~999.0~8.nonsense~9.201")
    assert not at.exception
    assert "**2 neurons are altered:** 5 off and 7 at 50 %." in texts(at)
    assert at.session_state["surgery"]["birds"].now == {5: 0, 7: 50}
    at.switch_page("pages/describe.py").run()
    at.switch_page("pages/proof.py").run()
    assert "**2 neurons are altered:** 5 off and 7 at 50 %." in texts(at)


def test_any_neuron_can_be_chosen(opened):
    at = opened(picks=BIRD)
    n = len(at.button_group)
    at.selectbox(key="proof_other_neuron").set_value(127).run()
    assert not at.exception
    assert len(at.button_group) == n + 1
    at.button_group[-1].set_value(150).run()
    assert "127 at 150 %" in texts(at)


def test_a_photo_class_is_judged_on_its_photos(opened, photo_key):
    at = until_done(opened(project=photo_key, text="a blue bird", of="bluethroat", proof="0"))
    assert not at.exception and not at.error
    assert [t.value for t in at.title] == ["Proof by photos"]
    found = at.session_state["proof"]
    assert found.exhibits[0].name == "your class"
    assert len(found.exhibits[0]) == 6  # twelve photos, of which six are as many as are asked for here
    world = resources.world_of(photo_key)
    new = world.project.learner.classifier(["x"], world.row(at.session_state["described"]))
    judged = proof.confusion(world.project, new, found.exhibits, found.job.progress().whole)
    row, column = np.argwhere(judged.counts > 0)[-1]
    at.session_state["proof_cell"] = (int(row), int(column))
    at.session_state["proof_picture"] = judged.cell(row, column)[0]
    at.run()
    assert not at.exception
    assert f"; it is taken for **{world.project.seen.names[judged.winners[judged.cell(row, column)[0]]]}" in texts(at)


def test_a_photo_class_without_photos_shows_its_neighbours(opened, photo_key):
    at = until_done(opened(project=photo_key, text="a blue bird", proof="0"))
    assert not at.exception and not at.error
    assert "There are no pictures of the described class" in texts(at)
    assert all(e.row < 4 for e in at.session_state["proof"].exhibits)


# -- the parts ---------------------------------------------------------------------------------------------------------


def outcome(rows: list[int], winners: list[int], right: tuple[int, ...], n_columns: int) -> Confusion:
    """A confusion of classes 0 to 3 of which 3 is the described one (column 0), class 1 its neighbour (column 1)."""
    columns = np.array([{3: 0, 1: 1}.get(w, n_columns - 1) for w in winners])
    counts = np.zeros((max(rows) + 1, n_columns), int)
    np.add.at(counts, (rows, columns), 1)
    n = len(rows)
    names = ("your bird", "Jay", ELSE)
    return Confusion(names, counts, np.array(rows), columns, torch.zeros(n, 4), np.array(winners), np.zeros(n), right)


NAMES = ("Wren", "Jay", "*Lark*", "your bird")
PAIR = (Exhibits("your bird", 3, None), Exhibits("Jay", 1, None))


def test_the_verdict_counts_what_was_found_and_names_what_it_was_taken_for():
    found = outcome([0] * 6 + [1] * 2, [3, 3, 1, 1, 2, 0, 1, 3], (0, 1), 3)
    assert verdict(found, PAIR, NAMES, 3) == (
        "Finds **2 of 6**; the 4 it missed it took for Jay (2), \\*Lark\\* (1) and Wren (1). "
        "Of 2 pictures of its neighbours it claims **1**: of Jay (1)."
    )


def test_the_verdict_of_a_perfect_and_of_a_nearly_perfect_class():
    perfect = outcome([0, 0, 1], [3, 3, 1], (0, 1), 3)
    assert verdict(perfect, PAIR, NAMES, 3) == (
        "Finds **2 of 2**, and misses none. Of 1 picture of its neighbours it claims none."
    )
    nearly = outcome([0, 0], [3, 2], (0,), 3)
    assert verdict(nearly, PAIR[:1], NAMES, 3) == "Finds **1 of 2**; the one it missed it took for \\*Lark\\*."


def test_the_verdict_without_pictures_of_the_class():
    found = outcome([0, 0], [3, 1], (1,), 3)
    assert verdict(found, PAIR[1:], NAMES, 3).endswith("Of 2 pictures of its neighbours it claims **1**: of Jay (1).")


def test_operations_go_back_and_forth():
    done = Operations()
    done.alter({5: 0})
    done.alter({7: 50})
    done.alter({7: 50})  # nothing new, no step
    assert done.now == {5: 0, 7: 50}
    done.undo()
    assert done.now == {5: 0}
    done.redo()
    assert done.now == {5: 0, 7: 50}
    done.put_back()
    assert done.now == {}
    done.undo()
    assert done.now == {5: 0, 7: 50}
    done.alter({5: 100})
    assert done.now == {7: 50}
    done.redo()  # what was undone is gone once something else is done
    assert done.now == {7: 50}
    for _ in range(5):
        done.undo()
    assert done.now == {}


def test_an_address_gives_back_what_it_was_made_of_and_no_more():
    altered = {17: 0, 45: 50, 127: 200}
    assert to_address(altered) == "17.0~45.50~127.200"
    assert from_address(to_address(altered), 128) == altered
    assert from_address("17.0~45.50~127.200", 100) == {17: 0, 45: 50}
    for nonsense in ("", "~~", "a.b", "5", "5.", ".5", "-1.0", "5.100", "5.201", "²3.0", "5.0.0", "1" * 5000):
        assert from_address(nonsense, 128) == {}, nonsense


def test_altered_neurons_in_words():
    assert said({17: 0}) == "17 off"
    assert said({17: 0, 45: 50, 50: 150}) == "17 off, 45 at 50 % and 50 at 150 %"
    assert said(dict.fromkeys(range(9), 0)) == "0 off, 1 off, 2 off, 3 off, 4 off, 5 off and 3 more"


def test_losses_in_words():
    found = Losses(Loss("", 100, 95, 61), Loss("", 300, 298, 290), (Loss("Jay_1", 2, 2, 0), Loss("Wren", 2, 2, 1)), ())
    assert surgery.sentence(found, "your bird", {17: 0}) == (
        "With neuron 17 off, your bird is found in **61 of 100** pictures (95 before) and the known classes in "
        "**290 of 300** (298 before). Most is lost by Jay\\_1 (2 → 0 of 2) and Wren (2 → 1 of 2)."
    )
    assert surgery.sentence(Losses(None, Loss("", 9, 9, 9), (), ()), "x", {1: 0, 2: 50}) == (
        "With neurons 1 off and 2 at 50 %, the known classes are found in **9 of 9** pictures (as before)."
    )


def test_a_gathering_ends_where_it_is_stopped_and_keeps_what_it_has():
    go_on = threading.Event()

    def parts():
        yield [1, 2]
        go_on.wait(10)
        yield [3]

    gathering = Gathering(parts, lambda lists: list(chain(*lists)), 3)
    gathering.start()
    while not gathering.progress().n_done:
        time.sleep(0.01)
    gathering.stop()
    go_on.set()
    time.sleep(0.1)
    now = gathering.progress()
    assert (now.whole, now.n_done, now.n_all, now.running, now.is_part) == ([1, 2], 2, 3, False, True)
    gathering.start()  # it runs once
    assert not gathering.progress().running


@pytest.mark.parametrize("error", [InputError("The photos are gone."), RuntimeError("disk")])
def test_a_gathering_that_fails_says_so_in_a_sentence(error):
    def parts():
        yield [1]
        raise error

    gathering = Gathering(parts, lambda lists: list(chain(*lists)), 3)
    gathering.start()
    while gathering.progress().running:
        time.sleep(0.01)
    now = gathering.progress()
    assert now.whole == [1]
    assert now.error is not None and now.error.startswith("It stopped early.") and str(error) in now.error


# -- surgery on other pages --------------------------------------------------------------------------------------------


def elsewhere(file: str, **address: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page(file)
    return at.run()


def strengths(at: AppTest) -> list[str]:
    return [g.key for g in at.button_group if g.key and "_strength_" in g.key]


def test_explain_tells_that_the_network_is_altered_and_shows_the_altered_one(small):
    whole, altered = (
        elsewhere("pages/explain.py", picks=BIRD, **off) for off in ({}, {"off": "~".join(f"{k}.0" for k in range(60))})
    )
    assert not whole.exception and not altered.exception
    assert "altered:" not in texts(whole)
    assert "**60 neurons are altered:**" in texts(altered)
    sums = [next(c.value for c in at.caption if "together the score" in c.value) for at in (whole, altered)]
    assert sums[0] != sums[1]
    assert strengths(whole) == []  # folded until somebody opens it
    assert len(strengths(altered)) >= 60


def test_the_dictionarys_card_has_the_neurons_control_with_and_without_a_class(small):
    for address in ({}, {"picks": BIRD}):
        at = elsewhere("pages/dictionary.py", neuron="17", off="17.50", **address)
        assert not at.exception
        assert strengths(at) == ["card_strength_17"]
        assert at.button_group(key="card_strength_17").value == 50
        settled(at)
        assert ("your bird is found in" in texts(at)) == bool(address)
        assert "With neuron 17 at 50 %" in texts(at)


def test_importances_offer_the_four_strongest(small):
    at = elsewhere("pages/importances.py", picks=BIRD, off="3.0")
    assert not at.exception
    learner = resources._birds().project.learner
    predicted = learner.importances(resources._birds().row(at.session_state["described"]))[0].numpy()
    strongest = (resources.average_importances() - predicted).argsort()[:4].tolist()  # what sets it apart
    assert strengths(at) == [f"importances_strength_{k}" for k in [*strongest, 3]]
