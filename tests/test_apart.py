"""A fit in a process of its own: the same project, and what the person hears where the process is no more."""

import json
import os
import signal
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from niwt_core.errors import InputError
from niwt_core.project import load_project
from niwt_core.worlds import apart, shelf, weights
from niwt_core.worlds.apart import make_apart
from niwt_core.worlds.drafts import draft_of, draft_of_zip, latest_draft
from niwt_core.worlds.making import Order, make
from tests.test_drafts import COLORS, OWNER, pictures, zipped

SMALL = Order("Colours", "paper_bird_net", "features.stage4", weights.RANDOM)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "projects"))


@pytest.fixture
def child(monkeypatch):
    """The processes that were begun."""
    begun: list[subprocess.Popen] = []
    real = subprocess.Popen

    def popen(*args, **options):
        begun.append(real(*args, **options))
        return begun[-1]

    monkeypatch.setattr(apart.subprocess, "Popen", popen)
    return begun


def numbered():
    """A draft whose classes are described by three numbers, so that no encoder is needed."""
    rows = [f"{name},{'unseen' if name == 'sun' else 'seen'},{r},{g},{b}" for name, (r, g, b) in COLORS.items()]
    table = "\n".join(["name,seen,red,green,blue", *rows]).encode()
    return draft_of_zip(zipped({**pictures(), "classes.csv": table}), "c.zip", OWNER)


def test_a_child_makes_the_same_project_as_we_would(child):
    heard, planned = [], []
    ours, theirs = numbered(), numbered()
    make_apart(theirs, SMALL, lambda *told: heard.append(told), planned.extend)
    assert child[0].poll() is not None
    stages = list(dict.fromkeys(stage for stage, _, _ in heard))
    assert stages == ["descriptions", "network", *[stage.name for stage in planned], "saving"]
    torch.manual_seed(apart.SEED)
    make(ours, SMALL)
    made, ours_made = load_project(theirs.folder), load_project(ours.folder)
    assert made.class_names == ours_made.class_names
    assert made.settings == ours_made.settings
    assert made.card["figures"].keys() == ours_made.card["figures"].keys()
    # the child computes in one thread, this process in as many as it likes: sums are rounded otherwise
    alike = torch.cosine_similarity(made.importances.values, ours_made.importances.values)
    assert alike.min() > 0.9999


def test_cancelling_ends_the_child_and_leaves_the_draft(child):
    class Stop(BaseException):
        pass

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "network":
            raise Stop

    draft = numbered()
    with pytest.raises(Stop):
        make_apart(draft, SMALL, progress)
    assert child[0].returncode == -signal.SIGKILL
    assert latest_draft(OWNER).rows == draft.rows


def test_a_child_that_the_system_ends_is_told_in_one_sentence(child):
    def progress(stage: str, done: int, total: int) -> None:
        os.kill(child[0].pid, signal.SIGKILL)
        child[0].wait()

    with pytest.raises(InputError, match=r"ended by the server’s system \(signal 9\)"):
        make_apart(numbered(), SMALL, progress)
    assert latest_draft(OWNER) is not None


def test_what_the_child_refuses_is_refused_here(child):
    draft = numbered()
    for folder in COLORS:
        for picture in (draft.data / folder).iterdir():
            picture.unlink()
    with pytest.raises(InputError) as refused:
        make_apart(draft, SMALL)
    assert str(draft.folder) not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_child_whose_parent_is_gone_ends_and_writes_nothing():
    draft = numbered()
    ordered = json.dumps({"draft": draft.key, "order": asdict(SMALL)})
    process = subprocess.Popen(
        apart.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(apart.__file__).parents[2], text=True
    )
    process.stdin.write(ordered + "\n")
    process.stdin.flush()
    assert "descriptions" in process.stdout.readline()
    process.stdin.close()  # as the system does where the server is killed
    assert process.wait(timeout=60) == 1
    process.stdout.close()
    assert draft_of(draft.key) == draft
    assert not (draft.folder / "project.json").exists()


def test_an_error_nobody_foresaw_is_the_last_line_it_said(child, monkeypatch):
    monkeypatch.setattr(apart, "COMMAND", [apart.COMMAND[0], "-c", "raise RuntimeError('boom')"])
    with pytest.raises(InputError, match=r"^The fit stopped with an error: RuntimeError: boom\.$"):
        make_apart(numbered(), SMALL)
