"""The same notebook on a PostgreSQL server: one of its own, on the loopback, where Debian's postgresql is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from niwt_core.notebook import ChangedElsewhereError, Database, Kept, Notebook, NotebookError, create_notebook, database
from niwt_core.notebook import open_notebook as opened
from niwt_core.notebook.files import from_json, to_json

KEPT = Kept(title="Ärger 👩‍🔬", text="a bird", picks={"size": "small"}, figures={"found": 95}, importances=(0.5, -2.0))


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return Path(found).parent if found else folders[0].parent if folders else None


def _as_user() -> list[str]:
    """PostgreSQL does not run as root: there it runs as the user that Debian made for it."""
    if os.geteuid():
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("this is root, and there is no user postgres to run a server as")
    if shutil.which("runuser") is None:
        pytest.skip("this is root, and there is no runuser to run a server as another user")
    return ["runuser", "-u", "postgres", "--"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    user = _as_user()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not below pytest's own folder, which belongs to whoever runs the tests.
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, "postgres")
        place = f"{folder}/data"
        control = [*user, str(programs / "pg_ctl"), "-D", place, "-w", "-l", f"{folder}/log"]
        made = [*user, str(programs / "initdb"), "-D", place, "-U", "me", "--auth=trust", "--no-sync", "-E", "UTF8"]
        options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
        try:
            subprocess.run(made, check=True, capture_output=True, timeout=120, cwd=folder)
            subprocess.run(
                [*control, "-o", options, "start"], check=True, timeout=60, cwd=folder, stdout=subprocess.DEVNULL
            )
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        try:
            yield f"postgresql://me@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], timeout=60, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.fixture
def notebook(server: str) -> Notebook:
    data = Database(server)
    return opened(data, create_notebook(data))


def test_a_notebook_works_unchanged(notebook: Notebook) -> None:
    entry = notebook.keep(KEPT)
    assert notebook.everything() == (entry,)
    assert (entry.created, entry.importances, entry.figures) == (KEPT.created, KEPT.importances, {"found": 95})
    assert [e.id for e in notebook.page("ärger SMALL").entries] == [entry.id]
    mine = notebook.edit(entry.id, entry.version, "mine", "note")
    with pytest.raises(ChangedElsewhereError):
        notebook.edit(entry.id, entry.version, "theirs", "")
    copy = notebook.duplicate(entry.id)
    notebook.delete(entry.id)
    assert notebook.deleted() == (mine,)
    assert notebook.restore(entry.id) == mine
    assert from_json(to_json(notebook.some([copy.id])))[0].importances == KEPT.importances
    assert notebook.keep(replace(KEPT, figures={"found": 97})).id == entry.id


def test_two_first_visitors_make_the_tables_and_one_entry(server: str) -> None:
    secret = create_notebook(Database(server))
    ids: list[int] = []
    threads = [
        threading.Thread(target=lambda: ids.append(opened(Database(server), secret).keep(KEPT).id)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_a_locked_row_is_a_sentence(notebook: Notebook, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = notebook.keep(KEPT)
    monkeypatch.setattr(database, "PATIENCE", 1)
    other = Notebook(Database(server), notebook.id)
    with notebook.database.writing() as session:
        notebook._row(session, entry.id).note = "half written"
        session.flush()
        with pytest.raises(NotebookError, match="busy"):
            other.edit(entry.id, entry.version, "mine", "")
