"""Proof by drawing: a hundred birds of the described class and some of its neighbours, and which is taken for which."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import streamlit as st

from niwt_core.errors import InputError
from pages.shared import frame, resources, state, style
from pages.shared.lessons import no_class
from pages.shared.person import turns
from pages.shared.wording import in_words, listed, plain

if TYPE_CHECKING:
    from niwt_core.laboratory.proof import Shown
    from niwt_core.worlds.base import World
    from pages.shared.jobs.gathering import Progress
    from pages.shared.judging.proved import Proof

#: Neurons offered for surgery: those that set the class apart.
N_NEURONS = 4


def page() -> None:
    frame.ensure()
    st.title("Proof by drawing" if state.noun() == "bird" else "Proof by photos")
    current = state.described()
    if current is None:
        style.lead("A hundred birds, drawn for the test: see what your classifier takes each of them for, and why.")
        no_class.offer(
            f"No {state.noun()} has been described yet. It will be put to the proof here as soon as there is one."
        )
        return
    style.lead(
        "A hundred birds of your class, drawn for this test, beside the birds most like it: see which it takes for "
        "which, and why."
        if state.noun() == "bird"
        else "Test photos of your class, beside those of the classes most like it: see which it takes for which, and "
        "why."
    )
    world = resources.world()
    try:
        _proof(world, current)
    except InputError as error:
        resources.refuse(str(error))


def _proof(world: World, current: state.Described) -> None:
    from pages.shared.judging import proved
    from pages.shared.neurons import surgery

    st.markdown(f"**{state.yours().capitalize()}:** {in_words(current)}")
    surgery.banner(world)
    proof = _proof_of(world, current)
    now = proof.job.progress() if proof is not None else None
    _controls(world, current, proof, now)
    if proof is None or now is None:
        st.caption(_what_it_does(world, current))
    else:
        st.session_state["proof_was_running"] = now.running
        living = st.fragment(proved.living, run_every=proved.REFRESH_SECONDS if now.running else None)
        living(world, current, proof)
    _surgery(world, current)
    _how_it_works(world)


def _proof_of(world: World, current: state.Described) -> Proof | None:
    """This session's proof of this class; one of another class is ended. A refresh of a page that had one starts it."""
    kept: Proof | None = st.session_state.get("proof")
    if kept is not None and kept.of == _identity(current):
        st.query_params["proof"] = str(kept.round)
        return kept
    asked = st.query_params.get("proof", "")
    if kept is not None:
        kept.job.stop()
        del st.session_state["proof"]
        _forget_choice()
    elif asked.isascii() and asked.isdigit() and len(asked) < 4:
        return _start(world, current, int(asked))
    st.query_params.pop("proof", None)
    return None


def _identity(current: state.Described) -> str:
    return f"{resources.identity()} {current.identity}"


def _start(world: World, current: state.Described, round_: int) -> Proof:
    from niwt_core.laboratory.proof import exhibits, joined, show
    from pages.shared.jobs.gathering import Gathering
    from pages.shared.judging.proved import Proof

    shown = exhibits(world, current, state.yours(), round_)
    job: Gathering[Shown] = Gathering(partial(show, world, shown), joined, sum(map(len, shown)), turns.turn())
    job.start()
    proof = st.session_state["proof"] = Proof(_identity(current), round_, shown, job)
    st.query_params["proof"] = str(round_)
    _forget_choice()
    return proof


def _forget_choice() -> None:
    for name in ("proof_cell", "proof_picture", "proof_more"):
        st.session_state.pop(name, None)


def _controls(world: World, current: state.Described, proof: Proof | None, now: Progress[Shown] | None) -> None:
    """One button: draw, or stop."""
    if proof is not None and now is not None and now.running:
        st.button("Stop", on_click=proof.job.stop, icon=":material/stop:", key="stop_proof")
        return

    def start() -> None:
        _start(world, current, proof.round + 1 if world.drawn and proof is not None else 0)

    if not world.drawn:
        label = "Put it to the proof" if proof is None else "Put it to the proof again"
    else:
        label = "Draw a hundred birds" if proof is None else "Draw another hundred birds"
    kind: Literal["primary", "secondary"] = "primary" if proof is None else "secondary"
    st.button(label, on_click=start, type=kind, icon=":material/play_arrow:", key="start_proof")


def _what_it_does(world: World, current: state.Described) -> str:
    from niwt_core.laboratory.proof import N_EACH, N_OWN, neighbours

    project = world.project
    near = [plain(project.class_names[row]) for row in neighbours(project, world.row(current))]
    if world.drawn:
        return (
            f"{N_OWN} of yours, and {N_EACH} each of {listed(near)}: of all the birds it knows, those whose "
            "importances are most like yours. The network has never seen any of these drawings. Some seconds."
        )
    return (
        f"The test photos of {plain(current.of) or 'the described class, where there are any'}, and up to {N_EACH} "
        f"each of {listed(near)}: the classes it knows whose importances are most like yours. Some seconds."
    )


def _surgery(world: World, current: state.Described) -> None:
    """The controls for the neurons that matter most, for those that are altered, and for any other."""
    from pages.shared.neurons import surgery

    st.header("Neuron surgery")
    st.markdown(
        "Switch a neuron off, or make it weaker or stronger, and see what the classifier loses. The proof above is "
        "counted again with the neurons as you leave them; the network itself stays whole, and all can be undone."
    )
    apart = resources.predicted_importances([current])[0] - resources.average_importances()
    strongest = (-apart).argsort(kind="stable")[:N_NEURONS].tolist()
    names = resources.dictionary()
    others = [k for k in range(world.project.backbone.n_channels) if k not in strongest]
    more = st.selectbox(
        "Another neuron",
        others,
        index=None,
        format_func=lambda k: surgery.title_of(k, names),
        placeholder="choose one by its number or name",
        key="proof_other_neuron",
        width=320,
    )
    chosen = [more] if more is not None else []
    st.caption(f"The {len(strongest)} neurons that set {state.yours()} apart most from the average stand first.")
    surgery.panel(world, current, [*strongest, *chosen], "proof")


def _how_it_works(world: World) -> None:
    with st.expander("How it works"):
        st.markdown(
            f"- Every picture is judged among all {world.project.n_seen} known classes and {state.yours()}; the "
            "highest score wins. *Anything else* stands for all classes that have no column.\n"
            f"- The neighbours are the known classes whose measured importances make the smallest angle with those "
            f"predicted for {state.yours()}.\n"
            "- *Doubt* is what the winner’s probability lacks to certainty.\n"
            "- Surgery multiplies a neuron’s whole map by one number before the rest of the network sees it: 0 is off, "
            "100 % is as it was. The rest of the network was never trained for that, so what is lost says how much it "
            "leans on this neuron."
        )


page()
