"""Neuron surgery on the page: which neurons are altered, kept in the session and the address; controls and a banner.

Each project has alterations of its own. Pages whose results depend on them call `banner` near their top and ask
`backbone` for the network; the network that all sessions share is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from niwt_core.errors import InputError
from pages.shared import resources, state
from pages.shared.charts import tables
from pages.shared.person import turns
from pages.shared.wording import listed, phrase, plain

if TYPE_CHECKING:
    from niwt_core.images import ImageSource
    from niwt_core.laboratory.surgery import Loss, Losses, Sample
    from niwt_core.network.backbone import Backbone
    from niwt_core.neurons import Dictionary
    from niwt_core.worlds.base import World
    from niwt_core.worlds.described import Described
    from pages.shared.jobs.gathering import Gathering

#: Strengths on offer, in per cent of what the neuron gives by itself.
STRENGTHS = (0, 50, 100, 150, 200)
#: Neurons that an address may alter, and classes that a table of losses names, at most.
MOST_ALTERED, N_LOSERS = 64, 4
N_PICTURES = 100
#: Altered neurons that a sentence lists.
N_SAID = 6
REFRESH_SECONDS = 0.7


@dataclass
class Operations:
    """What was done to the neurons of one project: per cent by neuron, now and at every step before and after."""

    now: dict[int, int] = field(default_factory=dict)
    before: list[dict[int, int]] = field(default_factory=list)
    after: list[dict[int, int]] = field(default_factory=list)

    def alter(self, changes: Mapping[int, int]) -> None:
        """Bring neurons to other strengths; 100 is as it was."""
        found = {k: v for k, v in sorted((self.now | dict(changes)).items()) if v != 100}
        if found != self.now:
            self.before.append(self.now)
            self.now, self.after = found, []

    def put_back(self) -> None:
        """All neurons as they were; this can be undone, too."""
        self.alter(dict.fromkeys(self.now, 100))

    def undo(self) -> None:
        """One step back, if there is one."""
        if self.before:
            self.after.append(self.now)
            self.now = self.before.pop()

    def redo(self) -> None:
        """One step forward again, if there is one."""
        if self.after:
            self.before.append(self.now)
            self.now = self.after.pop()


def to_address(altered: Mapping[int, int]) -> str:
    """ "17.0~45.50": neuron and per cent."""
    return "~".join(f"{channel}.{percent}" for channel, percent in sorted(altered.items()))


def from_address(text: str, n_channels: int) -> dict[int, int]:
    """What an address alters; what cannot be done is left out."""
    found = {}
    for part in text[:1000].split("~")[:MOST_ALTERED]:
        channel, _, percent = part.partition(".")
        if all(word.isascii() and word.isdigit() and len(word) < 7 for word in (channel, percent)):
            k, v = int(channel), int(percent)
            if k < n_channels and v <= max(STRENGTHS) and v != 100:
                found[k] = v
    return dict(sorted(found.items()))


def operations(world: World) -> Operations:
    """This session's operations on a project, from the session or else from the address; kept in both."""
    every: dict[str, Operations] = st.session_state.setdefault("surgery", {})
    if world.key not in every:
        every[world.key] = Operations(from_address(st.query_params.get("off", ""), world.project.backbone.n_channels))
    found = every[world.key]
    text = to_address(found.now)
    if not text:
        st.query_params.pop("off", None)
    elif st.query_params.get("off") != text:
        st.query_params["off"] = text
    return found


def factors(world: World) -> dict[int, float]:
    """Neuron -> factor, of those that are altered; what `niwt_core.laboratory.surgery` takes."""
    return {channel: percent / 100 for channel, percent in operations(world).now.items()}


def backbone(world: World) -> Backbone:
    """The project's network as this session has altered it; the project's own where nothing is altered."""
    found = factors(world)
    return _operated(resources.identity(), tuple(found.items()), world) if found else world.project.backbone


@st.cache_resource(show_spinner=False, max_entries=32)
def _operated(world_id: str, altered: tuple[tuple[int, float], ...], _world: World) -> Backbone:
    from niwt_core.laboratory.surgery import operated

    return operated(_world.project.backbone, dict(altered))


def said(altered: Mapping[int, int]) -> str:
    """ "17 off and 45 at 50 %"; of many only the first."""
    each = [f"{k} off" if percent == 0 else f"{k} at {percent} %" for k, percent in altered.items()]
    more = len(each) - N_SAID
    return listed(each if more <= 0 else [*each[:N_SAID], f"{more} more"])


def banner(world: World, key: str = "banner") -> None:
    """A line that says which neurons are altered, and puts them back; nothing where none is."""
    done = operations(world)
    if not done.now:
        return
    n = len(done.now)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"{key}_altered"):
        st.markdown(
            f":material/healing: **{n} {'neuron is' if n == 1 else 'neurons are'} altered:** {said(done.now)}. "
            "What you see here is the altered network."
        )
        st.button("Put back", on_click=done.put_back, key=f"{key}_put_back", icon=":material/undo:")


def folded(world: World, described: Described | None, channels: Sequence[int], key: str) -> None:
    """The same controls in a fold, made only once somebody opens it; open where neurons are altered."""
    title = "Switch these neurons off, or make them weaker or stronger"
    if len(channels) == 1:
        title = "Switch this neuron off, or make it weaker or stronger"
    now_altered = bool(operations(world).now)
    box = st.expander(title, key=f"{key}_surgery", icon=":material/healing:", expanded=now_altered, on_change="rerun")
    if box.open:
        with box:
            panel(world, described, channels, key)


def panel(world: World, described: Described | None, channels: Sequence[int], key: str) -> None:
    """Controls for some neurons, undo and redo, and what the classifier loses.

    Args:
        described: the class under surgery; without one only the known classes are looked at.
        channels: the neurons to show; those that are altered stand below them. key: tells panels of one page apart.
    """
    done, names = operations(world), resources.dictionary()
    channels = [*channels, *(k for k in done.now if k not in channels)]
    grid = st.grid(min(2, len(channels)), min_column_width=320, key=f"{key}_strengths")
    for channel in channels:
        with grid.cell():
            _control(done, channel, title_of(channel, names), key)
    with st.container(horizontal=True):
        for label, deed, possible, icon in (
            ("Undo", done.undo, done.before, "undo"),
            ("Redo", done.redo, done.after, "redo"),
            ("Put all back", done.put_back, done.now, "restart_alt"),
        ):
            name = f"{key}_{label.split()[0].lower()}"
            st.button(label, on_click=deed, disabled=not possible, icon=f":material/{icon}:", key=name)
    if not done.now:
        st.caption("Every neuron is as it was. Alter one, and what the classifier loses stands here at once.")
        return
    _effects(world, described, done.now, key)


def title_of(channel: int, names: Dictionary | None) -> str:
    """ "Neuron 17 · red crown", without Markdown."""
    name = names.neurons[channel].name if names is not None else None
    return f"Neuron {channel}" + (f" · {phrase(*name.partition('::')[::2])}" if name else "")


def _control(done: Operations, channel: int, title: str, key: str) -> None:
    name = f"{key}_strength_{channel}"
    now = done.now.get(channel, 100)
    st.session_state[name] = now  # undo, and the same neuron's control on another page, move it too

    def alter() -> None:
        done.alter({channel: st.session_state[name]})

    st.segmented_control(
        plain(title),
        sorted({*STRENGTHS, now}),
        format_func=lambda percent: "off" if percent == 0 else f"{percent} %",
        required=True,
        key=name,
        on_change=alter,
    )


def _effects(world: World, described: Described | None, altered: Mapping[int, int], key: str) -> None:
    """Before and after, counted on more and more pictures until all are there."""
    own = None
    try:
        if described is not None:
            own = _own_pictures(resources.identity(), described.identity, world, described)
        seen = _seen_pictures(resources.identity(), world)
    except InputError as error:  # the photos are no longer where they were
        st.error(plain(str(error)))
        return
    running = [g for g in (own, seen) if g is not None and g.progress().running]
    st.session_state[f"{key}_gathering"] = bool(running)
    st.fragment(_counted, run_every=REFRESH_SECONDS if running else None)(world, described, own, seen, altered, key)


def _counted(
    world: World,
    described: Described | None,
    own: Gathering[Sample] | None,
    seen: Gathering[Sample],
    altered: Mapping[int, int],
    key: str,
) -> None:
    from niwt_core.laboratory.surgery import Loss, losses

    now = [gathering.progress() for gathering in (own, seen) if gathering is not None]
    running = any(progress.running for progress in now)
    if st.session_state.get(f"{key}_gathering") and not running:
        st.session_state[f"{key}_gathering"] = False
        st.rerun()  # the clock has to stop
    if running:
        n_done, n_all = sum(progress.n_done for progress in now), sum(progress.n_all for progress in now)
        st.progress(
            n_done / max(n_all, 1), f"Counted on {n_done} of {n_all} pictures so far (once; then it answers at once)"
        )
    for progress in now:
        if progress.error:
            st.error(plain(progress.error))
            _seen_pictures.clear()  # another visit tries again
            _own_pictures.clear()
    if now[-1].whole is None:
        return
    project, name = world.project, state.yours()
    new = project.learner.classifier([name], world.row(described)) if described is not None else None
    whole = now[0].whole if own is not None else None
    found = losses(project, new, whole, now[-1].whole, {k: percent / 100 for k, percent in altered.items()})
    st.markdown(sentence(found, name, altered))
    shown = [Loss(f"all {project.n_seen} it knows", found.seen.n, found.seen.before, found.seen.after)]
    shown = [*([found.own] if found.own else []), *shown, *found.losers[:N_LOSERS]]
    rows = [(loss.name, f"{loss.before} of {loss.n}", f"{loss.after} of {loss.n}") for loss in shown]
    columns = (("Class", ""), ("Found before", ""), ("Found now", ""))
    tables.show(columns, rows, "What is found before and after", first_is_bold=False)
    if len(found.losers) > N_LOSERS:
        st.caption(f"{len(found.losers) - N_LOSERS} more of the known classes lose as well.")


def sentence(found: Losses, name: str, altered: Mapping[int, int]) -> str:
    """What was done, and what it did to the described class and to the known ones; Markdown."""
    seen = f"**{found.seen.after} of {found.seen.n}**"
    if found.own is None:
        said_of = f"the known classes are found in {seen} pictures ({_change(found.seen)})"
    else:
        own = f"**{found.own.after} of {found.own.n}** pictures ({_change(found.own)})"
        said_of = f"{name} is found in {own} and the known classes in {seen} ({_change(found.seen)})"
    with_what = f"With {'neuron' if len(altered) == 1 else 'neurons'} {said(altered)}, {said_of}."
    if not found.losers:
        return with_what
    losers = listed(f"{plain(loss.name)} ({loss.before} → {loss.after} of {loss.n})" for loss in found.losers[:2])
    return f"{with_what} Most is lost by {losers}."


def _change(loss: Loss) -> str:
    return "as before" if loss.after == loss.before else f"{loss.before} before"


@st.cache_resource(show_spinner=False, max_entries=16)
def _own_pictures(world_id: str, key: str, _world: World, _described: Described) -> Gathering[Sample] | None:
    """Pictures of the described class, on their way; None where there are none."""
    source = _world.pictures_of(_described, N_PICTURES)
    return None if source is None or not len(source.labels) else _gathered(_world, source, _world.project.n_seen)


@st.cache_resource(show_spinner=False, max_entries=4)
def _seen_pictures(world_id: str, _world: World) -> Gathering[Sample]:
    """Pictures of every known class, on their way."""
    from niwt_core.laboratory.surgery import seen_pictures

    return _gathered(_world, seen_pictures(_world))


def _gathered(world: World, source: ImageSource, label: int | None = None) -> Gathering[Sample]:
    from niwt_core.laboratory.surgery import one_sample, samples
    from pages.shared.jobs.gathering import Gathering

    found = Gathering(
        partial(samples, world.project.backbone, source, label), one_sample, len(source.labels), turns.turn()
    )
    found.start()
    return found
