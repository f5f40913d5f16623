"""The tables, the same for SQLite and PostgreSQL, and their version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Engine, ForeignKey, String, Text, UniqueConstraint, inspect, select
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from niwt_core.notebook.errors import NotebookError

VERSION = 1


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite has no zones, so none is written and UTC is what comes back."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables of a notebook."""


class VersionRow(Base):
    """One row: the version of the tables."""

    __tablename__ = "notebook_version"
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class NotebookRow(Base):
    """A person's notebook. Of its secret only the SHA-256 is kept, see `store`."""

    __tablename__ = "notebooks"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(Utc)


class EntryRow(Base):
    """A class in a notebook, see `kept.Entry`.

    Attributes:
        home: the class's fingerprint in the one entry that is updated when the class is described again; None in
            copies and in what is deleted.
        haystack: all words of the entry, case folded, to search in.
        deleted: when it was put aside; it can come back until it is swept.
    """

    __tablename__ = "notebook_entries"
    __table_args__ = (UniqueConstraint("notebook_id", "home"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    notebook_id: Mapped[int] = mapped_column(ForeignKey("notebooks.id", ondelete="CASCADE"), index=True)
    home: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    picks: Mapped[dict[str, str]] = mapped_column(JSON)
    of: Mapped[str] = mapped_column("of_class", Text)
    project: Mapped[str] = mapped_column(String(64))
    world: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    figures: Mapped[dict[str, float]] = mapped_column(JSON)
    importances: Mapped[list[float]] = mapped_column(JSON)
    order: Mapped[list[int]] = mapped_column("barcode_order", JSON)
    explanation: Mapped[str] = mapped_column(Text)
    haystack: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Utc)
    changed: Mapped[datetime] = mapped_column(Utc, index=True)
    deleted: Mapped[datetime | None] = mapped_column(Utc)


def is_prepared(engine: Engine) -> bool:
    """Whether the tables are there, of this program's version; only looks.

    Raises:
        NotebookError: tables of a newer version.
    """
    if not inspect(engine).has_table(VersionRow.__tablename__):
        return False
    with Session(engine) as session:
        return _is_ours(session)


def _is_ours(session: Session) -> bool:
    found = session.scalar(select(VersionRow.version).order_by(VersionRow.version.desc()).limit(1))
    if found is not None and found != VERSION:
        raise NotebookError(
            f"The notebook was written by a newer version of this app (its tables have version {found}; this app "
            f"knows version {VERSION}). Please update the app; nothing in the notebook was touched."
        )
    return found is not None


def prepare(engine: Engine) -> None:
    """Make the tables where there are none, and see that they are of this program's version.

    Raises:
        NotebookError: tables of a newer version.
    """
    if not inspect(engine).has_table(VersionRow.__tablename__):
        try:
            Base.metadata.create_all(engine)
        except (IntegrityError, ProgrammingError):  # another process is making them at this moment: see what it made
            Base.metadata.create_all(engine)
    with Session(engine) as session:
        if not _is_ours(session):
            session.add(VersionRow(version=VERSION))
            try:
                session.commit()
            except IntegrityError:
                session.rollback()
