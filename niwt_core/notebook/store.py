"""Notebooks in a database: made, opened by their secret, written and read.

A notebook's secret is its only key, and stands in its link. The database keeps the secret's SHA-256, not the secret:
whoever reads the database or a copy of it can open nobody's notebook. The secret is 192 random bits, so neither salt
nor a slow hash would add anything.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from niwt_core import limits
from niwt_core.notebook.database import Database
from niwt_core.notebook.errors import ChangedElsewhereError, GoneError, NotebookError, UnknownNotebookError
from niwt_core.notebook.kept import Entry, Kept, checked, checked_note, checked_title
from niwt_core.notebook.rows import entry_of, haystack, identity, is_untouched, joined, kept_of, write
from niwt_core.notebook.schema import EntryRow, NotebookRow
from niwt_core.typed import clean

SECRET_BYTES = 24
#: How long a deleted entry can come back.
UNDO_DAYS = 30
#: So many of them can, the last ones, whatever the clock says: one that is a year off sweeps nobody's notebook.
UNDO_ANYWAY = 100
#: Attempts at what two do at the same instant; each time one of them gets through.
_ATTEMPTS = 5
#: PostgreSQL's whole numbers end here, and refuse to be compared with larger ones.
_MOST_ID = 2**31 - 1
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True)
class Page:
    """Some entries, the last changed first, and how many there are in all."""

    entries: tuple[Entry, ...]
    total: int


@dataclass(frozen=True)
class Added:
    """What became of entries from a file: how many are new, and how many the notebook had already."""

    new: int
    known: int


def create_notebook(database: Database, secret: str = "") -> str:
    """Make an empty notebook; returns its secret, which is nowhere else.

    Args:
        secret: of an account, which is to open it, 32 characters; without one it is made up. Where there is a notebook
            with this secret, that one stays as it is.
    """
    secret = secret or secrets.token_urlsafe(SECRET_BYTES)
    if not _SECRET.fullmatch(secret):
        raise ValueError("A notebook's secret has 32 letters, digits, - and _.")
    with database.writing() as session:
        session.add(NotebookRow(secret=_hashed(secret), created=datetime.now(UTC)))
        try:
            session.flush()
        except IntegrityError:
            session.rollback()
    return secret


def open_notebook(database: Database, secret: str) -> Notebook:
    """The notebook that a secret opens.

    Raises:
        UnknownNotebookError: none.
    """
    found = None
    if _SECRET.fullmatch(secret):
        with database.reading() as session:
            found = session.scalar(select(NotebookRow.id).where(NotebookRow.secret == _hashed(secret)))
    if found is None:
        raise UnknownNotebookError(
            "There is no notebook at this link. It may be cut short, or belong to another computer; whoever has the "
            "whole link can open it there."
        )
    return Notebook(database, found)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Notebook:
    """One person's notebook. Each method is one short transaction; all raise `NotebookError`."""

    database: Database
    id: int

    # -- reading -------------------------------------------------------------------------------------------------------

    def page(self, search: str = "", offset: int = 0, limit: int = 12) -> Page:
        """Entries that hold every word of a search, in title, words, attributes or note."""
        wanted = self._here()
        for word in clean(search[: limits.SEARCH]).casefold().split():
            wanted = wanted.where(EntryRow.haystack.contains(word, autoescape=True))
        newest = wanted.order_by(EntryRow.changed.desc(), EntryRow.id.desc()).offset(max(0, offset)).limit(limit)
        with self.database.reading() as session:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            return Page(tuple(map(entry_of, session.scalars(newest))), total)

    def everything(self) -> tuple[Entry, ...]:
        """All entries, the last changed first."""
        return self.page(limit=limits.ENTRIES).entries

    def some(self, ids: Sequence[int]) -> tuple[Entry, ...]:
        """These entries, in this order; what is not there (any more) is left out."""
        possible = [i for i in ids if 0 < i <= _MOST_ID]
        with self.database.reading() as session:
            found = {row.id: entry_of(row) for row in session.scalars(self._here().where(EntryRow.id.in_(possible)))}
        return tuple(found[i] for i in dict.fromkeys(ids) if i in found)

    def deleted(self) -> tuple[Entry, ...]:
        """What can come back, the last deleted first."""
        rows = select(EntryRow).where(
            EntryRow.notebook_id == self.id, EntryRow.deleted >= datetime.now(UTC) - timedelta(UNDO_DAYS)
        )
        with self.database.reading() as session:
            return tuple(map(entry_of, session.scalars(rows.order_by(EntryRow.deleted.desc(), EntryRow.id))))

    # -- writing -------------------------------------------------------------------------------------------------------

    def keep(self, kept: Kept, grown_from: Entry | None = None) -> Entry:
        """Keep a described class: the same class is one entry, whose figures are brought up to date.

        A person's title and note stay. An entry that a class grew from by another pick, and that nobody has named,
        noted or trained, gives its place to the class, so that picking by hand leaves one entry and not ten.

        Args:
            grown_from: that entry, with the title it was given when it was kept.

        Raises:
            NotebookError: also a full notebook.
        """
        kept = checked(kept)
        return _settled(lambda: self._keep(kept, grown_from))

    def _keep(self, kept: Kept, grown_from: Entry | None) -> Entry:
        with self.database.writing() as session:
            kept = replace(kept, changed=self._after_all(session, kept.changed))
            row = session.scalar(self._here().where(EntryRow.home == kept.fingerprint))
            if row is None and grown_from is not None:
                earlier = session.scalar(self._here().where(EntryRow.id == grown_from.id))
                if earlier is not None and is_untouched(earlier, grown_from, kept):
                    row = earlier
                    write(row, replace(kept, created=row.created))
            if row is None:
                self._check_room(session, 1)
                row = EntryRow(notebook_id=self.id)
                write(row, kept)
                session.add(row)
            else:
                figures = joined(row.figures, kept.figures)
                measured = replace(kept_of(row), figures=figures, importances=kept.importances, order=kept.order,
                                   explanation=kept.explanation, world=kept.world, changed=kept.changed)  # fmt: skip
                write(row, measured)
            row.home = kept.fingerprint
            _flushed(session)
            return entry_of(row)

    def edit(self, entry: int, version: int, title: str, note: str) -> Entry:
        """Give an entry another title and note.

        Args:
            version: of the entry when its texts were read.

        Raises:
            InputError: a text that does not fit. ChangedElsewhereError: the entry has changed since. GoneError.
        """
        title, note = checked_title(title), checked_note(note)
        with self.database.writing() as session:
            row = self._row(session, entry)
            moment = self._after_all(session, datetime.now(UTC))
            changed = replace(kept_of(row), title=title, note=note, changed=moment)
            # Another tab's version is looked at in the same statement that writes, so none slips in between.
            same = update(EntryRow).where(EntryRow.id == entry, EntryRow.version == version)
            values = {"title": title, "note": note, "changed": changed.changed, "haystack": haystack(changed)}
            done: Any = session.execute(
                same.values(version=version + 1, **values).execution_options(synchronize_session=False)
            )
            if not done.rowcount:
                session.refresh(row)
                raise ChangedElsewhereError(
                    "This class was changed in another tab or by somebody else since you opened it. Nothing is "
                    "overwritten: choose which text to keep.",
                    entry_of(row),
                )
            session.refresh(row)
            return entry_of(row)

    def duplicate(self, entry: int) -> Entry:
        """A copy to change, beside the original."""
        with self.database.writing() as session:
            self._check_room(session, 1)
            original = kept_of(self._row(session, entry))
            now = datetime.now(UTC)
            title = f"{original.title[: limits.ENTRY_TITLE - 7]} (copy)"
            row = EntryRow(notebook_id=self.id)
            write(row, replace(original, title=title, created=now, changed=self._after_all(session, now)))
            session.add(row)
            _flushed(session)
            return entry_of(row)

    def delete(self, entry: int) -> None:
        """Put an entry aside for `UNDO_DAYS`; `restore` brings it back. What was put aside longer ago goes for good."""
        now = datetime.now(UTC)
        aside = select(EntryRow.id).where(EntryRow.notebook_id == self.id, EntryRow.deleted.isnot(None))
        last = aside.order_by(EntryRow.deleted.desc(), EntryRow.id.desc())
        with self.database.writing() as session:
            row = self._row(session, entry)
            row.deleted, row.home = now, None
            session.flush()
            stay = set(session.scalars(last.limit(UNDO_ANYWAY)))
            old = set(session.scalars(aside.where(EntryRow.deleted < now - timedelta(UNDO_DAYS)))) - stay
            session.execute(delete(EntryRow).where(EntryRow.id.in_(old)))

    def restore(self, entry: int) -> Entry:
        """Undo a deletion."""
        return _settled(lambda: self._restore(entry))

    def _restore(self, entry: int) -> Entry:
        with self.database.writing() as session:
            row = session.scalar(
                select(EntryRow).where(
                    EntryRow.notebook_id == self.id, EntryRow.id == entry, EntryRow.deleted.isnot(None)
                )
            )
            if row is None:
                raise GoneError("This class cannot come back: it is not among the deleted ones any more.")
            self._check_room(session, 1)
            row.deleted = None
            row.home = self._free_home(session, kept_of(row))
            _flushed(session)
            return entry_of(row)

    def add(self, entries: Iterable[Kept]) -> Added:
        """Take in entries from a file, all or none; one that is here already, word for word, is not taken twice."""
        arriving = [checked(entry) for entry in entries]
        return _settled(lambda: self._add(arriving))

    def _add(self, arriving: Sequence[Kept]) -> Added:
        now = datetime.now(UTC)
        with self.database.writing() as session:
            here = {identity(kept_of(row)) for row in session.scalars(self._here())}
            fresh = [entry for entry in arriving if identity(entry) not in here]
            self._check_room(session, len(fresh))
            for entry in reversed(fresh):  # files begin with the last changed: of equal times, it is the last here too
                row = EntryRow(notebook_id=self.id, home=self._free_home(session, entry))
                write(row, replace(entry, changed=min(entry.changed, now)))  # from a clock that was ahead of ours
                session.add(row)
                _flushed(session)
        return Added(len(fresh), len(arriving) - len(fresh))

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _here(self) -> Select[EntryRow]:
        return select(EntryRow).where(EntryRow.notebook_id == self.id, EntryRow.deleted.is_(None))

    def _row(self, session: Session, entry: int) -> EntryRow:
        row = session.scalar(self._here().where(EntryRow.id == entry))
        if row is None:
            raise GoneError("This class is not in the notebook any more; it was deleted, perhaps in another tab.")
        return row

    def _after_all(self, session: Session, moment: datetime) -> datetime:
        """A moment, or one just after the last change of this notebook where a clock that jumped has called that later.

        Entries stand in the order in which they were changed, whatever the clock says.
        """
        last = session.scalar(select(func.max(EntryRow.changed)).where(EntryRow.notebook_id == self.id))
        if last is None or last < moment or last >= _LAST:
            return moment
        return last + timedelta(microseconds=1)

    def _free_home(self, session: Session, kept: Kept) -> str | None:
        taken = session.scalar(self._here().where(EntryRow.home == kept.fingerprint))
        return kept.fingerprint if taken is None else None

    def _check_room(self, session: Session, n: int) -> None:
        there = session.scalar(select(func.count()).select_from(self._here().subquery())) or 0
        if there + n > limits.ENTRIES:
            raise NotebookError(
                f"A notebook holds at most {limits.ENTRIES:,} classes; this one has {there:,}, and {n:,} more do not "
                "fit. Delete some, or start a new notebook."
            )


#: No time comes after it.
_LAST = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")


class _RacedError(Exception):
    """The same class was kept twice at the same moment."""


def _settled(deed: Callable[[], T]) -> T:
    """Do what another tab may do at the same instant; then it is there, and doing it anew finds it.

    Raises:
        NotebookError: others were always quicker.
    """
    for _ in range(_ATTEMPTS):
        try:
            return deed()
        except _RacedError:
            continue
    raise NotebookError("Others are changing the same class in this notebook all the time; try again in a moment.")


def _flushed(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise _RacedError from error
