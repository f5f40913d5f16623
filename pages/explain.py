"""Page 4: where the network looks on a picture, and why, in words and in neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch
from torch import Tensor

from niwt_core.birds.described import description_of
from niwt_core.explanation import Heatmap, Word, grad_cam, overlay, words_for
from niwt_core.gzsl import Classifier, join
from niwt_core.images import to_input
from niwt_core.project import Project
from pages.shared import figures, frame, pictures, resources, state, style, wording
from pages.shared.lesson import NEW_NAME

N_WORDS = 6
#: What words are called by their strength, strongest band first; the project's card says how often each was true.
TRUST = ("strong", "fair", "weak")
#: Weaker words are listed, but no sentence is built on them.
LEAST_STRENGTH = 1.0
#: The strength that fills a bar.
FULL_BAR = 2.5


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network makes of a picture: probabilities of all classes (n_classes,), the best first in `order`."""

    inputs: Tensor
    probabilities: np.ndarray
    order: np.ndarray


def look(project: Project, classifier: Classifier, chosen: pictures.Chosen) -> Seen:
    inputs = to_input(chosen.seen_by_network, project.backbone)[None]
    with torch.no_grad():
        scores = classifier(project.backbone.head(project.backbone.trunk(inputs)))[0]
    probabilities = scores.softmax(0).numpy()
    return Seen(inputs, probabilities, np.argsort(-probabilities))


def new_classifier(project: Project, current: state.Described) -> Classifier:
    """The described class: solved at once, or the loop's weights where the person trained it and asks for them."""
    description = description_of(project, current.bird)
    key, job = st.session_state.get("training", ("", None))
    now = job.snapshot() if key == current.key and job is not None else None
    if now is not None and now.iteration:
        ways = ("solved at once", "from the loop")
        way = st.segmented_control("Which classifier of your bird?", ways, default=ways[0], required=True, key="way")
        if way == ways[1]:
            st.caption(f"The loop stands at iteration {now.iteration}.")
            return project.learner.scaled([NEW_NAME], description, now.step.weights)
    return project.learner.classifier([NEW_NAME], description)


def verdict(seen: Seen, names: tuple[str, ...], truth: str | None) -> str:
    """What the network says, and whether that is right."""
    winner, percent = names[seen.order[0]], 100 * seen.probabilities[seen.order[0]]
    sentence = f"It says **{winner}** ({percent:.0f} %)"
    if truth is None:
        return f"{sentence}."
    return f"{sentence}, and that is right." if winner == truth else f"{sentence}; it was drawn as **{truth}**."


def show_prediction(seen: Seen, names: tuple[str, ...], truth: str | None) -> None:
    """The five most likely classes as bars."""
    top = seen.order[:5]
    labels = [f"{names[c]} ✓" if names[c] == truth else names[c] for c in top]
    percent = [100 * float(seen.probabilities[c]) for c in top]
    fig = go.Figure(
        go.Bar(
            x=percent,
            y=labels,
            orientation="h",
            text=[f"{p:.0f} %" if p >= 1 else "under 1 %" for p in percent],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [style.FOR if names[c] == truth else style.MUTED for c in top]},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    )
    fig.update_xaxes(range=[0, 118], visible=False, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True)
    fig.update_layout(height=210, margin={"l": 0, "r": 0, "t": 4, "b": 4}, bargap=0.35, showlegend=False)
    note = "" if truth is None else " ✓ marks what it was drawn as."
    style.chart(fig, f"The five most likely of {len(names)} classes.{note}", key="top5")


def choose_class(seen: Seen, names: tuple[str, ...], n_seen: int) -> int:
    """Whose evidence to show: the prediction, the described class, or any species."""
    first, others = int(seen.order[0]), list(range(n_seen))
    options = [-1, n_seen, *others]
    labels = {-1: "what it says", n_seen: NEW_NAME}
    choice = st.selectbox(
        "Evidence for", options, format_func=lambda c: labels.get(c, names[c]), key="evidence_for", width=320
    )
    return first if choice == -1 else choice


def show_heat(chosen: pictures.Chosen, heat: Heatmap, name: str) -> None:
    """The picture with its evidence in colour."""
    only_for = st.session_state["only_for"]
    signed = heat.upsampled(pictures.SHOWN)
    if only_for:
        signed = signed.clamp_min(0)
    if heat.all_negative:
        st.warning(f"Nothing in this picture speaks for {name}: the whole map is against it.")
    if not (only_for and heat.all_negative):
        where = wording.whereabouts(signed, chosen.masks)
        picture = overlay(chosen.shown, signed.numpy(), style.FOR_RGB, style.AGAINST_RGB)
        st.image(picture, width="stretch", alt=f"Evidence for {name}. {where}")
        scale = "**blue** speaks for it" + ("" if only_for else ", **orange** against it")
        st.caption(f"Evidence for {name}: {scale}; the stronger the colour, the more. {where}")


def show_words(words: tuple[Word, ...], chosen: pictures.Chosen, name: str) -> None:
    """The reasons: one sentence that says no more than the list, and the list."""
    bands = list(zip(TRUST, resources.project().card["word_trust"], strict=True))
    strong = [w for w in words if w.strength >= LEAST_STRENGTH][:3]
    if strong:
        reasons = wording.listed(wording.phrase(w.group, w.value) for w in strong)
        sentence = f"For **{name}**, this picture's neurons speak most of **{reasons}**."
        if chosen.attributes is not None:
            right = sum(chosen.attributes[w.group] == w.value for w in strong)
            sentence += f" Of these {len(strong)}, {right} {'is' if right == 1 else 'are'} true of this bird."
    else:
        sentence = f"For **{name}**, no word stands out: the neurons say what they say of most birds."
    st.markdown(sentence)
    for word in words:
        mark = ""
        if chosen.attributes is not None:
            true = chosen.attributes[word.group] == word.value
            mark = " · ✓ true of this bird" if true else " · ✗ not true of this bird"
        trust = next(label for label, band in bands if band["least"] is None or word.strength >= band["least"])
        share = min(1.0, max(0.0, word.strength / FULL_BAR))
        st.progress(share, f"**{wording.phrase(word.group, word.value)}** · {trust}{mark}")
    known = wording.listed(f"{100 * b['n_true'] / b['n_words']:.0f} % of {label} words were true" for label, b in bands)
    st.caption(
        "The words are read back from the importances by a linear map; nothing here looks at the picture again. "
        + (
            "How often they are true of pictures that are no paper birds, nobody has measured."
            if chosen.attributes is None
            else f"On birds of species left out for a test, {known}."
        )
    )


def show_barcodes(project: Project, heat: Heatmap, class_row: Tensor, name: str) -> None:
    """The picture's row above the class's: where both agree is the reason."""
    mine, theirs = (row / row.norm().clamp_min(1e-12) for row in (heat.importances, class_row))
    order, labels = figures.channel_order(project)
    rows = [figures.BarcodeRow("This picture", mine.numpy()), figures.BarcodeRow(f"The class: {name}", theirs.numpy())]
    fig = figures.barcode(rows, labels, "Importances", order=order, scale=float(theirs.abs().max()))
    agreement = 100 * float(mine @ theirs)
    style.chart(
        fig, f"Agreement of the two rows: {agreement:.0f} of 100 (0 would be unrelated, below 0 opposed).", key="rows"
    )


def page() -> None:
    frame.ensure()
    st.title("Explain what it sees")
    style.lead("Pick a bird and see where the network looks, and what its neurons say about it.")
    current = state.described()
    if current is None:
        st.info("There is no bird to explain yet. Describe one first; the network learns it in a moment.")
        if st.button("Describe a bird", type="primary", key="to_describe"):
            st.switch_page("pages/describe.py")
        return
    st.markdown(f"**Your bird:** {wording.plain(current.text) or wording.phrases(current.bird)}")
    project = resources.project()
    new = new_classifier(project, current)
    chosen = pictures.choose(current)
    if chosen is None:
        return
    classifier = join(project.seen, new)
    seen = look(project, classifier, chosen)

    st.header("What it says, and where it looks")
    st.markdown(verdict(seen, classifier.names, chosen.truth))
    shape, evidence, bars = st.columns([0.3, 0.3, 0.4], gap="medium")
    with bars:
        show_prediction(seen, classifier.names, chosen.truth)
        target = choose_class(seen, classifier.names, project.n_seen)
        st.toggle("Only what speaks for it", key="only_for")
    heat = grad_cam(project.backbone, seen.inputs, classifier.weight[target])
    name = classifier.names[target]
    with shape:
        st.image(chosen.shown, width="stretch", alt=chosen.alt)
        st.caption(f"{'Drawn as ' + chosen.truth if chosen.truth else 'Your picture'}; the network sees it 64 px wide.")
    with evidence:
        show_heat(chosen, heat, name)

    st.header("Why, in words")
    reasons, rows = st.columns([0.45, 0.55], gap="large")
    with reasons:
        words = words_for(
            project.learner.to_descriptions,
            heat.importances,
            project.descriptions[: project.n_seen],
            project.attribute_names,
            limit=N_WORDS,
        )
        show_words(words, chosen, name)
    with rows:
        class_row = (
            project.importances.values[target]
            if target < project.n_seen
            else project.learner.importances(description_of(project, current.bird))[0]
        )
        show_barcodes(project, heat, class_row, name)
    if st.button("Describe another bird →", key="another"):
        st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())


page()
