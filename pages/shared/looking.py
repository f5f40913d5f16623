"""Where the network looks: the map over the picture, other maps, and the six birds side by side."""

from __future__ import annotations

import streamlit as st
from torch import Tensor

from niwt_core.explanation import Heatmap, common_scale
from niwt_core.images import to_input
from niwt_core.project import Project
from pages.shared import explaining, heats, pictures, wording
from pages.shared.explaining import Seen


def show_where(project: Project, chosen: pictures.Chosen, heat: Heatmap, seen: Seen, weight: Tensor, name: str) -> None:
    """The picture with its evidence in colour; other ways to look, and the six birds together, are folded away."""
    left, right = st.columns([0.36, 0.64], gap="large")
    with right:
        only_for = st.toggle("Only what speaks for it", key="only_for")
        way, layer = explaining.OURS, None
        with st.expander("Other ways to look"):
            ways = (explaining.OURS, explaining.CLASSIC)
            way = st.segmented_control("Which map?", ways, default=ways[0], required=True, key="map")
            options = [None, *explaining.layers(project.backbone)]
            layer = st.selectbox(
                "At which layer?", options, format_func=lambda n: n or "where this map usually looks", key="layer"
            )
            st.caption(
                "*Place by place* multiplies what each neuron does at a place by what it is worth at that place "
                "(HiResCAM), at a finer layer. *Grad-CAM* gives every neuron one worth for the whole picture, at the "
                f"layer of the neurons, {project.backbone.layers[0]}. Late layers see coarsely and know more."
            )
        if (way, layer) != (explaining.OURS, None):
            heat = explaining.map_of(project.backbone, seen.inputs, weight, way, layer)
        show_six(project, chosen, weight, name, way, layer)
    with left:
        note = heat.note
        if heat.all_negative and not heat.one_colour and heat.signed.any():
            note = f"Nothing in this picture speaks for {name}: the whole map is against it."
        if note:
            st.warning(note)
        signed = heat.signed.clamp_min(0) if only_for else heat.signed
        where = wording.whereabouts(heat.upsampled(pictures.SHOWN), chosen.masks)
        largest = common_scale([heat])
        heats.show(chosen.shown, signed, largest, f"Evidence for {name}. {where}")
        heats.scale_bar(largest, only_for)
        scale = "**blue** speaks for it" + ("" if only_for else ", **orange** against it")
        st.caption(f"Evidence for {name}: {scale}, in points of score at each place. {where}")


def show_six(project: Project, chosen: pictures.Chosen, weight: Tensor, name: str, way: str, layer: str | None) -> None:
    """The maps of the six drawings that this one was chosen from; made only once somebody unfolds them."""
    if chosen.six is None:
        return
    box = st.expander("The six birds side by side", key="six", on_change="rerun")
    if not (box.open or st.session_state.get("six")):
        return
    with box:
        shared = st.toggle("Same scale for the six birds", value=True, key="six_scale")
        inputs = [to_input(picture, project.backbone)[None] for picture in chosen.six.seen_by_network()]
        maps = [explaining.map_of(project.backbone, x, weight, way, layer) for x in inputs]
        labels = [f"Bird {i + 1}" for i in range(len(maps))]
        alts = [f"Evidence for {name} in bird {i + 1}" for i in range(len(maps))]
        heats.side_by_side(chosen.six.drawings(128), maps, labels, alts, shared=shared, key="six_maps")
