"""A description by the weight of its clauses: the words on grounds of different strength, bars, and a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from pages.shared.charts.figures import MOVED_BY
from pages.shared.style import FOR, FOR_RGB
from pages.shared.wording import listed, word

if TYPE_CHECKING:
    from niwt_core.laboratory.clauses import Clause, ClauseEffect

#: A ground this strong still leaves the words on it easy to read, in light and dark.
_STRONGEST = 0.5
_LABEL = 30  # characters of a clause under a chart, on a telephone
#: What stands between two clauses: a comma, which stays with the first, and words such as "and".
_BETWEEN = re.compile(r"\s*([,;.:!?]*)\s*(.*?)\s*", re.DOTALL)
_STYLE = """<style>
.cyn-weighed { font-size: 1.2rem; line-height: 1.5; margin: 0.25rem 0 0.5rem; overflow-wrap: anywhere; }
.cyn-weighed .clause { display: inline-block; margin: 0 0 0.5rem; padding: 0.2rem 0.55rem 0.15rem;
  border-radius: 0.5rem; border-bottom: 2px solid #1f7fc0; vertical-align: top; max-width: 100%; }
.cyn-weighed .clause small { display: block; font-size: 0.78rem; line-height: 1.35; }
.cyn-weighed .first small { font-weight: 700; }
@media (max-width: 640px) { .cyn-weighed { font-size: 1.05rem; } }
</style>"""


def named(clause: Clause, text: str) -> str:
    """A clause as a person would say it: its words, or what was picked."""
    if not clause.group:
        return " ".join(clause.words_in(text).split())
    return f"{word(clause.group, clause.value)} (picked)" if clause.value else f"{clause.group} (left open by hand)"


def by_weight(effects: Sequence[ClauseEffect]) -> list[ClauseEffect]:
    """The heaviest clause first."""
    return sorted(effects, key=lambda effect: -effect.weight)


def percent(share: float) -> str:
    """ "73 %", "under 1 %"."""
    return f"{100 * share:.0f} %" if share >= 0.005 else "under 1 %"


def coloured(text: str, effects: Sequence[ClauseEffect]) -> str:
    """The description as HTML: each clause on a ground as strong as its weight, with its rank and its weight below it.

    Every character that somebody typed goes through `html.escape`.
    """
    ranks = {id(effect): rank for rank, effect in enumerate(by_weight(effects), 1)}
    heaviest = max((effect.weight for effect in effects), default=0.0) or 1.0
    words = [effect for effect in effects if not effect.clause.group]
    starts = [effect.clause.start for effect in words] + [len(text)]
    html = [escape(text[: starts[0]].strip())]  # mostly nothing stands before the first clause
    for effect, start in zip(words, starts[1:], strict=True):
        comma, between = _BETWEEN.fullmatch(text[effect.clause.end : start]).groups()
        said = text[effect.clause.start : effect.clause.end] + comma
        html += [_clause(said, effect, ranks, heaviest), escape(between)]
    html += [_clause(named(e.clause, text), e, ranks, heaviest) for e in effects if e.clause.group]
    return f'{_STYLE}<p class="cyn-weighed">{" ".join(html)}</p>'


def _clause(words: str, effect: ClauseEffect, ranks: dict[int, int], heaviest: float) -> str:
    rank, (red, green, blue) = ranks[id(effect)], FOR_RGB
    alpha = _STRONGEST * effect.weight / heaviest
    first = " first" if rank == 1 and len(ranks) > 1 else ""
    place = f"{_ordinal(rank)} · " if len(ranks) > 1 else ""
    return (
        f'<span class="clause{first}" style="background: rgba({red},{green},{blue},{alpha:.2f})">{escape(words)}'
        f"<small>{place}{percent(effect.weight)}</small></span>"
    )


def _ordinal(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def bars(effects: Sequence[ClauseEffect], text: str, n_pictures: int) -> go.Figure:
    """One bar a clause, the heaviest on top: how far the weights move without it."""
    shown = by_weight(effects)
    labels = [_label(effect, text, n_pictures) for effect in shown]
    fig = go.Figure(
        go.Bar(
            x=[100 * effect.weight for effect in shown],
            y=labels,
            orientation="h",
            marker={"color": FOR},
            hovertemplate="%{y}<extra></extra>",
        )
    )
    fig.update_xaxes(title="% of the weights’ length", rangemode="tozero", nticks=6, fixedrange=True)
    fig.update_yaxes(autorange="reversed", fixedrange=True, automargin=True)
    fig.update_layout(
        title={"text": "How far the weights move without it"},
        height=100 + 52 * len(shown),
        margin={"l": 0, "r": 8, "t": 40, "b": 56},
        bargap=0.35,
        showlegend=False,
    )
    return fig


def _label(effect: ClauseEffect, text: str, n_pictures: int) -> str:
    """The clause, and below it its figures: a telephone has no room for them at the bar."""
    line = named(effect.clause, text)
    words = escape(line if len(line) <= _LABEL else line[: _LABEL - 1] + "…")
    found = "" if effect.found is None else f", {effect.found} of {n_pictures} found"
    return f"{words}<br>{percent(effect.weight)}{found}"


def most(effect: ClauseEffect, text: str, n_pictures: int, things: str) -> str:
    """The heaviest clause in a sentence of plain words."""
    said = (
        f"“{named(effect.clause, text)}” weighs most: without it the classifier’s weights move by "
        f"{percent(effect.weight)} of their length"
    )
    if effect.found is None:
        return f"{said}."
    return (
        f"{said}, and it finds {effect.found} of {n_pictures} fresh {things}; with all words it finds "
        f"{effect.full_found}."
    )


def neurons(channels: Sequence[int], names: Sequence[str]) -> str:
    """ "neuron 12 (back: yellow) and neuron 62 (no clear name)"; names by channel number, from `channel_order`."""
    return listed(f"neuron {k} ({names[k].removeprefix(MOVED_BY)})" for k in channels)


def table(
    effects: Sequence[ClauseEffect], text: str, names: Sequence[str], n_pictures: int, n_strangers: int
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Columns and rows, the heaviest clause first."""
    judged = n_pictures > 0
    columns = [("clause left out", ""), ("weights move", "% of their length"), ("weights alike", "cosine")]
    columns += [("importances alike", "cosine")]
    if judged:
        columns += [("found", f"of {n_pictures}"), ("strangers claimed", f"of {n_strangers}")]
    columns += [("neurons that fall most", "by their names")]
    rows = []
    if judged and effects:
        full = effects[0]
        rows.append(["none: all words", "", "1.00", "1.00", str(full.full_found), _count(full.full_claimed), ""])
    for effect in by_weight(effects):
        row = [named(effect.clause, text), percent(effect.weight), _two(effect.weight_cosine)]
        row += [_two(effect.importance_cosine)]
        row += [str(effect.found), _count(effect.claimed)] if judged else []
        rows.append([*row, "; ".join(names[k].removeprefix(MOVED_BY) for k in effect.fallen())])
    return columns, rows


def _two(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _count(number: int | None) -> str:
    return "–" if number is None else str(number)
