"""The living board of the Train page: the two rows, the tray and the curves, drawn by the browser from plain numbers.

Charts that are sent anew as a whole are painted three times a second at best. The board gets the steps since the
last look, a few kilobytes, and plays them; the server answers a few times a second all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from pages.shared.jobs.training import Frame, Point, Snapshot
from pages.shared.style import AGAINST, FOR, MUTED

T = TypeVar("T")

#: The axis of iterations is this long at first, and doubles where the loop goes on.
FIRST_SPAN = 50
_HERE = Path(__file__).parent
_HTML = '<div class="cyn-board"></div>\n'
_CSS, _JS = (_HERE / "board.css").read_text(), (_HERE / "board.js").read_text()
#: Whole pictures sent at a time; curves have every step.
MOST_FRAMES = 12
#: Points of a curve that are sent.
MOST_POINTS = 400


@dataclass(frozen=True, eq=False)
class Scene:
    """What of a board does not change while the loop runs.

    Attributes:
        key: another for every class. noun: what the pictures show ("bird").
        target: (n_channels,), in the order `order`; row values are at unit length. names: what to call each neuron.
        closed_form: the level that the loop falls towards.
        classes: names of the seen classes. n_tray: pictures in the tray. n_pictures, n_strangers: of how many.
    """

    key: str
    noun: str
    target: np.ndarray
    order: np.ndarray
    names: Sequence[str]
    closed_form: float
    classes: Sequence[str]
    n_tray: int
    n_pictures: int
    n_strangers: int


def unit(values: np.ndarray) -> np.ndarray:
    """(n_channels,) at length 1, so that two rows can be compared."""
    return values / max(float(np.sqrt(np.square(values).sum())), 1e-12)


def payload(
    scene: Scene, now: Snapshot, sent: int, seconds: float, solution: Frame | None = None, plays: bool = False
) -> dict[str, Any]:
    """What the browser gets.

    Args:
        sent: the last iteration that it has. seconds: how long it has for playing what is new.
        solution: shown in place of the loop's own picture. plays: whether the new steps are played or jumped over.
    """
    points = thinned(now.history, MOST_POINTS)
    last = points[-1].iteration
    frames = thinned([frame for frame in now.frames if frame.iteration > sent] or now.frames[-1:], MOST_FRAMES)
    return {
        "run": f"{scene.key} {now.run}",
        "layout": f"{scene.key} {scene.n_tray} {len(scene.target)}",
        "plays": plays,
        "seconds": seconds,
        "span": span_of(last),
        "ruled": now.ruled,
        "history": {
            "iteration": [p.iteration for p in points],
            "cosine": [round(p.cosine, 4) for p in points],
            "check": [round(p.check, 4) for p in points],
            "regulariser": [round(1000 * p.regulariser, 3) for p in points],
            "found": [p.found for p in points],
            "claimed": [p.claimed for p in points],
            "agreeing": [p.agreeing for p in points],
        },
        "frames": [_frame(scene, frame) for frame in frames],
        "solution": _frame(scene, solution) if solution else None,
        "target": _row(scene, scene.target),
        "names": [f"neuron {k}, {scene.names[k]}" for k in scene.order],
        "tray": scene.n_tray,
        "panels": panels(scene, points),
        "colors": {"for": FOR, "against": AGAINST, "muted": MUTED},
        "words": {
            "rows": "Importances of each neuron",
            "target": "What the words ask for",
            "now": "What the network has now",
            "for": "Rises: for the class.",
            "against": "Hangs: against it.",
            "crosses": f"of {len(scene.target)} neurons still pull the other way.",
            "wanted": "the words ask for",
            "has": "the network has",
            "alt": "Two barcodes, one cell a neuron: what the words ask for, above what the network has now.",
            "found": "found",
            "taken": "taken for",
            "picture": f"Fresh {scene.noun}",
            "axis": "iterations",
        },
    }


def panels(scene: Scene, points: Sequence[Point]) -> list[dict[str, Any]]:
    """The small charts that share the axis of iterations. Their vertical axes stand still while the loop runs."""
    highest = 1.1 * max(points[0].check, points[0].cosine, scene.closed_form)
    regulariser = max(1000 * p.regulariser for p in points)
    top = 1.0
    while top < regulariser:
        top *= 2
    found = [_line("found", f"{scene.noun}s found", FOR, "", of=f" of {scene.n_pictures}")] if scene.n_pictures else []
    most = max(scene.n_pictures, scene.n_strangers, 1)
    return [
        {
            "title": "Distance to the words’ target: 1 − cosine",
            "height": 150,
            "top": highest,
            "ticks": [0, 0.5] + ([1] if highest > 1 else []),
            "lines": [
                _line("cosine", "on its own pictures (the loss’s first part)", MUTED, "2 4", digits=3, filled=True),
                _line("check", "on new pictures", FOR, "", digits=3),
                _line("", "the closed form, on new pictures", AGAINST, "9 5", level=scene.closed_form, digits=3),
            ],
        },
        {
            "title": "Regulariser, the loss’s second part, in thousandths",
            "height": 46,
            "top": top,
            "ticks": [0, top],
            "lines": [_line("regulariser", "how far the weights stray", FOR, "12 3 2 3", digits=2, filled=True)],
        },
        {
            "title": f"Which {scene.noun}s it takes for yours",
            "height": 96,
            "top": most,
            "ticks": [0, most],
            "lines": [
                *found,
                _line("claimed", "strangers claimed", AGAINST, "9 5", of=f" of {scene.n_strangers}"),
            ],
        },
        {
            "title": "Neurons that pull the way the words ask",
            "height": 64,
            "top": len(scene.target),
            "ticks": [0, len(scene.target)],
            "lines": [_line("agreeing", "agree in sign", FOR, "", of=f" of {len(scene.target)}")],
        },
    ]  # fmt: skip


def _line(
    series: str,
    name: str,
    color: str,
    dash: str,
    *,
    digits: int = 0,
    of: str = "",
    level: float | None = None,
    filled: bool = False,
) -> dict[str, Any]:
    return {
        "series": series, "name": name, "color": color, "dash": dash, "width": 2 if filled else 3, "digits": digits,
        "of": of, "level": level, "filled": filled,
    }  # fmt: skip


def span_of(iteration: int) -> int:
    """The length of the axis: it changes by doubling alone, so that a living chart stands still."""
    span = FIRST_SPAN
    while span < iteration:
        span *= 2
    return span


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _row(scene: Scene, values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in unit(values)[scene.order]]


def _frame(scene: Scene, frame: Frame) -> dict[str, Any]:
    winners = frame.predicted[: scene.n_tray].tolist()
    return {
        "iteration": frame.iteration,
        "row": _row(scene, frame.importances),
        "birds": [scene.classes[c] if c < len(scene.classes) else None for c in winners],
    }


def show(data: dict[str, Any]) -> None:
    """Put the board into the page, or give the one that is there new numbers."""
    st.components.v2.component("living_board", html=_HTML, css=_CSS, js=_JS, isolate_styles=False)(
        data=data, key="board"
    )
