"""Page 3: the class is learned without a single example, step by step or at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from torch import Tensor

from niwt_core.birds.described import try_out
from niwt_core.birds.world import FRESH_SEED
from niwt_core.gzsl import Classifier
from pages.shared import curves, figures, frame, resources, state, style, tray, wording
from pages.shared.lesson import LOOP_STRENGTH, N_FRESH, Lesson, Solution, make_lesson
from pages.shared.training import Snapshot, State, TrainingJob

SPEEDS: dict[str, float | None] = {"5 steps a second": 5.0, "20 steps a second": 20.0, "as fast as it goes": None}
N_TRAY = 24
REFRESH_SECONDS = 0.4


def lesson_of(current: state.Described) -> Lesson:
    """Everything to learn from and to judge with; slow once for each class."""
    with st.spinner(f"Drawing {N_FRESH} fresh birds for the test …"):
        features = resources.fresh_features(current.key, dict(current.picks), N_FRESH, FRESH_SEED)
        return make_lesson(
            resources.project(), current.picks, resources.jacobians(), resources.check_jacobians(), features
        )


def job_of(current: state.Described, lesson: Lesson) -> TrainingJob:
    """This session's job for this class; one for another class is stopped."""
    kept = st.session_state.get("training")
    if kept is None or kept[0] != current.key:
        if kept is not None:
            kept[1].pause()
        st.session_state["training"] = kept = (current.key, lesson.job(SPEEDS[st.session_state["speed"]]))
    return kept[1]


def controls(current: state.Described, lesson: Lesson, job: TrainingJob, now: Snapshot) -> None:
    """The buttons; each acts before the page is drawn again."""

    def solve() -> None:
        st.session_state["solved"] = (current.key, lesson.solve())
        st.session_state["shows_solution"] = True

    def act(deed: Callable[[], None]) -> None:
        deed()
        st.session_state["shows_solution"] = False  # birds and barcode belong to what was pressed last

    with st.container(horizontal=True, vertical_alignment="bottom"):
        if now.state is State.RUNNING:
            st.button("Pause", on_click=act, args=(job.pause,), type="primary", icon=":material/pause:", key="pause")
        else:
            st.button(
                "Start" if now.state in (State.READY, State.FAILED) else "Go on",
                on_click=act,
                args=(job.start,),
                type="primary",
                icon=":material/play_arrow:",
                disabled=now.state in (State.CONVERGED, State.FAILED),
                key="start",
            )
        st.button("One step", on_click=act, args=(job.step,), disabled=now.state is State.FAILED, key="step")
        st.button("Reset", on_click=act, args=(job.reset,), key="reset")
        st.button("Solve at once", on_click=solve, icon=":material/bolt:", key="solve")
        st.selectbox(
            "Speed",
            list(SPEEDS),
            key="speed",
            on_change=lambda: job.set_speed(SPEEDS[st.session_state["speed"]]),
            width=210,
            label_visibility="collapsed",
        )


def claimed_of(classifier: Classifier) -> str:
    """How many birds of other new species a class takes for its own: what tells knowing it from knowing the unknown."""
    claimed = try_out(resources.project(), classifier, resources.strangers())
    return f"{claimed.found} of {len(claimed.predicted)}"


def headline(now: Snapshot, solution: Solution | None, claimed: str) -> None:
    """What the loop (or the solution) can do, and where it stands; as many lines at every moment."""
    found = now.found if solution is None else solution.trial.found
    st.header(f"Finds {found} of {len(now.won)} fresh birds")
    when = (
        "Solved at once, without a loop"
        if solution
        else {
            State.READY: "Before any learning",
            State.RUNNING: f"Learning, iteration {now.iteration}",
            State.PAUSED: f"Paused at iteration {now.iteration}",
            State.CONVERGED: f"Finished after {now.iteration} iterations: 40 more brought less than 1 %",
            State.FAILED: "Stopped",
        }[now.state]
    )
    st.markdown(
        f"{when}. It chooses among {resources.project().n_seen + 1} classes, and takes **{claimed}** strangers for "
        "your bird as well: birds of other species that the network was never shown."
    )


def living(key: str, job: TrainingJob, lesson: Lesson, closed_form: float) -> None:
    """What changes while the loop runs; drawn again on its own, the rest of the page stands still."""
    now = job.snapshot()
    if st.session_state.get("was_running") and now.state is not State.RUNNING:
        st.session_state["was_running"] = False
        st.rerun()  # the buttons have to change as well, and the clock has to stop
    if now.error:
        st.error(wording.plain(now.error) + " Reset starts it anew.")
    if now.step is None:
        return
    solution = solution_for(key) if st.session_state.get("shows_solution") else None
    headline(
        now, solution, claimed_of(lesson.classifier_of(now.step.weights) if solution is None else solution.classifier)
    )
    left, right = st.columns([0.46, 0.54], gap="large")
    with left:
        show_tray(now.predicted if solution is None else solution.trial.predicted.numpy())
    with right:
        first, last = now.history[0], now.history[-1]
        style.chart(
            curves.misfit_curve(now.history, closed_form),
            f"Distance (1 − cosine) to the target: {first.check:.2f} at the start, {last.check:.2f} after "
            f"{now.iteration} iterations, {closed_form:.2f} by the closed form, on {len(lesson.check_jacobians)} "
            "drawings that neither has used.",
            key="misfit",
        )
        show_rows(lesson, now.step.mean_importances[0] if solution is None else solution.mean_importances)


def show_tray(predicted: np.ndarray) -> None:
    """The first fresh birds, each found or taken for another species; predicted is (n_drawings,)."""
    names = (*resources.project().seen.names, None)
    st.html(tray.tray_marks("fresh", [names[c] for c in predicted[:N_TRAY]]))
    st.caption(
        f"{N_TRAY} of the {len(predicted)} birds, drawn just for this test. ✓ is found, ✗ names the species it was "
        "taken for."
    )


def show_rows(lesson: Lesson, importances: Tensor) -> None:
    """The target above the importances (n_channels,) that the network has now."""
    target, reached = unit(lesson.target[0]), unit(importances)
    order, labels = figures.channel_order(lesson.project)
    rows = [figures.BarcodeRow("The target", target), figures.BarcodeRow("What the network has now", reached)]
    agreement = 100 * float(target @ reached)
    style.chart(
        figures.barcode(rows, labels, "Importances", order=order, scale=float(abs(target).max())),
        f"Agreement of the two rows: {agreement:.0f} of 100 (0 would be unrelated, below 0 opposed).",
        key="rows",
    )


def unit(values: Tensor) -> np.ndarray:
    """(n_channels,) tensor -> array at length 1, so that two rows can be compared."""
    row = values.numpy()
    return row / max(float((row**2).sum()) ** 0.5, 1e-12)


def solution_for(key: str) -> Solution | None:
    """The closed form's answer for this class, once it has been asked for."""
    kept, solution = st.session_state.get("solved", ("", None))
    return solution if kept == key else None


def at_once(current: state.Described, lesson: Lesson, now: Snapshot) -> None:
    """The closed form's answer, once it has been asked for, beside the loop's."""
    found = solution_for(current.key)
    if found is None:
        return
    loop = ""
    if now.step is not None and now.iteration:
        claimed = claimed_of(lesson.classifier_of(now.step.weights))
        loop = (
            f" The loop so far: {now.iteration} steps in {now.seconds:.1f} s of computing; it finds {now.found} and "
            f"claims {claimed} strangers."
        )
    st.success(
        f"**Solved at once, in {found.milliseconds:.1f} ms:** the closed form finds **{found.trial.found} of "
        f"{len(found.trial.predicted)}** fresh birds. It also claims {claimed_of(found.classifier)} strangers: birds "
        "of other new species, which look to it more like yours than like any it knows."
        f"{loop}",
        icon=":material/bolt:",
    )


def how_it_works(lesson: Lesson, now: Snapshot) -> None:
    """The loss and the closed form, with this class's numbers."""
    learner, n_images = lesson.project.learner, len(lesson.jacobians)
    with st.expander("How it works"):
        st.write(
            "A class is a row of weights $w$ on the network's last layer. With weights $w$, picture $x$ has the neuron "
            "importances $M(x)^\\top w$: linear in $w$, with a matrix $M(x)$ that belongs to the picture and not to "
            "the class. The words gave a target $p$. The loop turns $w$ until the importances point along $p$, on "
            f"{n_images} drawings of **other** birds, and stays near the mean $\\bar w$ of the known classes:"
        )
        st.latex(
            rf"\begin{{aligned}}&\frac{{1}}{{{n_images}}}\sum_{{i=1}}^{{{n_images}}}"
            r"\bigl(1-\cos(M(x_i)^\top w,\;p)\bigr)\\"
            rf"&+\frac{{{LOOP_STRENGTH:g}}}{{2}}\cdot\frac{{\lVert w-\bar w\rVert^2}}{{D\,\sigma^2}}\end{{aligned}}"
        )
        if now.step is not None:
            last = now.history[-1]
            st.write(
                f"At iteration {now.iteration} these are "
                f"${last.cosine:.4f}$ and ${last.regulariser:.4f}$, together ${last.loss:.4f}$."
            )
        st.write(
            f"Here $w$ has $D={lesson.jacobians.shape[1]}$ numbers, $\\sigma$ is the spread of the known classes' "
            f"weights, and $p$ has {lesson.jacobians.shape[2]} numbers. The loop "
            "(Adam) stops when 40 iterations bring less than 1 %, the paper's rule. Because the importances are linear "
            "in $w$, the squared form of the same aim needs no loop at all:"
        )
        st.latex(
            r"\begin{aligned}w &= w_0 + \bigl(G+\lambda t I\bigr)^{-1}\bigl(\bar M p - G\,w_0\bigr)\\"
            r"G &= \overline{M M^\top}\\"
            rf"t &= \operatorname{{tr}}(G)/{lesson.jacobians.shape[1]},\quad "
            rf"\lambda={learner.settings.strength:g}\end{{aligned}}"
        )
        st.write(
            "$w_0$ is a first guess: from the words a map predicts where your bird lies among the known ones, and "
            "$w_0$ points there. $\\lambda$ says how near to stay to it; it was chosen once, in a rehearsal where "
            "known species, kept from the network, played new ones. Both ways end with the same last touch: the "
            "weights get the length of $w_0$, and a threshold halfway between your bird and the rest, moved by a "
            "constant that the rehearsal chose as well: otherwise the known species, which the network was trained "
            "on, would win too often. So even weights by chance find many of your birds; but they claim most "
            "strangers, too."
        )


def page() -> None:
    frame.ensure()
    st.title("Train")
    style.lead(
        "No picture of your bird is used: the network's new weights are turned until its importances match your words."
    )
    current = state.described()
    if current is None:
        st.info("There is no bird to learn yet. Describe one, and it will be learned here.")
        if st.button("Describe a bird", type="primary", key="to_describe"):
            st.switch_page("pages/describe.py")
        return
    st.session_state.setdefault("speed", "20 steps a second")
    st.session_state["speed"] = st.session_state["speed"]  # kept while other pages are shown
    st.markdown(f"**Your bird:** {wording.plain(current.text) or wording.phrases(current.picks)}")
    lesson = lesson_of(current)
    job = job_of(current, lesson)
    now = job.snapshot()
    controls(current, lesson, job, now)
    at_once(current, lesson, now)
    pictures = [
        resources.portrait(current.key, dict(current.picks), FRESH_SEED + i, 128, calm=False) for i in range(N_TRAY)
    ]
    st.html(tray.tray_style("fresh", pictures))
    live = st.container()
    if st.button("Explain what it sees →", type="primary", key="to_explain"):  # asked before a new refresh is ordered
        st.switch_page("pages/explain.py", query_params=st.query_params.to_dict())
    running = now.state is State.RUNNING
    st.session_state["was_running"] = running
    draw = st.fragment(living, run_every=REFRESH_SECONDS if running else None)
    with live:
        draw(current.key, job, lesson, lesson.closed_form_misfit())
    how_it_works(lesson, now)


page()
