"""Where the network looks: the map over the picture, other maps, and the pictures of a gallery side by side."""

from __future__ import annotations

import streamlit as st
from torch import Tensor

from niwt_core.explanation import Heatmap
from niwt_core.images import to_input
from niwt_core.network.backbone import Backbone
from pages.shared import wording
from pages.shared.charts import heats
from pages.shared.explanation import explaining, pictures


def other_ways(backbone: Backbone) -> tuple[str, str | None]:
    """The map and the layer to look at, folded away; None is the layer where that map usually looks."""
    with st.expander("Other ways to look"):
        ways = (explaining.OURS, explaining.CLASSIC)
        way = st.segmented_control("Which map?", ways, default=ways[0], required=True, key="map")
        layers = ["", *explaining.layers(backbone)]  # None would make the choice one that can be cleared
        layer = st.selectbox(
            "At which layer?", layers, format_func=lambda n: n or "where this map usually looks", key="layer"
        )
        st.caption(
            "*Place by place* multiplies what each neuron does at a place by what it is worth there (HiResCAM), at a "
            "layer that sees finely. *Grad-CAM* gives every neuron one worth for the whole picture, at the layer of "
            f"the neurons, {backbone.layers[0]}. Late layers see coarsely and know more."
        )
    return way, layer or None


def in_a_sentence(chosen: pictures.Chosen, heat: Heatmap, name: str) -> str:
    """Where the evidence for a class, by its name as it may stand here, lies; or what a reader has to know first."""
    if heat.note and (heat.one_colour or not heat.signed.any()):
        return f"Evidence for {name}: {heat.note}"
    if heat.all_negative:
        return f"Nothing in this picture speaks for {name}: the whole map is against it."
    return f"For {name}: {wording.whereabouts(heat.upsampled(pictures.SHOWN), chosen.masks)}"


def show_heat(chosen: pictures.Chosen, heat: Heatmap, name: str, only_for: bool) -> None:
    """The picture with its evidence in colour, and the scale."""
    signed = heat.signed.clamp_min(0) if only_for else heat.signed
    largest = heats.full_colour([heat])
    heats.show(chosen.shown, signed, largest, in_a_sentence(chosen, heat, name))
    heats.scale_bar(largest, only_for)
    scale = "**blue** speaks for it" + ("" if only_for else ", **orange** against it")
    st.caption(f"Evidence for {wording.plain(name)}, in points of score at each place: {scale}.")


def show_six(
    backbone: Backbone, chosen: pictures.Chosen, weight: Tensor, name: str, way: str, layer: str | None
) -> None:
    """The maps of the pictures that this one was chosen from; made only once somebody unfolds them."""
    if chosen.six is None:
        return
    word = chosen.six.word.lower()
    box = st.expander(f"These {word}s side by side", key="six", on_change="rerun")
    if not box.open:
        return
    with box:
        shared = st.toggle(f"Same scale for these {word}s", value=True, key="six_scale")
        inputs = [to_input(picture, backbone)[None] for picture in chosen.six.seen_by_network()]
        maps = [explaining.map_of(backbone, x, weight, way, layer) for x in inputs]
        labels = [f"{chosen.six.word} {i + 1}" for i in range(len(maps))]
        alts = [f"Evidence for {name} in {word} {i + 1}" for i in range(len(maps))]
        heats.side_by_side(chosen.six.drawings(128), maps, labels, alts, shared=shared, key="six_maps", columns=3)
