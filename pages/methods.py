"""Methods side by side: the person presses once, and sees what five methods make of the same words."""

from __future__ import annotations

import streamlit as st

from pages.shared import frame, resources, state, style, wording
from pages.shared.charts import tables
from pages.shared.lessons import no_class
from pages.shared.person import turns

REFRESH_SECONDS = 0.5


def page() -> None:
    frame.ensure()
    st.title("The same words, five methods")
    style.lead(
        "Other methods learn from words as well. Here they get the same network, the same words and the same rules."
    )
    current = state.described()
    if current is None:
        no_class.offer(f"There is no {state.noun()} to compare on yet. Describe one, and every method will learn it.")
        return
    world = resources.world()  # the first to ask waits here for the network

    from niwt_core.errors import InputError
    from pages.shared.jobs.contest import ContestJob
    from pages.shared.learning import classroom

    try:
        lesson = classroom.lesson_of(world, current)
    except InputError as error:
        st.error(wording.plain(str(error)))
        return
    st.markdown(f"**{state.yours().capitalize()}:** {classroom.told(current)}")
    key = f"{resources.identity()} {current.identity}"
    kept = st.session_state.get("contest")
    if kept is None or kept[0] != key:
        if kept is not None:
            kept[1].stop()
        job = ContestJob(classroom.ring_holder(), classroom.ring_maker(world), lesson, turns.turn())
        st.session_state["contest"] = kept = (key, job)
    _contest(kept[1], len(lesson.pictures), len(lesson.strangers))


def _contest(job, n_pictures: int, n_strangers: int) -> None:
    """The button, the progress, or the outcomes."""
    now = job.standing()
    if now.outcomes:
        _outcomes(now, n_pictures, n_strangers)
    elif now.running:
        with st.container(horizontal=True):
            st.button("Stop", key="stop", on_click=job.stop, icon=":material/stop:")
        st.fragment(_progress, run_every=REFRESH_SECONDS)(job)
    else:
        if now.error:
            st.error(wording.plain(now.error))
        st.button("Compare five methods", key="compare", type="primary", on_click=job.start, icon=":material/balance:")
        st.caption(
            "The first time, the other methods have to be fitted to what the network knows: up to a minute. After "
            "that each new class takes a few seconds, nearly all of it the paper’s loop."
        )
    _how_it_works()


def _progress(job) -> None:
    now = job.standing()
    if not now.running:
        st.rerun()
    turns.show_place(now.place)
    told = now.stage if now.stage.startswith("step ") else f"{now.done} of {now.total} {now.stage}"
    st.progress(min(1.0, now.done / max(now.total, 1)), told.capitalize() if now.stage else "Starting …")


def _outcomes(now, n_pictures: int, n_strangers: int) -> None:
    from pages.shared.judging import versus

    st.header("What came out")
    st.markdown(versus.verdict(now.outcomes, n_pictures, n_strangers))
    if not n_pictures:
        st.info(
            f"There are no pictures of this {state.noun()}, so nobody knows what the methods would find: choose one of "
            "the data set's unseen classes to judge it."
        )
    if not now.ring.rehearsed:
        st.info("The network knows too few classes to choose anything by leaving some out: all constants are 0.")
    columns, rows = versus.table(now.outcomes, n_pictures, n_strangers, len(now.ring.seen_pictures))
    tables.show(columns, rows, "Five methods on the described class", first_is_bold=True)
    st.caption(
        f"The loop stopped after {now.iterations} steps. “Known pictures lost” are test pictures of classes the "
        "network knows that the new class now takes. Times are medians of 20, the loop’s is its one run."
    )
    if n_pictures:
        best = max(now.outcomes, key=lambda o: versus.balance(o, n_pictures, n_strangers))
        style.chart(
            versus.dots(now.outcomes, n_pictures, n_strangers),
            f"A long line is good: much found, little claimed. The best balance has {versus.CALLED[best.name]}: "
            f"{best.found} of {n_pictures} found, {best.claimed} of {n_strangers} claimed.",
            key="dots",
        )


def _how_it_works() -> None:
    with st.expander("How it works"):
        st.markdown(
            "- **NIWT, closed form**: the words ask for an importance of each neuron; weights that have these "
            "importances are solved for, near a first guess.\n"
            "- **NIWT, the paper’s loop**: the same aim by gradient descent, from weights by chance, to the paper’s "
            "stop rule.\n"
            "- **Nearest predicted prototype**: a ridge regression predicts the mean features of the class; the "
            "nearest mean wins (DEM’s idea; Zhang et al. 2017).\n"
            "- **ESZSL**: one matrix between features and words, in closed form (Romera-Paredes and Torr 2015).\n"
            "- **Weights by ridge**: a ridge regression predicts the weights themselves (after Elhoseiny et al. 2013)."
        )
        st.markdown(
            "A class that comes alone wins too often or too seldom until a constant is added to its score. Every "
            "method gets its own, by one rule, on known classes that play new ones: as many of their own pictures "
            "found, and of other new classes’ pictures left alone, as can be had together. "
            + (
                "For birds they are played in front of a second network that never saw them."
                if state.noun() == "bird"
                else "A project keeps no second network that never saw them; so the constants of all methods, NIWT’s "
                "too, are chosen with this one, which makes the rehearsal easier than the real thing. NIWT’s figures "
                "can therefore differ from those on other pages."
            )
        )
        st.markdown(
            "**Neurons agree**: the importances that the network has with a method’s weights, as they differ from the "
            "mean known class’s, against those that the words ask for; 100 is the same pattern, 0 unrelated. Any "
            "linear classifier has importances. NIWT alone is built from them, so it can say beforehand which neurons "
            "it will use, and why."
        )


page()
