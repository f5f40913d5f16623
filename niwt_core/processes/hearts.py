"""Hearts: how the processes of a team know of each other that they live, and which one does not.

Each process counts up a number of its own in the key-value store that the launcher keeps for the team, once a second
and from a thread, whatever it computes. A number that stands still is a process that is gone: killed, or on a machine
that nobody reaches. Only differences of this process's own clock are used, so that no machine's clock has to be right.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Protocol

from niwt_core.errors import LostProcessError

#: Seconds between two beats, and how long one looks before saying which heart stands still.
BEAT, LOOK = 1.0, 4.0
#: A heart that counts this far has ended as it should.
_DONE = 2**40


class Store(Protocol):
    """What is used of a torch.distributed store."""

    def add(self, key: str, amount: int) -> int: ...
    def set(self, key: str, value: str) -> None: ...
    def get(self, key: str) -> bytes: ...
    def check(self, keys: list[str]) -> bool: ...


class Hearts:
    """This process's heart, and its view of the others'.

    Attributes:
        stage: what the team is doing.
        remedy: what the sentence about a lost process ends with.
    """

    def __init__(self, store: Store, rank: int, size: int, patience: float, remedy: str) -> None:
        """Args: patience: seconds without a beat after which a process is taken for lost."""
        self.stage, self.remedy = "the start", remedy
        self._store, self._rank, self._size, self._patience = store, rank, size, patience
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hearts", daemon=True)

    def start(self) -> None:
        """Beat from now on. When a process is lost while this one cannot notice by itself, print so and end here."""
        self._store.add(self._heart(self._rank), 1)
        self._thread.start()

    def end(self, words: str | None = None) -> None:
        """Beat no more.

        Args:
            words: why this process stops before its work is done; the others repeat it.
        """
        self._ended.set()
        try:
            if words is None:
                self._store.add(self._heart(self._rank), _DONE)
            else:
                self._store.set(self._words(self._rank), words)
        except RuntimeError:  # the store is gone, and with it everybody who could want to know
            return

    def sentence(self) -> str:
        """What has happened to the team, as far as the hearts tell; takes `LOOK` seconds."""
        try:
            before = [self._store.add(self._heart(rank), 0) for rank in range(self._size)]
            time.sleep(LOOK)
            after = [self._store.add(self._heart(rank), 0) for rank in range(self._size)]
            still = [r for r in range(self._size) if r != self._rank and before[r] == after[r] < _DONE]
            words = {r: self._store.get(self._words(r)).decode() for r in still if self._store.check([self._words(r)])}
        except RuntimeError:
            return self._lost("The first process, or its machine,")
        if silent := [rank for rank in still if rank not in words]:
            return self._lost(_listed(silent, self._size))
        for rank, said in words.items():
            return f"Process {rank + 1} of {self._size} stopped during {self.stage}: {said}"
        return f"The launcher stopped this run during {self.stage}; {self.remedy}"

    def _run(self) -> None:
        seen = {rank: (0, time.monotonic()) for rank in range(self._size) if rank != self._rank}
        reached = time.monotonic()
        while not self._ended.wait(BEAT):
            try:
                self._store.add(self._heart(self._rank), 1)
                for rank, (count, _) in seen.items():
                    if (now := self._store.add(self._heart(rank), 0)) != count:
                        seen[rank] = now, time.monotonic()
                reached = time.monotonic()
            except RuntimeError:  # the store does not answer
                if time.monotonic() - reached > self._patience:
                    self._give_up(self._lost("The first process, or its machine,"))
                continue
            silent = [r for r, (n, since) in seen.items() if n < _DONE and time.monotonic() - since > self._patience]
            if silent and not self._ended.is_set():
                self._give_up(self._lost(_listed(silent, self._size)))

    def _give_up(self, sentence: str) -> None:
        """End this process from a thread: the main one waits for an answer that does not come."""
        print(f"error: {sentence}", file=sys.stderr, flush=True)
        os._exit(LostProcessError.CODE)

    def _lost(self, who: str) -> str:
        return f"{who} was lost during {self.stage}; {self.remedy}"

    def _heart(self, rank: int) -> str:
        return f"niwt/heart/{rank}"

    def _words(self, rank: int) -> str:
        return f"niwt/words/{rank}"


def _listed(ranks: list[int], size: int) -> str:
    numbers = ", ".join(str(rank + 1) for rank in ranks)
    return f"Process {numbers} of {size}"
