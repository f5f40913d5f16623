"""Which neurons speak for a class, and which for one class rather than another."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from torch import Tensor, nn

from niwt_core.explanation import Explanation, why_rather
from niwt_core.gzsl import Classifier
from niwt_core.network.backbone import Backbone
from niwt_core.project import Project
from pages.shared import resources, style, wording
from pages.shared.charts import figures, heats
from pages.shared.explanation import contributing, explaining, pictures
from pages.shared.explanation.explaining import DEFAULT, Seen

DICTIONARY = "pages/dictionary.py"
HAS_DICTIONARY = (Path(__file__).parents[3] / DICTIONARY).exists()


def show_neurons(project: Project, found: Explanation, class_row: Tensor, name: str) -> None:
    """The bars of the strongest neurons, how they add up, and the two barcodes."""
    bold = f"**{wording.plain(name)}**"
    parts, names = contributing.parts_of(found.contributions), resources.dictionary_of(project)
    st.markdown(contributing.sentence(parts, f"For {bold}", "against it", names))
    left, right = st.columns([0.55, 0.45], gap="large")
    with left:
        title = f"The neurons that count most for {name}"
        alt = "Each bar is what one neuron adds to the score: its importance times its activation, place by place."
        style.chart(contributing.bars(parts, names, title, ("against", "for")), alt, key="neurons")
        link_cards(parts)
    with right:
        fig = contributing.sum_chart(parts, "How they add up to the score", "score")
        style.chart(fig, contributing.adding_up(parts, "the score"), key="sum")
        st.caption(
            "The *remainder* is what no single neuron accounts for: the layers after the neurons add fixed amounts of "
            "their own. The *threshold* is what this class has to overcome, or is given, whatever the picture. The "
            "class with the highest score wins."
        )
    mine, theirs = (nn.functional.normalize(row, dim=0) for row in (found.heat.importances, class_row))
    order, labels = figures.channel_order(project)
    rows = [figures.BarcodeRow("This picture", mine.numpy()), figures.BarcodeRow(f"The class: {name}", theirs.numpy())]
    fig = figures.barcode(
        rows, labels, "All neurons, picture above class", order=order, scale=float(theirs.abs().max())
    )
    agreement = 100 * float(mine @ theirs)
    style.chart(
        fig, f"Agreement of the two rows: {agreement:.0f} of 100 (0 would be unrelated, below 0 opposed).", key="rows"
    )


def link_cards(parts: contributing.Parts) -> None:
    """A link to each shown neuron's card in the dictionary, where there is such a page."""
    if not HAS_DICTIONARY:
        return
    with st.container(horizontal=True, gap="small", key="cards"):
        for channel, _ in parts.shown:
            address = st.query_params.to_dict() | {"neuron": str(channel)}
            st.page_link(DICTIONARY, label=f"Neuron {channel}", icon=":material/menu_book:", query_params=address)


def show_rather(
    project: Project, backbone: Backbone, chosen: pictures.Chosen, seen: Seen, classifier: Classifier, a: int
) -> None:
    """Why this class and not another: the same bars for the lead of one over the other, and the difference map."""
    names = classifier.names
    runner_up = next(int(c) for c in seen.order if c != a)
    options = [DEFAULT, *(c for c in (project.n_seen, *range(project.n_seen)) if c != a)]
    choice = st.selectbox(
        "Rather than",
        options,
        format_func=lambda c: "the runner-up" if c == DEFAULT else names[c],
        key="rather_than",
        width=320,
    )
    b = runner_up if choice == DEFAULT else choice
    found = why_rather(backbone, seen.inputs, classifier, a, b)
    parts, dictionary = contributing.parts_of(found), resources.dictionary_of(project)
    one, other = wording.plain(names[a]), wording.plain(names[b])
    lead = "leads" if parts.score > 0 else "lies behind"
    st.markdown(
        contributing.sentence(parts, f"For **{one}** rather than **{other}**", f"for {other}", dictionary)
        + f" In all, {one} {lead} by {abs(parts.score):.1f} points: neurons {wording.signed(parts.neurons)}, "
        f"thresholds {wording.signed(parts.threshold)}, remainder {wording.signed(parts.remainder)}."
        + (" So the thresholds decide here, not the neurons." if parts.neurons * parts.score < 0 else "")
    )
    difference = explaining.map_of(backbone, seen.inputs, classifier.weight[a] - classifier.weight[b])
    left, right = st.columns([0.36, 0.64], gap="large")
    with left:
        largest = heats.full_colour([difference])
        where = wording.whereabouts(difference.upsampled(pictures.SHOWN), chosen.masks)
        heats.show(chosen.shown, difference.signed, largest, f"For {names[a]} rather than {names[b]}. {where}")
        heats.scale_bar(largest, ends=(names[b], names[a]))
        st.caption(f"**Blue** speaks for {one}, **orange** for {other}. {where}")
    with right:
        title = f"The neurons that count most for {names[a]} rather than {names[b]}"
        fig = contributing.bars(parts, dictionary, title, (names[b], names[a]))
        style.chart(fig, "Each bar is what one neuron adds to the lead of the one over the other.", key="rather")
    box = st.expander("How the lead adds up, and both classes side by side", key="both", on_change="rerun")
    if not box.open:
        return
    with box:
        style.chart(
            contributing.sum_chart(parts, "How it adds up to the lead", "lead"),
            contributing.adding_up(parts, "the lead"),
            key="rather_sum",
        )
        shared = st.toggle("Same scale for the two classes", value=True, key="classes_scale")
        alts = [f"Evidence for {names[c]}" for c in (a, b)]
        heats.side_by_side(
            [chosen.shown] * 2,
            [explaining.map_of(backbone, seen.inputs, classifier.weight[c]) for c in (a, b)],
            [names[a], names[b]],
            alts,
            shared=shared,
            key="two_maps",
            columns=2,
        )
