"""The shelf: whose projects stand on it, their titles, and what is taken off and brought back."""

import json
import os
from dataclasses import replace

import pytest

from niwt_core.errors import InputError
from niwt_core.worlds import ages, drafts, shelf

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "projects"))
    return tmp_path / "projects"


def put(owner: str, title: str = "Zoo", draft: bool = False) -> str:
    """A project as far as the shelf reads it."""
    key = shelf.new_key()
    folder = shelf.shelf() / key
    folder.mkdir(parents=True)
    shelf.claim(folder, owner)
    document = {"class_names": ["a", "b", "c"], "n_seen": 2, "backbone": {"name": "resnet18", "layer": "layer4.0"}}
    document["card"] = {"title": title, "figures": {"seen": 0.5}}
    (folder / ("draft.json" if draft else "project.json")).write_text(json.dumps(document))
    return key


def test_each_owner_finds_their_own_and_no_others():
    first, second = put(ANN, "First"), put(ANN, "Second")
    put(BOB)
    os.utime(shelf.folder_of(first) / "project.json", (0, 0))
    found = shelf.projects_of(ANN)
    assert [project.key for project in found] == [second, first]
    assert found[1].made == 0
    assert (found[0].title, found[0].n_seen, found[0].n_unseen) == ("Second", 2, 1)
    assert found[0].network == "resnet18, cut at layer4.0"
    assert found[0].figures == {"seen": 0.5}
    assert shelf.projects_of("c" * 32) == []


def test_the_secret_itself_is_not_on_the_disk():
    key = put(ANN)
    assert all(ANN not in path.read_text() for path in (shelf.shelf() / key).iterdir())


def test_a_new_title_is_seen_by_caches_and_keeps_the_place():
    key, later = put(ANN), put(ANN)
    os.utime(shelf.folder_of(key) / "project.json", (0, 1000))
    before = shelf.stamp_of(shelf.folder_of(key))
    shelf.rename(key, ANN, "  <b>My\n zoo ")
    assert [project.key for project in shelf.projects_of(ANN)] == [later, key]
    assert shelf.projects_of(ANN)[1].title == "<b>My zoo"
    assert shelf.stamp_of(shelf.folder_of(key)) != before


@pytest.mark.parametrize(("title", "message"), [(" \n", "is empty"), ("x" * 81, "81 characters; expected at most 80")])
def test_titles_that_are_none_are_refused(title, message):
    with pytest.raises(InputError, match=message):
        shelf.rename(put(ANN), ANN, title)


def test_what_is_removed_is_gone_for_all_and_comes_back_for_its_owner():
    key = put(ANN)
    shelf.remove(key, ANN)
    assert shelf.projects_of(ANN) == []
    with pytest.raises(InputError, match="it was removed"):
        shelf.folder_of(key)
    with pytest.raises(InputError, match="gone for good"):
        shelf.restore(key, BOB)
    shelf.restore(key, ANN)
    assert [project.key for project in shelf.projects_of(ANN)] == [key]


@pytest.mark.parametrize("key", ["../elsewhere", "", "a" * 32, "A/b/c/d/e/f"])
def test_what_is_not_ones_own_cannot_be_touched(key):
    bobs = put(BOB)
    for deed in (lambda k: shelf.remove(k, ANN), lambda k: shelf.rename(k, ANN, "x"), lambda k: shelf.restore(k, ANN)):
        for tried in (key, bobs):
            with pytest.raises(InputError):
                deed(tried)
    assert shelf.projects_of(BOB)[0].title == "Zoo"


@pytest.fixture
def clock(monkeypatch):
    """The computer's clocks, to be set: `running` cannot be, outside of tests; `date` can."""
    moment = ages.Now("a start", 1000.0, 1.8e9)

    def set_to(**changes: object) -> None:
        nonlocal moment
        moment = replace(moment, **changes)

    monkeypatch.setattr(ages, "now", lambda: moment)
    return set_to


LONG = shelf.KEPT_SECONDS + 10


def names(place) -> set[str]:
    return {path.name for path in place.iterdir() if not path.name.startswith(".")}


def test_old_drafts_and_removed_projects_are_swept_away_and_projects_never(place, clock):
    kept, touched, _, gone = put(ANN), put(ANN, draft=True), put(ANN, draft=True), put(ANN)
    shelf.remove(gone, ANN)
    shelf.sweep()
    os.utime(place / touched / "draft.json", (5, 5))
    clock(running=1000.0 + LONG)
    shelf.sweep()
    assert names(place) == {kept, touched}
    clock(running=1000.0 + 2 * LONG)
    shelf.sweep()
    assert names(place) == {kept}


@pytest.mark.parametrize("years", [1, -1])
def test_a_date_that_jumps_sweeps_nothing_away(place, clock, years):
    draft, gone = put(ANN, draft=True), put(ANN)
    shelf.remove(gone, ANN)
    shelf.sweep()
    clock(date=1.8e9 + years * 365 * 24 * 3600.0, running=1060.0)
    shelf.sweep()
    later = put(ANN, draft=True)  # while the date is wrong
    shelf.sweep()
    clock(date=1.8e9, running=1120.0)
    shelf.sweep()
    assert names(place) == {draft, later, f"{gone}.removed"}
    clock(running=1120.0 + LONG)
    shelf.sweep()
    assert names(place) == set()


def test_after_a_new_start_of_the_computer_the_date_is_believed_for_a_day(place, clock):
    draft = put(ANN, draft=True)
    shelf.sweep()
    for start in ("b", "c"):
        clock(start=start, running=10.0, date=1.8e9 + 1e8 * ord(start))
        shelf.sweep()
        assert names(place) == {draft}
    clock(start="d", running=20.0, date=1.8e9 + 1e8 * ord("d"))
    shelf.sweep()
    assert names(place) == set()


def test_ages_that_cannot_be_read_begin_anew(place, clock):
    draft = put(ANN, draft=True)
    shelf.sweep()
    (place / ages.FILE).write_text('{"at": 1}')
    clock(running=1000.0 + LONG)
    shelf.sweep()
    assert names(place) == {draft}


def test_a_draft_that_is_being_fitted_is_not_swept_away(place, clock):
    draft = put(ANN, draft=True)
    shelf.sweep()
    clock(running=1000.0 + LONG)
    with drafts.being_fitted(draft):
        shelf.sweep()
        assert names(place) == {draft}
    shelf.sweep()  # its days begin when the fit is over
    clock(running=1000.0 + 2 * LONG)
    shelf.sweep()
    assert names(place) == set()


def test_a_damaged_project_is_left_out_of_the_list():
    key = put(ANN)
    (shelf.shelf() / key / "project.json").write_text("{")
    assert shelf.projects_of(ANN) == []
