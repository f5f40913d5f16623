"""Is it faithful? How we know that what the app shows is true of the network: tests that run live, and the card."""

from __future__ import annotations

from functools import partial

import streamlit as st

from niwt_core.explanation import Heatmap
from niwt_core.worlds.base import World
from pages.shared import frame, resources, state, style
from pages.shared.charts import curves, heats, tables
from pages.shared.jobs.gathering import Gathering, Progress, one_by_one
from pages.shared.judging import trial, verdicts, words_on_parts
from pages.shared.judging.trial import CLASSIC, NAMES, OURS, Judged
from pages.shared.person import turns
from pages.shared.wording import plain

REFRESH_SECONDS = 0.7


def thing() -> str:
    """What the pictures show, in one word."""
    return "bird" if state.noun() == "bird" else "photo"


def controls(world: World, now: Progress[tuple[Judged, ...]] | None) -> None:
    """One button: start, or stop."""
    n = trial.N_BIRDS if world.drawn else trial.N_PHOTOS

    def start() -> None:
        round_ = st.session_state["trial_round"] = st.session_state.get("trial_round", -1) + 1
        make = (
            partial(trial.birds, world.project, n, round_) if world.drawn else partial(trial.photos, world, n, round_)
        )
        job = one_by_one(make, n, turns.turn())
        job.start()
        st.session_state["trial"], st.session_state["trial_world"] = job, resources.identity()

    if now is not None and now.running:
        st.button("Stop", on_click=st.session_state["trial"].stop, icon=":material/stop:", key="stop_trial")
        return
    again = "another " if now is not None and now.whole else ""
    label = f"Test it on {again}{n} fresh {thing()}s" if world.drawn else f"Test it on {again}{n} test photos"
    st.button(label, on_click=start, type="primary", icon=":material/play_arrow:", key="start_trial")


def living(job: Gathering[tuple[Judged, ...]]) -> None:
    """How far the test is, and the table as it stands; drawn again on its own while the test runs."""
    now = job.progress()
    if st.session_state.get("trial_was_running") and not now.running:
        st.session_state["trial_was_running"] = False
        st.rerun()  # the button has to change as well, and the clock has to stop
    turns.show_place(now.place)
    if now.running:
        doing = "birds drawn and tested" if thing() == "bird" else "photos tested"
        st.progress(now.n_done / now.n_all, f"{now.n_done} of {now.n_all} {doing}")
    if now.error:
        st.error(plain(now.error))
    if now.whole:
        show_table(now.whole)


def show_table(tested: tuple[Judged, ...]) -> None:
    """Every map with its marks; of photos, where nobody knows where the thing is, those that need no such knowledge."""
    n = len(tested)
    found = trial.summaries(tested)
    points = found[OURS].n_hits is not None
    columns = (
        (f"Map, over {n} {thing() if n == 1 else thing() + 's'}", ""),
        *((("Points at the bird", "more is better"), ("Heat on the bird", "more is better")) if points else ()),
        ("Insertion", "more is better"),
        ("Deletion", "less is better"),
        ("After forgetting", "0 is best, 1 is worst"),
    )
    rows = [
        (
            name,
            *((f"{s.n_hits} of {n}", str(s.energy)) if points else ()),
            str(s.insertion),
            str(s.deletion),
            str(s.forgetful),
        )
        for name, s in found.items()
    ]
    tables.show(columns, rows, "What each test says of each map", first_is_bold=True)


def show_results(tested: tuple[Judged, ...]) -> None:
    """What the table says, one picture with its maps, and the curves."""
    found = trial.summaries(tested)
    st.markdown(verdicts.reading(tested, found))
    st.caption("± is the standard error of the mean: differences of that size may be chance.")
    st.subheader("Where each map points")
    word = thing().capitalize()
    labels = [f"{word} {i + 1}: {picture.truth}" for i, picture in enumerate(tested)]
    first = verdicts.telling(tested)
    picked = st.selectbox(word, range(len(tested)), index=first, format_func=lambda i: labels[i], width=320)
    show_bird(tested[min(picked, len(tested) - 1)])
    st.subheader("How sure it stays")
    left, right = st.columns(2, gap="large")
    for column, way, title, axis, alt in (
        (left, "inserted", "Insertion: the hottest pixels come back first", "pixels put back", "rises soonest"),
        (right, "deleted", "Deletion: the hottest pixels go first", "pixels taken out", "falls soonest"),
    ):
        with column:
            lines = {name: list(getattr(found[name], way)) for name in NAMES}
            alt = f"How sure the network is of its answer, mean of {len(tested)} {thing()}s. The best line {alt}."
            style.chart(curves.pixel_curves(lines, title, axis), alt, key=way)


def show_bird(bird: Judged) -> None:
    """The picture and two maps of it, each with a ring round its strongest place."""
    grid = st.grid(3, min_column_width=150, key="trial_bird")
    drawn = bird.covers is not None
    with grid.cell():
        shows = f"A drawing of the species {bird.truth}" if drawn else f"A test photo of {bird.truth}"
        st.image(bird.picture, width="stretch", alt=shows)
        st.caption(f"{plain(bird.truth)}; the network says {plain(bird.predicted)}.")
    for name in (OURS, CLASSIC):
        marks = bird.marks[name]
        says = "the ring is at its strongest place"
        if marks.energy is not None:
            says = f"{'✓ on' if marks.hit else '✗ beside'} the bird, {100 * marks.energy:.0f} % of its heat on it"
        heat = Heatmap(marks.heat, marks.heat.new_zeros(0))
        with grid.cell():
            alt = f"Evidence for {bird.predicted} by {name}: {says}"
            heats.show(bird.picture, marks.heat, heats.full_colour([heat]), alt, marks.peak)
            st.caption(f"{name[0].upper()}{name[1:]}: {says}.")


def show_words() -> None:
    """How often words were true, from the project's card."""
    bands = [band for band in resources.project().card.get("word_trust", []) if band["n_words"]]
    if not bands:
        st.markdown("How often the words are true has not been measured for this network.")
        return
    st.markdown(
        "Each word on *Explain* comes with a chance of being true. On drawings of species that the network was never "
        "shown, the drawing tells whether it was. This was measured once, when the network was made:"
    )
    columns = (("Words given", ""), ("Words", ""), ("True", ""), ("Promised", "on average"), ("Kept", ""))
    rows = [
        (
            _given(band["least"], above),
            f"{band['n_words']:,}",
            f"{band['n_true']:,}",
            f"{100 * band['promised']:.0f} of 100",
            f"{100 * band['n_true'] / band['n_words']:.0f} of 100",
        )
        for band, above in zip(bands, [None, *(band["least"] for band in bands)], strict=False)
    ]
    tables.show(columns, rows, "How often words were true", first_is_bold=False)
    st.markdown(verdicts.calibration(bands[0]))


def _given(least: float | None, above: float | None) -> str:
    """The chances of a band; `above` is where the next surer band begins, None for the surest."""
    if least is None:
        return "any" if above is None else f"below {100 * above:.0f} of 100"
    return f"{100 * least:.0f} of 100 or more" if above is None else f"{100 * least:.0f} to {100 * above:.0f} of 100"


def page() -> None:
    frame.ensure()
    st.title("Is it faithful?")
    style.lead("An explanation can look right and be wrong. These tests ask the network itself; run them.")
    state.described()  # keeps the described bird in the address
    world = resources.world()
    job: Gathering[tuple[Judged, ...]] | None = st.session_state.get("trial")
    if job is not None and st.session_state.get("trial_world") != resources.identity():
        job.stop()  # it tests another project
        job = None
    now = job.progress() if job is not None else None
    controls(world, now)
    if job is None or now is None:
        does = (
            "Draws birds of species that the network was never shown, and tests four maps of each. Some seconds."
            if world.drawn
            else "Takes photos of classes that the network was never shown, and tests four maps of each. A minute."
        )
        st.caption(does)
    else:
        st.session_state["trial_was_running"] = now.running
        st.header("What came out")
        st.fragment(living, run_every=REFRESH_SECONDS if now.running else None)(job)
        if now.whole and not now.running:
            show_results(now.whole)
    st.header("What each test does")
    st.markdown(
        (verdicts.POINTING if world.drawn else "") + verdicts.TESTS + ("" if world.drawn else verdicts.NO_MASKS)
    )
    if world.drawn:
        st.header("Do the words lie on their parts?")
        words_on_parts.show()
    st.header("And are they true?" if world.drawn else "And the words, are they true?")
    show_words()


page()
