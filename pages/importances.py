"""Importances: what the words say of each neuron, beside what was measured for the classes most like it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.errors import InputError
from pages.shared import frame, resources, state, style
from pages.shared.charts import figures
from pages.shared.lessons import no_class, teaching
from pages.shared.neurons import nearest, neighbours, surgery
from pages.shared.neurons.nearest import N_NEAREST, Neighbour
from pages.shared.wording import in_words, phrases


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    current = state.described()
    st.title("What each neuron says")
    if current is None:
        style.lead("A class is a pattern of importances, one for each neuron. Here you see the one your words write.")
        no_class.offer(
            f"No {state.noun()} has been described yet. Its importances will stand here as soon as there is one."
        )
        return
    world = resources.world()
    try:
        predicted = resources.predicted_importances([current])[0]
    except InputError as error:
        resources.refuse(str(error))
    style.lead(_lead(current))
    told = phrases(current.picks) if world.drawn else in_words(current)
    st.markdown(f"**{state.yours().capitalize()}:** {told}.")
    project = world.project
    seen = nearest.near_to(predicted)
    order, names = figures.channel_order(project)

    birds = "birds" if world.drawn else "classes"
    st.header(f"{state.yours().capitalize()} above the {birds} most like it")
    rows = _barcodes(predicted, seen, order, names)
    if st.button("Train its classifier →", type="primary", key="next"):
        st.switch_page("pages/train.py", query_params=st.query_params.to_dict())
    st.header(f"The {birds} it knows that come closest")
    show = neighbours.drawn if world.drawn else neighbours.photographed
    show(current, seen[:N_NEAREST])
    average = resources.average_importances()
    _strongest(predicted, average, names)
    surgery.folded(world, current, np.argsort(average - predicted)[:4].tolist(), "importances")
    _folded(rows, order, names)
    teaching.show_step("importances", world, current)


def _lead(current: state.Described) -> str:
    project = resources.project()
    out = (
        f"Out came an {teaching.term('importance')} for each of the network’s {project.backbone.n_channels} "
        f"{teaching.term('neuron', 'neurons')}."
    )
    if state.noun() == "bird":
        n_said, n_open = len(current.picks), len(GROUPS) - len(current.picks)
        as_average = f"; the {n_open} left open count as the average bird’s" if n_open else ""
        said = f"{n_said} {'attribute' if n_said == 1 else 'attributes'}"
        return f"Your {said} went through one table of numbers{as_average}. {out}"
    n = len(project.attribute_names)
    return f"Your description, as {n} numbers, went through one table. {out}"


def _barcodes(
    predicted: np.ndarray, seen: list[Neighbour], order: np.ndarray, names: list[str]
) -> list[figures.BarcodeRow]:
    near = seen[:N_NEAREST]
    chosen = st.session_state.get("compare_with", [])
    others = [other for other in seen[N_NEAREST:] if other.name in chosen]
    rows = [figures.BarcodeRow(f"{state.yours()} — predicted from the words", predicted)] + [
        figures.BarcodeRow(f"{n.name} — measured, cosine {n.cosine:.2f}", n.values) for n in near + others
    ]
    fig = figures.barcode(rows, names, "Importance of every neuron, one strip a class", order=order)
    alt = (
        f"{len(rows)} strips of {len(predicted)} cells, neuron under neuron. Rising cells speak for the class, hanging "
        f"cells against it. Nearest is {near[0].name}: cosine {near[0].cosine:.2f}, where 1 would be the same "
        f"pattern; the typical seen class has {float(np.median([n.cosine for n in seen])):.2f}."
    )
    style.chart(fig, alt, key="barcodes")
    if len(seen) > N_NEAREST:
        st.multiselect(
            f"Compare with another {state.noun()} the network knows",
            sorted(n.name for n in seen[N_NEAREST:]),
            key="compare_with",
            max_selections=4,
            placeholder="choose a name",
        )
    return rows


#: What the bars of the strongest neurons show.
APART, PLAIN = "What sets it apart", "As they are"


def _strongest(predicted: np.ndarray, average: np.ndarray, names: list[str]) -> None:
    """The strongest neurons; predicted, average: (n_channels,)."""
    st.header("The neurons that matter most")
    way = st.segmented_control(
        "Show", (APART, PLAIN), default=APART, required=True, key="strongest_way", label_visibility="collapsed"
    )
    yours = state.yours()
    if way == APART:
        values = predicted - average
        st.markdown(
            "Some neurons speak for every class, so they are no reason for this one. Each bar is how much more, or "
            f"less, a neuron matters for {yours} than for the average known class."
        )
        title = f"What sets {yours} apart: the eight neurons that rise most, and the eight that fall most"
    else:
        values = predicted
        st.markdown("Each bar is the importance itself; some of these neurons speak for every class.")
        title = f"The eight strongest for {yours}, and the eight strongest against"
    best, worst = int(values.argmax()), int(values.argmin())
    alt = (
        f"Strongest for {yours}: neuron {best}, {names[best]}. Strongest against: neuron {worst}, {names[worst]}. "
        "Importance counts score per unit of activation. What the words rest on, the neuron dictionary says."
    )
    style.chart(figures.strongest(values, names, title), alt, key="strongest")


def _folded(rows: list[figures.BarcodeRow], order: np.ndarray, names: list[str]) -> None:
    with st.expander("All numbers as a table"):
        table = {"neuron": order.tolist(), "it is called": [names[k] for k in order]}
        table |= {row.label.partition(" — ")[0]: np.round(row.values[order], 4).tolist() for row in rows}
        st.dataframe(table, hide_index=True, width="stretch")


main()
