"""What thirty people do in a lesson, each by chance of their own and the same for the same seed."""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from benchmarks.load.client import Answered, MissingError, Session, UnansweredError
from benchmarks.load.measures import Log
from benchmarks.load.wire import WireError
from benchmarks.load.zips import zip_of_photos
from niwt_core.birds.attributes import GROUPS

#: All markers begin so: one search finds anybody's in what anybody was sent.
MARKER = "zyx"
#: Seconds between two clicks, evenly between these; a lesson's think time.
THINKS = (5.0, 25.0)
#: Seconds for which somebody watches the loop learn.
WATCHES = (20.0, 40.0)
#: After so many clicks of a hundred a person refreshes the page.
REFRESHES = 6
#: What a page says once it has kept a class in the notebook.
KEPT = "Kept in your notebook"


def marker_of(number: int, seed: int) -> str:
    """A word that nobody else writes: the prefix and eight letters."""
    chance = random.Random(f"marker {number} {seed}")
    return MARKER + "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8))


def description(chance: random.Random, marker: str) -> str:
    """A bird of this world's words, and a name that only this person knows."""
    one = {group: chance.choice(values) for group, values in GROUPS.items()}
    parts = [
        f"a {one['crown_color']} crown",
        f"a {one['belly_color']} belly",
        f"{one['leg_length']} {one['leg_color']} legs",
        f"a {one['bill_shape']} {one['bill_color']} bill",
        f"a {one['tail_shape']} tail",
    ]
    chance.shuffle(parts)
    said = ", ".join(parts[: chance.randint(2, 4)])
    return f"the {marker}, a {one['size']} {one['back_color']} bird with {said} and {one['eye_ring']} eye ring"


def small_picture(chance: random.Random) -> bytes:
    """A picture of somebody's own, a PNG of 96 x 96 pixels."""
    colors = np.array([[chance.randrange(256) for _ in range(3)] for _ in range(9)], dtype=np.uint8).reshape(3, 3, 3)
    found = io.BytesIO()
    Image.fromarray(colors).resize((96, 96), Image.Resampling.BICUBIC).save(found, "PNG")
    return found.getvalue()


class OverError(Exception):
    """The lesson is over."""


@dataclass
class Person:
    """Somebody at the server: a session, a marker, what was made, and a log of all that happened.

    Attributes:
        hurry: think and watch times are multiplied by it.
    """

    number: int
    url: str
    seed: int
    log: Log
    until: float
    hurry: float = 1.0
    made: list[str] = field(default_factory=list)
    address: dict[str, str] = field(default_factory=dict)
    session: Session | None = None

    def __post_init__(self) -> None:
        self.marker = marker_of(self.number, self.seed)
        self.log.words.add(self.marker)
        self.chance = random.Random(f"person {self.number} {self.seed}")
        self.text = ""

    # -- small deeds ---------------------------------------------------------------------------------------------------

    @property
    def tab(self) -> Session:
        assert self.session is not None
        return self.session

    def tab_at(self, page: str, query: dict[str, str] | None = None) -> Session:
        """A tab of this person's, not open yet."""
        return Session(
            self.url,
            page,
            urlencode(query or {}),
            hears=lambda raw: self.log.hear(self.marker, raw),
            fails=lambda text: self.log.fail(self.number, self.session.page if self.session else page, text),
        )

    async def do(self, deed: Callable[[], Awaitable[Answered]]) -> bool:
        """One click, timed; whether it was answered. What fails is written down and the person goes on."""
        if time.monotonic() > self.until:
            raise OverError
        page = self.tab.page
        try:
            answered = await deed()
        except MissingError as error:
            self.log.fail(self.number, page, f"not there: {error}")
            return False
        except (UnansweredError, WireError) as error:
            self.log.fail(self.number, page, str(error))
            self.log.unanswered += 1
            await self.come_again()
            return False
        self.log.answered.append(answered)
        self._remember()
        return True

    async def think(self) -> None:
        await self._wait(self.chance.uniform(*THINKS) * self.hurry)

    async def watch(self, seconds: tuple[float, float] = WATCHES) -> None:
        await self._wait(self.chance.uniform(*seconds) * self.hurry)

    async def _wait(self, seconds: float) -> None:
        rest = self.until - time.monotonic()
        if rest <= 0:
            raise OverError
        try:
            await self.tab.look(min(seconds, rest))
        except UnansweredError as error:
            self.log.fail(self.number, self.tab.page, str(error))
            await self.come_again()

    def _remember(self) -> None:
        """The address is what a person would keep as a bookmark; a class counts once the page says that it is kept."""
        self.address = self.tab.address or self.address
        for name in ("notebook", "shelf"):
            if secret := self.address.get(name):
                self.log.secrets.setdefault(self.marker, set()).add(secret.encode())
        if self.text and self.text not in self.made and self.tab.tree.find(label=KEPT):
            self.made.append(self.text)

    async def come_again(self) -> None:
        """Close the tab and open its address in a new one."""
        if time.monotonic() > self.until:
            raise OverError
        self.session = await self.tab.refreshed()
        try:
            self.log.answered.append(await self.session.open())
        except (UnansweredError, WireError) as error:
            self.log.fail(self.number, self.tab.page, f"after a refresh: {error}")
            self.log.unanswered += 1

    async def now_and_then_refresh(self, shows: str) -> None:
        """A refresh must find again what was there."""
        if self.chance.randrange(100) >= REFRESHES:
            return
        had = self.tab.tree.holds(shows)
        await self.come_again()
        self.log.n_refreshes += 1
        if had and not self.tab.tree.holds(shows):
            self.log.fail(self.number, self.tab.page, "lost: a refresh does not show what was there")
        await self.think()  # at what came

    async def step(self, deed: Callable[[], Awaitable[Answered]], shows: str = "") -> bool:
        """A click, a look at what came, perhaps a refresh."""
        done = await self.do(deed)
        await self.think()
        if done:
            await self.now_and_then_refresh(shows or self.marker)
        return done

    async def live(self) -> None:
        """Lessons, one after the other, until the time is over."""
        try:
            await asyncio.sleep(self.chance.uniform(0, 8.0) * self.hurry)  # the same minute, not the same instant
            self.session = self.tab_at("")
            await self.do(self.tab.open)
            while True:
                await self.lesson()
        except OverError:
            pass
        finally:
            if self.session is not None:
                await self.session.close()

    async def lesson(self) -> None:
        raise NotImplementedError


class Pupil(Person):
    """Describe a bird, look at its importances, train it, see it explained, look closer."""

    async def lesson(self) -> None:
        await self.describe()
        await self.importances()
        await self.train()
        await self.explain()
        closer = [self.what_if, self.which_words, self.dictionary, self.notebook, self.proof]
        self.chance.shuffle(closer)
        for look in closer[:4]:
            await look()
        await self.step(lambda: self.tab.go("describe"))

    async def describe(self) -> None:
        if self.tab.page != "describe":
            await self.step(lambda: self.tab.press("teach"), shows="Describe")
        self.text = description(self.chance, self.marker)
        await self.step(lambda: self.tab.write("words", self.text))
        if not self.tab.tree.holds(self.marker):
            self.log.fail(self.number, self.tab.page, "what was typed is not on the page")
        if self.chance.random() < 0.3:
            group = self.chance.choice(list(GROUPS))
            await self.step(lambda: self.tab.choose(f"pick_{group}", self.chance.choice(GROUPS[group])))

    async def importances(self) -> None:
        await self.step(lambda: self.tab.press("next"))
        if self.chance.random() < 0.5:
            options = self._options("strongest_way")
            await self.step(lambda: self.tab.choose_of("strongest_way", self.chance.choice(options)))

    async def train(self) -> None:
        await self.step(lambda: self.tab.press("next"))
        if await self.do(lambda: self.tab.press("start")):
            await self.watch()
            if self.tab.tree.find("pause"):
                await self.step(lambda: self.tab.press("pause"))
        await self.step(lambda: self.tab.press("step"))
        await self.step(lambda: self.tab.press("solve"))

    async def explain(self) -> None:
        await self.step(lambda: self.tab.press("to_explain"))
        if self.tab.page != "explain":
            await self.step(lambda: self.tab.go("explain"))
        await self.step(lambda: self.tab.press(f"pick{self.chance.randrange(6)}"))
        if self.chance.random() < 0.5:
            await self.step(lambda: self.tab.press("more"))
        classes = self.tab.tree.find("evidence_for")
        if classes is not None:
            await self.step(lambda: self.tab.choose("evidence_for", self.chance.choice(list(classes.proto.options))))
        await self.step(lambda: self.tab.choose_of("source", self._options("source")[-1]))
        if await self.step(lambda: self.tab.upload("upload", "mine.png", small_picture(self.chance), "image/png")):
            await self.step(lambda: self.tab.choose_of("source", self._options("source")[0]))

    async def what_if(self) -> None:
        await self.step(lambda: self.tab.go("what_if"))
        other = description(self.chance, self.marker)
        await self.step(lambda: self.tab.write("what_if_words", other))

    async def which_words(self) -> None:
        await self.step(lambda: self.tab.go("which_words"))
        left_out = self.tab.tree.find("left_out")
        if left_out is not None:
            await self.step(lambda: self.tab.choose("left_out", self.chance.choice(list(left_out.proto.options))))

    async def dictionary(self) -> None:
        await self.step(lambda: self.tab.go("dictionary"), shows="Neuron dictionary")
        color = self.chance.choice(GROUPS["crown_color"])
        await self.step(lambda: self.tab.write("find", f"{color} crown"), shows="Neuron dictionary")

    async def notebook(self) -> None:
        await self.step(lambda: self.tab.go("notebook"), shows="Notebook")
        if self.made and not self.tab.tree.holds(self.marker):
            self.log.fail(self.number, self.tab.page, "lost: the notebook does not show what was kept")

    async def proof(self) -> None:
        await self.step(lambda: self.tab.go("proof"), shows="Proof by drawing")
        wants = self.chance.random() < 0.5 and self.tab.tree.find("start_proof") is not None
        if wants and await self.do(lambda: self.tab.press("start_proof")):
            await self.watch((10.0, 20.0))

    def _options(self, key: str) -> list[str]:
        """What a row of buttons offers; nothing where it is not there, which the press will say."""
        node = self.tab.tree.find(key, kind="button_group")
        return [option.content for option in node.proto.options] if node else [""]

    async def finds_again(self) -> None:
        """At the end, through their own link alone: everything that a page said was kept."""
        if not self.made:
            return
        notebook = self.address.get("notebook", "")
        self.session = self.tab_at("notebook", {"notebook": notebook})
        try:
            await self.tab.open()
            for text in self.made:
                self.log.n_sought += 1
                await self.tab.write("search", text.removeprefix("the "))
                if not self.tab.tree.holds(text[:60]):
                    self.log.fail(self.number, "notebook", "lost: a class that was kept is not in the notebook")
        except (UnansweredError, MissingError, WireError) as error:
            self.log.fail(self.number, "notebook", f"at the end: {error}")
        finally:
            await self.tab.close()


class Fitter(Person):
    """Uploads photos of their own and fits a network to them, and again when it is done."""

    n_photos = 300
    n_begun = 0
    n_done = 0

    async def lesson(self) -> None:
        await self.step(lambda: self.tab.go("own"), shows="Bring your own")
        title = f"{self.marker} number {self.n_begun + 1}"
        if not await self.prepare(title):
            return
        if not await self.do(lambda: self.tab.press("own_fit")):
            return
        self.text, self.n_begun = title, self.n_begun + 1
        while self.tab.tree.find("own_cancel"):  # its page shows how far it is
            await self.watch()
            await self.now_and_then_refresh(self.marker)
        # One that failed leaves its title in a field, too; only a project that was made can be used.
        self.n_done += bool(self.tab.tree.keys("own_use_")) and self.tab.tree.holds(title)

    async def prepare(self, title: str = "") -> bool:
        """Everything but the fit itself; False if the upload was not taken."""
        data = await asyncio.to_thread(zip_of_photos, self.marker, self.n_photos, self.chance.randrange(1 << 30))
        if not await self.step(lambda: self.tab.upload("own_zip", f"{self.marker}.zip", data, "application/zip")):
            return False
        for key in self.tab.tree.keys("own_words_"):
            await self.do(lambda key=key: self.tab.write(key, description(self.chance, self.marker)))
        await self.step(lambda: self.tab.choose("own_weights", self._random_weights()))
        for key in self.tab.tree.keys("own_title_"):
            await self.do(lambda key=key: self.tab.write(key, title))
        return True

    def _random_weights(self) -> str:
        node = self.tab.tree.find("own_weights")
        options = list(node.proto.options) if node else [""]
        return next((option for option in options if option.startswith("random")), options[0])

    async def finds_again(self) -> None:
        """Through their own link: the fit that still goes on, or the projects that it made."""
        if not self.text:
            return
        self.session = self.tab_at("own", {"shelf": self.address.get("shelf", "")})
        try:
            await self.tab.open()
            self.log.n_sought += 1
            if not self.tab.tree.holds(self.marker):
                self.log.fail(self.number, "own", "lost: neither the fit nor its project is there")
            if self.tab.tree.find("own_cancel"):
                await self.tab.press("own_cancel")  # so that the server can come to rest
        except (UnansweredError, MissingError, WireError) as error:
            self.log.fail(self.number, "own", f"at the end: {error}")
        finally:
            await self.tab.close()
