"""The database behind the notebooks: SQLite in a file unless a URL says otherwise; short transactions, no more."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from niwt_core.notebook.errors import NotebookError
from niwt_core.notebook.schema import is_prepared, prepare

#: Environment variables: a database other than the default file, and the folder of that file.
URL_VARIABLE, DATA_VARIABLE = "NIWT_NOTEBOOK_URL", "NIWT_DATA"
FILE = "notebook.sqlite"
#: Seconds that a transaction waits for another one to end, and for a server to answer.
PATIENCE = 3


def notebook_url() -> str:
    """Where notebooks are kept: `NIWT_NOTEBOOK_URL`, or else notebook.sqlite in `NIWT_DATA`, or else in ./projects."""
    folder = Path(os.environ.get(DATA_VARIABLE) or Path(__file__).parents[2] / "projects")
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{folder.absolute() / FILE}"


class Database:
    """Sessions on one engine, the tables made on first use.

    SQLite connections last as long as their transaction, so that a file that was moved away is noticed and none is
    held by a visitor who left. PostgreSQL connections are pooled, and checked before each use.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: as SQLAlchemy takes it: sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME.

        Raises:
            NotebookError: no URL of a database, or one whose driver is not installed.
        """
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg")
            self._sqlite = parsed.get_backend_name() == "sqlite"
            self._file = Path(parsed.database) if self._sqlite and parsed.database and not parsed.query else None
            self.engine = _sqlite_engine(parsed) if self._sqlite else _server_engine(parsed)
            self._at_rest = _engine_at_rest(self._file) if self._file else None
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
            # The URL may hold a password, so it is not repeated.
            raise NotebookError(
                f"The setting {URL_VARIABLE} is no URL of a database that this app can use; expected one such as "
                "sqlite:////folder/notebook.sqlite or postgresql://user:password@host/name."
            ) from error
        self._writing = self.engine.execution_options(writes=True)
        self._prepared: object = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to read in. On a full disk, or in a folder that can only be read, a file at rest is read as it is.

        Raises:
            NotebookError: the database cannot be read; the sentence says why.
        """
        with _said(), Session(self._readable(), expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at its end, or leaves everything as it was.

        Raises:
            NotebookError: the database cannot be written; the sentence says why.
        """
        with _said():
            self._ready()
            with Session(self._writing, expire_on_commit=False) as session:
                yield session
                session.commit()

    def _readable(self) -> Engine:
        """The engine to read with: SQLite needs to write a little even for reading, and where it cannot it need not.

        What was written is in the file alone as soon as nobody has it open: then there is no log beside it, nobody
        changes it, and it can be read without a trace.
        """
        try:
            self._ready()
            if self._at_rest is not None:
                with self.engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        except OperationalError as error:
            if self._at_rest is None or _is_busy(error) or not self._is_at_rest() or not is_prepared(self._at_rest):
                raise
            return self._at_rest
        return self.engine

    def _is_at_rest(self) -> bool:
        if self._file is None or not self._file.is_file():
            return False
        log = self._file.with_name(self._file.name + "-wal")
        return not log.exists() or not log.stat().st_size

    def _ready(self) -> None:
        """Make the tables on first use, and again where the file was taken away and another stands there, or none."""
        # Without a lock: several may do it at once, and where the database is locked each waits for itself alone.
        if self._prepared is not None and self._prepared == self._identity():
            return
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        if not is_prepared(self.engine):
            prepare(self._writing)
        self._prepared = self._identity()

    def _identity(self) -> object:
        """What tells one file from another at the same place."""
        if self._file is None:
            return "a server"
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _sqlite_engine(url: Any) -> Engine:
    # isolation_level None: the driver begins nothing by itself; `_begin` does, and says at once that it will write.
    arguments = {"timeout": PATIENCE, "isolation_level": None, "check_same_thread": False}
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # what is committed stays when the power goes
        with suppress(sqlite3.OperationalError):  # read-only or locked: what follows will say so
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the writer

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that reads first and writes later cannot wait for another writer; one that says so can.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _engine_at_rest(file: Path) -> Engine:
    """Reads a file that nobody changes, without locks and without anything beside it."""
    return create_engine(
        f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&immutable=1&uri=true", poolclass=NullPool
    )


def _server_engine(url: Any) -> Engine:
    arguments = {}
    if url.get_backend_name() == "postgresql":
        arguments = {"connect_timeout": PATIENCE, "options": f"-c lock_timeout={1000 * PATIENCE}"}
    return create_engine(url, pool_pre_ping=True, pool_recycle=600, connect_args=arguments)


@contextmanager
def _said() -> Iterator[None]:
    """What goes wrong inside becomes a sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise NotebookError(_sentence(error)) from error
    except OSError as error:
        raise NotebookError(
            f"The notebook’s folder cannot be made or read ({error.strerror or 'no reason given'}). What you made "
            "stays in this session."
        ) from error


def _is_busy(error: SQLAlchemyError) -> bool:
    cause = _cause(error)
    return "locked" in cause or "lock timeout" in cause or "busy" in cause


def _cause(error: SQLAlchemyError) -> str:
    return str(error.orig).lower() if isinstance(error, DBAPIError) else ""


def _sentence(error: SQLAlchemyError) -> str:
    """What happened, for the person; never the statement, its values or the URL."""
    cause = _cause(error)
    if _is_busy(error):
        why = f"The notebook is busy: another program has held it for more than {PATIENCE} seconds."
    elif "readonly" in cause or "read-only" in cause or "permission denied" in cause:
        why = "The notebook can only be read here, not written."
    elif "unable to open" in cause:
        why = "The notebook’s file cannot be opened: its folder is missing or may not be written."
    elif "not a database" in cause or "malformed" in cause:
        why = "The notebook’s file is damaged, or is no notebook."
    elif "disk" in cause:  # "database or disk is full"; where the full disk shows elsewhere, "disk I/O error"
        why = "The disk of the notebook is full, or broken."
    elif "connect" in cause or "server" in cause:
        why = "The notebook’s database does not answer."
    else:
        why = "The notebook’s database refused the work."
    return f"{why} What you made stays in this session; try again in a moment."
