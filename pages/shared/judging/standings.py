"""The charts of the Evaluate page: seen against unseen, class by class, and what was taken for what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from niwt_core.evaluation import Curve, Standing
from pages.shared.charts.curves import LINES
from pages.shared.style import AGAINST, FOR, MUTED

#: At most so many points draw a line.
N_POINTS = 1500
#: With at most so many classes each has a line and its name to itself.
FEW = 30
#: Kinds of classes: colour and mark.
KINDS = {"seen": (FOR, "circle"), "unseen": (AGAINST, "diamond")}
GRID = "rgba(127,138,150,0.25)"
_MARKS = ("circle", "square", "diamond")
_LEGEND = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "font": {"size": 12}}


def seen_unseen(standings: Sequence[Standing], names: Sequence[str], near: bool) -> go.Figure:
    """U over S as the constant moves, one line a method, the first ours; where each stands is marked.

    Args:
        near: show only the corner around the marks.
    """
    fig = go.Figure()
    for standing, name, (color, width, dash) in zip(standings, names, LINES, strict=False):
        s, u = _corners(standing.curve)
        fig.add_scatter(
            x=100 * s, y=100 * u, name=name, mode="lines", line={"color": color, "width": width, "dash": dash},
            hovertemplate=f"{escape(name)}<br>seen %{{x:.1f}}, unseen %{{y:.1f}} of 100<extra></extra>",
        )  # fmt: skip
    for standing, name, (color, *_), mark in zip(standings, names, LINES, _MARKS, strict=False):
        fig.add_scatter(
            x=[100 * standing.curve.chosen[0]], y=[100 * standing.curve.chosen[1]], mode="markers",
            name=f"{name}, where it stands", showlegend=False,
            marker={"color": color, "size": 13, "symbol": mark, "line": {"color": "white", "width": 1.5}},
            hovertemplate=f"{escape(name)}, the chosen point<br>seen %{{x:.1f}}, unseen %{{y:.1f}} of 100"
            "<extra></extra>",
        )  # fmt: skip
    low_s, low_u = (0.0, 0.0)
    if near:
        low_s, low_u = (_corner([standing.curve.chosen[i] for standing in standings]) for i in (0, 1))
    axis = {"ticksuffix": " %", "showgrid": True, "gridcolor": GRID, "zeroline": False,
            "fixedrange": True, "nticks": 6}  # fmt: skip
    fig.update_xaxes(title="S: pictures of seen classes found", range=[low_s, 100 + 0.02 * (100 - low_s)], **axis)
    fig.update_yaxes(title="U: of unseen classes", range=[low_u, 100 + 0.02 * (100 - low_u)], **axis)
    fig.update_layout(
        title="Seen against unseen, as the constant moves", height=440, margin={"l": 0, "r": 8, "t": 40, "b": 110},
        legend=_LEGEND,
    )  # fmt: skip
    return fig


def _corner(chosen: Sequence[float]) -> float:
    """Where an axis begins that shows the chosen points well, in percent."""
    return max(0.0, 100 - 2 * (100 - 100 * min(chosen)) - 5)


def _corners(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """A curve's ends and the points where it bends, which draw the same line; of very many, some."""
    s, u = curve.seen, curve.unseen
    ds, du = np.diff(s), np.diff(u)
    bends = np.abs(ds[1:] * du[:-1] - du[1:] * ds[:-1]) > 1e-12
    picks = np.flatnonzero(np.concatenate([[True], bends, [True]])) if len(s) > 1 else np.arange(len(s))
    if len(picks) > N_POINTS:
        picks = picks[np.linspace(0, len(picks) - 1, N_POINTS).round().astype(int)]
    return s[picks], u[picks]


def class_dots(
    names: Sequence[str], n_seen: int, rates: np.ndarray, counts: np.ndarray, found: Collection[int]
) -> go.Figure:
    """Each class's share of pictures found: the seen classes, then the unseen ones, the hardest of each first.

    Args:
        rates: (n_classes,), NaN where a class has no pictures. counts: (n_classes,), its pictures.
        found: class numbers to point at.
    """
    order = np.array([c for c in np.argsort(rates, kind="stable") if not np.isnan(rates[c])], dtype=int)
    order = np.concatenate([order[order < n_seen], order[order >= n_seen]])
    few, labels = len(names) <= FEW, np.array([escape(name) for name in names])
    fig = go.Figure()
    for kind, (color, symbol) in KINDS.items():
        places = np.flatnonzero((order < n_seen) == (kind == "seen"))
        own = order[places]
        across, up = (100 * rates[own], places) if few else (places, 100 * rates[own])
        fig.add_scatter(
            x=across, y=up, mode="markers", name=f"{kind} classes", text=labels[own], customdata=counts[own],
            marker={"color": color, "symbol": symbol, "size": 11 if few else 7},
            hovertemplate=f"%{{text}}, {kind}<br>%{{{'x' if few else 'y'}:.0f}} of 100, by %{{customdata}} pictures"
            "<extra></extra>",
        )  # fmt: skip
    for place, c in enumerate(order):
        if c in found and not few:
            fig.add_annotation(
                x=place, y=100 * rates[c], text=labels[c], ax=0, ay=34, arrowcolor=MUTED, font={"size": 12}
            )
    percent = {"title": "pictures found", "ticksuffix": " %", "range": [-4, 104], "fixedrange": True, "nticks": 6,
               "showgrid": True, "gridcolor": GRID, "zeroline": False}  # fmt: skip
    plain = {"showgrid": False, "zeroline": False, "fixedrange": True}
    if few:
        fig.update_xaxes(**percent)
        fig.update_yaxes(
            tickvals=list(range(len(order))), ticktext=labels[order], range=[len(order) - 0.5, -0.5], **plain
        )
    else:
        edge = int((order < n_seen).sum()) - 0.5
        fig.add_vline(x=edge, line={"color": MUTED, "width": 1})
        middles = [edge / 2, (edge + len(order)) / 2]
        words = [f"{int(edge + 0.5)} seen", f"{int(len(order) - edge - 0.5)} unseen"]
        fig.update_yaxes(**percent)
        title = "classes, the hardest of each kind first"
        fig.update_xaxes(title=title, tickvals=middles, ticktext=words, range=[-3, len(order) + 2], **plain)
    fig.update_layout(
        title="How many pictures of each class are found", height=150 + 26 * len(names) if few else 380,
        margin={"l": 0, "r": 8, "t": 40, "b": 90}, legend=_LEGEND,
    )  # fmt: skip
    return fig


def class_order(descriptions: Tensor, n_seen: int) -> np.ndarray:
    """Class numbers, seen ones first, and in both those with similar descriptions near each other.

    By the first principal component of the descriptions, (n_classes, n_attributes).
    """
    rows = descriptions.numpy() - descriptions.numpy().mean(0)
    first = np.linalg.svd(rows, full_matrices=False)[2][0]
    place = rows @ first
    return np.lexsort((place, np.arange(len(rows)) >= n_seen))


def confusion_matrix(
    names: Sequence[str], n_seen: int, order: np.ndarray, labels: np.ndarray, predicted: np.ndarray
) -> go.Figure:
    """Which class was taken for which: one square for each pair that occurs, its number of pictures by size.

    Squares, not a heat map: they can be pressed, and a single picture stays visible among 200 x 200 cells.
    """
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    pairs, n = np.unique(np.stack([labels, predicted]), axis=1, return_counts=True)
    right = pairs[0] == pairs[1]
    fig = go.Figure()
    few = len(names) <= FEW
    for name, which, color, symbol, smallest, largest in (
        ("right", right, FOR, "circle", 6 if few else 3, 16 if few else 4),
        ("wrong", ~right, AGAINST, "square", 7, 16 if few else 14),
    ):
        (true, taken), k = pairs[:, which], n[which]
        words = [f"{escape(names[a])} taken for {escape(names[b])}" for a, b in zip(true, taken, strict=True)]
        sizes = smallest + (largest - smallest) * np.sqrt(k / k.max(initial=1))
        fig.add_scatter(
            x=place[taken], y=place[true], mode="markers", name=f"{name}, the larger the more pictures",
            text=[f"{w}: {c}" for w, c in zip(words, k, strict=True)], customdata=np.stack([true, taken], axis=1),
            marker={"color": color, "symbol": symbol, "opacity": 0.8, "size": sizes, "line": {"width": 0}},
            unselected={"marker": {"opacity": 0.8}}, hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    edge, top = n_seen - 0.5, len(names) - 0.5
    ends = ((edge, edge, -0.5, top), (-0.5, top, edge, edge))
    keys, line = ("x0", "x1", "y0", "y1"), {"color": MUTED, "width": 1}
    lines = [{"type": "line", "line": line, **dict(zip(keys, end, strict=True))} for end in ends]
    ticks = (
        {"tickvals": list(range(len(names))), "ticktext": [escape(names[c]) for c in order]}
        if len(names) <= FEW
        else {"tickvals": [n_seen / 2, (n_seen + len(names)) / 2], "ticktext": ["seen", "unseen"]}
    )
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, **ticks}
    fig.update_xaxes(title="taken for", range=[-1, len(names)], **axis)
    fig.update_yaxes(title="what it was", range=[len(names), -1], **axis)
    fig.update_layout(
        title="Every class against every other", height=560, shapes=lines, margin={"l": 0, "r": 8, "t": 40, "b": 100},
        legend=_LEGEND,
        clickmode="event+select", dragmode=False,
    )  # fmt: skip
    return fig
