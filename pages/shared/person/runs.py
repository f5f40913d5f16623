"""Loops that outlive a refresh: the server remembers which one a person's notebook was watching, and of which class."""

from __future__ import annotations

import threading
from collections import OrderedDict

import streamlit as st

from pages.shared.jobs.training import TrainingJob
from pages.shared.person import notebook_key

#: Loops remembered on the whole server; the one looked at longest ago is paused and forgotten.
MOST = 100
#: Shorter secrets are nobody's: a person's own has 32 characters.
_SECRET = 32


class Runs:
    """Loops by their owner's secret and the class that they learn."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, threading.Lock()
        self._jobs: OrderedDict[tuple[str, str], TrainingJob] = OrderedDict()

    def find(self, secret: str, key: str) -> TrainingJob | None:
        """The loop, if it is remembered."""
        with self._lock:
            job = self._jobs.get((secret, key))
            if job is not None:
                self._jobs.move_to_end((secret, key))
            return job

    def remember(self, secret: str, key: str, job: TrainingJob) -> None:
        """Keep a loop for as long as there is room."""
        if len(secret) < _SECRET:
            return
        with self._lock:
            self._jobs[secret, key] = job
            self._jobs.move_to_end((secret, key))
            forgotten = [self._jobs.popitem(last=False)[1] for _ in range(len(self._jobs) - self._most)]
        for old in forgotten:
            old.pause()


@st.cache_resource(show_spinner=False)
def _runs() -> Runs:
    return Runs()


def found(key: str) -> TrainingJob | None:
    """This person's loop for a class from before a refresh."""
    return _runs().find(notebook_key.secret(), key)


def remember(key: str, job: TrainingJob) -> None:
    """So that a refresh finds it again; without a notebook there is nobody to remember it for."""
    _runs().remember(notebook_key.secret(), key, job)
