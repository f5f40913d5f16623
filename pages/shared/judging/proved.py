"""What a proof shows: the table, the pictures of one of its cells, and one picture explained; drawn on its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from niwt_core.explanation import why_rather
from niwt_core.gzsl import Classifier, join
from niwt_core.images import to_input
from niwt_core.laboratory.proof import Confusion, Exhibits, Shown, confusion
from niwt_core.worlds.base import World
from pages.shared import resources, state
from pages.shared.charts import heats
from pages.shared.explanation import contributing, explaining
from pages.shared.jobs.gathering import Gathering
from pages.shared.judging.confusion import choose_picture, show_table, verdict
from pages.shared.neurons import surgery
from pages.shared.person import turns
from pages.shared.wording import of_hundred, plain

REFRESH_SECONDS = 1.0
#: Pictures of a cell that are shown at first, and more at a time.
N_SHOWN = 24
#: Sides of the chosen picture and of those to choose from, in pixels. N_LIKELY: classes whose probability is told.
PICTURE, SMALL, N_LIKELY = 320, 112, 3


@dataclass(frozen=True, eq=False)
class Proof:
    """A proof in the making, or done.

    Attributes:
        of: tells the class, and the world it stands in, from others. round: which hundred birds, counted from 0.
        exhibits: what is shown. job: the pictures.
    """

    of: str
    round: int
    exhibits: tuple[Exhibits, ...]
    job: Gathering[Shown]


def living(world: World, current: state.Described, proof: Proof) -> None:
    """How far the proof is, and all that it shows; drawn again on its own while pictures are made."""
    now = proof.job.progress()
    if st.session_state.get("proof_was_running") and not now.running:
        st.session_state["proof_was_running"] = False
        st.rerun()  # the button has to change as well, and the clock has to stop
    turns.show_place(now.place)
    if now.running:
        made = "drawn" if world.drawn else "read"
        st.progress(now.n_done / max(now.n_all, 1), f"{now.n_done} of {now.n_all} pictures {made} and judged")
    if now.error:
        st.error(plain(now.error))
    if now.whole is None:
        return
    if now.is_part and not now.error:
        st.caption(f"Stopped after {now.n_done} of {now.n_all} pictures.")
    new = world.project.learner.classifier([state.yours()], world.row(current))
    _outcome(world, new, proof.exhibits, now.whole)


def _outcome(world: World, new: Classifier, exhibits: tuple[Exhibits, ...], shown: Shown) -> None:
    project, altered = world.project, surgery.factors(world)
    joint = join(project.seen, new)
    found = confusion(project, new, exhibits, shown, altered)
    st.header("What came out")
    st.markdown(verdict(found, exhibits, joint.names, project.n_seen))
    if altered:
        whole = confusion(project, new, exhibits, shown)
        st.markdown(
            f"With every neuron as it was: {_uncapitalised(verdict(whole, exhibits, joint.names, project.n_seen))}"
        )
    cell = st.session_state.get("proof_cell")
    show_table(found, exhibits, shown.thumbnails, cell, _open_cell, "drawn as" if world.drawn else "photo of")
    st.caption(
        "Each row is what the pictures are, each column what they are taken for. ✓ and a blue frame: right. ✗ and a "
        "dashed orange frame: wrong. Press a number to see those pictures."
    )
    if cell is None:
        return
    _cell(world, joint, exhibits, shown, found, *cell)


def _uncapitalised(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _open_cell(row: int, column: int) -> None:
    st.session_state["proof_cell"] = (row, column)
    st.session_state["proof_more"] = N_SHOWN
    st.session_state.pop("proof_picture", None)


def _open_picture(number: int) -> None:
    st.session_state["proof_picture"] = number


def _show_more() -> None:
    st.session_state["proof_more"] = st.session_state.get("proof_more", N_SHOWN) + N_SHOWN


def _cell(
    world: World,
    joint: Classifier,
    exhibits: tuple[Exhibits, ...],
    shown: Shown,
    found: Confusion,
    row: int,
    column: int,
) -> None:
    """The pictures of one cell, the largest doubt first, and the one that was chosen."""
    inside = found.cell(row, column)
    name = exhibits[row].name
    outcome = "recognised" if column == found.right[row] else f"taken for {plain(found.names[column])}"
    st.subheader(f"{_capitalised(plain(name))}, {outcome}: {len(inside)}")
    if not inside:
        st.markdown("With the neurons as they are now, no picture falls into this cell.")
        return
    limit = st.session_state.get("proof_more", N_SHOWN)
    chosen = st.session_state.get("proof_picture")
    if chosen not in inside:
        chosen = None
    st.caption("The largest doubt comes first. Choose a picture to see why.")
    world_id = resources.identity()
    pictures = []
    for number in inside[:limit]:
        _, index = shown.which[number]
        winner = joint.names[found.winners[number]]
        sure = of_hundred(1 - float(found.doubts[number]))
        image = _small(world_id, name, _seed_of(exhibits[row], int(index)), exhibits[row], int(index))
        of_else = f"{winner}, " if column == len(found.names) - 1 else ""
        below = f"{index + 1} · {of_else}{sure} sure"
        said = f"{below}: {name}, taken for {winner}"  # what is seen stands first, so that it can be spoken
        pictures.append((number, image, below, said))
    choose_picture(pictures, chosen, _open_picture)
    if len(inside) > limit:
        st.button(f"Show more ({len(inside) - limit} left)", on_click=_show_more, key="more_pictures")
    if chosen is not None:
        _explained(world, joint, exhibits[row], int(shown.which[chosen, 1]), found, chosen)


def _seed_of(exhibit: Exhibits, index: int) -> int:
    """What tells the pictures of two rounds apart."""
    seeds = getattr(exhibit.source, "seeds", None)
    return index if seeds is None else int(seeds[index])


@st.cache_data(show_spinner=False, max_entries=1000)
def _small(world_id: str, name: str, seed: int, _exhibit: Exhibits, index: int) -> np.ndarray:
    return _exhibit.picture(index, SMALL)


def _explained(world: World, joint: Classifier, exhibit: Exhibits, index: int, found: Confusion, number: int) -> None:
    """The picture, what speaks in it for what it was taken for and for what it is, and one sentence why."""
    backbone, names = surgery.backbone(world), [plain(name) for name in joint.names]
    winner, truth = int(found.winners[number]), exhibit.row
    order = found.scores[number].argsort(descending=True).tolist()
    rival = truth if truth != winner else order[1]
    inputs = to_input(exhibit.source[index], backbone)[None]
    parts = contributing.parts_of(why_rather(backbone, inputs, joint, winner, rival))
    start = f"For **{names[winner]}** rather than **{names[rival]}**"
    right = "right" if winner == truth else "wrong"
    st.subheader(f"Why {names[winner]}?")
    st.markdown(
        f"Number {index + 1} is {names[truth]}; it is taken for **{names[winner]}**, which is {right}. "
        + contributing.sentence(parts, start, f"for {names[rival]}", resources.dictionary())
    )
    picture = exhibit.picture(index, PICTURE)
    maps = [explaining.map_of(backbone, inputs, joint.weight[c]) for c in (winner, rival)]
    together = heats.full_colour(maps)
    grid = st.grid(3, min_column_width=100, key="proof_maps")
    with grid.cell():
        st.image(picture, width="stretch", alt=f"Number {index + 1} of {exhibit.name}")
        st.caption(f"{_capitalised(names[truth])}, number {index + 1}")
    for c, heat, role in zip((winner, rival), maps, ("what it is taken for", _role(rival == truth)), strict=True):
        with grid.cell():
            heats.show(picture, heat.signed, together, f"Evidence for {joint.names[c]} in this picture")
            st.caption(f"For {names[c]}, {role}")
    heats.scale_bar(together)
    probabilities = found.scores[number].softmax(0)
    for c in dict.fromkeys([*order[:N_LIKELY], truth]):
        mark = " · ✓ what it is" if c == truth else ""
        share = float(probabilities[c])
        st.progress(share, f"**{names[c]}** · {of_hundred(share)}{mark}")


def _role(is_truth: bool) -> str:
    return "what it is" if is_truth else "the runner-up"


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]
