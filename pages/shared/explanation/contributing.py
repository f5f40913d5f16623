"""Which neurons a score comes from: their names, the bars of the strongest, and how all of it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from niwt_core.explanation import Contributions
from pages.shared.style import AGAINST, FOR, MUTED
from pages.shared.wording import listed, phrase, plain, signed, word

if TYPE_CHECKING:
    from niwt_core.neurons import Dictionary

N_SHOWN = 8
#: A sentence names so many neurons.
N_SAID = 3


@dataclass(frozen=True)
class Parts:
    """A score (or the lead of one class over another) in the parts that a page shows; they add up to `score`.

    Attributes:
        shown: (channel, contribution) of the strongest neurons, from the strongest for to the strongest against.
        others, n_others: the sum of all other neurons, and how many they are.
        remainder: what no neuron accounts for. threshold: the class's own, the same for every picture.
    """

    shown: tuple[tuple[int, float], ...]
    others: float
    n_others: int
    remainder: float
    threshold: float
    score: float

    @property
    def strongest(self) -> float:
        """What the shown neurons bring together."""
        return sum(value for _, value in self.shown)

    @property
    def neurons(self) -> float:
        """What all neurons bring together."""
        return self.strongest + self.others


def parts_of(found: Contributions, limit: int = N_SHOWN) -> Parts:
    """The strongest neurons by name, the rest by sum; neurons that add nothing are not shown."""
    top = [(k, value) for k, value in found.strongest(limit) if value]
    shown = tuple(sorted(top, key=lambda pair: -pair[1]))
    others = float(found.values.double().sum()) - sum(value for _, value in shown)
    return Parts(shown, others, len(found.values) - len(shown), found.remainder, found.bias, found.score)


def label(channel: int, names: Dictionary | None) -> str:
    """A neuron under a chart: what the dictionary calls it, if it does so clearly."""
    if names is None or (name := names.neurons[channel].name) is None:
        return f"neuron {channel}" if names is None else "no clear name"
    return word(*name.partition("::")[::2])


def in_words(channel: int, names: Dictionary | None) -> str:
    """A neuron in a sentence, safe where Markdown is read: "neuron 12 (yellow back)"."""
    if names is None or (name := names.neurons[channel].name) is None:
        return f"neuron {channel}"
    return f"neuron {channel} ({plain(phrase(*name.partition('::')[::2]))})"


def sentence(parts: Parts, start: str, other_side: str, names: Dictionary | None) -> str:
    """Which neurons speak most, and which one for the other side: "For **your bird**", "against it"."""
    most = [in_words(k, names) for k, value in parts.shown if value > 0][:N_SAID]
    least = [in_words(k, names) for k, value in reversed(parts.shown) if value < 0][:1]
    if not most and not least:
        return f"{start} no neuron says anything."
    said = f"{start} speak most **{listed(most)}**" if most else f"{start} no neuron speaks strongly"
    return said + (f"; {other_side} speaks most {least[0]}." if least else ".")


def adding_up(parts: Parts, what: str) -> str:
    """The same sum in words, for the chart's alt text; `what` is "the score"."""
    return (
        f"The {len(parts.shown)} neurons above bring {signed(parts.strongest)}, the other {parts.n_others} "
        f"{signed(parts.others)}, the remainder {signed(parts.remainder)}, the threshold {signed(parts.threshold)}: "
        f"together {what}, {signed(parts.score)}."
    )


def bars(parts: Parts, names: Dictionary | None, title: str, ends: tuple[str, str]) -> go.Figure:
    """Bars of the strongest neurons, from the strongest for to the strongest against.

    Args:
        ends: what the left and the right end of the axis mean.
    """
    sizes = [value for _, value in parts.shown]
    texts = [escape(label(k, names)) for k, _ in parts.shown]
    fig = go.Figure(
        go.Bar(
            x=sizes,
            # The number stands here, not at the bar, where a telephone has no room for it.
            y=[
                f"neuron {k}: {signed(value)}" + (f"<br>{text}" if names is not None else "")
                for (k, value), text in zip(parts.shown, texts, strict=True)
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
            hovertemplate="%{y}<extra></extra>",
        )
    )
    left, right = map(escape, ends)
    fig.update_xaxes(title=f"← {left} · points · {right} →", nticks=6, zeroline=True, zerolinewidth=2, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    height = 100 + (40 if names is not None else 30) * len(sizes)
    fig.update_layout(title=escape(title), height=height, margin={"l": 0, "r": 0, "t": 40, "b": 56}, bargap=0.35)
    return fig


def sum_chart(parts: Parts, title: str, what: str) -> go.Figure:
    """How the parts add up, each bar going on where the one before ended; the last is the whole."""
    rows: Sequence[tuple[str, float]] = (
        (f"these {len(parts.shown)} neurons", parts.strongest),
        (f"the other {parts.n_others}", parts.others),
        ("remainder", parts.remainder),
        ("threshold", parts.threshold),
        (what, parts.score),
    )
    fig = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["relative"] * (len(rows) - 1) + ["total"],
            x=[value for _, value in rows],
            y=[f"{name}<br><b>{signed(value)}</b>" for name, value in rows],
            increasing={"marker": {"color": FOR}},
            decreasing={"marker": {"color": AGAINST}},
            totals={"marker": {"color": MUTED}},
            connector={"line": {"color": MUTED, "width": 1, "dash": "dot"}},
            hovertemplate="%{y}<extra></extra>",
        )
    )
    fig.update_xaxes(title="points", nticks=6, zeroline=True, zerolinewidth=2, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    fig.update_layout(
        title=escape(title), height=100 + 46 * len(rows), margin={"l": 0, "r": 0, "t": 40, "b": 56}, showlegend=False,
        waterfallgap=0.35,
    )  # fmt: skip
    return fig
