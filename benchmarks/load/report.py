"""The figures of a lesson as Markdown."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from importlib.metadata import version

from benchmarks.load.lesson import Lesson
from benchmarks.load.measures import Spread, by, spread
from benchmarks.load.people import REFRESHES, THINKS, WATCHES

#: What has to be reached.
P95, SHARE = 2.0, 0.10
MIB = 2**20


def verdicts(lesson: Lesson) -> list[tuple[str, bool, str]]:
    """Each aim: its words, whether it is reached, and what was found."""
    log, found = lesson.log, spread(a.seconds for a in lesson.log.answered)
    grown = lesson.end.rss / lesson.start.rss - 1
    lost = [failure for failure in log.failures if failure.text.startswith("lost")]
    once = all(n <= 1 for name, n in lesson.loaded.items() if name != "_own")
    seen = sum(log.seen.values()) + len(lesson.guessed.opened)
    return [
        (
            "no failed interaction",
            not log.failures,
            f"{len(log.failures)} of {len(log.answered) + log.unanswered} clicks",
        ),
        ("95 % of clicks in at most 2 s", found.p95 <= P95, f"{found.p95:.2f} s"),
        ("memory back within 10 %", grown <= SHARE, f"{100 * grown:+.1f} %"),
        ("nothing lost", not lost, f"{log.n_sought - len(lost)} of {log.n_sought} things found again"),
        ("nothing seen across sessions", not seen, f"{log.n_messages:,} messages and {lesson.guessed.tries} guesses"),
        ("models are loaded once", once, ", ".join(f"{name} {n}" for name, n in lesson.loaded.items())),
    ]


def markdown(lesson: Lesson) -> str:
    """The whole report."""
    plan, log = lesson.plan, lesson.log
    found, alone = spread(a.seconds for a in log.answered), spread(a.seconds for a in lesson.alone)
    first = spread(a.first for a in log.answered)
    lines = [
        f"{plan.sessions} sessions, {plan.fits} of them fitting networks to {plan.photos:,} photos each, for "
        f"{plan.minutes:g} minutes; seed {plan.seed}. {_machine()} Between two clicks people think "
        f"{THINKS[0] * plan.hurry:g} to {THINKS[1] * plan.hurry:g} s, and watch a loop {WATCHES[0] * plan.hurry:g} to "
        f"{WATCHES[1] * plan.hurry:g} s; after {REFRESHES} of 100 clicks they refresh ({log.n_refreshes} times).",
        "",
        "| aim | reached | found |",
        "|---|---|---|",
        *(f"| {aim} | {'yes' if is_reached else '**no**'} | {what} |" for aim, is_reached, what in verdicts(lesson)),
        "",
        "| clicks | number | median | 95 % | 99 % | longest |",
        "|---|---:|---:|---:|---:|---:|",
        _row("all, until the page is whole", found),
        _row("all, until something new is there", first),
        _row("one person alone, before", alone),
        f"| everybody, in times of one alone | | {_ratio(found.median, alone.median)} | {_ratio(found.p95, alone.p95)} "
        f"| {_ratio(found.p99, alone.p99)} | {_ratio(found.longest, alone.longest)} |",
        *(_row(f"on “{page or 'start'}”", one) for page, one in by(log.answered, lambda a: a.page).items()),
        *(_row(kind, one) for kind, one in by(log.answered, lambda a: _kind(a.kind)).items()),
        "",
        f"| the server | at rest, before | at the most | at rest again, {lesson.rested:.0f} s after all left |",
        "|---|---:|---:|---:|",
        f"| memory of its process (MiB) | {lesson.start.rss / MIB:.0f} | {lesson.most.rss / MIB:.0f} "
        f"| {lesson.end.rss / MIB:.0f} |",
        f"| memory of fits and of those that draw (MiB) | {lesson.start.children / MIB:.0f} "
        f"| {lesson.most.children / MIB:.0f} | {lesson.end.children / MIB:.0f} |",
        f"| threads | {lesson.start.threads} | {lesson.most.threads} | {lesson.end.threads} |",
        "",
        f"The server’s process computed {100 * lesson.server_cpu:.0f} % of one core’s time, the visitors’ own process "
        f"{100 * lesson.own_cpu:.0f} %. {lesson.made} classes were kept, {lesson.n_fits} fits were done within the "
        f"time. {log.n_messages:,} messages ({log.n_bytes / MIB:.0f} MiB) came, and {lesson.polls:,} times a living "
        f"part of a page was asked for.",
    ]
    if log.failures:
        lines += ["", "What failed:", ""]
        counted = Counter((failure.page, failure.text) for failure in log.failures)
        lines += [f"- {n} × on “{page}”: {text}" for (page, text), n in counted.most_common(30)]
    if lesson.tracebacks:
        lines += ["", "What the server’s log tells of errors:", ""]
        lines += [f"- {n} × `{text}`" for text, n in lesson.tracebacks.most_common(20)]
    if log.seen or lesson.guessed.opened:
        lines += ["", "What was seen by others:", ""]
        lines += [f"- {whose or 'somebody who guesses'} saw {word}, {n} times" for (whose, word), n in log.seen.items()]
        lines += [f"- guessed: {address}" for address in lesson.guessed.opened]
    return "\n".join(lines) + "\n"


def _kind(kind: str) -> str:
    """A click's kind without what is a key of one project or one part."""
    return re.sub(r"(own_words|own_title|pick)_\w+|pick\d", r"\1 …", kind)


def _row(name: str, one: Spread) -> str:
    return f"| {name} | {one.n} | {one.median:.2f} s | {one.p95:.2f} s | {one.p99:.2f} s | {one.longest:.2f} s |"


def _ratio(many: float, alone: float) -> str:
    return f"{many / alone:.1f} ×" if alone else "–"


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, Streamlit {version('streamlit')}, torch "
        f"{version('torch')}, client and server on the same machine."
    )
