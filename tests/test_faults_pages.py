"""What a person reads when the disk is full, the notebook cannot be written, or the server was stopped."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from test_drafts import WORDS, pictures
from test_notebook_page import BIRD, describe, its_notebook, kept_line
from test_own_page import OWNER, given, open_page, place, quiet, said, upload, wait_for  # noqa: F401 - a fixture

from benchmarks.faults.disks import CannotMountError, filled, only_read, small_disk
from niwt_core.worlds import shelf
from niwt_core.worlds.drafts import latest_draft
from pages.shared.notebook import keeping


@contextmanager
def full() -> Iterator[None]:
    """A disk on which nothing more has room, as the system says it when files are forced to it."""

    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        yield


def with_random_weights(at):
    return quiet(at.selectbox(key="own_weights").select("random").run())


def begun_and_cancelled(at) -> None:
    quiet(at.button(key="own_fit").click().run())
    assert "Fitting “colours.zip”" in said(at)
    quiet(at.button(key="own_cancel").click().run())
    wait_for(at, lambda page: "Cancelled." in said(page))


def field_of(at, name: str):
    return next(field for field in at.text_input if field.label.startswith(f"{name} ("))


def test_an_upload_on_a_full_disk_is_one_sentence_and_can_be_tried_again():
    at = open_page(shelf=OWNER)
    with full():
        at = upload(at, pictures())
        assert "The server’s disk is full, so nothing was saved" in said(at)
        assert latest_draft(OWNER) is None
    at = upload(at, pictures(), "once_more.zip")
    assert latest_draft(OWNER).name == "once_more.zip"
    assert [path.name for path in shelf.shelf().iterdir() if path.suffix == ".part"] == []


def test_an_edit_on_a_full_disk_stays_on_the_page_and_is_kept_when_there_is_room():
    given()
    at = open_page(shelf=OWNER)
    with full():
        at = quiet(field_of(at, "coal").set_value("black, as the night").run())
        assert "Your last change is not kept. The server’s disk is full" in said(at)
        assert field_of(at, "coal").value == "black, as the night"
        assert at.button(key="own_fit").disabled, "it would be fitted with the words from before"
        assert latest_draft(OWNER).rows[0].description == WORDS["coal"]
    at = quiet(at.run())
    assert latest_draft(OWNER).rows[0].description == "black, as the night"
    assert "not kept" not in said(at)
    assert not at.button(key="own_fit").disabled


def test_a_fit_that_finds_the_disk_full_is_one_sentence_and_can_be_begun_anew():
    draft = given()
    at = with_random_weights(open_page(shelf=OWNER))
    with full():
        quiet(at.button(key="own_fit").click().run())
        assert "The server’s disk is full, so nothing was saved" in said(at)
    assert latest_draft(OWNER) == draft
    begun_and_cancelled(at)
    assert "disk is full" not in said(at)


def test_a_fit_that_was_cut_off_is_told_until_it_is_begun_anew():
    order = {"title": "My colours", "network": "squeezenet1_1", "layer": "features.9", "weights": "random"}
    draft = replace(given(), order=order)
    draft.save()
    assert "The server stopped" not in said(open_page(shelf=OWNER))
    (draft.folder / shelf.FITTING).touch()  # whoever made it holds it no more
    at = open_page(shelf=OWNER)
    (told,) = [warning.value for warning in at.warning]
    assert told.startswith("The server stopped while your fit was under way or in line. Nothing of what you entered is")
    chosen = [at.selectbox(key=key).value for key in ("own_network", "own_weights", "own_layer_squeezenet1_1")]
    assert chosen == ["squeezenet1_1", "random", "features.9"], "nothing of what was entered is lost"
    assert at.text_input(key=f"own_title_{draft.key}").value == "My colours"
    begun_and_cancelled(at)
    assert "The server stopped" not in said(at)
    assert not (draft.folder / shelf.FITTING).exists()


@pytest.mark.parametrize(("spoilt", "words"), [(filled, "is full"), (only_read, "may not be written")])
def test_a_class_that_cannot_be_kept_stays_on_the_page_and_is_kept_later(tmp_path, monkeypatch, spoilt, words):
    monkeypatch.setattr(keeping, "REST", 0)
    try:
        with small_disk(tmp_path / "disk", megabytes=4) as disk:
            monkeypatch.setenv("NIWT_DATA", str(disk))
            at = describe(picks=BIRD)
            assert kept_line(at) == ["Kept in your notebook"]
            with spoilt(Path(disk)):
                at = quiet(at.selectbox(key="pick_size").select("large").run())
                (line,) = [c.value for c in at.caption if "Not kept in your notebook" in c.value]
                assert words in line
                assert "stays in this session" in line
                assert "size.large" in str(at.query_params["picks"]), "a refresh finds it"
                assert [entry.picks["size"] for entry in its_notebook(at).everything()] == ["small"]
            at = quiet(at.run())
            assert kept_line(at) == ["Kept in your notebook"]
            assert its_notebook(at).everything()[0].picks["size"] == "large"
    except CannotMountError as error:
        pytest.skip(f"no disk of our own here: {error}")
