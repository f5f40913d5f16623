"""Train and the five methods on a project of photos: with pictures of the class, without, and with the photos lost."""

import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from photo_shelf import CLASSES, KEY, N_SEEN
from streamlit.testing.v1 import AppTest

from niwt_core.project import load_project
from niwt_core.worlds.photos import PhotoWorld
from pages.shared.learning import lesson
from pages.shared.learning.lesson import n_samples

ROOT = Path(__file__).parents[1]
OF = list(CLASSES)[N_SEEN]
WORDS = "a yellow bird with a black crown"


def opened(page: str, **address: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300)
    for name, value in address.items():
        at.query_params[name] = value
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    return "\n".join(m.value for m in [*at.markdown, *at.caption, *at.info])


def board(at: AppTest) -> dict:
    return json.loads(at.get("bidi_component")[0].proto.json)


def test_a_class_with_photos_is_judged_on_them(photo_key: str) -> None:
    at = opened("train", project=photo_key, text=WORDS, of=OF)
    assert "fresh pictures" in at.header[0].value
    assert board(at)["tray"] > 0
    at.button(key="step").click().run()
    assert not at.exception
    assert board(at)["history"]["iteration"] == [0, 1]
    at.button(key="solve").click().run()
    assert not at.exception
    assert "the closed form finds" in at.success[0].value


def test_a_class_without_photos_learns_all_the_same_and_the_page_says_why_it_is_not_judged(photo_key: str) -> None:
    at = opened("train", project=photo_key, text=WORDS)
    assert "There are no pictures of this class" in texts(at)
    assert board(at)["tray"] == 0
    assert "strangers for your class" in at.header[0].value
    at.button(key="step").click().run()
    at.button(key="solve").click().run()
    assert not at.exception
    assert "finds" not in at.success[0].value


def test_lost_photos_are_a_sentence(photo_shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(photo_shelf / KEY, tmp_path / KEY)
    shutil.rmtree(tmp_path / KEY / "data")
    monkeypatch.setenv("NIWT_PROJECTS", str(tmp_path))
    for page in ("train", "methods"):
        at = opened(page, project=KEY, text=WORDS)
        assert len(at.error) == 1, page
        assert "not where they were" in at.error[0].value


@pytest.mark.parametrize("of", [OF, ""])
def test_five_methods_on_photos(photo_key: str, of: str) -> None:
    at = opened("methods", project=photo_key, text=WORDS, **({"of": of} if of else {}))
    at.button(key="compare").click().run()
    job, end = at.session_state["contest"][1], time.monotonic() + 300
    while job.standing().running:
        assert time.monotonic() < end
        time.sleep(0.1)
    at.run()
    assert not at.exception
    assert job.standing().error is None
    assert len(job.standing().outcomes) == 5
    assert len(at.get("plotly_chart")) == (1 if of else 0)
    assert ("nobody knows what the methods would find" in texts(at)) == (not of)


def test_the_sample_images_fit_into_the_budget(photo_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = PhotoWorld(load_project(photo_shelf / KEY), KEY, photo_shelf / KEY)
    backbone = world.project.backbone
    one = torch.zeros(backbone.n_features, backbone.n_channels).nbytes
    assert n_samples(world) == lesson.MOST_PHOTOS
    monkeypatch.setattr(lesson, "JACOBIAN_BYTES", 5 * one + 1)
    assert n_samples(world) == 5
    monkeypatch.setattr(lesson, "JACOBIAN_BYTES", 1)
    assert n_samples(world) == 1
