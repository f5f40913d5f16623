"""Importances: what the words say of each neuron, beside what was measured for the classes most like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from niwt_core.birds.attributes import ATTRIBUTES, GROUPS, decode
from niwt_core.birds.reading import read
from pages.shared import figures, frame, resources, state, style
from pages.shared.wording import phrases

N_NEAREST = 4
PORTRAIT_SEED = 10_000_001


@dataclass(frozen=True)
class Neighbour:
    """A seen class near the described one: its cosine to the prediction, its measured importances, its attributes."""

    name: str
    cosine: float
    values: np.ndarray  # (n_channels,)
    bird: dict[str, str]


def main() -> None:
    """The page from top to bottom."""
    frame.ensure()
    current = state.described()
    st.title("What each neuron says")
    if current is None:
        _nothing_yet()
        return
    project = resources.project()
    n_said, n_open = len(current.picks), len(GROUPS) - len(current.picks)
    as_average = f"; the {n_open} left open count as the average bird’s" if n_open else ""
    style.lead(
        f"Your {n_said} {'attribute' if n_said == 1 else 'attributes'} went through one table of numbers{as_average}. "
        f"Out came an importance for each of the network’s {project.backbone.n_channels} neurons."
    )
    st.markdown(f"**Your bird:** {phrases(current.picks)}.")
    predicted = resources.predicted_importances([current.picks])[0]
    seen = _seen(project, predicted)
    order, names = figures.channel_order(project)

    st.header("Your bird above the birds most like it")
    rows = _barcodes(predicted, seen, order, names, project)
    if st.button("Train its classifier →", type="primary", key="next"):
        st.switch_page("pages/train.py", query_params=st.query_params.to_dict())
    _neighbours(current, seen[:N_NEAREST])
    _strongest(predicted, names)
    _folded(rows, order, names, project)


def _nothing_yet() -> None:
    style.lead("No bird has been described yet. Its importances will stand here as soon as there is one.")
    with st.container(horizontal=True):
        if st.button("Describe a bird", type="primary", key="to_describe"):
            st.switch_page("pages/describe.py")
        st.button("Use the example", key="use_example", help=state.EXAMPLE, on_click=_use_example)


def _use_example() -> None:
    state.describe_as(state.EXAMPLE, read(state.EXAMPLE).attributes)
    st.session_state["words"] = state.EXAMPLE  # the description page shows it too


def _seen(project, predicted: np.ndarray) -> list[Neighbour]:
    """All seen classes, nearest first."""
    values = project.importances.values.numpy()  # (n_seen, n_channels)
    cosines = values @ predicted / (np.linalg.norm(values, axis=1) * np.linalg.norm(predicted))
    return [
        Neighbour(
            project.class_names[i], float(cosines[i]), values[i], decode(project.descriptions[i].numpy())
        )
        for i in np.argsort(-cosines)
    ]  # fmt: skip


def _barcodes(
    predicted: np.ndarray, seen: list[Neighbour], order, names: list[str], project
) -> list[figures.BarcodeRow]:
    nearest = seen[:N_NEAREST]
    chosen = st.session_state.get("compare_with", [])
    others = [other for other in seen if other.name in chosen and other not in nearest]
    rows = [figures.BarcodeRow(f"{state.YOURS} — predicted from the words", predicted)] + [
        figures.BarcodeRow(f"{n.name} — measured, cosine {n.cosine:.2f}", n.values) for n in nearest + others
    ]
    fig = figures.barcode(rows, names, "Importance of every neuron, one strip a class", order=order)
    alt = (
        f"{len(rows)} strips of {len(predicted)} cells, neuron under neuron. Rising cells speak for the class, hanging "
        f"cells against it. Nearest is {nearest[0].name}: cosine {nearest[0].cosine:.2f}, where 1 would be the same "
        f"pattern; the typical seen class has {float(np.median([n.cosine for n in seen])):.2f}."
    )
    style.chart(fig, alt, key="barcodes")
    st.multiselect(
        "Compare with another bird the network knows",
        sorted(n.name for n in seen[N_NEAREST:]),
        key="compare_with",
        max_selections=4,
        placeholder="choose a name",
    )
    return rows


def _neighbours(current: state.Described, nearest: list[Neighbour]) -> None:
    st.header("The birds it knows that come closest")
    st.markdown("The network has seen drawings of these. None of them is your bird.")
    with st.container(key="portraits_nearest"):
        for column, near in zip(st.columns(len(nearest)), nearest, strict=True):
            shared = [g for g in GROUPS if g in current.picks and near.bird[g] == current.picks[g]]
            differs = [g for g in GROUPS if g in current.picks and near.bird[g] != current.picks[g]]
            with column:
                key = state.Described("", near.bird).key
                image = resources.portrait(key, near.bird, PORTRAIT_SEED)
                st.image(image, width="stretch", alt=f"{near.name}: {phrases(near.bird)}")
                st.subheader(near.name, anchor=False)
                st.markdown(
                    f"**Shares {len(shared)} of {len(current.picks)}:** {phrases(near.bird, shared) or 'nothing'}."
                )
                if differs:
                    st.markdown("**But has** " + phrases(near.bird, differs) + ".")


def _strongest(predicted: np.ndarray, names: list[str]) -> None:
    st.header("The neurons that matter most")
    fig = figures.strongest(predicted, names, "The eight strongest for your bird, and the eight strongest against")
    best, worst = int(predicted.argmax()), int(predicted.argmin())
    alt = (
        f"Strongest for your bird: neuron {best}, {names[best]}. Strongest against: neuron {worst}, {names[worst]}. "
        "Importance counts score per unit of activation. What the words rest on, the neuron dictionary says."
    )
    style.chart(fig, alt, key="strongest")


def _folded(rows: list[figures.BarcodeRow], order: np.ndarray, names: list[str], project) -> None:
    with st.expander("All numbers as a table"):
        table = {"neuron": order.tolist(), "it is called": [names[k] for k in order]}
        table |= {row.label.partition(" — ")[0]: np.round(row.values[order], 4).tolist() for row in rows}
        st.dataframe(table, hide_index=True, width="stretch")
    with st.expander("How it works"):
        st.markdown(
            "The importance of a neuron for a class is how much the class’s score changes when that neuron is turned "
            f"up everywhere in the picture. For the {project.n_seen} classes the network was shown, it is measured. "
            "For your bird there is nothing to measure, so it is predicted:"
        )
        st.latex(
            r"\hat{\alpha} = \ell \cdot \frac{(a - \bar{a})\,W + \bar{\alpha}}"
            r"{\lVert (a - \bar{a})\,W + \bar{\alpha} \rVert}"
        )
        st.markdown(
            f"- $a$ is your description, {len(ATTRIBUTES)} numbers: 1 for what the bird has, 0 for what it has not, "
            "and for what was left open the mean $\\bar{a}$ over the known birds.\n"
            "- $W$ is the table, one row for each attribute and one column for each neuron, found by ridge regression "
            f"on the {project.n_seen} known classes.\n"
            "- $\\bar{\\alpha}$ is the mean pattern of the known classes, and $\\ell$ their mean length.\n"
            "- Two patterns are compared by the cosine of the angle between them: 1 is the same pattern, 0 has nothing "
            "in common."
        )


main()
