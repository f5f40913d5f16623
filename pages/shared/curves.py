"""The chart of the loop: how it falls towards the closed form's line. All three are labelled where they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from pages.shared.style import AGAINST, FOR, MUTED
from pages.shared.training import Point

#: Line styles of things compared, the first the one to look at: colour, width, dash.
LINES = ((FOR, 3.5, "solid"), (AGAINST, 2.5, "dash"), (MUTED, 2, "dot"), (MUTED, 2, "longdashdot"))

HEIGHT = 320
#: The axis of iterations is this long at first, and doubles where the loop goes on.
FIRST_SPAN = 50


def misfit_curve(history: Sequence[Point], closed_form: float) -> go.Figure:
    """1 - cosine to the target over iterations, on the loop's own pictures and on new ones, and the closed form's.

    The axes change seldom: the vertical one never, the other by doubling, so that a living chart stands still.
    """
    x = [p.iteration for p in history]
    own, new = [p.cosine for p in history], [p.check for p in history]
    span = FIRST_SPAN
    while span < x[-1]:
        span *= 2
    top = 1.1 * max(new[0], own[0], closed_form)
    fig = go.Figure()
    fig.add_scatter(
        x=[0, span], y=[closed_form] * 2, mode="lines", line={"color": AGAINST, "width": 2, "dash": "dash"},
        hovertemplate="closed form: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=x, y=own, mode="lines", line={"color": MUTED, "width": 1.5, "dash": "dot"},
        hovertemplate="iteration %{x}, its own pictures: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(
        x=x, y=new, mode="lines", line={"color": FOR, "width": 3},
        hovertemplate="iteration %{x}, new pictures: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    fig.add_scatter(x=x[-1:], y=new[-1:], mode="markers", marker={"color": FOR, "size": 9}, hoverinfo="skip")
    # The three labels stand in one corner, each in its line's colour and pattern, where no curve can cross them.
    for row, (text, dash, color) in enumerate(
        (
            (f"the loop, on new pictures: {new[-1]:.2f}", "━━", FOR),
            (f"the closed form, on new pictures: {closed_form:.2f}", "╍╍", AGAINST),
            (f"the loop, on its own pictures: {own[-1]:.2f}", "┉┉", MUTED),
        )
    ):
        fig.add_annotation(
            x=1, y=1 - 0.1 * row, xref="paper", yref="paper", xanchor="right", yanchor="top", showarrow=False,
            text=f"{text} <span style='color:{color}'><b>{dash}</b></span>", font={"size": 13},
        )  # fmt: skip
    fig.update_xaxes(title="iterations", range=[0, span], showgrid=False, zeroline=False, fixedrange=True)
    fig.update_yaxes(range=[0, top], nticks=6, showgrid=False, zeroline=True, fixedrange=True)
    fig.update_layout(
        title={"text": "How far from the target", "font": {"size": 15}, "x": 0, "y": 1,
               "xanchor": "left", "yanchor": "top", "pad": {"t": 8}},
        height=HEIGHT, margin={"l": 0, "r": 0, "t": 44, "b": 44}, showlegend=False,
    )  # fmt: skip
    return fig


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
