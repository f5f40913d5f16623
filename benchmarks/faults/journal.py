"""What a writer announced and confirmed, and what may therefore be found after it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: What is not there.
ABSENT = "absent"


@dataclass
class Journal:
    """Everything by name, and the contents that each may have now.

    A writer announces what it is going to do (`doing`) and confirms it (`done`) when the app's own function has
    returned. In between the old and the new are both right; afterwards only the new. A content that ends with * stands
    for all that begin so.
    """

    may_be: dict[str, set[str]] = field(default_factory=dict)
    confirmed: int = 0

    def hear(self, event: Mapping[str, str]) -> None:
        """One line of a writer: {"doing" or "done": name, "is": content}."""
        if name := event.get("doing"):
            self.may_be.setdefault(name, {ABSENT}).add(event["is"])
        else:
            self.may_be[event["done"]] = {event["is"]}
            self.confirmed += 1

    def judge(self, found: Mapping[str, str]) -> Verdict:
        """Compare with what a fresh reader found; from now on only that is right."""
        lost, wrong = [], []
        for name, allowed in self.may_be.items():
            there = found.get(name, ABSENT)
            if not any(_is(there, one) for one in allowed):
                (lost if there == ABSENT else wrong).append(f"{name}: {there[:60]}, not {sorted(allowed)[0][:60]}")
        wrong += [f"{name}: nobody wrote it" for name in found if name not in self.may_be]
        self.may_be = {name: {found.get(name, ABSENT)} for name in self.may_be}
        return Verdict(lost, wrong)


@dataclass(frozen=True)
class Verdict:
    """What was confirmed and is not there, and what is there and is not whole."""

    lost: list[str]
    half_read: list[str]


def _is(there: str, allowed: str) -> bool:
    return there.startswith(allowed[:-1]) if allowed.endswith("*") else there == allowed
