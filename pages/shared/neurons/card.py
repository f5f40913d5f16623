"""The card of one neuron: its name, whether that is true, and all that speaks for it."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from niwt_core.birds.attributes import GROUPS
from niwt_core.neurons import Dictionary, Neuron
from pages.shared import resources, style
from pages.shared.neurons import neurons
from pages.shared.wording import phrases, plain

#: Buttons to other neurons of the same name, at most.
N_LINKS = 8


def open_card(channel: int) -> None:
    """Put a neuron into the address, where the page finds it."""
    st.query_params["neuron"] = str(channel)


def _close() -> None:
    st.query_params.pop("neuron", None)


def show(dictionary: Dictionary, neuron: Neuron) -> None:
    """The whole card, under its own heading."""
    st.header(f"Neuron {neuron.channel}: {plain(neurons.title_of(neuron))}")
    last = len(dictionary.neurons) - 1
    with st.container(horizontal=True):
        for label, channel, possible in (
            ("← Previous", neuron.channel - 1, neuron.channel > 0),
            ("Next →", neuron.channel + 1, neuron.channel < last),
        ):
            st.button(label, key=f"go{label}", on_click=open_card, args=(channel,), disabled=not possible)
        st.button("Close", key="close", on_click=_close, type="tertiary")
    if not neuron.live:
        st.markdown("This neuron was silent, or the same, for every picture it was shown. There is nothing to name.")
        return
    st.markdown(neurons.confidence_of(neuron))
    _claims(neuron)
    st.subheader("Put to the test")
    _test(dictionary, neuron)
    st.subheader("What it answers to")
    _pictures(dictionary, neuron)
    evidence, without = st.columns(2, gap="large")
    with evidence:
        st.subheader("How well its name fits")
        _evidence(neuron)
    with without:
        st.subheader("When it is switched off")
        _losses(neuron)
    _same_name(neuron)


def _claims(neuron: Neuron) -> None:
    """The name by evidence beside the paper's, and whether each passes."""
    assert neuron.best_name is not None and neuron.paper_name is not None, "live neurons have both"
    causal = neuron.causal
    first = "Its name here" if neuron.name else "Its best guess here, not clear enough to be shown"
    rows = (
        (first, neuron.best_name, causal and causal.passed),
        ("Its name in the paper’s way: the inverse map, fed with this neuron alone", neuron.paper_name,
         causal and causal.paper_passed),
    )  # fmt: skip
    for column, (what, attribute, passed) in zip(st.columns(2, border=True), rows, strict=True):
        result = "not tested" if passed is None else "✓ passes the causal test" if passed else "✗ fails the causal test"
        column.caption(what)
        column.markdown(f"**{plain(neurons.called(attribute))}** · {result}")


def _test(dictionary: Dictionary, neuron: Neuron) -> None:
    causal = neuron.causal
    if causal is None or neuron.best_name is None:
        st.markdown(
            "On photos nothing can be redrawn: nobody can show this very picture with another attribute. So whether "
            "the name is true, and not just what often comes with it, stays open."
        )
        return
    st.markdown(neurons.verdict_of(neuron))
    shown = [neuron.best_name]
    if causal.strongest.partition("::")[0] != neuron.best_name.partition("::")[0]:
        shown.append(causal.strongest)
    which = st.session_state.get("probe", 0)
    pictures, chart = st.columns([0.6, 0.4], gap="large")
    with pictures:
        _redraws(dictionary, neuron, shown, which)
        st.caption(
            "The same bird, drawn again; only what stands below it changes. The numbers compare the neuron’s answers: "
            "the strongest is 100."
        )
        st.button("Try another bird", key="another_bird", on_click=_another, icon=":material/refresh:")
    with chart:
        found = neurons.effects(neuron)
        names, sizes = [neurons.called(a) for a, _ in found], [e for _, e in found]
        fig = _bars(names, sizes, [a == neuron.best_name for a, _ in found])
        fig.update_xaxes(title="standard deviations of its answer", zeroline=True, zerolinewidth=2)
        fig.update_layout(title="What each change does to its answer")
        n = dictionary.card.get("n_judging_bases")
        over = f", over {n} birds that had no part in its naming" if n else ""
        style.chart(
            fig,
            f"What an attribute brings against the others of its part{over}. Strongest: {names[0]}, {sizes[0]:+.2f}. "
            f"What the name says brings {causal.effect:+.2f}, give or take {2 * causal.error:.2f}.",
            key="effects",
        )


def _redraws(dictionary: Dictionary, neuron: Neuron, attributes: list[str], which: int) -> None:
    """A row of pictures for each attribute, all answers on one scale."""
    rival = neuron.causal.strongest if neuron.causal else ""
    rows = [_redrawn(dictionary.fingerprint, dictionary.pooling, neuron.channel, a, rival, which) for a in attributes]
    strongest = max(1e-9, *(redrawn.answer for row in rows for redrawn in row))
    for attribute, row in zip(attributes, rows, strict=True):
        grid = st.grid(len(row), min_column_width=118, key=f"redraws_{attribute}")
        for redrawn in row:
            with grid.cell():
                name, share = neurons.called(redrawn.attribute), max(0.0, redrawn.answer) / strongest
                st.image(redrawn.picture, width="stretch", alt=f"The bird with {name}; answer {100 * share:.0f} of 100")
                st.progress(share, f"{name} · **{100 * share:.0f}**")


def _another() -> None:
    st.session_state["probe"] = st.session_state.get("probe", 0) + 1


@st.cache_data(show_spinner=False, max_entries=300)
def _redrawn(
    fingerprint: str, pooling: str, channel: int, attribute: str, rival: str, which: int
) -> list[neurons.Redrawn]:
    return neurons.redrawn(resources.project(), pooling, channel, attribute, rival, which)


@st.cache_data(show_spinner=False, max_entries=128)
def _fired(
    world_id: str, fingerprint: str, channel: int, tops: tuple[tuple[int, int | None], ...], _neuron: Neuron
) -> list[tuple[np.ndarray, str]]:
    return neurons.fired_pictures(resources.world(), _neuron)


def _pictures(dictionary: Dictionary, neuron: Neuron) -> None:
    tops = tuple((t.image, t.seed) for t in neuron.top_images)
    shown = _fired(resources.identity(), dictionary.fingerprint, neuron.channel, tops, neuron)
    if not shown:
        kinds = ", ".join(dict.fromkeys(plain(t.class_name) for t in neuron.top_images))
        gone = "" if resources.world().drawn else " The photos themselves are no longer where they were."
        st.markdown(f"It answers most to pictures of {kinds}.{gone}" if kinds else "No picture was kept for it.")
        return
    st.markdown(
        f"The {len(shown)} pictures that it answers to most, of {plain(dictionary.images)}, one of each kind at most. "
        "They keep their colours where the neuron fires."
    )
    species = neurons.species_by_name() if resources.world().drawn else {}
    group = (neuron.best_name or "").partition("::")[0]
    grid = st.grid(5, min_column_width=96, key="tops")
    for picture, name in shown:
        with grid.cell():
            bird = species.get(name, {})
            has, looks = phrases(bird, [g for g in GROUPS if g == group]), phrases(bird) or "a photo"
            st.image(picture, width="stretch", alt=f"{name}: {looks}")
            st.caption(f"{plain(name)}: {has}" if has else plain(name))


def _evidence(neuron: Neuron) -> None:
    st.markdown(neurons.evidence_of(neuron))
    rivals = neuron.alternatives
    if not rivals:
        return
    names = [neurons.called(a.attribute) for a in rivals]
    pairs = [100 * a.auc for a in rivals]
    fig = _bars(names, pairs, [a.attribute == neuron.best_name for a in rivals], base=50)
    fig.update_xaxes(title="pairs told apart, of 100", range=[min(49, *pairs), 101])
    fig.update_layout(title="The name and its nearest rivals")
    others = ", ".join(f"{name} {pair:.0f}" for name, pair in zip(names[1:], pairs[1:], strict=True))
    style.chart(fig, f"{names[0]}: {pairs[0]:.0f} of 100 pairs. {f'Rivals: {others}.' if others else ''}", key="auc")


def _losses(neuron: Neuron) -> None:
    rows = neurons.losses_of(neuron)
    if not rows:
        st.markdown("No class loses anything: whatever this neuron says, others say too, or nothing listens to it.")
        return
    st.markdown("Silence it, and these classes lose most of their lead over the average class:")
    table = ["| class | score | pictures recognised |", "|---|---|---|"]
    table += [f"| {plain(name)} | {score} | {changed} |" for name, score, changed in rows]
    st.markdown("\n".join(table))


def _same_name(neuron: Neuron) -> None:
    if not neuron.same_name:
        return
    st.subheader("Others with this name")
    with st.container(horizontal=True):
        for channel in neuron.same_name[:N_LINKS]:
            st.button(f"Neuron {channel}", key=f"same{channel}", on_click=open_card, args=(channel,))
        if len(neuron.same_name) > N_LINKS:
            st.markdown(f"and {len(neuron.same_name) - N_LINKS} more")


def _bars(names: list[str], sizes: list[float], own: list[bool], base: float = 0.0) -> go.Figure:
    """One bar a name, from `base`; the neuron's own name in blue, others grey, what lies below the base striped."""
    fig = go.Figure(
        go.Bar(
            x=[size - base for size in sizes],
            base=base,
            y=[f"<b>{escape(name)}</b>" if mine else escape(name) for name, mine in zip(names, own, strict=True)],
            orientation="h",
            marker={
                "color": [style.FOR if mine else style.MUTED for mine in own],
                "pattern": {"shape": ["/" if size < base else "" for size in sizes], "fgcolor": "white", "size": 7},
            },
            customdata=sizes,
            hovertemplate="%{y}: %{customdata:.3g}<extra></extra>",
        )
    )
    fig.update_xaxes(fixedrange=True, nticks=6)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    fig.update_layout(height=110 + 30 * len(sizes), margin={"l": 0, "r": 8, "t": 40, "b": 56}, bargap=0.35)
    return fig
