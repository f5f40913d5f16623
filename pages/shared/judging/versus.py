"""Methods side by side in words, in a table and as dots."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from niwt_core.methods.rivals import Outcome
from pages.shared.style import AGAINST, FOR, MUTED

#: What people call the methods; the field's names stand in the table's notes.
CALLED = {
    "NIWT, closed form": "NIWT, closed form",
    "NIWT, the paper's loop": "NIWT, the paper’s loop",
    "DEM, ridge": "Nearest predicted prototype",
    "ESZSL": "ESZSL",
    "Weight regression": "Weights by ridge",
}
#: Differences of the balance that 100 pictures cannot tell apart.
_ALIKE = 0.03


def balance(outcome: Outcome, n_pictures: int, n_strangers: int) -> float:
    """Harmonic mean of the share found and the share of strangers left alone: what the constants were chosen by."""
    found, left = outcome.found / n_pictures, 1 - outcome.claimed / n_strangers
    return 2 * found * left / (found + left) if found + left else 0.0


def verdict(outcomes: Sequence[Outcome], n_pictures: int, n_strangers: int) -> str:
    """What came out, in Markdown; outcomes as `rivals.compare` orders them."""
    niwt, loop, others = outcomes[0], outcomes[1], outcomes[2:]
    if n_pictures:
        best = max(others, key=lambda o: balance(o, n_pictures, n_strangers))
        ahead = balance(niwt, n_pictures, n_strangers) - balance(best, n_pictures, n_strangers)
        told = (
            f"NIWT’s closed form finds {niwt.found} of {n_pictures} and claims {niwt.claimed} of {n_strangers} "
            f"strangers; {CALLED[best.name]}, the best of the others here, finds {best.found} and claims "
            f"{best.claimed}. "
        )
        if ahead > _ALIKE:
            told += "**On this class NIWT does better.** "
        elif ahead < -_ALIKE:
            told += f"**On this class {CALLED[best.name]} does better.** "
        else:
            told += "**So few pictures cannot tell the two apart.** "
    else:
        told = f"NIWT’s closed form claims {niwt.claimed} of {n_strangers} strangers. "
    most = max(others, key=lambda o: o.agreement)
    told += (
        f"What sets NIWT apart is that its neurons were asked for: they agree with the words by {of_100(niwt)} of 100, "
        f"by the loop {of_100(loop)}, by {CALLED[most.name]} {of_100(most)}."
    )
    if loop.claimed > niwt.claimed:
        told += (
            f" The loop follows the words furthest, and pays for it: it claims {loop.claimed} of {n_strangers} "
            "strangers."
        )
    return told


def of_100(outcome: Outcome) -> str:
    """The agreement as people count."""
    return f"{100 * outcome.agreement:.0f}".replace("-", "−")


def table(
    outcomes: Sequence[Outcome], n_pictures: int, n_strangers: int, n_seen: int
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Columns (name, note) and rows for `tables.show`."""
    columns = [
        ("Method", ""),
        ("Found", f"of {n_pictures} fresh pictures"),
        ("Strangers claimed", f"of {n_strangers}"),
        ("Known pictures lost", f"of {n_seen}"),
        ("Time", "from the words to a classifier"),
        ("Times NIWT’s", "closed form = 1"),
        ("Neurons agree", "with the words, of 100"),
        ("Says which neurons", ""),
    ]
    first = outcomes[0].seconds
    rows = [
        [
            CALLED[o.name],
            str(o.found),
            str(o.claimed),
            str(o.lost),
            f"{o.seconds:.1f} s" if o.seconds >= 0.1 else f"{1000 * o.seconds:.2f} ms",
            f"{o.seconds / first:,.0f}" if o.seconds / first >= 10 else f"{o.seconds / first:.1f}",
            of_100(o),
            "yes, beforehand" if o.explains else "only afterwards",
        ]
        for o in outcomes
    ]
    if not n_pictures:
        columns.pop(1)
        for row in rows:
            row.pop(1)
    return columns, rows


def dots(outcomes: Sequence[Outcome], n_pictures: int, n_strangers: int) -> go.Figure:
    """A row a method: strangers claimed on the left, pictures found on the right; the longer the line the better."""
    names = [CALLED[o.name] for o in outcomes]
    found = [100 * o.found / n_pictures for o in outcomes]
    claimed = [100 * o.claimed / n_strangers for o in outcomes]
    fig = go.Figure()
    for name, a, b in zip(names, claimed, found, strict=True):
        fig.add_scatter(
            x=[a, b], y=[name] * 2, mode="lines", line={"color": MUTED, "width": 2}, hoverinfo="skip", showlegend=False
        )
    for label, values, color, symbol in (
        ("strangers claimed", claimed, AGAINST, "diamond-open"),
        ("pictures found", found, FOR, "circle"),
    ):
        fig.add_scatter(
            x=values, y=names, name=label, mode="markers",
            marker={"color": color, "size": 13, "symbol": symbol, "line": {"width": 3, "color": color}},
            hovertemplate=f"%{{y}}: %{{x:.0f}} % {label}<extra></extra>",
        )  # fmt: skip
    fig.update_xaxes(title="of 100", range=[-3, 103], nticks=6, zeroline=False, fixedrange=True)
    fig.update_yaxes(autorange="reversed", automargin=True, fixedrange=True)
    fig.update_layout(
        title="Found, against claimed",
        height=340, margin={"l": 0, "r": 8, "t": 40, "b": 50},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
    )  # fmt: skip
    return fig
