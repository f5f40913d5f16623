"""The third step of Bring your own: which network, with which weights, cut where."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from niwt_core.errors import InputError
from pages.shared.wording import plain


@st.cache_data(show_spinner="Looking for the best place to cut the network …", max_entries=80)
def _proposal(name: str):
    from niwt_core.network.cutpoints import propose

    return propose(name)


def ask(draft):
    """Which network, with which weights, cut where; None where that cannot be had."""
    from niwt_core.network.cutpoints import networks
    from niwt_core.worlds import weights

    st.header("3 The network" if draft.dataset == "folder" else "2 The network")
    known = {found.name: found for found in networks()}
    local = [name for name in known if weights.file_of(name)]
    preferred = next((name for name in ("mobilenet_v2", *local) if name in local), "mobilenet_v2")
    asked = draft.order  # of a fit that was cut off, cancelled or failed
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "Network, the smallest first",
            list(known),
            index=_place(asked.get("network"), list(known), preferred),
            format_func=lambda name: f"{name} ({known[name].n_parameters / 1e6:.1f} million weights)",
            key="own_network",
        )
    with right:
        fetched = "" if weights.is_downloaded(name) else f", downloaded once ({known[name].weights_mb:.0f} MB)"
        words = {
            weights.FILE: "from this server",
            weights.DOWNLOAD: f"ImageNet weights{fetched}",
            weights.RANDOM: "random (quick to try, poor at seeing)",
        }
        kinds = [kind for kind in words if kind != weights.FILE or name in local]
        kind = st.selectbox(
            "Its weights",
            kinds,
            index=_place(asked.get("weights"), kinds, kinds[0]),
            format_func=words.__getitem__,
            key="own_weights",
        )
    if kind == weights.RANDOM:
        st.caption("A network with random weights has learned nothing yet: good for a trial of the pages, not for use.")
    try:
        found = _proposal(name)
    except InputError as error:
        st.error(plain(str(error)))
        return None

    def labelled(layer: str) -> str:
        point = found.point(layer)
        best = " (proposed)" if layer == found.proposed else ""
        return f"{layer}{best}: {point.n_channels} neurons, map of {point.side} × {point.side}"

    layers = [point.layer for point in found.points]
    cut = asked.get("layer") if asked.get("network") == name else None
    layer = st.selectbox(
        "Cut at layer",
        layers,
        index=_place(cut, layers, found.proposed),
        format_func=labelled,
        key=f"own_layer_{name}",
    )
    point = found.point(layer)
    st.caption(
        f"{point.n_channels} channels will be the neurons, on a map of {point.side} × {point.side} places; a class is "
        f"{found.n_features} weights on the features behind them. Proposed is {plain(found.proposed)}: "
        f"{plain(found.reason[0].lower() + found.reason[1:])}"
    )
    return name, kind, layer


def _place(asked: str | None, among: Sequence[str], otherwise: str) -> int:
    """Where in a list stands what was asked for, if it is there, or else something."""
    return among.index(asked if asked in among else otherwise)
