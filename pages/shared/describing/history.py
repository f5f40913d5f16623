"""The edits of a what-if: every version with what changed, undo and redo, and the version that others are held against.

Kept in the session, one history for each project; the version at hand also stands in the address, for a refresh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from niwt_core.limits import DESCRIPTION
from niwt_core.typed import clean
from niwt_core.worlds.described import Described, picks_of

if TYPE_CHECKING:
    from niwt_core.worlds.base import World

#: Versions that are kept; beyond that the oldest are forgotten.
MAX_VERSIONS = 100
_FIRST, _ANEW, _REFRESHED = "as it came", "described anew", "as it was before the refresh"
_TEXT, _PICKS = "now_text", "now_picks"


@dataclass(frozen=True)
class Version:
    """A described class, and what was changed to come to it, in plain words."""

    described: Described
    change: str


@dataclass(frozen=True)
class History:
    """Versions in the order they were made, never changed: each step gives a new history.

    Attributes:
        at: which of them is now. pinned: the one it is held against.
        base: identity of the class that the other pages work on, as it was when this history last saw it.
    """

    versions: tuple[Version, ...]
    at: int
    pinned: Version
    base: str

    @property
    def now(self) -> Described:
        return self.versions[self.at].described

    @property
    def before(self) -> Described:
        return self.pinned.described

    @property
    def can_undo(self) -> bool:
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        return self.at < len(self.versions) - 1

    def edited(self, described: Described, change: str) -> History:
        """One more version after the one at hand; those that were undone are forgotten. The same again is no edit."""
        if described == self.now:
            return self
        versions = (*self.versions[: self.at + 1], Version(described, change))[-MAX_VERSIONS:]
        return replace(self, versions=versions, at=len(versions) - 1)

    def gone_to(self, at: int) -> History:
        """Another of the versions at hand; the nearest one where there is none of that number."""
        return replace(self, at=max(0, min(at, len(self.versions) - 1)))

    def with_pin(self) -> History:
        """The version at hand is what others are held against from now on."""
        return replace(self, pinned=self.versions[self.at])

    def kept(self) -> History:
        """The version at hand has become the class that other pages work on."""
        return replace(self, base=self.now.identity)

    def seen(self, current: Described) -> History:
        """What other pages have made of the class since: another description is one more version, and pinned."""
        if current.identity == self.base:
            return self
        anew = self.edited(current, _ANEW)
        return replace(anew, pinned=anew.versions[anew.at], base=current.identity)


def begun(current: Described) -> History:
    """The history of a class that nothing has been changed of."""
    first = Version(current, _FIRST)
    return History((first,), 0, first, current.identity)


def history_of(world: World, current: Described) -> History:
    """The session's history in this world, brought up to the class that other pages work on."""
    kept: History | None = _all().get(world.key)
    if kept is None:
        kept = begun(current)
        if (edited := _from_address(world, current)) is not None:
            kept = kept.edited(edited, _REFRESHED)
    return keep(world, kept.seen(current))


def keep(world: World, history: History) -> History:
    """Remember it in the session, and the version at hand in the address."""
    _all()[world.key] = history
    now = history.now
    found = {} if now.identity == history.base else {_TEXT: now.text, _PICKS: now.key}
    for name in (_TEXT, _PICKS):
        if not found.get(name):
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != found[name]:
            st.query_params[name] = found[name]
    return history


def _all() -> dict[str, History]:
    found: dict[str, History] = st.session_state.setdefault("what_if_histories", {})
    return found


def _from_address(world: World, current: Described) -> Described | None:
    """The version that stood at hand before a refresh; None where the address has none that this world can read."""
    text, key = clean(st.query_params.get(_TEXT, "")[:DESCRIPTION], lines=True), st.query_params.get(_PICKS, "")
    picks = picks_of(key, world.groups)
    if not picks and (world.drawn or not text.strip()):
        return None
    return Described(text, picks, current.of)
