"""Page 4: what the network says of a picture, where it looks, and why: in words, in neurons, and why not another."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
import streamlit as st

from niwt_core.errors import InputError
from niwt_core.explanation import explain
from niwt_core.gzsl import Classifier, join
from niwt_core.worlds.base import World
from pages.shared import frame, resources, state, style, wording
from pages.shared.explanation import explaining, looking, pictures, reasons, speaking
from pages.shared.explanation.explaining import DEFAULT, Seen
from pages.shared.lessons import equations, no_class, teaching
from pages.shared.lessons.snippets import Shown
from pages.shared.neurons import surgery


def new_classifier(world: World, current: state.Described) -> Classifier:
    """The described class: solved at once, or the loop's weights where the person trained it and asks for them.

    Raises:
        InputError: a description that the world cannot read.
    """
    description, learner = world.row(current), world.project.learner
    key, job = st.session_state.get("training", ("", None))
    now = job.snapshot() if key == f"{resources.identity()} {current.identity}" and job is not None else None
    if now is not None and now.iteration:
        ways = ("solved at once", "from the loop")
        label = f"Which classifier of {state.yours()}?"
        way = st.segmented_control(label, ways, default=ways[0], required=True, key="way")
        if way == ways[1]:
            st.caption(f"The loop stands at iteration {now.iteration}.")
            return learner.scaled([state.yours()], description, now.step.weights)
    return learner.classifier([state.yours()], description)


def show_prediction(world: World, seen: Seen, names: tuple[str, ...], chosen: pictures.Chosen) -> None:
    """The verdict, the picture, and the five most likely classes as bars."""
    truth, winner, shows = chosen.truth, names[seen.order[0]], "was drawn as" if world.drawn else "shows"
    sentence = f"It says **{wording.plain(winner)}** ({_percent(100 * float(seen.probabilities[seen.order[0]]))})"
    if truth is not None:
        sentence += ", and that is right" if winner == truth else f"; it {shows} **{wording.plain(truth)}**"
    st.markdown(f"{sentence}.")
    picture, bars = st.columns([0.36, 0.64], gap="large")
    with picture:
        st.image(chosen.shown, width="stretch", alt=chosen.alt)
        what = "Your picture" if truth is None else f"{'Drawn as' if world.drawn else 'A test photo of'} {truth}"
        width = world.project.backbone.image_size
        st.caption(f"{wording.plain(what)}; the network sees it {width} px wide.")
    top = seen.order[:5]
    labels = [f"{escape(names[c])} ✓" if names[c] == truth else escape(names[c]) for c in top]
    shares = [100 * float(seen.probabilities[c]) for c in top]
    fig = go.Figure(
        go.Bar(
            x=shares,
            y=labels,
            orientation="h",
            text=[_percent(p) for p in shares],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [style.FOR if names[c] == truth else style.MUTED for c in top]},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    )
    fig.update_xaxes(range=[0, 135], visible=False, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    fig.update_layout(height=240, margin={"l": 0, "r": 0, "t": 4, "b": 4}, bargap=0.35, showlegend=False)
    note = "" if truth is None else f" ✓ marks what it {shows}."
    with bars:
        style.chart(fig, f"The {len(top)} most likely of {len(names)} classes.{note}", key="top5")


def _percent(share: float) -> str:
    """Never quite certain, never quite impossible."""
    return "under 1 %" if share < 1 else "over 99 %" if share >= 99.5 else f"{share:.0f} %"


def choose_class(seen: Seen, names: tuple[str, ...], n_seen: int) -> int:
    """Whose evidence to show: the prediction, the described class, or any that it knows."""
    options = [DEFAULT, n_seen, *range(n_seen)]
    choice = st.selectbox(
        "Evidence for",
        options,
        format_func=lambda c: "what it says" if c == DEFAULT else names[c],
        key="evidence_for",
        width=320,
    )
    return int(seen.order[0]) if choice == DEFAULT else choice


def explained(world: World, current: state.Described, classifier: Classifier, chosen: pictures.Chosen) -> None:
    """The story of one picture, from what it is to why it is not another. The words, which may take time, come last."""
    project, backbone = world.project, surgery.backbone(world)
    seen, names = explaining.look(backbone, classifier, chosen.seen_by_network), classifier.names
    st.header("What it says")
    show_prediction(world, seen, names, chosen)

    st.header("Where it looks")
    sentence = st.empty()
    left, right = st.columns([0.36, 0.64], gap="large")
    with right:
        target = choose_class(seen, names, project.n_seen)
        weight, name = classifier.weight[target], names[target]
        found = explain(backbone, seen.inputs, weight, float(classifier.bias[target]))
        only_for = st.toggle("Only what speaks for it", key="only_for")
        way, layer = looking.other_ways(backbone)
        looking.show_six(backbone, chosen, weight, name, way, layer)
    usual = (way, layer) == (explaining.OURS, None)
    heat = found.heat if usual else explaining.map_of(backbone, seen.inputs, weight, way, layer)
    with left:
        looking.show_heat(chosen, heat, name, only_for)
    sentence.markdown(looking.in_a_sentence(chosen, heat, f"**{wording.plain(name)}**"))

    st.header("Why, in words")
    words = st.container()
    st.header("Which neurons")
    class_row = (
        project.importances.values[target]
        if target < project.n_seen
        else project.learner.importances(world.row(current))[0]
    )
    speaking.show_neurons(project, found, class_row, name)
    whole = explain(project.backbone, seen.inputs, weight).contributions  # one that is off still has its control
    surgery.folded(world, current, [k for k, _ in whole.strongest(4)], "explain")

    st.header("Why this, and not another")
    speaking.show_rather(project, backbone, chosen, seen, classifier, target)
    with words:
        reasons.show_reasons(world, chosen, found.heat, seen, name, is_winner=target == seen.order[0])
    teaching.how_it_works(equations.explaining(found, name, float(seen.probabilities[target])))
    of = chosen.truth if chosen.truth in project.class_names else None
    shown = Shown(of or "", chosen.number, None if target == seen.order[0] else target)
    teaching.show_code("explain", world, current, shown, "In it, the class is solved at once and every neuron is on.")


def page() -> None:
    frame.ensure()
    st.title("Explain what it sees")
    noun = state.noun()
    style.lead(
        f"Pick a {'bird' if noun == 'bird' else 'photo'} and see where the network looks, by a map of the kind of "
        f"{teaching.term('Grad-CAM')}, and what its neurons say about it."
    )
    current = state.described()
    if current is None:
        no_class.offer(f"There is no {noun} to explain yet. Describe one first; the network learns it in a moment.")
        return
    st.markdown(f"**Your {noun}:** {wording.in_words(current)}")
    world = resources.world()
    surgery.banner(world)
    try:
        new = new_classifier(world, current)
        chosen = pictures.choose(world, current)
        if chosen is None:
            return
        explained(world, current, join(world.project.seen, new), chosen)
    except InputError as error:
        st.error(wording.plain(str(error)))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Describe another {noun} →", key="another"):
            st.switch_page("pages/describe.py", query_params=st.query_params.to_dict())
        st.page_link(
            "pages/faithful.py",
            label="Is this true of the network?",
            icon=":material/verified:",
            query_params=st.query_params.to_dict(),
        )


page()
