"""Evaluate: how good the current project is, against whom, and under which rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.shared import frame, resources, state, style
from pages.shared.lessons import teaching
from pages.shared.person import turns

REFRESH_SECONDS = 0.7
#: Of the most confused pairs, and of the pictures of one pair.
N_PAIRS, N_PICTURES = 20, 12
SHOWN = 240
#: Where all methods find more, the curve is shown from near.
NEAR = 0.75
OURS = "NIWT"


@st.cache_resource(show_spinner=False, max_entries=8)
def job_of(identity: str):
    """The evaluation of a project, one for all visitors: who comes second finds it done."""
    from pages.shared.jobs.evaluating import EvaluationJob

    world = resources.world()
    return EvaluationJob(world, resources.folder_of(world.key), turns.shared_turn(f"evaluation {world.key}"))


@st.cache_data(show_spinner=False, max_entries=1000)
def picture(identity: str, number: int, size: int) -> np.ndarray:
    """A test picture, (height, width, 3) uint8."""
    return job_of(identity).picture(number, size)


def shown_name(name: str) -> str:
    """A method's name on this page."""
    from niwt_core.evaluation import PRIOR

    return "NIWT’s prior alone" if name == PRIOR else name


def hundred(share: float) -> str:
    """ "98.7": so many of 100, as exact as a few thousand pictures can be."""
    return f"{100 * share:.1f}"


def controls(job, now, world) -> None:
    """One button: start, go on to more pictures, or stop."""
    if now.running:
        st.button("Stop", on_click=job.stop, icon=":material/stop:", key="stop_evaluation")
        return
    what = "drawings" if world.drawn else "photos"
    n_classes = len(world.project.class_names)
    if now.evaluation is None:
        label = f"Evaluate it on {'' if world.drawn else 'up to '}{now.next_step} {what} of each of {n_classes} classes"
        st.button(
            "Go on" if now.n_each and not now.error else label,
            on_click=job.start,
            args=(now.next_step,),
            type="primary",
            icon=":material/play_arrow:",
            key="start_evaluation",
        )
        if not now.n_each:
            st.caption(
                f"It takes {'about half a minute' if world.drawn else 'about a tenth of a second for each photo'}, "
                "once: whoever comes next finds it done."
            )
        return
    if (step := now.next_step) is not None:
        how_many = f"all {what}" if step >= now.most else f"{step} {what} of each class"
        st.button(f"Be more exact: use {how_many}", on_click=job.start, args=(step,), key="more_evaluation")


def living(job) -> None:
    """How far the evaluation is; drawn again on its own while it runs."""
    now = job.progress()
    if st.session_state.get("evaluation_was_running") and not now.running:
        st.session_state["evaluation_was_running"] = False
        st.rerun()  # the button has to change as well, and the clock has to stop
    turns.show_place(now.place)
    if now.running:
        st.progress(now.done / max(now.total, 1), f"{now.stage}: {now.done} of {now.total}")


def verdict(found, world) -> None:
    """One sentence: how good, against whom; then the rule."""
    from niwt_core.evaluation import Rule, lead

    mine = found.standings[OURS].calibrated
    what = "drawings" if world.drawn else "photos"
    text = (
        f"Of 100 {what} of classes that the network was trained on, NIWT names **{hundred(mine.seen)}** rightly (S); "
        f"of 100 of classes that it knows from their descriptions alone, **{hundred(mine.unseen)}** (U). Each time it "
        f"chooses among all {len(found.class_names)} classes. Together that is **H = {hundred(mine.harmonic)}**."
    )
    if found.rivals:
        rival = found.rivals[0]
        gap, low, high = lead(found, rival)
        theirs = (
            f"The best of {len(found.rivals)} other methods, {rival.name}, reaches {hundred(rival.calibrated.harmonic)}"
        )
        span = f"{points(low)} to {points(high)}"
        if low > 0:
            text += f" {theirs}: NIWT leads by {points(gap)}, more than the choice of classes explains ({span})."
        elif high < 0:
            text += f" {theirs}: more than NIWT, and by more than the choice of classes explains ({span})."
        else:
            text += (
                f" {theirs}: with other classes the difference could as well be anything from {span}, so neither is "
                "ahead for sure."
            )
    st.markdown(text)
    st.markdown(
        {
            Rule.REHEARSED: "**The rule.** All methods get the same features and the same descriptions. What a method "
            "has to choose, it chose in a rehearsal, where seen classes played new ones. So it chose the constant that "
            "it adds to the scores of new classes, too. No test picture and no unseen class had a part in any choice.",
            Rule.DEFAULTS: "**The rule.** All methods get the same features and the same descriptions. There are too "
            "few seen classes for a rehearsal (it takes six), so nobody could choose anything: each method takes the "
            "middle of its settings, and no constant is added.",
            Rule.ALONE: "**The rule.** NIWT stands alone here. What other methods would have to choose by, the "
            "rehearsal, was not kept with this project, and without it they would compete under another rule. Fit the "
            "project again to compare.",
        }[found.rule]
    )


def points(value: float) -> str:
    """A difference of H, with its sign: "+0.4", "−0.3"."""
    return f"{100 * value:+.1f}".replace("-", "−")


def ranked(found) -> list:
    """NIWT, then all others by their H."""
    others = [s for name, s in found.standings.items() if name != OURS]
    return [found.standings[OURS], *sorted(others, key=lambda s: -s.calibrated.harmonic)]


def show_table(found, n_each: int) -> None:
    """Every method by every measure."""
    from pages.shared.charts import downloads, tables

    columns = (
        ("Method", ""),
        ("S", "seen"),
        ("U", "unseen"),
        ("H", "both"),
        ("Unseen only", "no seen class in the way"),
        ("H uncalibrated", "without the constant"),
    )
    figures = {}
    for s in ranked(found):
        c = s.calibrated
        figures[shown_name(s.name)] = (c.seen, c.unseen, c.harmonic, c.unseen_only, s.raw.harmonic)
    rows = [(name, *map(hundred, values)) for name, values in figures.items()]
    st.subheader("Every method, of 100 pictures")
    tables.show(columns, rows, "What every method reaches, of 100 pictures", first_is_bold=True)
    c = found.standings[OURS].calibrated
    st.caption(
        f"From {c.n_seen_images:,} pictures of seen and {c.n_unseen_images:,} of unseen classes, at most {n_each} of "
        "each; every class counts alike. H is the harmonic mean of S and U: it is high only where both are. “Unseen "
        "only” leaves the seen classes out of the choice, which makes it easier."
    )
    exact = [(name, *values) for name, values in figures.items()]
    downloads.offer_table([name for name, _ in columns], exact, "Every method", "methods")


def show_curve(found) -> None:
    """U over S for NIWT and the two best others."""
    from pages.shared.judging import standings

    chosen = [found.standings[OURS], *found.rivals[:2]]
    names = [shown_name(s.name) for s in chosen]
    st.subheader("What the constant does")
    st.markdown(
        "A classifier favours the classes it was trained on. A constant added to the scores of the new ones makes up "
        "for that: too little, and new classes are never named; too much, and the known ones are lost. Each line shows "
        "every bargain that a method can strike; the mark, the one it chose without looking."
    )
    parts = ["the whole curve", "around the marks"]
    good = min(min(s.curve.chosen) for s in chosen) > NEAR  # then the whole curve is hardly more than a corner
    near = st.segmented_control("Show", parts, default=parts[good], key="curve_part", required=True)
    areas = "; ".join(f"{name} {s.curve.area:.3f}" for s, name in zip(chosen, names, strict=True))
    style.chart(
        standings.seen_unseen(chosen, names, near == parts[1]),
        f"The nearer to the upper right corner, the better. The area under a line (AUSUC) says it in one number, 1 "
        f"would be perfect: {areas}.",
        key="seen_unseen",
    )


def show_classes(found, standing) -> None:
    """Each class's accuracy, and those that are looked for."""
    from niwt_core.evaluation import confusions, per_class
    from pages.shared.charts import tables
    from pages.shared.judging import standings

    names, n_seen = found.class_names, found.n_seen
    rates = per_class(found.labels, standing.predicted, len(names))
    counts = np.bincount(found.labels, minlength=len(names))
    st.header("Which classes are hard")
    wanted = st.multiselect(
        "Find classes", range(len(names)), format_func=lambda c: names[c], key="wanted_classes", max_selections=10,
        placeholder="Type a name",
    )  # fmt: skip
    full = int((rates >= 1).sum())
    style.chart(
        standings.class_dots(names, n_seen, rates, counts, wanted),
        f"{full} of {int((counts > 0).sum())} classes lose no picture. Circles are classes that the network was "
        "trained on, diamonds those that it knows from descriptions.",
        key="classes",
    )
    mistaken = confusions(found.labels, standing.predicted)
    listed = wanted or [int(c) for c in np.argsort(rates, kind="stable")[:10] if rates[c] < 1]
    if not listed:
        return
    rows = []
    for c in listed:
        most = max((m for m in mistaken if m.true == c), key=lambda m: m.n, default=None)
        told = f"{names[most.taken]} ({most.n})" if most else "nothing"
        share = f"{round(rates[c] * counts[c])} of {counts[c]}" if counts[c] else "no pictures"
        rows.append((names[c], "seen" if c < n_seen else "unseen", share, told))
    st.markdown("**The classes you look for**" if wanted else "**The hardest**")
    columns = (("Class", ""), ("Kind", ""), ("Pictures found", ""), ("Most often taken for", ""))
    tables.show(columns, rows, "Classes and how many of their pictures are found", first_is_bold=False)


def show_confusions(found, standing, identity: str, world) -> None:
    """What was taken for what: the pairs, the pictures of one, and the whole matrix folded."""
    from niwt_core.evaluation import confusions
    from pages.shared.charts import tables
    from pages.shared.judging import standings

    names = found.class_names
    st.header("What is taken for what")
    pairs = confusions(found.labels, standing.predicted)
    if not pairs:
        st.success("No picture was taken for another class.")
        return
    wrong = sum(pair.n for pair in pairs)
    st.markdown(
        f"{wrong} of {len(found.labels):,} pictures were taken for another class, in {len(pairs)} different pairs. "
        "Choose a pair to see them."
    )
    options = {f"{pair.true}-{pair.taken}": pair for pair in pairs}
    if st.session_state.get("confused") not in options:
        st.session_state["confused"] = next(iter(options))

    def told(key: str) -> str:
        pair = options[key]
        return f"{names[pair.true]} taken for {names[pair.taken]}: {pair.n} of {pair.of}"

    st.selectbox("Pair", list(options), format_func=told, key="confused")
    with st.expander("Or choose it in the whole confusion matrix"):
        order = standings.class_order(world.project.descriptions, found.n_seen)
        fig = standings.confusion_matrix(names, found.n_seen, order, found.labels, standing.predicted)

        def press() -> None:
            for point in st.session_state["confusion_matrix"].selection.points:
                true, taken = fig.data[point["curve_number"]].customdata[point["point_index"]]
                if (key := f"{true}-{taken}") in options:
                    st.session_state["confused"] = key

        style.chart(
            fig,
            "A mark for each pair of classes that occurs, circles where they agree, squares where they do not; seen "
            "classes first, and those with similar descriptions side by side. Press a square to see its pictures "
            "below.",
            key="confusion_matrix",
            on_press=press,
        )
    show_pair(found, standing, options[st.session_state["confused"]], identity)
    with st.expander(f"The {min(N_PAIRS, len(pairs))} most confused pairs"):
        columns = (("It was", ""), ("It was taken for", ""), ("Pictures", ""))
        rows = [(names[p.true], names[p.taken], f"{p.n} of {p.of}") for p in pairs[:N_PAIRS]]
        tables.show(columns, rows, "The most confused pairs of classes", first_is_bold=False)


def show_pair(found, standing, pair, identity: str) -> None:
    """The pictures of one class that were taken for another, and that other's own."""
    labels, predicted, names = found.labels, standing.predicted, found.class_names
    wrong = np.flatnonzero((labels == pair.true) & (predicted == pair.taken))
    own = np.flatnonzero((labels == pair.true) & (predicted == pair.true))
    other = np.flatnonzero(labels == pair.taken)
    true, taken = names[pair.true], names[pair.taken]
    show_row(f"{true}, taken for {taken}", wrong, f"{true}, taken for {taken}", identity, "wrong")
    left = f"{true}, found" if len(own) else ""
    if left:
        show_row(left, own[:6], left, identity, "own")
    show_row(f"How {taken} itself looks", other[:6], taken, identity, "other")


def show_row(title: str, numbers: Sequence[int], alt: str, identity: str, key: str) -> None:
    """Some test pictures side by side below a line of text."""
    from pages.shared.wording import plain

    st.markdown(f"**{plain(title)}**")
    if len(numbers) > N_PICTURES:
        st.caption(f"The first {N_PICTURES} of {len(numbers)}.")
    grid = st.grid(6, min_column_width=110, key=f"row_{key}")
    for i, number in enumerate(numbers[:N_PICTURES]):
        with grid.cell():
            st.image(picture(identity, int(number), SHOWN), width="stretch", alt=f"Test picture {i + 1} of: {alt}")


def show_methods() -> None:
    """What the other methods are."""
    from niwt_core.methods.baselines import BASELINES

    with st.expander("The other methods"):
        st.markdown("\n".join(f"- **{method.name}**: {method.reference}" for method in BASELINES))
        st.markdown(
            "*NIWT’s prior alone* is NIWT before importances come in: the difference to NIWT says how much of the "
            "result the transfer itself brings. For accuracy that is often nothing; what it brings is the explanation."
        )


def page() -> None:
    frame.ensure()
    st.title("Evaluate")
    style.lead(
        f"How good is it on {teaching.term('seen')} and unseen classes and by their {teaching.term('harmonic mean')}, "
        "against whom, and under which rule? All methods, the same pictures, the same features."
    )
    state.described()  # keeps the described class in the address
    world, identity = resources.world(), resources.identity()
    job = job_of(identity)
    now = job.progress()
    controls(job, now, world)
    st.session_state["evaluation_was_running"] = now.running
    st.fragment(living, run_every=REFRESH_SECONDS if now.running else None)(job)
    if now.error:
        from pages.shared.wording import plain

        st.error(plain(now.error))
    found = now.evaluation
    if found is None:
        return
    st.header("What came out")
    verdict(found, world)
    show_table(found, now.judged)
    show_curve(found)
    names = [s.name for s in ranked(found)]
    method = names[0]
    if len(names) > 1:
        method = st.selectbox("Look closer at the answers of", names, format_func=shown_name, key="closer_method")
    standing = found.standings[method]
    show_classes(found, standing)
    show_confusions(found, standing, identity, world)
    if len(names) > 1:
        show_methods()


page()
