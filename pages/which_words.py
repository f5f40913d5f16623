"""Which words made this classifier? Each clause is left out in turn, and the class is solved again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from niwt_core.errors import InputError
from pages.shared import frame, resources, state, style
from pages.shared.charts import figures, tables
from pages.shared.describing import clauses
from pages.shared.lessons import no_class, teaching
from pages.shared.wording import plain

if TYPE_CHECKING:
    from torch import Tensor

    from niwt_core.laboratory.clauses import ClauseEffect
    from niwt_core.worlds.base import World


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    current = state.described()
    st.title("Which words made this classifier?")
    style.lead("Each clause is left out in turn and the class is solved again: what goes missing is what it gave.")
    if current is None:
        no_class.offer(
            f"No {state.noun()} has been described yet. Its words will be weighed here as soon as there is one."
        )
        return
    world = resources.world()
    from niwt_core.laboratory.clauses import leave_one_out

    pictures, strangers = _judges(world, current)
    try:
        with st.spinner("Solving it without each clause …"):
            effects = leave_one_out(world, current, pictures, strangers)
    except InputError as error:
        resources.refuse(str(error))
    if not effects:
        _no_words(current)
        return
    n = 0 if pictures is None else len(pictures)
    things = "birds" if world.drawn else f"pictures of {current.of}"
    st.html(clauses.coloured(current.text, effects))
    st.caption(
        f"Below each clause: its rank, and how far the classifier’s {len(effects[0].full.weights)} weights move "
        "without it, in % of their length. The stronger the ground, the heavier the clause."
    )
    heaviest = clauses.by_weight(effects)[0]
    st.markdown(f"**{plain(clauses.most(heaviest, current.text, n, things))}**")
    if not n and not world.drawn:
        st.caption(
            "There are no pictures to judge it by: choose one of the unseen classes where the class is described."
        )
    if frame.has("pages/what_if.py") and st.button("Change a word: what if? →", type="primary", key="to_what_if"):
        st.switch_page("pages/what_if.py", query_params=st.query_params.to_dict())
    st.header("What each clause weighs")
    alt = "; ".join(f"“{clauses.named(e.clause, current.text)}” {clauses.percent(e.weight)}" for e in _sorted(effects))
    found = f" With all words it finds {heaviest.full_found} of {n} {things}." if n else ""
    style.chart(clauses.bars(effects, current.text, n), f"The heaviest first: {alt}.{found}", key="clause_weights")
    order, names = figures.channel_order(world.project)
    _one_clause(_sorted(effects), current.text, order, names)
    with st.expander("All figures as a table"):
        columns, rows = clauses.table(effects, current.text, names, n, 0 if strangers is None else len(strangers))
        tables.show(columns, rows, "What leaving each clause out does", first_is_bold=bool(n))
    _how_it_works(world, heaviest, current)


def _sorted(effects: tuple[ClauseEffect, ...]) -> list[ClauseEffect]:
    return clauses.by_weight(effects)


def _judges(world: World, current: state.Described) -> tuple[Tensor | None, Tensor | None]:
    """Features of pictures of the class, and of strangers; None where there are none, with the reason on the page."""
    try:
        with st.spinner(f"Looking at {resources.N_PICTURES} pictures that nothing was fitted to …"):
            pictures = resources.features(current)
            return (pictures, resources.strangers(current)) if len(pictures) else (None, None)
    except InputError as error:
        st.warning(plain(str(error)) + " The clauses are weighed without pictures.")
        return None, None


def _no_words(current: state.Described) -> None:
    st.markdown(
        f"**{plain(current.of) or 'This class'}** is described by numbers of the data set’s own. There are no words "
        "to leave out; describe it in words, and they will be weighed."
    )
    if st.button("Describe it in words", type="primary", key="to_describe"):
        st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())


def _one_clause(effects: list[ClauseEffect], text: str, order, names: list[str]) -> None:
    """The pattern with and without one clause, and the neurons that lose most."""
    st.header("What one clause gives the neurons")
    chosen = st.selectbox(
        "Leave out",
        range(len(effects)),
        format_func=lambda i: clauses.named(effects[i].clause, text),
        key="left_out",
    )
    effect = effects[chosen if chosen is not None and chosen < len(effects) else 0]
    said = clauses.neurons(effect.fallen(), names)
    st.markdown(f"**Without it fall most:** {plain(said) or 'none'}.")
    rows = [
        figures.BarcodeRow("with all words", effect.full.importances.numpy()),
        figures.BarcodeRow("without this clause", effect.without.importances.numpy()),
        figures.BarcodeRow("what it gave: the difference", effect.falls.numpy()),
    ]
    fig = figures.barcode(rows, names, "Importance of every neuron", order=order)
    style.chart(
        fig,
        f"Three strips of {len(names)} cells. The two patterns have a cosine of {effect.importance_cosine:.2f}, where "
        "1 would be the same pattern. Neurons are shared: parts and colours that are like the clause’s lose with it.",
        key="left_out_rows",
    )


def _how_it_works(world: World, effect: ClauseEffect, current: state.Described) -> None:
    with st.expander("How it works"):
        full, without = effect.full.weights, effect.without.weights
        moved, length = float((full - without).norm()), float(full.norm())
        st.markdown(
            "The text without a clause is read again, mapped onto importances again, and solved again by the closed "
            "form: weights $w_{-c}$ in place of $w$. What the clause weighs is how far they move,"
        )
        st.latex(
            rf"\frac{{\lVert w - w_{{-c}} \rVert}}{{\lVert w \rVert}} = "
            rf"\frac{{{moved:.3g}}}{{{length:.3g}}} = {effect.weight:.2f}"
        )
        rest = effect.without.described.text
        left = (
            f"What is left of the text: “{plain(rest)}”." if rest else "Nothing is left of the text: the average class."
        )
        st.markdown(
            f"for “{plain(clauses.named(effect.clause, current.text))}”. {left} What was picked by hand stays, and "
            "can be left out like a clause. Weights of clauses do not add up: words help each other, and say the same "
            "thing twice. Pictures only judge, nothing learns from them."
        )
    teaching.show_code("which_words", world, current)


main()
