"""One lesson: a server of its own, a first visitor, one person alone, everybody at once, and the time afterwards."""

from __future__ import annotations

import asyncio
import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks.load.client import Answered, Session
from benchmarks.load.guessing import Guessed, guess
from benchmarks.load.measures import Cost, Log, Watch, loads, metrics, sessions, tracebacks
from benchmarks.load.people import MARKER, Fitter, Person, Pupil, description
from benchmarks.serving import served

#: Seconds between two looks at the server's memory.
LOOKS = 1.0
#: Seconds that one person has the server alone.
ALONE = 45.0
#: Seconds until a session that has left may be forgotten by the server, and a little more.
REST = 90.0
#: Seconds in which the server tidies up once (`pages/shared/jobs/tidying.py`), and a little more.
TIDIED = 35.0
#: Seconds that the first visitor waits for a page, while models are loaded.
COLD = 300.0
#: Pages that the first visitor opens, all of them.
_EVERY = (
    "describe", "importances", "train", "explain", "which_words", "what_if", "methods", "dictionary", "notebook",
    "proof", "faithful", "evaluate", "own", "",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How many, how long.

    Attributes:
        fits: how many of the sessions fit networks. photos: of each fit. hurry: think times are multiplied by it.
        rest: seconds to come to rest at the end.
    """

    sessions: int = 30
    minutes: float = 10.0
    fits: int = 2
    photos: int = 2000
    seed: int = 0
    hurry: float = 1.0
    rest: float = REST


@dataclass(frozen=True)
class Lesson:
    """What was found.

    Attributes:
        alone: clicks of one person who had the server alone, before. log: of everybody together.
        start, most, end: the server, at rest after the first visitor, at its most, and at rest again.
        loaded: model -> times read from disk. own_cpu: this client's share of one core. server_cpu: the server's.
        made: classes and projects that pages said were kept; n_fits: fits that were done.
        tracebacks: what the server's log tells of errors.
    """

    plan: Plan
    alone: list[Answered]
    log: Log
    guessed: Guessed
    start: Cost
    most: Cost
    end: Cost
    rested: float
    left: int
    loaded: dict[str, int]
    own_cpu: float
    server_cpu: float
    polls: int
    pictures: int
    made: int
    n_fits: int
    tracebacks: Counter[str] = field(default_factory=Counter)


def hold(plan: Plan, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Lesson:
    """Hold a lesson on a server with private notebooks and projects in `folder`."""
    settings = {
        "NIWT_PROJECTS": str(folder / "projects"),
        "NIWT_NOTEBOOK_URL": f"sqlite:///{folder / 'notebooks.sqlite'}",
        "NIWT_DATA": str(folder / "data"),
    }
    (folder / "data").mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with served(log, environment=settings) as url:
        found = asyncio.run(_hold(plan, url, tell))
    return replace(found, tracebacks=tracebacks(log.read_text(errors="replace")))


async def _hold(plan: Plan, url: str, tell: Callable[[str], None]) -> Lesson:
    watch = Watch(_pid_of(url))
    tell("the first visitor walks through every page")
    await _first_visitor(plan, url)
    tell("one person alone")
    alone = Log(MARKER)
    await Pupil(-1, url, plan.seed, alone, time.monotonic() + ALONE, hurry=0.05).live()
    tell(f"coming to rest, {plan.rest + TIDIED:.0f} s")
    await _rest(plan, url)
    start = watch.now()
    log = Log(MARKER)
    people = _people(plan, url, log)
    looking = asyncio.create_task(_keep_looking(watch, log, tell))
    began, own, theirs = time.monotonic(), time.process_time(), watch.now().cpu
    tell(f"{len(people)} people for {plan.minutes:g} minutes")
    await asyncio.gather(*(person.live() for person in people))
    seconds = time.monotonic() - began
    own_cpu, server_cpu = (time.process_time() - own) / seconds, (watch.now().cpu - theirs) / seconds
    looking.cancel()
    sessions_of = [person.session for person in people if person.session]
    polls, came = sum(s.n_polls for s in sessions_of), sum(s.n_pictures for s in sessions_of)
    tell("everybody looks for what they made")
    for person in people:
        await person.finds_again()
    tell("somebody guesses")
    addresses = [person.address for person in people]
    guessed = await guess(url, log, addresses[:3] + addresses[-plan.fits :], _ids(people)[:3], plan.seed)
    tell(f"coming to rest, {plan.rest + TIDIED:.0f} s")
    left = time.monotonic()
    await _rest(plan, url)
    counters = await asyncio.to_thread(metrics, url)
    return Lesson(
        plan, alone.answered, log, guessed, start, watch.most, watch.now(), time.monotonic() - left, sessions(counters),
        loads(counters), own_cpu, server_cpu,
        polls, came,
        sum(len(person.made) for person in people), sum(p.n_done for p in people if isinstance(p, Fitter)),
    )  # fmt: skip


def _people(plan: Plan, url: str, log: Log) -> list[Person]:
    until = time.monotonic() + 60 * plan.minutes
    pupils = max(0, plan.sessions - plan.fits)
    people: list[Person] = [Pupil(i, url, plan.seed, log, until, plan.hurry) for i in range(pupils)]
    for i in range(plan.fits):
        fitter = Fitter(pupils + i, url, plan.seed, log, until, plan.hurry)
        fitter.n_photos = plan.photos
        people.append(fitter)
    return people


async def _first_visitor(plan: Plan, url: str) -> None:
    """After this every model is loaded and every module imported. A cold start is not what is measured here."""
    log = Log(MARKER)  # not looked at
    visitor = Pupil(-2, url, plan.seed, log, math.inf, hurry=0.0)
    visitor.session = visitor.tab_at("describe")
    visitor.session.patience = COLD
    chance = random.Random(plan.seed)
    await visitor.tab.open()
    await visitor.tab.write("words", description(chance, visitor.marker))
    await asyncio.sleep(1)
    for page in _EVERY:
        await visitor.tab.go(page)
    await visitor.tab.close()
    if plan.fits:  # the page of uploads goes on only with one
        brings = Fitter(-3, url, plan.seed, log, math.inf, hurry=0.0)
        brings.n_photos = 40
        brings.session = brings.tab_at("own")
        brings.session.patience = COLD
        await brings.tab.open()
        await brings.prepare()
        await brings.tab.close()


async def _rest(plan: Plan, url: str) -> None:
    """Nobody is there, but for one more visitor, who comes and goes.

    Streamlit forgets sessions whose time is over when the next one leaves; the server tidies up after them.
    """
    await asyncio.sleep(plan.rest)
    last = Session(url, patience=COLD)
    await last.open()
    await last.close()
    await asyncio.sleep(TIDIED)


async def _keep_looking(watch: Watch, log: Log, tell: Callable[[str], None]) -> None:
    told = time.monotonic()
    while True:
        await asyncio.sleep(LOOKS)
        now = await asyncio.to_thread(watch.now)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            tell(f"  {len(log.answered)} clicks, {len(log.failures)} failures, {now.rss / 2**20:.0f} MiB, "
                 f"{now.threads} threads")  # fmt: skip


def _ids(people: list[Person]) -> list[str]:
    return [person.session.id for person in people if person.session and person.session.id]


def _pid_of(url: str) -> int:
    """The process that listens at this address."""
    port = urlsplit(url).port
    for process in psutil.Process(os.getpid()).children(recursive=True):
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in process.net_connections("inet")):
            return process.pid
    raise RuntimeError(f"no process of ours listens at {url}")
