"""What is written down while people are at the server, and what the server itself costs."""

from __future__ import annotations

import math
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import psutil

from benchmarks.load.client import Answered

#: Caches whose misses are models read from disk: the birds' project, people's own projects, the sentence encoder.
MODELS = {"_birds": "the birds’ network", "_own": "projects of people’s own", "encoder": "the sentence encoder"}


@dataclass(frozen=True)
class Failure:
    """One thing that a person would call broken."""

    seconds: float
    person: int
    page: str
    text: str


@dataclass
class Log:
    """Everything that happened to everybody.

    Attributes:
        prefix: how all secret words begin. words: those that somebody has; what is not among them is chance, as in
            the letters of a picture. secrets: word -> what opens that person's notebook and projects.
    """

    prefix: str
    words: set[str] = field(default_factory=set)
    secrets: dict[str, set[bytes]] = field(default_factory=dict)
    answered: list[Answered] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)  # (whose tab, whose word) -> how often
    n_messages: int = 0
    n_bytes: int = 0
    n_refreshes: int = 0
    n_sought: int = 0
    unanswered: int = 0
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._like = re.compile(self.prefix.encode() + rb"[a-z]{8}", re.IGNORECASE)

    def hear(self, own: str, raw: bytes) -> None:
        """Look through a message that arrived for somebody: nothing of anybody else may be in it."""
        self.n_messages += 1
        self.n_bytes += len(raw)
        for found in set(self._like.findall(raw)):
            word = found.decode().lower()
            if word != own and word in self.words:
                self.seen[own, word] += 1
        for word, secrets in self.secrets.items():
            if word != own and any(secret in raw for secret in secrets):
                self.seen[own, f"the secret of {word}"] += 1

    def fail(self, person: int, page: str, text: str) -> None:
        """Write down what broke."""
        self.failures.append(Failure(time.monotonic() - self.began, person, page or "start", text))


@dataclass(frozen=True)
class Spread:
    """Of some seconds: how many, their median, 95th and 99th percentile, and the longest."""

    n: int
    median: float
    p95: float
    p99: float
    longest: float


def spread(seconds: Iterable[float]) -> Spread:
    """The nearest-rank percentiles; all NaN for none."""
    ordered = sorted(seconds)
    if not ordered:
        return Spread(0, math.nan, math.nan, math.nan, math.nan)

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Spread(len(ordered), at(0.5), at(0.95), at(0.99), ordered[-1])


def by(answered: Sequence[Answered], what: Callable[[Answered], str]) -> dict[str, Spread]:
    """The spread of each group, the slowest first."""
    groups: dict[str, list[float]] = {}
    for one in answered:
        groups.setdefault(what(one), []).append(one.seconds)
    found = {name: spread(seconds) for name, seconds in groups.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1].p95))


@dataclass(frozen=True)
class Cost:
    """A server at one moment. rss: bytes of its own process; children: bytes of the processes it has started.

    Attributes:
        cpu: seconds of computing so far, of the process itself.
    """

    rss: int
    children: int
    threads: int
    cpu: float


class Watch:
    """Looks at the server's process now and then, and remembers the most."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.most = self.now()

    def now(self) -> Cost:
        """What it costs at this moment; counts towards the most."""
        children = 0
        for child in self._process.children(recursive=True):
            try:
                children += child.memory_info().rss
            except psutil.Error:
                continue  # it has just ended
        times = self._process.cpu_times()
        with self._process.oneshot():
            found = Cost(
                self._process.memory_info().rss, children, self._process.num_threads(), times.user + times.system
            )
        before = getattr(self, "most", found)
        self.most = Cost(
            max(found.rss, before.rss),
            max(found.children, before.children),
            max(found.threads, before.threads),
            found.cpu,
        )
        return found


def metrics(url: str) -> dict[str, float]:
    """What the server's own counters say (`/_stcore/metrics`)."""
    with urllib.request.urlopen(f"{url}/_stcore/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found: dict[str, float] = {}
    for line in lines:
        name, _, value = line.rpartition(" ")
        if name and not line.startswith("#"):
            found[name] = float(value)
    return found


def loads(counters: dict[str, float]) -> dict[str, int]:
    """How often each model was read from disk: the misses of its cache."""
    found = dict.fromkeys(MODELS, 0)
    for counter, value in counters.items():
        match = re.fullmatch(r'cache_lookups_total\{cache="pages\.shared\.resources\.(\w+)",.*result="miss"\}', counter)
        if match and match[1] in found:
            found[match[1]] += int(value)
    return found


def sessions(counters: dict[str, float]) -> int:
    """Sessions that are connected now."""
    return int(next((value for name, value in counters.items() if name.startswith("active_sessions")), 0))


def tracebacks(log: str) -> Counter[str]:
    """What a server's log tells of errors: the last line of each traceback, with the place that it came from."""
    found: Counter[str] = Counter()
    place, inside = "", False
    for line in re.sub(r"\x1b\[[0-9;]*m", "", log).splitlines():
        if line.startswith("Traceback") or (line.startswith("─") and "Traceback" in line):
            inside, place = True, ""
        elif inside and (line.lstrip().startswith("File ") or re.match(r" +\S+\.py:\d+ in ", line)):
            place = line.strip()
        elif line.startswith("─"):
            continue  # Streamlit's own stand in a frame
        elif inside and line and not line.startswith(" "):
            found[f"{line[:200]} ({place})"] += 1
            inside = False
    return found
