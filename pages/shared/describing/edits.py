"""A what-if in words and figures: which words changed, who finds which pictures, what one picture is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from niwt_core.wording import saying
from pages.shared.charts import figures
from pages.shared.charts.figures import MOVED_BY
from pages.shared.wording import GROUP_WORDS, listed, of_hundred, word

if TYPE_CHECKING:
    from niwt_core.laboratory.whatif import Fares, Stretch
    from niwt_core.worlds.described import Described

LEFT_OPEN = "left open"
_STYLE = """<style>
.cyn-edited { font-size: 1.2rem; line-height: 1.7; margin: 0; overflow-wrap: anywhere; }
.cyn-edited del { text-decoration: line-through 2px #d9660f; opacity: 0.75; }
.cyn-edited ins { text-decoration: underline 2px #1f7fc0; text-underline-offset: 0.25em; font-weight: 700;
  background: rgba(31,127,192,0.18); border-radius: 0.3rem; padding: 0 0.2rem; }
@media (max-width: 640px) { .cyn-edited { font-size: 1.05rem; } }
</style>"""

_LISTS = """<style>
.cyn-taken { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem 1.25rem; font-size: 0.95rem; line-height: 1.3; }
.cyn-taken div { min-width: 0; }
.cyn-taken p { margin: 0 0 0.35rem; font-weight: 600; }
.cyn-taken ol { margin: 0; padding-left: 1.3rem; }
.cyn-taken li { margin: 0 0 0.3rem; overflow-wrap: anywhere; }
.cyn-taken small { display: block; opacity: 0.85; font-variant-numeric: tabular-nums; }
</style>"""


def part(group: str) -> str:
    """What an attribute group is called: "crown"."""
    return GROUP_WORDS.get(group) or saying.label(group, "")


def marked(stretches: Sequence[Stretch]) -> str:
    """A sentence as HTML: what is gone struck through, what is new underlined; all of it through `html.escape`."""
    tags = {"gone": "del", "new": "ins"}
    words = [f"<{tags[k]}>{escape(text)}</{tags[k]}>" if k in tags else escape(text) for k, text in stretches]
    return f'{_STYLE}<p class="cyn-edited">{" ".join(words)}</p>'


def told_words(stretches: Sequence[Stretch], limit: int = 80) -> str:
    """What was changed in a sentence, for the list of versions: "“black” → “red”"."""
    gone = " … ".join(text for kind, text in stretches if kind == "gone")
    new = " … ".join(text for kind, text in stretches if kind == "new")
    if not (gone or new):
        return "the words, in blanks alone"
    said = f"“{gone}” → “{new}”" if gone and new else f"+ “{new}”" if new else f"− “{gone}”"
    return said if len(said) <= limit else said[: limit - 1] + "…"


def told_pick(group: str, before: str, now: str) -> str:
    """ "crown: red (was black)"."""
    return f"{_value(group, now)} (was {before or LEFT_OPEN})"


def told_picks(changed: dict[str, tuple[str, str]]) -> str:
    """All that is settled otherwise, in one line."""
    return listed(told_pick(group, old, new) for group, (old, new) in changed.items())


def _value(group: str, value: str) -> str:
    return word(group, value) if value else f"{part(group)}: {LEFT_OPEN}"


def headline(before: Fares, now: Fares, n: int, things: str, alike: bool) -> str:
    """Does the changed classifier find the new ones, and still the old ones? For `alike` see `counts`."""
    if alike:
        same = "as many as before" if before.of_now == now.of_now else f"before {before.of_now}"
        return f"It finds {now.of_now} of {n} {things}, {same}."
    return (
        f"Of {n} {things} as described now it finds {now.of_now} (before: {before.of_now}); of {n} as described before "
        f"it finds {now.of_before} (before: {before.of_before})."
    )


def counts(
    before: Fares, now: Fares, n: int, n_strangers: int, things: str, alike: bool
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Columns and rows: which classifier finds which pictures.

    Args:
        alike: whether both descriptions are judged on the same pictures.
    """
    columns = [("Of these", ""), ("before", "finds"), ("now", "finds")]
    rows = [[f"{n} {things} of before", str(before.of_before), str(now.of_before)]]
    if alike:
        rows = [[f"{n} {things}", str(before.of_now), str(now.of_now)]]
    else:
        rows.append([f"{n} {things} of now", str(before.of_now), str(now.of_now)])
    if now.claimed is not None:
        rows.append([f"{n_strangers} strangers, to be left alone", str(before.claimed), str(now.claimed)])
    return columns, rows


def taken_for(
    before: Sequence[tuple[int, float]], now: Sequence[tuple[int, float]], names: Sequence[str], yours: str
) -> str:
    """The likeliest classes of one picture by both classifiers as two lists of HTML; the described one has a ✓."""
    lists = []
    for title, best in (("The classifier before takes it for", before), ("The classifier now takes it for", now)):
        items = "".join(f"<li>{_likely(number, probability, names, yours)}</li>" for number, probability in best)
        lists.append(f"<div><p>{title}</p><ol>{items}</ol></div>")
    return f'{_LISTS}<div class="cyn-taken">{"".join(lists)}</div>'


def _likely(number: int, probability: float, names: Sequence[str], yours: str) -> str:
    name = f"<b>✓ {escape(yours)}</b>" if number == len(names) else escape(names[number])
    return f"{name}<small>{of_hundred(probability)}</small>"


def movers(moved: np.ndarray, names: Sequence[str], n_each: int = 6) -> go.Figure:
    """Bars of the neurons that rose most and fell most; values and names by channel number."""
    fig = figures.strongest(moved, names, "The neurons that rose most, and those that fell most", n_each)
    fig.update_xaxes(title="← fell · importance · rose →")
    fig.update_traces(hovertemplate="%{customdata}<br>change %{x:+.3g}<extra></extra>")
    return fig


def told_movers(moved: np.ndarray, names: Sequence[str]) -> str:
    """The first of both kinds, for those who do not see the bars."""
    up, down = int(moved.argmax()), int(moved.argmin())
    return (
        f"Neuron {up} ({names[up].removeprefix(MOVED_BY)}) rose most, by {moved[up]:.2g}; neuron {down} "
        f"({names[down].removeprefix(MOVED_BY)}) fell most, by {-moved[down]:.2g}."
    )


def in_words(described: Described) -> str:
    """A version in a line of plain text."""
    picks = listed(_value(group, value) for group, value in described.picks.items())
    return described.text or picks or described.of
