"""The server itself, killed while people at a browser describe a class, upload pictures, or have them fitted."""

from __future__ import annotations

import io
import random
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Error

from benchmarks.browser import browser_page, settled
from benchmarks.faults.journal import Journal
from benchmarks.faults.killing import Reading, Tally, in_a_child, read
from benchmarks.faults.pictures import zipped
from benchmarks.faults.shelves import content_of, expected, read_shelf, swept, use
from benchmarks.serving import started
from niwt_core.notebook import Database, create_notebook, open_notebook
from niwt_core.worlds import shelf
from niwt_core.worlds.drafts import draft_of_zip

#: Pictures of each class of an upload, so that unpacking takes a second.
N_EACH = 150
#: Seconds after the first press in which the server is killed: describing, uploading, fitting.
LONGEST = {"describe": 8.0, "upload": 5.0, "fit": 20.0}
#: Seconds that a fit's own process may outlive its server.
ORPHAN_SECONDS = 60.0
COLOURS = ("red", "blue", "green", "white", "gray", "brown", "orange", "yellow", "black")
FIT, CUT_OFF = "Fit the network to your pictures", "The server stopped"
_POLL_MS, PATIENCE_MS = 50, 60_000


class Servers:
    """One place for all kills: each server finds what the ones before have left."""

    name = "the server, in a browser"

    def __init__(self, chromium: str) -> None:
        self._chromium = chromium

    def kill_many(self, kills: int, seed: int, tell: Callable[[Tally], None]) -> Tally:
        """As `killing.kill_many`."""
        rng, tally = random.Random(f"{self.name} {seed}"), Tally(self.name)
        with tempfile.TemporaryDirectory(prefix="faults-") as name, browser_page(self._chromium) as page:
            page.set_default_timeout(PATIENCE_MS)
            place = Path(name)
            secret, journal = in_a_child(lambda: create_notebook(_database(place))), Journal()
            for life in range(kills):
                deed = tuple(LONGEST)[life % len(LONGEST)]
                events = self._one_life(page, place, secret, life, deed, rng)
                reading = read(lambda life=life: _read(place, secret, life))
                if deed == "fit" and not reading.found[f"fit-{life}"].startswith("project"):
                    reading.told = self._is_told(page, place, life)
                tally.add(events, reading, journal)
                tell(tally)
        return tally

    def _one_life(
        self, page: Any, place: Path, secret: str, life: int, deed: str, rng: random.Random
    ) -> list[dict[str, str]]:
        events: list[dict[str, str]] = []
        if deed == "fit":
            content = in_a_child(lambda: _draft(place, f"fit-{life}", life))
            events += [{"doing": f"fit-{life}", "is": content}, {"done": f"fit-{life}", "is": content}]
        with started(place / "server.log", environment=_environment(place)) as (url, server):
            visit = Visit(page, url, server, events.append, rng.uniform(0, LONGEST[deed]))
            try:
                {"describe": visit.describe, "upload": visit.upload, "fit": visit.fit}[deed](secret, life)
            except Error:  # what the browser makes of a server that is no more
                if server.poll() is None:
                    raise
            server.wait()
        _until_gone(visit.children)
        return events

    def _is_told(self, page: Any, place: Path, life: int) -> bool:
        """Whether the next server's page says that the fit was cut off, and offers it again."""
        with started(place / "server.log", environment=_environment(place)) as (url, _):
            page.goto(f"{url}/own?shelf={_owner(life)}")
            page.get_by_role("button", name=FIT).wait_for()
            settled(page)
            return CUT_OFF in page.locator('[data-testid="stMain"]').inner_text()


class Visit:
    """A person at the browser who goes on until the server is killed."""

    def __init__(
        self,
        page: Any,
        url: str,
        server: subprocess.Popen[bytes],
        say: Callable[[dict[str, str]], None],
        seconds: float,
    ) -> None:
        self._page, self._url, self._server, self._say = page, url, server, say
        self._killer: threading.Timer | None = threading.Timer(seconds, self._kill)
        self.children: list[int] = []

    def describe(self, secret: str, life: int) -> None:
        """One class after the other."""
        rng, number = random.Random(life), 0
        while self._is_up():
            number += 1
            words = f"a {rng.choice(COLOURS)} bird with a {rng.choice(COLOURS)} crown and number {life} {number} legs"
            self._page.goto(f"{self._url}/describe?notebook={secret}")
            if self._until("Read my words", role="button"):
                settled(self._page)
                self._page.get_by_label("Your description").fill(words)
                self._press("Read my words", {"doing": words, "is": "kept"})
                if self._until("Kept in your notebook", role="link"):
                    self._say({"done": words, "is": "kept"})

    def upload(self, secret: str, life: int) -> None:
        """One zip; then wait."""
        data = zipped(life, N_EACH)
        self._page.goto(f"{self._url}/own?shelf={_owner(life)}")
        self._page.locator("input[type=file]").wait_for(state="attached")
        settled(self._page)
        name = f"upload-{life}.zip"
        self._say({"doing": name, "is": f"{expected(data)} *"})
        self._begin()
        self._page.set_input_files(
            "input[type=file]", files=[{"name": name, "mimeType": "application/zip", "buffer": data}]
        )
        if self._until("2 What they look like", role="heading"):
            self._say({"done": name, "is": f"{expected(data)} *"})
        while self._is_up():
            self._page.wait_for_timeout(_POLL_MS)

    def fit(self, secret: str, life: int) -> None:
        """Press the button; then wait."""
        self._page.goto(f"{self._url}/own?shelf={_owner(life)}")
        for label, value in (("Network, the smallest first", "squeezenet1_1"), ("Its weights", "random")):
            box = self._page.get_by_role("combobox", name=label)
            box.wait_for()
            settled(self._page)
            box.click()
            box.fill(value)
            self._page.get_by_role("option", name=re.compile(value)).first.click()
            settled(self._page)
        self._press(FIT, {"doing": f"fit-{life}", "is": "project *"})
        while self._is_up():
            self._page.wait_for_timeout(_POLL_MS)

    def _press(self, button: str, event: dict[str, str]) -> None:
        self._say(event)
        self._begin()
        self._page.get_by_role("button", name=button).click()

    def _begin(self) -> None:
        """From the first press on the server's seconds are counted."""
        if self._killer is not None:
            self._killer.start()
            self._killer = None

    def _kill(self) -> None:
        self.children = _children(self._server.pid)
        self._server.kill()

    def _is_up(self) -> bool:
        return self._server.poll() is None

    def _until(self, name: str, role: str) -> bool:
        """Wait for something on the page; False where the server died before it was there."""
        there = self._page.get_by_role(role, name=name).first
        while not there.is_visible():
            if not self._is_up():
                return False
            self._page.wait_for_timeout(_POLL_MS)
        return True


def _database(place: Path) -> Database:
    return Database(f"sqlite:///{place / 'notebook.sqlite'}")


def _environment(place: Path) -> Mapping[str, str]:
    return {shelf.VARIABLE: str(place / "shelf"), "NIWT_NOTEBOOK_URL": f"sqlite:///{place / 'notebook.sqlite'}"}


def _owner(life: int) -> str:
    """Each life is a person of its own, so that its draft is the one on the page."""
    return f"{life:032x}"


def _draft(place: Path, name: str, life: int) -> str:
    use(place)
    return content_of(draft_of_zip(io.BytesIO(zipped(life, N_EACH // 5, 64)), name, _owner(life)))


def _read(place: Path, secret: str, life: int) -> Reading:
    use(place)
    reading = Reading()
    for owner in map(_owner, range(life + 1)):
        one = swept(read_shelf(owner), owner)
        reading.found |= one.found
        reading.broken += one.broken
        reading.swept += one.swept
    for entry in open_notebook(_database(place), secret).everything():
        reading.found[entry.text] = "kept" if entry.importances and entry.picks else "half"
    return reading


def _children(pid: int) -> list[int]:
    """The processes that a process has started, such as that of a fit."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in file.read_text().split()]
    return found


def _until_gone(children: list[int]) -> None:
    """A fit's process notices that its server is no more, and ends by itself."""
    until = time.monotonic() + ORPHAN_SECONDS
    while left := [child for child in children if _runs(child)]:
        if time.monotonic() > until:
            raise RuntimeError(f"The process {left[0]} of a fit has outlived its server by {ORPHAN_SECONDS:.0f} s.")
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
