"""The line: all long work of this server takes turns, and everybody can see their place. No Streamlit here.

Who has been served longest ago goes first, whoever came first; so a person with five fits waits behind one who has
none. Work in the server's own threads (`Kind.LOOK`) has its turn for `QUANTUM` seconds, and where others wait then it
stands at the end again. Fits (`Kind.FIT`) are processes of their own and keep their turn until they are done: half a
fit would keep all its memory.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

#: A turn lasts so many seconds where others wait.
QUANTUM = 15.0
#: So often who waits looks whether it is still wanted.
LOOK_AGAIN = 0.25
#: People remembered as served.
_REMEMBERED = 1000
#: Another number of fits at once than one for each core, two at most.
FITS_VARIABLE = "NIWT_FITS_AT_ONCE"


class Kind(Enum):
    """What is done in a turn; each kind has its own number of turns at once."""

    LOOK = "look"
    FIT = "fit"


def always() -> bool:
    """Work that nobody stops."""
    return True


def fits_at_once() -> int:
    """As the operator says, or one for each core, two at most."""
    said = os.environ.get(FITS_VARIABLE, "")
    return max(1, int(said)) if said.isdigit() else min(2, os.cpu_count() or 1)


class Line:
    """Everything that waits for its turn, and everything that has one.

    Args:
        at_once: how many turns of each kind there are at the same time.
    """

    def __init__(self, at_once: Mapping[Kind, int] | None = None) -> None:
        self.changed = threading.Condition(threading.RLock())  # guards all of the line; told of every change
        self._at_once = dict(at_once) if at_once is not None else {Kind.LOOK: 3, Kind.FIT: fits_at_once()}
        self._waiting: list[Turn] = []  # in the order they came
        self._having: list[Turn] = []
        self._count = itertools.count(1)
        self._served: OrderedDict[str, int] = OrderedDict()  # owner -> a number that grows from turn to turn

    def stand(self, kind: Kind, owner: str) -> Turn:
        """A place to ask for turns from; it is not in line yet. owner: whose work it is, for fairness."""
        return Turn(self, kind, owner)

    def order(self, kind: Kind) -> list[Turn]:
        """Who waits, in the order in which they will be let in."""
        with self.changed:
            rest = [turn for turn in self._waiting if turn.kind is kind]
            held = Counter(turn.owner for turn in self._having)
            found: list[Turn] = []
            while rest:
                first = min(rest, key=lambda turn: (held[turn.owner], self._served.get(turn.owner, 0)))
                rest.remove(first)
                held[first.owner] += 1
                found.append(first)
            return found

    def _enter(self, turn: Turn) -> bool:
        """Stand at the end, unless there already; whether it has its turn now."""
        if turn in self._having:
            return True
        if turn not in self._waiting:
            self._waiting.append(turn)
        free = self._at_once[turn.kind] - sum(other.kind is turn.kind for other in self._having)
        if free < 1 or turn not in self.order(turn.kind)[:free]:
            return False
        self._waiting.remove(turn)
        self._having.append(turn)
        self._served[turn.owner] = next(self._count)
        self._served.move_to_end(turn.owner)
        while len(self._served) > _REMEMBERED:
            self._served.popitem(last=False)
        self.changed.notify_all()
        return True

    def _leave(self, turn: Turn) -> None:
        for group in (self._waiting, self._having):
            if turn in group:
                group.remove(turn)
                self.changed.notify_all()

    def _is_wanted(self, kind: Kind) -> bool:
        return any(turn.kind is kind for turn in self._waiting)

    def _has(self, turn: Turn) -> bool:
        return turn in self._having


class Turn:
    """One piece of work's standing in the line; made by `Line.stand`."""

    def __init__(self, line: Line, kind: Kind, owner: str) -> None:
        self.line, self.kind, self.owner = line, kind, owner
        self._since = 0.0

    @property
    def place(self) -> int:
        """1 for who is let in next, 2 for the one after; 0 for who does not wait."""
        with self.line.changed:
            order = self.line.order(self.kind)
            return order.index(self) + 1 if self in order else 0

    @property
    def is_on(self) -> bool:
        """Whether it is this one's turn."""
        with self.line.changed:
            return self.line._has(self)

    def enter(self) -> bool:
        """Stand in line, unless there already, and say whether it is this one's turn; does not wait."""
        with self.line.changed:
            had = self.line._has(self)
            on = self.line._enter(self)
            if on and not had:
                self._since = time.monotonic()
            return on

    def wait(self, wanted: Callable[[], bool] = always) -> bool:
        """Stand in line until it is this one's turn; False, and out of the line, once it is not `wanted` any more."""
        with self.line.changed:
            while wanted():
                if self.enter():
                    return True
                self.line.changed.wait(LOOK_AGAIN)
        self.leave()
        return False

    def pass_on(self, wanted: Callable[[], bool] = always) -> bool:
        """Between two units of work: let others in if the turn is over, and wait for the next; False as `wait`."""
        with self.line.changed:
            over = time.monotonic() - self._since > QUANTUM
            if self.line._has(self) and over and self.line._is_wanted(self.kind):
                self.leave()
            if self.line._has(self):
                return True
        return self.wait(wanted)

    def leave(self) -> None:
        """Go out of the line, or give the turn back."""
        with self.line.changed:
            self.line._leave(self)

    @contextmanager
    def taken(self, wanted: Callable[[], bool] = always) -> Iterator[bool]:
        """`wait`, and `leave` at the end whatever happens."""
        try:
            yield self.wait(wanted)
        finally:
            self.leave()


def alone() -> Turn:
    """A turn that nobody else is in line for."""
    return Line().stand(Kind.LOOK, "")
