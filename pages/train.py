"""Page 3: the class is learned without a single example, step by step or at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from niwt_core.errors import InputError
from niwt_core.worlds.described import Described
from pages.shared import frame, resources, state, style, wording
from pages.shared.charts import figures, tray
from pages.shared.jobs.line import Kind
from pages.shared.jobs.training import LIMIT, Frame, Snapshot, State, TrainingJob
from pages.shared.learning import board, classroom
from pages.shared.learning.changes import changed, where_it_stands
from pages.shared.learning.lesson import LOOP_STRENGTH, Lesson, Solution
from pages.shared.lessons import equations, no_class, teaching
from pages.shared.notebook import keeping
from pages.shared.person import runs, turns

SPEEDS: dict[str, float | None] = {"5 steps a second": 5.0, "20 steps a second": 20.0, "as fast as it goes": None}
N_TRAY = 24
#: How often a running loop is looked at; the browser plays the steps in between.
REFRESH_SECONDS = 0.3
#: How often one that waits in line is looked at, which is all that happens to it.
WAITING_SECONDS = 1.5


def job_of(key: str, lesson: Lesson) -> TrainingJob:
    """This person's job for this class, from before a refresh too; one for another class is stopped."""
    kept = st.session_state.get("training")
    if kept is None or kept[0] != key:
        if kept is not None:
            kept[1].pause()
        speed, by_the_rule = SPEEDS[st.session_state["speed"]], st.session_state["by_the_rule"]
        job = runs.found(key)
        if job is None:
            job = lesson.job(speed, by_the_rule, partial(turns.line().stand, Kind.LOOK, turns.who()))
        else:
            job.set_speed(speed)
            job.stop_by_the_rule(by_the_rule)
        st.session_state["training"] = kept = (key, job)
    runs.remember(key, kept[1])  # each time, because the notebook may be younger than the job
    return kept[1]


def controls(key: str, lesson: Lesson, job: TrainingJob, now: Snapshot) -> None:
    """The buttons; each acts before the page is drawn again."""

    def solve() -> None:
        st.session_state["solved"] = (key, lesson.solve())
        st.session_state["shows_solution"] = True

    def act(deed: Callable[[], None]) -> None:
        deed()
        st.session_state["shows_solution"] = False  # birds and barcode belong to what was pressed last

    by_the_rule = st.session_state["by_the_rule"]
    over = now.state in (State.ENDED, State.FAILED) or (now.state is State.CONVERGED and by_the_rule)
    with st.container(horizontal=True, vertical_alignment="center"):
        if now.state is State.RUNNING:
            st.button("Pause", on_click=act, args=(job.pause,), type="primary", icon=":material/pause:", key="pause")
        else:
            st.button(
                "Start" if now.state in (State.READY, State.FAILED) else "Go on",
                on_click=act,
                args=(job.start,),
                type="primary",
                icon=":material/play_arrow:",
                disabled=over or now.iteration >= LIMIT,
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
            persist_state="session",
        )
        st.toggle(
            "Stop by the paper’s rule",
            key="by_the_rule",
            on_change=lambda: job.stop_by_the_rule(st.session_state["by_the_rule"]),
            help=f"The loop ends where 40 steps bring less than 1 %. Off, it goes on until you pause it, or to "
            f"{LIMIT:,} iterations; a thin line marks where the rule would have stopped it.",
            width="content",
            persist_state="session",
        )


def living(key: str, job: TrainingJob, lesson: Lesson, scene: board.Scene) -> None:
    """What changes while the loop runs; drawn again on its own, the rest of the page stands still."""
    now = job.snapshot()
    running = now.state is State.RUNNING
    was_running = st.session_state.get("was_running", False)
    if running and bool(now.place) != st.session_state.get("was_waiting", False):
        st.session_state["was_waiting"] = bool(now.place)
        st.rerun()  # from now on it is looked at more often, or less
    if now.error:
        st.error(wording.plain(now.error) + " Reset starts it anew.")
    turns.show_place(now.place)
    if now.step is None:
        return
    solution = solution_for(key) if st.session_state.get("shows_solution") else None
    found = now.found if solution is None else solution.found
    claimed = now.history[-1].claimed if solution is None else solution.claimed
    if scene.n_pictures:
        st.header(f"Finds {found} of {scene.n_pictures} fresh {scene.noun}s")
    else:
        st.header(f"Takes {claimed} of {scene.n_strangers} strangers for {state.yours()}")
    st.markdown(
        f"{where_it_stands(now, solution)}. It chooses among {lesson.project.n_seen + 1} classes, and takes "
        f"**{claimed} of {scene.n_strangers}** strangers for {state.yours()} as well: pictures of other new classes, "
        "that the network was never shown."
    )
    st.markdown(changed(now, solution, scene))
    shown = st.session_state.get("board_shows", ("", -1))
    run = f"{key} {now.run}"
    sent = shown[1] if shown[0] == run else -1
    picture = None if solution is None else Frame(-1, solution.mean_importances.numpy(), solution.predicted.numpy())
    board.show(board.payload(scene, now, sent, REFRESH_SECONDS, picture, plays=running or was_running))
    st.session_state["board_shows"] = (run, now.iteration)
    if was_running and not running:
        st.session_state["was_running"] = False
        time.sleep(REFRESH_SECONDS)  # the browser plays the last steps
        st.rerun()  # the buttons have to change as well, and the clock has to stop


def scene_of(key: str, lesson: Lesson, n_tray: int) -> board.Scene:
    """What does not change on the board."""
    order, names = figures.channel_order(lesson.project)
    return board.Scene(
        key=key,
        noun=pictured(),
        target=lesson.target[0].numpy(),
        order=order,
        names=names,
        closed_form=lesson.closed_form_misfit(),
        classes=lesson.project.seen.names,
        n_tray=n_tray,
        n_pictures=len(lesson.pictures),
        n_strangers=len(lesson.strangers),
    )


def pictured() -> str:
    """What one picture of a class is called."""
    return "bird" if state.noun() == "bird" else "picture"


def solution_for(key: str) -> Solution | None:
    """The closed form's answer for this class, once it has been asked for."""
    kept, solution = st.session_state.get("solved", ("", None))
    return solution if kept == key else None


def at_once(key: str, lesson: Lesson, now: Snapshot) -> None:
    """The closed form's answer, once it has been asked for, beside the loop's."""
    solved = solution_for(key)
    if solved is None:
        return
    n, n_strangers = len(lesson.pictures), len(lesson.strangers)
    finds = f"the closed form finds **{solved.found} of {n}** fresh {pictured()}s. It also" if n else "the closed form"
    loop = ""
    if now.step is not None and now.iteration:
        finding = f"finds {now.found} and " if n else ""
        loop = (
            f" The loop so far: {now.iteration} steps in {now.seconds:.1f} s of computing; it {finding}"
            f"claims {now.history[-1].claimed} of {n_strangers} strangers."
        )
    st.success(
        f"**Solved at once, in {solved.milliseconds:.1f} ms:** {finds} claims {solved.claimed} of {n_strangers} "
        f"strangers: pictures of other new classes, which look to it more like {state.yours()} than like any class it "
        f"knows.{loop}",
        icon=":material/bolt:",
    )


def numbers(now: Snapshot, n_pictures: int) -> None:
    """Every step as a table, to read or to take away."""
    with st.expander("The steps as a table"):
        if now.state is State.RUNNING:
            st.caption("Pause the loop, and its steps stand here.")
            return
        rows = {
            "iteration": [p.iteration for p in now.history],
            "loss": [p.loss for p in now.history],
            "cosine part": [p.cosine for p in now.history],
            "regulariser": [p.regulariser for p in now.history],
            "on new pictures": [p.check for p in now.history],
            "found": [p.found for p in now.history],
            "strangers claimed": [p.claimed for p in now.history],
            "neurons agreeing": [p.agreeing for p in now.history],
        }
        if not n_pictures:
            del rows["found"]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height=320)


def page() -> None:
    frame.ensure()
    st.title("Train")
    style.lead(
        f"No picture of {state.yours()} is used: the network’s new weights are turned until its "
        f"{teaching.term('importance', 'importances')} match your words, step by step or at once, by a "
        f"{teaching.term('closed form')}."
    )
    current = state.described()
    if current is None:
        no_class.offer(f"There is no {state.noun()} to learn yet. Describe one, and it will be learned here.")
        return
    for name, first in (("speed", "20 steps a second"), ("by_the_rule", True)):
        st.session_state.setdefault(name, first)
    world = resources.world()
    try:
        lesson, pictures = classroom.lesson_of(world, current), classroom.thumbnails(world, current, N_TRAY)
    except InputError as error:
        st.error(wording.plain(str(error)))
        return
    st.markdown(f"**{state.yours().capitalize()}:** {classroom.told(current)}")
    learn(current, resources.identity(), lesson, pictures)
    teaching.show_code("train", world, current)
    solved = solution_for(f"{resources.identity()} {current.identity}")
    keeping.keep(world, current, **(keeping.figures_of(lesson, solved) if solved else {}))


def learn(current: Described, world_id: str, lesson: Lesson, pictures: list[bytes]) -> None:
    """The page for a class."""
    key = f"{world_id} {current.identity}"
    job = job_of(key, lesson)
    now = job.snapshot()
    controls(key, lesson, job, now)
    at_once(key, lesson, now)
    if not pictures:
        st.info(
            f"There are no pictures of this {state.noun()}: choose one of the data set’s unseen classes to judge it. "
            "The loop learns all the same; below are its loss and its neurons."
        )
    else:
        st.html(tray.tray_style("fresh", pictures))
    live = st.container()
    st.caption(
        "The dashed line is the closed form with the loop’s own aim. “Solve at once” stays nearer to a first guess "
        "that the words give, because its class has to compete with others."
    )
    if st.button("Explain what it sees →", type="primary", key="to_explain"):  # asked before a new refresh is ordered
        st.switch_page("pages/explain.py", query_params=st.query_params.to_dict())
    running = now.state is State.RUNNING
    st.session_state["was_running"] = running
    st.session_state["was_waiting"] = bool(now.place)
    seconds = WAITING_SECONDS if now.place else REFRESH_SECONDS
    draw = st.fragment(living, run_every=seconds if running else None)
    with live:
        draw(key, job, lesson, scene_of(key, lesson, len(pictures)))
    if now.step is not None:
        numbers(now, len(lesson.pictures))
    last = now.history[-1] if now.step is not None else None
    teaching.how_it_works(equations.training(lesson, state.noun(), last, LOOP_STRENGTH))


page()
