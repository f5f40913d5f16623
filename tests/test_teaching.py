"""What helps to learn: every snippet runs and gives its page's numbers; every equation's numbers are this class's."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from niwt_core.birds.reading import read
from niwt_core.explanation import explain
from niwt_core.gzsl import join
from niwt_core.images import to_input
from niwt_core.laboratory.clauses import leave_one_out
from niwt_core.laboratory.whatif import compare, fare
from niwt_core.project import load_project
from niwt_core.worlds import shelf
from niwt_core.worlds.base import World
from niwt_core.worlds.birds import BirdWorld
from niwt_core.worlds.described import Described
from niwt_core.worlds.photos import PhotoWorld
from niwt_core.worlds.trial import features_of, jacobians_of
from pages.shared.jobs.training import Point
from pages.shared.learning.lesson import LOOP_STRENGTH, Lesson
from pages.shared.lessons import equations, snippets, teaching
from pages.shared.lessons.snippets import Shown
from pages.shared.state import EXAMPLE
from tests.photo_shelf import KEY, make_shelf

ROOT = Path(__file__).parents[1]
FIRST = Shown()
BIRD = Described(EXAMPLE, read(EXAMPLE).attributes)
PHOTO = Described('a "blue" bird with a brown\\back', {"crown_color": "blue"}, "bluethroat")


@cache
def birds() -> BirdWorld:
    return BirdWorld(load_project(ROOT / "assets" / "paper_birds"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> PhotoWorld:
    folder = make_shelf(tmp_path_factory.mktemp("shelf"))
    return PhotoWorld(load_project(folder), KEY, folder)


def run(
    page: str, world: World, described: Described, shown: Shown = FIRST, before: Described | None = None
) -> dict[str, Any]:
    """The names that a snippet leaves behind."""
    names: dict[str, Any] = {}
    exec(compile(snippets.code_for(page, world, described, shown, before), page, "exec"), names)
    return names


@pytest.fixture(params=["birds", "photos"])
def case(
    request: pytest.FixtureRequest, photos: PhotoWorld, monkeypatch: pytest.MonkeyPatch
) -> tuple[World, Described]:
    monkeypatch.chdir(ROOT)
    if request.param == "birds":
        return birds(), BIRD
    assert photos.folder is not None
    monkeypatch.setenv(shelf.VARIABLE, str(photos.folder.parent))
    return photos, PHOTO


def test_describe_and_importances_snippets_give_the_pages_numbers(case: tuple[World, Described]) -> None:
    world, described = case
    expected = world.project.learner.importances(world.row(described))[0]
    names = run("describe", world, described)
    assert names["mine"] == described
    assert [m.label for m in names["understood"].marks] == [m.label for m in world.understand(described.text).marks]
    assert torch.allclose(names["importances"], expected)
    names = run("importances", world, described)
    assert torch.allclose(names["importances"], expected)
    measured = world.project.importances.values.numpy()
    cosines = measured @ expected.numpy() / np.linalg.norm(measured, axis=1) / np.linalg.norm(expected)
    assert names["nearest"][0][0] == world.project.class_names[int(cosines.argmax())]
    assert names["nearest"][0][1] == pytest.approx(cosines.max(), abs=1e-5)


def test_the_words_snippet_gives_the_pages_numbers(case: tuple[World, Described], capsys: Any) -> None:
    world, described = case
    run("which_words", world, described)
    lines, effects = capsys.readouterr().out.splitlines(), leave_one_out(world, described)
    assert len(lines) == len(effects) >= 2
    assert all(str(effect.weight) in line for effect, line in zip(effects, lines, strict=True))


def test_the_what_if_snippet_gives_the_pages_numbers(case: tuple[World, Described], capsys: Any) -> None:
    world, described = case
    now = replace(described, picks=dict(described.picks) | {"crown_color": "red"})
    names, expected = run("what_if", world, now, before=described), compare(world, described, now)
    assert (names["before"], names["mine"]) == (described, now)
    assert names["found"].weight_change == pytest.approx(expected.weight_change, rel=1e-4) != 0
    assert torch.allclose(names["found"].moved, expected.moved, atol=1e-5)
    told = capsys.readouterr().out.splitlines()[-2:]
    pictures, strangers = features_of(world, world.pictures_of(now, 100)), features_of(world, world.strangers(now))
    fares = [fare(world.project, solved, None, pictures, strangers) for solved in (expected.before, expected.now)]
    assert told == [str(found) for found in fares]
    assert fares[1].claimed is not None


def test_the_train_snippet_gives_the_pages_numbers(case: tuple[World, Described]) -> None:
    world, described = case
    made = lesson(world, described, n_images=snippets.N_SAMPLES)
    names, solution = run("train", world, described), made.solve()
    assert (names["found"], names["claimed"]) == (solution.found, solution.claimed)
    assert len(names["losses"]) == snippets.N_STEPS
    first = next(made.steps())
    assert names["losses"][0] == pytest.approx(first.loss, abs=1e-5)
    assert names["losses"][-1] < names["losses"][0]


@pytest.mark.parametrize("picture", [0, 3])
def test_the_explain_snippet_gives_the_pages_numbers(case: tuple[World, Described], picture: int) -> None:
    world, described = case
    project = world.project
    names = run("explain", world, described, Shown(number=picture))
    classifier = join(project.seen, project.learner.classifier(["mine"], world.row(described)))
    source = world.pictures_of(described, 6)
    assert source is not None
    inputs = to_input(source[picture], project.backbone)[None]
    scores = classifier(project.backbone.head(project.backbone.trunk(inputs)))[0].detach()
    winner = int(scores.argmax())
    assert names["winner"] == winner
    assert names["found"].contributions.score == pytest.approx(float(scores[winner]), abs=1e-3)
    assert names["heat"].shape == names["found"].heat.signed.shape


def test_the_explain_snippet_takes_the_picture_and_the_class_that_the_page_shows(case: tuple[World, Described]) -> None:
    world, described = case
    project, known = world.project, world.project.class_names[1]
    names = run("explain", world, described, Shown(known, 1, 0))
    inputs = to_input(world.pictures(known, 6)[1], project.backbone)[None]
    score = project.seen(project.backbone.head(project.backbone.trunk(inputs)))[0, 0]
    assert names["found"].contributions.score == pytest.approx(float(score), abs=1e-3)


def test_the_explain_snippet_opens_a_picture_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    drawn = birds().pictures_of(BIRD, 3)[2]
    drawn.save(tmp_path / "picture.png")
    code = snippets.code_for("explain", birds(), BIRD, Shown(number=None))
    names: dict[str, Any] = {}
    exec(code.replace('Path("picture.png")', f"Path({str(tmp_path / 'picture.png')!r})"), names)
    expected = run("explain", birds(), BIRD, Shown(number=2))["found"].contributions.score
    assert names["found"].contributions.score == pytest.approx(expected, abs=1e-4)


def test_a_class_without_pictures_is_explained_on_a_known_class_instead(
    photos: PhotoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert photos.folder is not None
    monkeypatch.setenv(shelf.VARIABLE, str(photos.folder.parent))
    names = run("explain", photos, Described("a blue bird"))
    assert 0 <= float(names["probabilities"][names["winner"]]) <= 1


def test_what_people_type_stays_a_string_in_the_code() -> None:
    evil = 'a red bird"""\n)\nraise SystemExit("\\\'") #'
    code = snippets.code_for("importances", birds(), Described(evil, {"crown_color": "red"}))
    names: dict[str, Any] = {}
    line = code[code.index("mine = ") : code.index("\nimport torch")]
    exec(line, {"Described": Described}, names)
    assert names["mine"].text == evil


def test_the_train_page_says_what_its_snippet_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    page.query_params["picks"], page.query_params["text"] = BIRD.key, BIRD.text
    page.switch_page("pages/train.py").run()
    page.button(key="solve").click().run()
    assert not page.exception
    names = run("train", birds(), BIRD)
    assert f"finds **{names['found']} of 100**" in page.success[0].value
    assert f"claims {names['claimed']} of 100 strangers" in page.success[0].value


# -- equations ---------------------------------------------------------------------------------------------------------


def lesson(world: World, described: Described, n_images: int = 8) -> Lesson:
    row, project = world.row(described), world.project
    own, check = jacobians_of(world, n_images), jacobians_of(world, 4, fresh=True)
    pictures = features_of(world, world.pictures_of(described, 100))
    strangers = features_of(world, world.strangers(described))
    return Lesson(project, row, project.learner.importances(row), own, check, pictures, strangers)


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text)]


def test_describing_shows_what_stands_in_this_row(case: tuple[World, Described]) -> None:
    world, described = case
    said, row = equations.describing(world, described), world.row(described)[0]
    shown = re.findall(r"\$a_\{(\d+)\} = ([\d.-]+)\$ for “([^”]+)”", said)
    assert len(shown) >= 2
    for i, value, _ in shown:
        assert float(value) == pytest.approx(float(row[int(i)]), abs=0.006)
    assert f"$A={len(row)}$" in said


def test_importing_takes_the_strongest_neurons_number_apart(case: tuple[World, Described]) -> None:
    world, described = case
    said = equations.importing(world, described)
    alpha = world.project.learner.importances(world.row(described))[0]
    k = int(alpha.argmax())
    y, *parts = numbers(re.search(rf"y_\{{{k}\}} = (.*?)So ", said).group(1))  # type: ignore[union-attr]
    assert sum(parts) == pytest.approx(y, abs=0.02)
    assert f"= {float(alpha[k]):.2f}$" in said
    assert f"$K={len(alpha)}$" in said


def test_training_says_where_loop_and_closed_form_stand(case: tuple[World, Described]) -> None:
    world, described = case
    made = lesson(world, described)
    said = equations.training(made, world.noun, Point(3, 0.25, 0.125, 0.0, 0, 0, 0), LOOP_STRENGTH)
    assert "At iteration 3 the two parts are $0.2500$ and $0.1250$, together $0.3750$" in said
    n_images, n_features, n_channels = made.jacobians.shape
    assert f"on {n_images} pictures" in said
    assert f"$D={n_features}$" in said
    assert f"$K={n_channels}$" in said
    reached = made.solve().mean_importances
    cosine = float(torch.cosine_similarity(reached, made.target[0], dim=0))
    assert f"cosine of ${cosine:.3f}$" in said
    assert rf"\lambda={world.project.learner.settings.strength:g}" in said
    assert "At iteration" not in equations.training(made, world.noun, None, LOOP_STRENGTH)


def test_explaining_adds_up_to_the_score() -> None:
    project, drawn = birds().project, birds().pictures_of(BIRD, 1)
    inputs = to_input(drawn[0], project.backbone)[None]
    found = explain(project.backbone, inputs, project.seen.weight[5], float(project.seen.bias[5]))
    said = equations.explaining(found, "a <b>*name*</b>", 0.123)
    total, bias, remainder, score = numbers(re.search(r"\$s = (-?\d[^$]*)\$", said).group(1).replace(" +", " "))  # type: ignore[union-attr]
    assert total + bias + remainder == pytest.approx(score, abs=0.02)
    assert score == pytest.approx(found.contributions.score, abs=0.006)
    assert "12.3" in said
    assert r"\<b\>\*name\*" in said


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_term_is_a_button_that_opens_its_explanation() -> None:
    html = teaching.term("Grad-CAM", "a <map>")
    target = re.search(r'popovertarget="([^"]+)"', html).group(1)  # type: ignore[union-attr]
    assert f'popover id="{target}"' in html
    assert "a &lt;map&gt;</button>" in html
    with pytest.raises(KeyError):
        teaching.term("a word nobody explains")


def test_every_term_of_the_lesson_is_explained_in_a_sentence_or_three() -> None:
    assert {"neuron", "importance", "channel", "zero-shot", "seen", "closed form", "Grad-CAM", "harmonic mean"} == set(
        teaching.TERMS
    )
    assert all(text.rstrip(")").endswith((".", "2017")) and 40 < len(text) < 300 for text in teaching.TERMS.values())
