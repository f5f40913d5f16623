"""Do the words lie where they should? Words said of fresh birds, each with its map against the part that it names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from niwt_core.birds.phrases import GROUP_WORDS, phrase
from niwt_core.explanation import Heatmap
from niwt_core.faithfulness.spoken import Spoken, spoken_of_fresh_birds
from pages.shared import resources
from pages.shared.charts import heats, tables
from pages.shared.jobs.gathering import Gathering, one_by_one
from pages.shared.person import turns
from pages.shared.wording import plain

N_BIRDS = 12
REFRESH_SECONDS = 0.7
#: Seeds of these drawings, apart from all others that the app or its training draws.
FIRST_SEED = 19_000_000


def show() -> None:
    """The whole section: what is tested, the button, and what came out."""
    st.markdown(
        "A word on *Explain* has a place as well: the map of “red crown” should be highest on the crown. The drawing "
        "knows where each part is."
    )
    job: Gathering[tuple[Spoken, ...]] | None = st.session_state.get("word_trial")
    now = job.progress() if job else None
    running = now is not None and now.running
    if running:
        st.button("Stop", on_click=job.stop, icon=":material/stop:", key="stop_words")
    else:
        again = "another " if now is not None and now.whole else ""
        label = f"Test the words of {again}{N_BIRDS} fresh birds"
        st.button(label, on_click=_start, icon=":material/play_arrow:", key="start_words")
    if job is None:
        return
    st.session_state["words_were_running"] = running
    st.fragment(_living, run_every=REFRESH_SECONDS if running else None)(job)
    if now.whole and not running:
        _show_bird(now.whole)


def _start() -> None:
    project, known = resources.project(), resources.words()
    round_ = st.session_state["word_round"] = st.session_state.get("word_round", -1) + 1
    first = FIRST_SEED + round_ * N_BIRDS
    job = one_by_one(partial(spoken_of_fresh_birds, project, known, N_BIRDS, first), N_BIRDS, turns.turn())
    job.start()
    st.session_state["word_trial"] = job


def _living(job: Gathering[tuple[Spoken, ...]]) -> None:
    now = job.progress()
    if st.session_state.get("words_were_running") and not now.running:
        st.session_state["words_were_running"] = False
        st.rerun()  # the button has to change as well, and the clock has to stop
    turns.show_place(now.place)
    if now.running:
        st.progress(now.n_done / now.n_all, f"{now.n_done} of {now.n_all} birds drawn and tested")
    if now.error:
        st.error(plain(now.error))
    if now.whole:
        _show_table(now.whole)


def tally(tested: Sequence[Spoken]) -> list[tuple[str, int, int, int]]:
    """(part, words said, of them true, of them highest on the part) of each group, most said first."""
    words = [word for bird in tested for word in bird.words]
    groups = sorted({w.group for w in words}, key=lambda g: -sum(w.group == g for w in words))
    return [
        (
            GROUP_WORDS[group],
            sum(w.group == group for w in words),
            sum(w.group == group and w.true for w in words),
            sum(w.group == group and w.hit for w in words),
        )
        for group in groups
    ]


def _show_table(tested: Sequence[Spoken]) -> None:
    rows = tally(tested)
    said, true, hit = (sum(row[i] for row in rows) for i in (1, 2, 3))
    st.markdown(
        f"Of **{said}** words said of {len(tested)} birds, **{true}** are true, and the maps of **{hit}** are highest "
        "on the part that the word names (or within 3 % of the picture’s width of it)."
    )
    columns = (("Words about the", ""), ("Words", ""), ("True", ""), ("On their part", ""))
    tables.show(columns, [(a, str(b), str(c), str(d)) for a, b, c, d in rows], "Words on their parts", False)


def _show_bird(tested: Sequence[Spoken]) -> None:
    names = [f"Bird {i + 1}: {bird.truth}" for i, bird in enumerate(tested)]
    picked = st.selectbox("Whose words?", range(len(tested)), format_func=lambda i: names[i], width=320, key="whose")
    bird = tested[picked]
    grid = st.grid(3, min_column_width=120, key="word_maps")
    for word in bird.words:
        said = phrase(word.group, word.value)
        where = f"{'✓ on' if word.hit else '✗ beside'} its part"
        true = "true" if word.true else "not true of this bird"
        largest = heats.full_colour([Heatmap(word.heat, word.heat.new_zeros(0))])
        with grid.cell():
            heats.show(bird.picture, word.heat, largest, f"The map of “{said}”: {where}", word.peak)
            st.caption(f"“{said}”, {true}: {where}.")
