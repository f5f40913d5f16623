"""Notebooks in a database: what is kept comes back, nobody overwrites anybody, and every failure is a sentence."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from niwt_core import limits
from niwt_core.errors import InputError
from niwt_core.notebook import (
    ChangedElsewhereError,
    Database,
    Entry,
    GoneError,
    Kept,
    Notebook,
    NotebookError,
    UnknownNotebookError,
    create_notebook,
    database,
    notebook_url,
    open_notebook,
    rows,
    store,
    title_of,
)
from niwt_core.notebook.schema import EntryRow, NotebookRow, VersionRow

YELLOW = Kept(
    title="a yellow bird",
    text="a yellow bird",
    picks={"back_color": "yellow"},
    world="Paper Birds",
    figures={"found": 95, "of": 100},
    importances=(0.5, -0.25, 1e-9),
    order=(2, 0, 1),
    explanation="Neuron 0 speaks for it.",
    created=datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    changed=datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
)


def content(kept: Kept) -> dict:
    return {name: getattr(kept, name) for name in rows.CONTENT}


@pytest.fixture
def data(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'made' / 'on use' / 'notebook.sqlite'}")


@pytest.fixture
def notebook(data: Database) -> Notebook:
    return open_notebook(data, create_notebook(data))


def test_what_is_kept_comes_back_word_for_word(notebook: Notebook) -> None:
    kept = notebook.keep(YELLOW)
    assert content(kept) == content(YELLOW)
    (found,) = notebook.everything()
    assert found == kept
    assert found.created.tzinfo is UTC


def test_secrets_are_long_unalike_and_not_in_the_database(data: Database) -> None:
    first, second = create_notebook(data), create_notebook(data)
    assert first != second
    assert len(first) == 32
    open_notebook(data, first).keep(YELLOW)
    assert open_notebook(data, second).everything() == ()
    raw = b"".join(file.read_bytes() for file in data._file.parent.iterdir())
    assert first.encode() not in raw
    with data.reading() as session:
        assert {len(secret) for secret in session.scalars(select(NotebookRow.secret))} == {64}


@pytest.mark.parametrize("secret", ["", "short", "x" * 32, "../" * 11, "é" * 32, "a" * 31 + "'", "y" * 10_000])
def test_no_notebook_opens_to_a_wrong_secret(data: Database, secret: str) -> None:
    create_notebook(data)
    with pytest.raises(UnknownNotebookError, match="no notebook at this link"):
        open_notebook(data, secret)


def test_the_same_class_is_one_entry_and_its_figures_add_up(notebook: Notebook) -> None:
    first = notebook.keep(YELLOW)
    named = notebook.edit(first.id, first.version, "My canary", "seen in a dream")
    again = notebook.keep(replace(YELLOW, figures={"found": 97, "of": 100, "strangers": 4}, changed=datetime.now(UTC)))
    assert again.id == first.id
    assert again.figures == {"found": 97, "of": 100, "strangers": 4}
    assert (again.title, again.note, again.version) == ("My canary", "seen in a dream", named.version)
    assert again.created == YELLOW.created
    assert notebook.page().total == 1


def test_a_count_on_fewer_pictures_does_not_replace_one_on_more(notebook: Notebook) -> None:
    notebook.keep(replace(YELLOW, figures={"found": 95, "of": 100, "claimed": 4, "strangers": 50}))
    fewer = {"found": 50, "of": 50, "claimed": 9, "strangers": 50, "milliseconds": 0.3}
    assert notebook.keep(replace(YELLOW, figures=fewer)).figures == {
        "found": 95, "of": 100, "claimed": 9, "strangers": 50, "milliseconds": 0.3,
    }  # fmt: skip


def test_another_project_or_another_word_is_another_class(notebook: Notebook) -> None:
    for kept in (YELLOW, replace(YELLOW, project="abcdef"), replace(YELLOW, text="a Yellow bird")):
        notebook.keep(kept)
    assert notebook.page().total == 3


def test_a_class_picked_part_by_part_leaves_one_entry(notebook: Notebook) -> None:
    first = notebook.keep(replace(YELLOW, figures={}, title=YELLOW.text))
    picked = replace(YELLOW, picks={"back_color": "yellow", "size": "small"}, figures={}, title=YELLOW.text)
    second = notebook.keep(picked, grown_from=first)
    assert second.id == first.id
    assert second.picks == picked.picks
    noted = notebook.edit(second.id, second.version, second.title, "keep this one")
    third = notebook.keep(replace(picked, picks={"size": "large"}), grown_from=second)
    assert third.id != second.id, "what a person wrote on stays"
    assert notebook.some([noted.id]) == (noted,)


@pytest.mark.parametrize(
    "change", [{"figures": {"misfit": 0.3}}, {"text": "other words"}, {"project": "other-project"}]
)
def test_what_was_measured_or_said_otherwise_is_not_replaced(notebook: Notebook, change: dict) -> None:
    first = notebook.keep(replace(YELLOW, title=YELLOW.text, **change))
    assert notebook.keep(replace(YELLOW, picks={"size": "large"}, figures={}), grown_from=first).id != first.id


def test_deleting_can_be_undone_and_ends_after_thirty_days(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = notebook.keep(YELLOW), notebook.keep(replace(YELLOW, text="two"))
    notebook.delete(one.id)
    assert notebook.everything() == (two,)
    assert notebook.deleted() == (one,)
    assert notebook.restore(one.id) == one
    assert notebook.everything() == (two, one)
    assert notebook.keep(YELLOW).id == one.id, "it is the class's own entry again"

    notebook.delete(one.id)
    with notebook.database.writing() as session:
        session.execute(update(EntryRow).values(deleted=datetime.now(UTC) - timedelta(31)).where(EntryRow.id == one.id))
    assert notebook.deleted() == ()
    monkeypatch.setattr(store, "UNDO_ANYWAY", 1)
    notebook.delete(two.id)
    with notebook.database.reading() as session:
        assert session.scalars(select(EntryRow.id)).all() == [two.id]
    with pytest.raises(GoneError):
        notebook.restore(one.id)


def test_a_deleted_class_described_again_is_a_new_entry_and_both_can_stay(notebook: Notebook) -> None:
    old = notebook.keep(YELLOW)
    notebook.delete(old.id)
    new = notebook.keep(YELLOW)
    assert new.id != old.id
    notebook.restore(old.id)
    assert notebook.page().total == 2
    assert notebook.keep(YELLOW).id == new.id


def test_a_copy_stands_beside_its_original(notebook: Notebook) -> None:
    first = notebook.keep(replace(YELLOW, title="t" * 120))
    copy = notebook.duplicate(first.id)
    assert copy.id != first.id
    assert copy.title == "t" * 113 + " (copy)"
    assert (copy.picks, copy.importances, copy.figures) == (first.picks, first.importances, first.figures)
    assert notebook.keep(YELLOW).id == first.id
    assert notebook.duplicate(copy.id).id != copy.id


def test_the_second_of_two_writers_is_told_and_overwrites_nothing(notebook: Notebook) -> None:
    read = notebook.keep(YELLOW)
    mine = notebook.edit(read.id, read.version, "first tab", "mine")
    with pytest.raises(ChangedElsewhereError, match="another tab") as caught:
        notebook.edit(read.id, read.version, "second tab", "theirs")
    assert caught.value.now == mine
    assert notebook.everything() == (mine,)
    theirs = notebook.edit(read.id, caught.value.now.version, "second tab", "theirs")
    assert (theirs.title, theirs.note) == ("second tab", "theirs")


def test_an_entry_of_another_notebook_is_out_of_reach(data: Database, notebook: Notebook) -> None:
    entry = notebook.keep(YELLOW)
    other = open_notebook(data, create_notebook(data))
    for deed in (other.duplicate, other.delete, other.restore, lambda i: other.edit(i, 1, "mine", "")):
        with pytest.raises(GoneError):
            deed(entry.id)
    assert other.some([entry.id]) == ()
    assert notebook.everything() == (entry,)


def test_search_finds_every_word_anywhere_and_takes_none_for_a_pattern(notebook: Notebook) -> None:
    notebook.keep(replace(YELLOW, title="Ärger im Wald", note="100% sure"))
    notebook.keep(replace(YELLOW, text="a grey owl", picks={"crown_color": "gray"}, title="owl"))

    def found(words: str) -> list[str]:
        return [entry.title for entry in notebook.page(words).entries]

    assert found("ärger YELLOW") == ["Ärger im Wald"]
    assert found("crown color gray") == ["owl"]
    assert found("100%") == ["Ärger im Wald"]
    assert found("1%0") == []
    assert found("_") == []
    assert found("owl yellow") == []
    assert found("' OR 1=1 --") == []
    assert sorted(found("paper birds")) == ["owl", "Ärger im Wald"]


def test_pages_are_cut_from_the_last_changed_on(notebook: Notebook) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for i in range(5):
        notebook.keep(replace(YELLOW, text=f"bird {i}", title=f"{i}", changed=start + timedelta(hours=i)))
    first, last = notebook.page(limit=2), notebook.page(offset=4, limit=2)
    assert [e.title for e in first.entries] == ["4", "3"]
    assert [e.title for e in last.entries] == ["0"]
    assert first.total == last.total == 5
    assert [e.title for e in notebook.some([last.entries[0].id, 99, first.entries[0].id])] == ["0", "4"]


def test_a_full_notebook_says_so_and_keeps_what_it_has(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ENTRIES", 2)
    one = notebook.keep(YELLOW)
    notebook.keep(replace(YELLOW, text="two"))
    notebook.keep(YELLOW)
    for deed in (lambda: notebook.keep(replace(YELLOW, text="three")), lambda: notebook.duplicate(one.id),
                 lambda: notebook.add([replace(YELLOW, text="four")])):  # fmt: skip
        with pytest.raises(NotebookError, match="at most 2 classes"):
            deed()
    assert notebook.page().total == 2


def test_entries_from_a_file_come_once(notebook: Notebook) -> None:
    arriving = [YELLOW, replace(YELLOW, title="named"), replace(YELLOW, text="other")]
    assert notebook.add(arriving) == store.Added(3, 0)
    assert notebook.add(arriving) == store.Added(0, 3)
    assert {(e.title, e.text) for e in notebook.everything()} == {(k.title, k.text) for k in arriving}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """The clock of the notebook, to be set."""
    moment = [datetime(2026, 5, 1, tzinfo=UTC)]
    clock = type("Clock", (datetime,), {"now": classmethod(lambda cls, tz: moment[0])})
    monkeypatch.setattr(store, "datetime", clock)
    return moment


@pytest.mark.parametrize("days", [365, -365])
def test_a_clock_that_jumps_changes_no_order_and_sweeps_nothing_away(
    notebook: Notebook, clock: list[datetime], days: int
) -> None:
    def described(text: str) -> Entry:
        return notebook.keep(replace(YELLOW, text=text, created=clock[0], changed=clock[0]))

    gone, first = described("gone"), described("first")
    notebook.delete(gone.id)
    clock[0] += timedelta(days)
    second, also_gone = described("second"), described("also gone")
    notebook.delete(also_gone.id)
    clock[0] -= timedelta(days) - timedelta(minutes=1)
    third = described("third")
    copy = notebook.duplicate(first.id)
    assert [entry.id for entry in notebook.everything()] == [copy.id, third.id, second.id, first.id]
    assert notebook.edit(first.id, 1, "named", "").created == first.created
    assert [entry.text for entry in notebook.everything()] == ["first", "first", "third", "second"]
    notebook.delete(third.id)
    assert notebook.restore(gone.id).text == "gone"
    assert notebook.restore(also_gone.id).text == "also gone"


def test_classes_from_a_file_of_a_clock_ahead_do_not_stay_on_top(notebook: Notebook) -> None:
    notebook.add([replace(YELLOW, text="ahead", changed=datetime(9999, 12, 31, 23, 59, 59, 999999, UTC))])
    notebook.keep(replace(YELLOW, text="now"))
    assert [entry.text for entry in notebook.everything()] == ["now", "ahead"]


def test_what_is_kept_at_the_very_instant_a_deleted_class_returns_does_no_harm(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PostgreSQL lets it happen: the other one's entry comes between the look and the writing."""
    old = notebook.keep(YELLOW)
    notebook.delete(old.id)
    new = notebook.keep(YELLOW)
    free_home, looks = Notebook._free_home, []

    def too_early(self: Notebook, session: Session, kept: Kept) -> str | None:
        looks.append(kept)
        return kept.fingerprint if len(looks) % 2 else free_home(self, session, kept)

    monkeypatch.setattr(Notebook, "_free_home", too_early)
    assert notebook.restore(old.id).id == old.id
    assert notebook.add([replace(YELLOW, title="from a file")]) == store.Added(1, 0)
    assert len(looks) == 4
    assert notebook.page().total == 3
    assert notebook.keep(YELLOW).id == new.id
    monkeypatch.setattr(Notebook, "_free_home", lambda self, session, kept: kept.fingerprint)
    with pytest.raises(NotebookError, match="try again in a moment"):
        notebook.add([replace(YELLOW, title="another")])
    assert notebook.page().total == 3


def test_two_tabs_that_keep_the_same_class_make_one_entry(data: Database) -> None:
    notebook = open_notebook(data, create_notebook(data))
    ids: list[int] = []
    threads = [threading.Thread(target=lambda: ids.append(notebook.keep(YELLOW).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("title", " \n\x00 ", "empty"),
        ("title", "t" * 121, "at most 120"),
        ("note", "n" * 100_000, "has 100,000 characters; at most 20,000 fit"),
        ("text", "t" * 1001, "at most 1,000"),
        ("picks", {"a\x00b": "c"}, "no name"),
        ("picks", {str(i): "x" for i in range(65)}, "at most 64"),
        ("of", "o" * 201, "no name"),
        ("project", "../../etc", "no key"),
        ("figures", {"found": float("nan")}, "finite"),
        ("figures", {"=HYPERLINK": 1.0}, "no name of a figure"),
        ("importances", (1.0, float("inf"), 0.0), "finite"),
        ("order", (0, 0, 1), "each of the 3 channels once"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(notebook: Notebook, field: str, value, part: str) -> None:
    with pytest.raises(InputError, match=part):
        notebook.keep(replace(YELLOW, **{field: value}))
    assert notebook.page().total == 0


def test_control_characters_go_and_the_rest_of_a_text_stays(notebook: Notebook) -> None:
    note = "one\r\ntwo\x00\x1b[31m\u202ethree <b>**bold**</b> 👩‍🔬"
    kept = notebook.keep(replace(YELLOW, title="\u202eA\tB\u2066 <i>c</i>", note=note))
    assert kept.title == "A B <i>c</i>"
    assert kept.note == "one\ntwo[31mthree <b>**bold**</b> 👩‍🔬"


def test_titles_are_the_short_form_of_the_words() -> None:
    assert title_of("a  small\nbird") == "a small bird"
    assert title_of("", ["black crown", "small size"]) == "black crown, small size"
    assert title_of("", (), "004.Gray_Bird") == "004.Gray Bird"
    assert title_of("") == "a class without words"
    long = title_of("a bird with a black cap, white wing bars and a short orange beak, and long legs")
    assert long == "a bird with a black cap, white wing bars and a short …"
    assert title_of("x" * 1000) == "x" * 58 + " …"


# -- what can go wrong with the database -------------------------------------------------------------------------------


def test_a_database_held_by_another_program_is_a_sentence_within_seconds(
    data: Database, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    quick = Notebook(Database(str(data.engine.url)), notebook.id)
    entry = quick.keep(YELLOW)
    held = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
    command = [sys.executable, "-c", f"{held}; print('held', flush=True); sys.stdin.read()", str(data._file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(NotebookError, match=r"busy: another program .* stays in this session"):
            quick.keep(replace(YELLOW, text="two"))
        assert quick.everything() == (entry,), "readers do not wait for the writer"
        other.stdin.close()
    assert quick.keep(replace(YELLOW, text="two")).text == "two"


def test_a_read_only_database_is_read_and_says_so_when_written(data: Database, notebook: Notebook) -> None:
    entry = notebook.keep(YELLOW)
    read_only = Notebook(Database(f"sqlite:///file:{data._file}?mode=ro&uri=true"), notebook.id)
    read_only.database._prepared = "a server"  # its tables are there
    assert read_only.everything() == (entry,)
    with pytest.raises(NotebookError, match="only be read here"):
        read_only.delete(entry.id)
    assert notebook.everything() == (entry,)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotebookError, match="folder cannot be made"):
        create_notebook(Database(f"sqlite:///{tmp_path / 'file' / 'notebook.sqlite'}"))
    with pytest.raises(NotebookError, match="cannot be opened"):
        create_notebook(Database(f"sqlite:///file:{tmp_path / 'none' / 'x.sqlite'}?mode=rw&uri=true"))


def test_a_file_that_is_no_database_is_a_sentence_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notebook.sqlite"
    file.write_bytes(b"my holiday pictures" * 100)
    with pytest.raises(NotebookError, match="damaged, or is no notebook"):
        create_notebook(Database(f"sqlite:///{file}"))
    assert file.read_bytes() == b"my holiday pictures" * 100


def test_a_file_taken_away_is_noticed_and_a_new_one_made(data: Database, notebook: Notebook) -> None:
    notebook.keep(YELLOW)
    for file in data._file.parent.iterdir():
        file.unlink()
    secret = create_notebook(data)
    assert open_notebook(data, secret).everything() == ()


def test_tables_of_a_newer_version_are_left_alone(data: Database, notebook: Notebook) -> None:
    with data.writing() as session:
        session.execute(update(VersionRow).values(version=2))
    with pytest.raises(NotebookError, match=r"newer version of this app \(its tables have version 2"):
        create_notebook(Database(str(data.engine.url)))


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://x", "mysql://me:secret@host/x", "postgresql://h:port/x"])
def test_a_setting_that_is_no_database_is_a_sentence_without_its_password(url: str) -> None:
    with pytest.raises(NotebookError, match="no URL of a database") as caught:
        Database(url).reading().__enter__()
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_a_sentence_without_its_password() -> None:
    with pytest.raises(NotebookError, match="does not answer") as caught:
        create_notebook(Database("postgresql://me:secret@127.0.0.1:9/x"))
    assert "secret" not in str(caught.value)


def test_the_settings_say_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NIWT_NOTEBOOK_URL", raising=False)
    monkeypatch.setenv("NIWT_DATA", str(tmp_path))
    assert notebook_url() == f"sqlite:///{tmp_path}/notebook.sqlite"
    monkeypatch.delenv("NIWT_DATA")
    assert notebook_url() == f"sqlite:///{Path(__file__).parents[1]}/projects/notebook.sqlite"
    monkeypatch.setenv("NIWT_NOTEBOOK_URL", "postgresql://host/name")
    assert notebook_url() == "postgresql://host/name"


def test_connections_end_with_their_transaction(data: Database, notebook: Notebook) -> None:
    notebook.keep(YELLOW)
    with data.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    lone = sqlite3.connect(data._file, timeout=0, isolation_level=None)
    lone.execute("PRAGMA journal_mode = DELETE")  # refused while anybody else is connected
    lone.close()
    assert not data._file.with_name("notebook.sqlite-wal").exists()
