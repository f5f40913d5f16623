"""Somebody who wants to see what others made, with wrong, short and changed secrets and keys."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.load.client import Session, UnansweredError
from benchmarks.load.measures import Log
from benchmarks.load.wire import Wire, WireError


@dataclass(frozen=True)
class Guessed:
    """tries: addresses that were asked for; opened: those that showed somebody's word."""

    tries: int
    opened: tuple[str, ...]


async def guess(url: str, log: Log, addresses: Sequence[dict[str, str]], names: Sequence[str], seed: int) -> Guessed:
    """Try addresses near those of real people; nothing that comes may hold a word of anybody.

    Args:
        addresses: parameters of real people's addresses (`notebook`, `shelf`, `project`).
        names: ids of real sessions, to ask for files in their name.
    """
    chance = random.Random(f"guess {seed}")
    tries, opened = 0, []
    for page, query in _near(addresses, chance):
        tries += 1
        before = sum(log.seen.values())
        session = Session(url, page, query, hears=lambda raw: log.hear("", raw))
        try:
            await session.open()
        except (UnansweredError, WireError) as error:
            log.fail(-1, page, f"guessing: {error}")
        await session.close()
        if sum(log.seen.values()) > before:
            opened.append(f"{page}?{query}")
    wire = Wire(url)
    for name in names:
        for path in (f"/_stcore/upload_file/{name}/1", f"/media/{name}", f"/media/../{name}", f"/component/{name}"):
            tries += 1
            before = sum(log.seen.values())
            log.hear("", (await wire.ask("GET", path)).body)
            if sum(log.seen.values()) > before:
                opened.append(path)
    wire.close()
    return Guessed(tries, tuple(opened))


def _near(addresses: Sequence[dict[str, str]], chance: random.Random) -> list[tuple[str, str]]:
    """Pages and queries: secrets cut short, with letters changed, empty, of other people's kinds, and wild cards."""
    letters = string.ascii_letters + string.digits
    found = []
    for address in addresses:
        for name, page in (("notebook", "notebook"), ("shelf", "own")):
            secret = address.get(name, "")
            if not secret:
                continue
            place = chance.randrange(len(secret))
            other = chance.choice([c for c in "0123456789abcdef" if c != secret[place].lower()])
            wrong = (
                secret[:-1],
                secret[:8],
                secret[1:],
                secret[:place] + other + secret[place + 1 :],
                secret + "0",
                secret.swapcase() if secret.swapcase() != secret else secret[::-1],
                "".join(chance.choice(letters) for _ in secret),
            )
            found += [(page, f"{name}={value}") for value in wrong]
        if project := address.get("project", ""):
            place = chance.randrange(len(project))
            other = chance.choice([c for c in letters if c != project[place]])
            near = (project[:-1], project[: len(project) // 2], project[:place] + other + project[place + 1 :])
            found += [("importances", f"project={value}") for value in near]
    wild = ("%25", "*", "..", "../..", "%2e%2e%2f", "1", "0", "' OR 1=1 --", "_" * 32, "0" * 32)
    found += [
        (page, f"{name}={value}") for value in wild for name, page in (("notebook", "notebook"), ("shelf", "own"))
    ]
    found += [("importances", f"project={value}") for value in wild]
    return found
