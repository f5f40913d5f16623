"""The evaluation of a project in a thread of its own, kept for all visitors. No Streamlit here.

The thread only writes into the job; pages only ever read a `Progress`. What was measured stays when the job is stopped,
and when it goes on to more pictures.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.birds.world import Drawings
from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.evaluation import Contender, Evaluation, Standing, contenders, judge, n_contenders, rule_of
from niwt_core.images import activation_batches
from niwt_core.methods.contest import Contest, load_contest
from niwt_core.project import contest_file
from niwt_core.worlds.base import World
from pages.shared.jobs.line import Turn, alone

#: Pictures of each class, at first and then; after that all.
STEPS = (5, 20)
_BATCH = 20


@dataclass(frozen=True, eq=False)
class Progress:
    """A job at one moment.

    Attributes:
        stage: what it does, in words; done, total: how far that is.
        n_each: pictures of each class that are asked for. most: of which no class has more.
        evaluation: the last that was finished, of `judged` pictures of each class; None before there is one.
        error: one sentence where it failed. place: in the server's line; 0 where it does not wait there.
    """

    stage: str
    done: int
    total: int
    running: bool
    n_each: int
    most: int
    evaluation: Evaluation | None
    judged: int
    error: str | None
    place: int = 0

    @property
    def next_step(self) -> int | None:
        """Pictures of each class in the next, larger evaluation, or in one that was stopped; None after the last."""
        if self.judged >= self.most:
            return None
        if self.n_each > self.judged:
            return self.n_each
        return min(next((step for step in STEPS if step > self.judged), self.most), self.most)


class EvaluationJob:
    """One project's evaluation; `start` asks for a number of test pictures of each class.

    Args:
        folder: of the project, where what a fit kept for other methods stands. turn: in the server's line.
    """

    def __init__(self, world: World, folder: Path, turn: Turn | None = None) -> None:
        self._world, self._folder, self._turn = world, folder, turn or alone()
        self._working = threading.Lock()  # held by the thread at work: who starts it anew waits for the last batch
        self._lock = threading.Lock()  # guards all below but the results in progress, which only one thread touches
        self._stage, self._done, self._total = "", 0, 1
        self._running, self._stop = False, threading.Event()
        self._n_each, self._judged, self._most = 0, 0, STEPS[0]
        self._evaluation: Evaluation | None = None
        self._error: str | None = None
        # Results in progress, kept over stops.
        self._order: tuple[np.ndarray, np.ndarray] | None = None
        self._features: list[Tensor] = []
        self._contest: Contest | None = None
        self._learning: Iterator[Contender] | None = None
        self._learned: list[Contender] = []

    def start(self, n_each: int) -> None:
        """Evaluate on at most so many pictures of each class, from where it was; nothing while it runs."""
        with self._lock:
            if self._running:
                return
            self._running, self._error, self._n_each = True, None, n_each
            self._stage, self._done, self._total = "Getting ready", 0, 1
            self._stop = threading.Event()
        threading.Thread(target=self._run, args=(self._stop,), daemon=True, name="evaluation").start()

    def stop(self) -> None:
        """End after the batch or the method in progress; what is measured stays."""
        with self._lock:
            self._stop.set()
            self._running = False

    def progress(self) -> Progress:
        """What a page draws."""
        place = self._turn.place
        with self._lock:
            return Progress(
                self._stage, self._done, self._total, self._running, self._n_each, self._most,
                self._evaluation, self._judged, self._error, place,
            )  # fmt: skip

    def picture(self, number: int, size: int) -> np.ndarray:
        """A test picture by its place in the evaluation, (height, width, 3) uint8; drawings as large as asked for."""
        assert self._order is not None, "expected an evaluation first"
        data = self._world.data
        source, index = (data.test_seen, data.test_unseen)[self._order[0][number]], int(self._order[1][number])
        if isinstance(source, Drawings):
            source = replace(source, size=size)
        image = source[index]
        image.thumbnail((size, size))
        return np.asarray(image)

    def _tell(self, stage: str, done: int, total: int) -> None:
        with self._lock:
            self._stage, self._done, self._total = stage, done, total

    def _run(self, stop: threading.Event) -> None:
        with self._working:
            self._work(stop)

    def _work(self, stop: threading.Event) -> None:
        try:
            if not self._turn.wait(lambda: not stop.is_set()):
                return
            data = self._world.data
            order = order_of_tests(data)
            most = int(order[2].max()) + 1
            with self._lock:
                self._order, self._most = (order[0], order[1]), most
            n_images = int((order[2] < self._n_each).sum())
            self._look(data, order, n_images, stop)
            self._learn(stop)
            if not stop.is_set():
                self._judge(data, order, n_images, stop)
        except InputError as error:
            self._fail(str(error))
        except Exception as error:  # kept for the page: a thread has nobody to raise it to
            self._fail(f"The evaluation stopped with an error: {type(error).__name__}: {str(error)[:200]}")
        finally:
            self._turn.leave()
            with self._lock:
                if stop is self._stop:
                    self._running = False

    def _fail(self, sentence: str) -> None:
        with self._lock:
            self._error = sentence

    def _look(self, data: ZeroShotData, order: TestOrder, n_images: int, stop: threading.Event) -> None:
        """Features of the first n_images test pictures, as far as they are not there yet."""
        backbone, done = self._world.project.backbone, sum(map(len, self._features))
        what = "Drawing and looking at test birds" if self._world.drawn else "Looking at test photos"
        while done < n_images and not stop.is_set():
            self._tell(what, done, n_images)
            if not self._turn.pass_on(lambda: not stop.is_set()):
                return
            which = order[0][done]
            # a batch is of one source, so it ends where the other source begins
            same = order[0][done : min(done + _BATCH, n_images)] == which
            n = len(same) if same.all() else int(same.argmin())
            source = data.test_unseen if which else data.test_seen
            for activations, _ in activation_batches(source, backbone, indices=order[1][done : done + n].tolist()):
                with torch.no_grad():
                    self._features.append(backbone.head(activations))
            done += n

    def _learn(self, stop: threading.Event) -> None:
        """Every method, as far as they are not there yet."""
        if self._learning is None:
            self._contest = load_contest(contest_file(self._folder), self._world.project)
            self._learning = contenders(self._world.project, self._contest)
        total = n_contenders(self._contest)
        while len(self._learned) < total and not stop.is_set():
            self._tell("Letting every method learn", len(self._learned), total)
            if not self._turn.pass_on(lambda: not stop.is_set()):
                return
            self._learned.append(next(self._learning))

    def _judge(self, data: ZeroShotData, order: TestOrder, n_images: int, stop: threading.Event) -> None:
        project, labels = self._world.project, torch.from_numpy(order[3][:n_images].astype(np.int64))
        features = torch.cat(self._features)[:n_images]
        standings: dict[str, Standing] = {}
        for i, contender in enumerate(self._learned):
            self._tell("Judging every method", i, len(self._learned))
            if stop.is_set():
                return
            standings[contender.name] = judge(contender, features, labels, project.n_seen)
        found = Evaluation(rule_of(self._contest), data.class_names, project.n_seen, labels.numpy(), standings)
        with self._lock:
            self._evaluation, self._judged = found, min(self._n_each, self._most)


#: Which source (0 seen, 1 unseen), index there, rank within its class, and label of each test picture.
TestOrder = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def order_of_tests(data: ZeroShotData, seed: int = 0) -> TestOrder:
    """All test pictures, the first of each class, then the second of each, and so on; which is first, chance says."""
    rng = np.random.default_rng(seed)
    parts = []
    for which, source in enumerate((data.test_seen, data.test_unseen)):
        labels = np.asarray(source.labels)
        shuffled = rng.permutation(len(labels))
        rank = np.empty(len(labels), dtype=int)
        for c in np.unique(labels):
            own = shuffled[labels[shuffled] == c]
            rank[own] = np.arange(len(own))
        parts.append(np.stack([np.full(len(labels), which), np.arange(len(labels)), rank, labels]))
    columns = np.concatenate(parts, axis=1)
    columns = columns[:, np.lexsort((columns[1], columns[0], columns[2]))]
    return columns[0], columns[1], columns[2], columns[3]
