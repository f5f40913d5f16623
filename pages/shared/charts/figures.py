"""The charts: first of all the importance barcode, the face of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from niwt_core.wording.saying import is_embedded
from pages.shared import resources
from pages.shared.style import AGAINST, AGAINST_RGB, DIVERGING, FOR, FOR_RGB, MUTED
from pages.shared.wording import word

if TYPE_CHECKING:
    from niwt_core.neurons import Dictionary
    from niwt_core.project import Project

MOVED_BY = "most moved by "
UNCLEAR = "no clear name"
SPEAKS_FOR = "speaks for: "

# Heights in pixels.
_ROW, _LINE, _TOP, _BOTTOM = 60, 15, 40, 36
_LABEL = 0.42  # the part of a row that its label takes; the strip takes the rest
_MIDDLE = _LABEL + (1 - _LABEL) / 2  # where rising and hanging cells meet
_NAMED_BAND = 3  # cells: a shorter band has its name only in its hover
_NARROW = 350  # pixels: the narrowest chart whose band names must not run into each other


@dataclass(frozen=True)
class BarcodeRow:
    """One class, or one image: importances by channel number, (n_channels,)."""

    label: str
    values: np.ndarray


def channel_order(project: Project) -> tuple[np.ndarray, list[str]]:
    """The one order in which channels stand everywhere, and what can honestly be said of each.

    Where the project has a dictionary of its neurons, they stand and are labelled by their names there: `named_order`.

    Otherwise channels are grouped by the attribute group whose words move their predicted importance most from bird to
    bird: the block of rows of the map descriptions -> importances with the largest root mean square (as values occur
    equally often, that is the spread the group causes; the plain norm would favour groups of many values). Within a
    group they stand by the value of largest size.

    Returns:
        order: (n_channels,) channel numbers, first cell first.
        names: by channel number, 'most moved by crown: black'. Not the name of what the neuron detects; or, from the
            dictionary, that name: 'crown: black'. Where classes are described by embedded sentences, the seen class
            that it speaks for most: 'speaks for: tiger'.
    """
    if (dictionary := resources.dictionary_of(project)) is not None:
        return named_order(dictionary)
    if all(map(is_embedded, project.attribute_names)):
        return _order_by_class(project)
    matrix = project.learner.to_importances.matrix.numpy()  # (n_attributes, n_channels)
    attributes = [name.partition("::")[::2] for name in project.attribute_names]
    groups = list(dict.fromkeys(group for group, _ in attributes))
    member = np.array([groups.index(group) for group, _ in attributes])
    blocks = [matrix[member == g] for g in range(len(groups))]
    sizes = np.stack([np.sqrt(np.square(block).mean(0)) for block in blocks])  # (n_groups, n_channels)
    strongest = sizes.argmax(0)  # (n_channels,)
    within = np.where(member[:, None] == strongest, np.abs(matrix), -1.0)
    best = within.argmax(0)  # the attribute of each channel
    order = np.lexsort((-sizes.max(0), best))  # attributes stand group by group, so this groups by group too
    return order, [MOVED_BY + word(*attributes[a]) for a in best]


def _order_by_class(project: Project) -> tuple[np.ndarray, list[str]]:
    """As `channel_order`: by the seen class whose importance is largest, the strongest first."""
    values = project.importances.directions.numpy()  # (n_seen, n_channels)
    best = values.argmax(0)
    return np.lexsort((-values.max(0), best)), [f"{SPEAKS_FOR}{project.class_names[c]}" for c in best]


def named_order(dictionary: Dictionary) -> tuple[np.ndarray, list[str]]:
    """As `channel_order`: by part, then value, the surest of a name first; those without a clear name stand last."""
    place = {name: i for i, name in enumerate(dictionary.attribute_names)}
    neurons = sorted(
        dictionary.neurons,
        key=lambda n: (len(place) if n.name is None else place[n.name], not n.live, -(n.confidence or n.auc or 0.0)),
    )
    names = [UNCLEAR if n.name is None else word(*n.name.partition("::")[::2]) for n in dictionary.neurons]
    return np.array([n.channel for n in neurons]), names


def barcode(
    rows: Sequence[BarcodeRow],
    names: Sequence[str] | None = None,
    title: str = "Importance barcode",
    height: int | None = None,
    *,
    order: np.ndarray | None = None,
    scale: float | None = None,
) -> go.Figure:
    """One thin strip a row, one cell a channel: what speaks for the class rises, what speaks against it hangs.

    Args:
        rows: their values stand by channel number.
        names: by channel number, from `channel_order`; bands of a common word get its name below the strips.
        order: channel numbers, first cell first, from `channel_order`.
        scale: the size at which a cell has its full colour, so that several barcodes can share one; None takes the
            98th percentile of all sizes, so that a single giant does not pale the rest.
    """
    values = np.stack([np.asarray(row.values, dtype=float) for row in rows])  # (n_rows, n_channels)
    order = np.arange(values.shape[1]) if order is None else np.asarray(order)
    values = values[:, order]
    scale = scale or float(np.percentile(np.abs(values), 98)) or 1.0
    named = None if names is None else [names[k] for k in order]
    hover = _hover(rows, values, order, named)

    n_rows, n_channels = values.shape
    cells: list[np.ndarray] = []
    edges: list[float] = [0.0]
    for i in range(n_rows):
        # From the row's top down: room for the label, the half that rises, the half that hangs.
        cells += [np.full(n_channels, np.nan), np.maximum(values[i], 0), np.minimum(values[i], 0)]
        edges += [i + _LABEL, i + _MIDDLE, i + 1.0]
    z = np.where(np.stack(cells) == 0, np.nan, np.stack(cells))
    labels = [_words(0, i + _LABEL, row.label, size=13, yanchor="bottom") for i, row in enumerate(rows)]
    bands = _bands(named) if named else []
    band_names, n_lines = _name_bands(bands, n_channels, n_rows)
    below = 6 + _LINE * n_lines
    colours, colour_words = _legend(scale, below)
    middles = "".join(f"M0,{i + _MIDDLE}L{n_channels},{i + _MIDDLE}" for i in range(n_rows))
    seams = "".join(f"M{start},{i + _LABEL}L{start},{i + 1}" for start, _, _ in bands if start for i in range(n_rows))
    lines = [{"type": "path", "path": middles, "line": {"color": MUTED, "width": 1}}]
    if seams:
        lines.append({"type": "path", "path": seams, "line": {"color": MUTED, "width": 1, "dash": "dot"}})

    fig = go.Figure(
        go.Heatmap(
            z=z, x=np.arange(n_channels + 1), y=edges, zmin=-scale, zmax=scale, colorscale=DIVERGING, showscale=False,
            text=[hover] * len(z), hovertemplate="%{text}<extra></extra>", hoverongaps=False,
        )
    )  # fmt: skip
    fig.update_layout(
        title=_title(title),
        height=height or _TOP + _ROW * n_rows + below + _BOTTOM,
        margin={"l": 0, "r": 0, "t": _TOP, "b": below + _BOTTOM},
        hoverlabel={"align": "left"},
        xaxis={"range": [0, n_channels], "visible": False, "fixedrange": True},
        yaxis={"range": [n_rows + 0.02, 0], "visible": False, "fixedrange": True},
        # All at once: adding them one by one takes Plotly longer than the rest of the page.
        shapes=lines + colours,
        annotations=labels + band_names + colour_words,
    )
    return fig


def strongest(values: np.ndarray, names: Sequence[str], title: str, n_each: int = 8) -> go.Figure:
    """Bars of the channels with the largest importances for and against; values and names by channel number."""
    by_size = np.argsort(values)
    against = [k for k in by_size[:n_each] if values[k] < 0]
    supporting = [k for k in by_size[::-1][:n_each] if values[k] > 0]
    shown = supporting + against[::-1]  # from the strongest for, at the top, to the strongest against
    sizes = [float(values[k]) for k in shown]
    fig = go.Figure(
        go.Bar(
            x=sizes,
            # The number stands here, not at the bar, where a telephone has no room for it.
            y=[
                f"neuron {k}: {_signed(size).partition(' ')[0]}<br>{escape(names[k].removeprefix(MOVED_BY))}"
                for k, size in zip(shown, sizes, strict=True)
            ],
            orientation="h",
            marker={
                "color": [FOR if size > 0 else AGAINST for size in sizes],
                # Stripes say "against" again, for eyes or printers without colour.
                "pattern": {
                    "shape": ["" if size > 0 else "/" for size in sizes],
                    "fillmode": "overlay",
                    "fgcolor": "rgba(255,255,255,0.55)",
                    "size": 7,
                    "solidity": 0.25,
                },
            },
            customdata=[f"neuron {k} · {escape(names[k])}" for k in shown],
            hovertemplate="%{customdata}<br>importance %{x:+.3g}<extra></extra>",
        )
    )
    fig.update_xaxes(title="← against · importance · for →", nticks=7, zeroline=True, zerolinewidth=2, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    fig.update_layout(
        title=_title(title),
        height=_TOP + 60 + 36 * len(shown),
        margin={"l": 0, "r": 0, "t": _TOP, "b": 60},
        bargap=0.35,
    )
    return fig


def _words(x: float, y: float, text: str, *, size: int = 11, **where: Any) -> dict[str, Any]:
    """Text in a chart, from its left end unless told otherwise; whoever wrote it, it stays text."""
    place = {"x": x, "y": y, "xanchor": "left", "yanchor": "top", "showarrow": False} | where
    return place | {"text": escape(_shorten(text)), "font": {"size": size}}


def _name_bands(
    bands: Sequence[tuple[int, int, str]], n_channels: int, n_rows: int
) -> tuple[list[dict[str, Any]], int]:
    """Each band's name below it, on the first line where it runs into no other; and the number of lines."""
    ends: list[float] = []  # of the names on each line, in pixels of the narrowest chart
    names = []
    for start, stop, name in bands:
        if stop - start < _NAMED_BAND:
            continue
        half = 3.2 * len(name) + 3
        middle = (start + stop) / 2 / n_channels * _NARROW
        at, anchor = (start + stop) / 2, "center"
        if middle < half:
            middle, at, anchor = half, 0, "left"
        elif middle > _NARROW - half:
            middle, at, anchor = _NARROW - half, n_channels, "right"
        line = next((i for i, end in enumerate(ends) if middle - half >= end), len(ends))
        ends[line : line + 1] = [middle + half]
        names.append(_words(at, n_rows, name, yshift=-_LINE * line, xanchor=anchor))
    return names, len(ends)


def _legend(scale: float, below: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The colour scale below the strips, by hand, because Plotly's own hides the words at its ends: shapes, words."""
    top, n_steps = -below - 2, 24  # top in pixels
    shapes = []
    for i in range(n_steps):
        size = abs((i + 0.5) / n_steps - 0.5) * 2  # 0 in the middle, 1 at the ends
        alpha = 1.1 * size if size < 0.5 else 0.55 + 0.9 * (size - 0.5)  # as in DIVERGING
        red, green, blue = AGAINST_RGB if i < n_steps / 2 else FOR_RGB
        shapes.append(
            {
                "type": "rect", "xref": "paper", "x0": i / n_steps, "x1": (i + 1) / n_steps, "line": {"width": 0},
                "yref": "paper", "ysizemode": "pixel", "yanchor": 0, "y0": top - 9, "y1": top,
                "fillcolor": f"rgba({red},{green},{blue},{alpha:.3f})",
            }
        )  # fmt: skip
    paper = {"xref": "paper", "yref": "paper", "yshift": top - 10}
    return shapes, [
        _words(0, 0, f"hangs: against, −{_short(scale)}", **paper),
        _words(0.5, 0, "0", xanchor="center", **paper),
        _words(1, 0, f"rises: for, +{_short(scale)}", xanchor="right", **paper),
    ]


def _title(text: str) -> dict[str, Any]:
    return {
        "text": escape(text), "font": {"size": 15}, "x": 0, "xanchor": "left", "y": 1, "yanchor": "top", "pad": {"t": 8}
    }  # fmt: skip


def _bands(named: Sequence[str]) -> list[tuple[int, int, str]]:
    """Runs of cells whose names share a group: (first cell, one past the last, group), where there is a group."""
    bands, start = [], 0
    for group, run in groupby(named, key=_group):
        length = len(list(run))
        if group:
            bands.append((start, start + length, group))
        start += length
    return bands


def _group(name: str) -> str:
    """What a band is called: "crown" of "most moved by crown: black", "tiger" of "speaks for: tiger"; "" for none."""
    if name.startswith(SPEAKS_FOR):
        return name.removeprefix(SPEAKS_FOR)
    group, colon, _ = name.removeprefix(MOVED_BY).partition(":")
    return group if colon or name == UNCLEAR else ""


def _hover(rows: Sequence[BarcodeRow], values: np.ndarray, order: np.ndarray, named: Sequence[str] | None) -> list[str]:
    """The text of each cell: the neuron, what moves it, and its value in every row."""
    labels = [escape(_shorten(row.label, 32)) for row in rows]
    texts = []
    for cell, channel in enumerate(order):
        head = f"<b>neuron {channel}</b>" + (f" · {escape(named[cell])}" if named else "")
        lines = [f"{label}: {_signed(value)}" for label, value in zip(labels, values[:, cell], strict=True)]
        texts.append("<br>".join([head, *lines]))
    return texts


def _signed(value: float) -> str:
    """ "+0.12 for", "−0.03 against", two figures."""
    if value == 0:
        return "0"
    return f"+{_short(value)} for" if value > 0 else f"−{_short(-value)} against"


def _short(value: float) -> str:
    """Two figures, never in the manner of 1e-05 for sizes that occur."""
    digits = max(0, 1 - int(np.floor(np.log10(value)))) if value > 0 else 0
    return f"{value:.{min(digits, 6)}f}"


def _shorten(text: str, limit: int = 48) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
