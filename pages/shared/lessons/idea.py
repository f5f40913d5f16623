"""The picture of the idea: a sentence, the barcode it writes, the birds it finds. Drawn from measured numbers.

`python -m pages.shared.lessons.idea` measures them anew on the bundled project. Nothing here waits for torch.
"""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from niwt_core.birds.drawing import draw
from niwt_core.birds.idea import FILE, Idea, load_idea, measure, save_idea
from pages.shared.style import AGAINST, FOR, MUTED

__all__ = ["FILE", "FOLDER", "load_idea", "picture"]

FOLDER = Path(__file__).parents[3] / "assets" / "paper_birds"
PIXELS = 320

CSS = """
.idea { margin: 0.5rem 0 0; }
.idea p { margin: 0; }
.idea .said { display: grid; grid-template-columns: repeat(var(--n), 1fr); text-align: center; align-items: end; }
.idea .said span { font-size: clamp(0.95rem, 2.2vw, 1.65rem); line-height: 1.25; font-weight: 600; padding: 0 0.3em;
  letter-spacing: -0.01em; text-wrap: balance; }
.idea .barcode { height: clamp(190px, 24vw, 320px); background-size: 100% 100%; margin-top: 0.5rem; }
.idea .note { font-size: 0.95rem; line-height: 1.5; margin: 0.6rem 0 1.4rem; max-width: 60rem; text-wrap: pretty; }
.idea .key { font-weight: 600; white-space: nowrap; }
.idea .key::before { content: ""; display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.35em;
  border-radius: 2px; background: var(--c); }
.idea ol { list-style: none; margin: 0 0 0.6rem; padding: 0; display: grid; gap: 14px;
  grid-template-columns: repeat(6, 1fr); }
.idea li { margin: 0; text-align: center; font-size: 0.875rem; line-height: 1.3; }
.idea li img { width: 100%; aspect-ratio: 1; border-radius: 0.75rem; display: block; margin-bottom: 0.3rem; }
.idea li b { font-weight: 600; }
@media (max-width: 640px) { .idea ol { grid-template-columns: repeat(3, 1fr); gap: 10px; } }
"""


def picture(idea: Idea) -> str:
    """The whole picture as HTML: it wraps and scales with the page, and takes its text colour from it."""
    clauses = "".join(f"<span>{escape(clause.text)}</span> " for clause in idea.clauses)
    birds = "".join(
        f'<li><img src="{_bird(idea, i)}" alt="Fresh drawing {i + 1} of the described bird">{_mark(taken_for)}</li>'
        for i, taken_for in enumerate(idea.taken_for)
    )
    return (
        f"<style>{CSS}"
        f".idea .barcode {{ background-image: {_url(drawing(idea))}; }}</style>"
        f'<div class="idea" style="--n: {len(idea.clauses)}">'
        f'<p class="said">{clauses}</p>'
        f'<div class="barcode" role="img" aria-label="{escape(spoken(idea))}"></div>'
        f'<p class="note">The sentence as the network reads it: one bar for each of its {len(idea.importances)} '
        f'neurons. <span class="key" style="--c: {FOR}">Rising</span> bars will speak for the bird, '
        f'<span class="key" style="--c: {AGAINST}">hanging</span> ones against it. Threads lead from each part of the '
        f"sentence to the neurons that it moves most, up or (dashed) down.</p>"
        f"<ol>{birds}</ol>"
        f'<p class="note">Turned into a classifier, without one example picture, it finds '
        f"<b>{idea.found} of {idea.n_fresh}</b> freshly drawn birds among {idea.n_classes} kinds; these are the first "
        f"{len(idea.taken_for)}.</p></div>"
    )


def spoken(idea: Idea) -> str:
    """The barcode in a sentence."""
    values = idea.importances
    n_for = sum(value > 0 for value in values)
    best, worst = int(np.argmax(values)), int(np.argmin(values))
    return (
        f"Importance barcode of the sentence: {n_for} of {len(values)} neurons speak for the bird, neuron {best} most; "
        f"{len(values) - n_for} speak against it, neuron {worst} most."
    )


def drawing(idea: Idea) -> str:
    """The barcode, one unit a neuron, and the threads that lead down to it, as SVG.

    A thread starts in the middle of its clause's column and ends at the tip of its neuron's bar. What the clause turns
    down has a dashed thread.
    """
    values = [idea.importances[k] for k in idea.order]
    n, top = len(values), THREADS * (max(values) - min(values))
    line = top + max(values)  # where rising and hanging bars meet
    rects = "".join(
        f'<rect x="{i + 0.1:.1f}" width="0.8" y="{line - max(value, 0):.3f}" height="{abs(value):.3f}" '
        f'fill="{FOR if value > 0 else AGAINST}"/>'
        for i, value in enumerate(values)
    )
    place = {channel: i for i, channel in enumerate(idea.order)}
    largest = max(abs(change) for clause in idea.clauses for _, change in clause.moved)
    threads = "".join(
        _thread(
            ((c + 0.5) * n / len(idea.clauses), 0.0),
            (place[channel] + 0.5, line - max(idea.importances[channel], 0)),
            change,
            abs(change) / largest,
        )
        for c, clause in enumerate(idea.clauses)
        for channel, change in clause.moved
    )
    axis = f'<path d="M0,{line:.3f}H{n}" stroke="{MUTED}" stroke-width="1" vector-effect="non-scaling-stroke"/>'
    box = f"0 0 {n} {line - min(values):.3f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" preserveAspectRatio="none">'
        f"{axis}{threads}{rects}</svg>"
    )


#: Room for the threads above the highest bar, as a share of the bars' height.
THREADS = 0.3


def _thread(start: tuple[float, float], end: tuple[float, float], change: float, share: float) -> str:
    (x, y), (to_x, to_y) = start, end
    middle = y + 0.55 * (to_y - y)
    return (
        f'<path d="M{x:.2f},{y:.2f}C{x:.2f},{middle:.2f} {to_x:.2f},{middle - 0.2 * to_y:.2f} {to_x:.2f},{to_y:.2f}" '
        f'fill="none" stroke="{FOR if change > 0 else AGAINST}" stroke-width="{1 + 2.5 * share:.1f}" '
        f'opacity="{0.5 + 0.4 * share:.2f}" vector-effect="non-scaling-stroke"'
        f"{'' if change > 0 else _DASHED}/>"
    )


_DASHED = ' stroke-dasharray="6 4"'


def _url(svg: str) -> str:
    return f'url("data:image/svg+xml,{quote(svg)}")'


def _mark(taken_for: str | None) -> str:
    return "<b>✓ found</b>" if taken_for is None else f"<b>✗</b> taken for {escape(taken_for)}"


def _bird(idea: Idea, number: int) -> str:
    """A drawing that judged the class, the very one, larger than the network saw it."""
    image = draw(idea.picks, seed=idea.first_seed + number, size=PIXELS, masks=False).image
    kept = io.BytesIO()
    Image.fromarray(image).save(kept, "WEBP", quality=82, method=2)
    return f"data:image/webp;base64,{base64.b64encode(kept.getvalue()).decode()}"


def main() -> None:
    """Measure the example on the bundled project and write it down."""
    from niwt_core.neurons import load_dictionary
    from niwt_core.project import load_project
    from pages.shared.charts.figures import named_order

    project = load_project(FOLDER)
    order = named_order(load_dictionary(FOLDER, project))[0]
    idea = measure(project, tuple(order.tolist()))
    save_idea(idea, FOLDER)
    print(f"“{idea.sentence}”: found {idea.found} of {idea.n_fresh} among {idea.n_classes} kinds.")


if __name__ == "__main__":
    main()
