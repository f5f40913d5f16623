"""Curves of things compared, each with a line style of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.shared.style import AGAINST, FOR, MUTED

#: Line styles of things compared, the first the one to look at: colour, width, dash.
LINES = ((FOR, 3.5, "solid"), (AGAINST, 2.5, "dash"), (MUTED, 2, "dot"), (MUTED, 2, "longdashdot"))


def pixel_curves(curves: Mapping[str, Sequence[float]], title: str, axis: str) -> go.Figure:
    """The network's probability as ever more pixels are put in or taken out, one line a map, the first ours.

    Args:
        curves: by name, the mean probabilities at evenly spaced shares of the pixels. axis: what the shares are of.
    """
    fig = go.Figure()
    for (name, values), (color, width, dash) in zip(curves.items(), LINES, strict=True):
        share = [100 * i / (len(values) - 1) for i in range(len(values))]
        fig.add_scatter(
            x=share, y=[100 * v for v in values], name=name, mode="lines",
            line={"color": color, "width": width, "dash": dash},
            hovertemplate=f"{name}, %{{x:.0f}} % of the pixels: %{{y:.0f}} %<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(title=axis, range=[0, 100], ticksuffix=" %", showgrid=False, zeroline=False, fixedrange=True)
    fig.update_yaxes(title="how sure", range=[0, 102], nticks=6, ticksuffix=" %", showgrid=False, fixedrange=True)
    fig.update_layout(
        title=title, height=380, margin={"l": 0, "r": 8, "t": 40, "b": 110},
        legend={"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top", "font": {"size": 12}},
    )  # fmt: skip
    return fig
