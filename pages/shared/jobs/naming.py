"""Making the dictionary of a photo project, in a thread of its own: one job a project, whoever looks at it.

The thread makes no Streamlit calls; pages only ever read a `Progress`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from niwt_core.errors import InputError
from niwt_core.neurons import build, material_of, save_dictionary
from niwt_core.worlds.base import World
from pages.shared import resources, state
from pages.shared.jobs.line import Turn, alone
from pages.shared.person import turns
from pages.shared.wording import plain

REFRESH_SECONDS = 0.7
#: The stages of `neurons.build` for photos, in order, in words.
STAGES = {
    "naming": "choosing names on half of the photos",
    "evidence": "checking them on the other half",
    "classes": "looking for the photos that each answers to",
    "ablation": "switching each off, to see who loses",
}


class _Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Raised through the work to end it."""


@dataclass(frozen=True)
class Progress:
    """A job at one moment: the stage, how many of its images are done, whether it goes on, a sentence if it failed.

    place: in the server's line; 0 where it does not wait there.
    """

    stage: str
    done: int
    total: int
    running: bool
    error: str | None
    place: int = 0

    @property
    def share(self) -> float:
        """Of the whole, 0 to 1; the stages count alike."""
        before = list(STAGES).index(self.stage) if self.stage in STAGES else 0
        return (before + self.done / max(self.total, 1)) / len(STAGES)


class NamingJob:
    """Builds a dictionary and lays it beside the project, unless somebody stops it; then nothing is written."""

    def __init__(self, world: World, folder: Path, turn: Turn | None = None) -> None:
        self._world, self._folder, self._turn = world, folder, turn or alone()
        self._lock = threading.Lock()  # guards all below
        self._now = Progress("naming", 0, 1, False, None)
        self._stop = False

    def start(self) -> None:
        """Begin, or begin anew; a running job goes on."""
        with self._lock:
            if self._now.running:
                return
            self._stop, self._now = False, Progress("naming", 0, 1, True, None)
        threading.Thread(target=self._run, daemon=True, name="naming").start()

    def stop(self) -> None:
        """End after the images in progress."""
        with self._lock:
            self._stop = True

    def progress(self) -> Progress:
        """What a page draws."""
        place = self._turn.place
        with self._lock:
            return replace(self._now, place=place)

    def _is_wanted(self) -> bool:
        with self._lock:
            return not self._stop

    def _hear(self, stage: str, done: int, total: int) -> None:
        if not self._turn.pass_on(self._is_wanted):
            raise _Stopped
        with self._lock:
            if self._stop:
                raise _Stopped
            self._now = Progress(stage, done, total, True, None)

    def _run(self) -> None:
        error = None
        try:
            if not self._turn.wait(self._is_wanted):
                raise _Stopped
            save_dictionary(build(self._world.project, material_of(self._world.data), self._hear), self._folder)
        except _Stopped:
            pass
        except InputError as raised:
            error = str(raised)
        except Exception as raised:  # kept for the page: a thread has nobody to raise it to
            error = f"The naming stopped with an error: {type(raised).__name__}: {str(raised)[:200]}"
        self._turn.leave()
        with self._lock:
            self._now = Progress(self._now.stage, self._now.done, self._now.total, False, error)


@st.cache_resource(show_spinner=False, max_entries=32)
def _job(world_id: str, _world: World, _folder: Path) -> NamingJob:
    return NamingJob(_world, _folder, turns.shared_turn(f"naming {world_id}"))


def offer(world: World) -> None:
    """The button, and how far the work is; once it is done the page runs again and finds the dictionary."""
    job = _job(resources.identity(), world, resources.folder_of(state.world_key()))
    now = job.progress()
    if now.running:
        st.button("Stop", on_click=job.stop, icon=":material/stop:", key="stop_naming")
        st.fragment(_living, run_every=REFRESH_SECONDS)(job)
        return
    if now.error:
        st.error(plain(now.error))
    label = "Name its neurons"
    st.button(label, on_click=job.start, type="primary", icon=":material/play_arrow:", key="start_naming")
    st.caption("Every photo goes through the network a few times: from a minute to a quarter of an hour, once.")


def _living(job: NamingJob) -> None:
    now = job.progress()
    if not now.running:
        st.rerun()
    turns.show_place(now.place)
    share, stage = now.share, STAGES.get(now.stage, now.stage)
    st.progress(min(share, 1.0), f"{100 * share:.0f} of 100: {stage} ({now.done} of {now.total} photos)")
