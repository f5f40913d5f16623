"""A notebook as one HTML file that needs nothing else: pictures, barcodes, figures and notes, to read and to print."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from niwt_core.notebook.face import face
from niwt_core.notebook.kept import Kept
from niwt_core.notebook.telling import told_figures, told_picks, told_settings


@dataclass(frozen=True)
class Picture:
    """A picture of a class: the bytes of a WebP file, and what it shows."""

    webp: bytes
    alt: str


@dataclass(frozen=True)
class Chapter:
    """One class of a report, its pictures, and why there are none where there are none."""

    kept: Kept
    pictures: tuple[Picture, ...] = field(default_factory=tuple)
    without: str = ""


# Nothing is fetched and nothing is run, whatever somebody wrote in a note.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CSS = """
:root { color-scheme: light dark; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
       color: light-dark(#22272e, #e9e7e2); background: light-dark(#fcfbf8, #15181c); overflow-wrap: anywhere; }
article { border-top: 1px solid #7f8a96; margin-top: 2.5rem; padding-top: 0.5rem; break-inside: avoid; }
.words { font-size: 1.15rem; }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0.75rem; }
@media (max-width: 30rem) { .pictures { grid-template-columns: repeat(2, 1fr); } }
.pictures img { width: 100%; border-radius: 0.6rem; display: block; }
.face { width: 100%; height: 4.5rem; display: block; margin: 1rem 0 0.25rem; }
.note { white-space: pre-wrap; border-left: 3px solid #7f8a96; padding-left: 0.75rem; }
.small { font-size: 0.9rem; opacity: 0.85; }
nav li { margin: 0.15rem 0; }
a { color: light-dark(#1a6fa8, #6cb4e4); }
@media print { nav { display: none; } }
"""


def report(chapters: Sequence[Chapter], *, rises: str, hangs: str) -> bytes:
    """The report.

    Args:
        rises, hangs: colours of the barcodes.
    """
    made = datetime.now(UTC)
    count = f"{len(chapters)} {'class' if len(chapters) == 1 else 'classes'}"
    title = chapters[0].kept.title if len(chapters) == 1 else f"Notebook: {count}"
    contents = "".join(f'<li><a href="#c{i}">{escape(c.kept.title)}</a></li>' for i, c in enumerate(chapters))
    body = "".join(_chapter(c, i, rises, hangs) for i, c in enumerate(chapters))
    listed = f'<nav aria-label="Contents"><ol>{contents}</ol></nav>' if len(chapters) > 1 else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_CSS}</style></head><body><h1>{'A class' if len(chapters) == 1 else 'Classes'} written in words</h1>"
        f"<p>{count}, described in Choose Your Neuron and saved on {_day(made)}. None of them was learned "
        "from pictures: the words became importances of a network’s neurons, and the importances became a classifier. "
        "In each barcode a cell is one neuron: what rises speaks for the class, what hangs speaks against it.</p>"
        f"{listed}{body}</body></html>\n"
    ).encode()


def _chapter(chapter: Chapter, number: int, rises: str, hangs: str) -> str:
    kept = chapter.kept
    parts = [f'<article id="c{number}"><h2>{escape(kept.title)}</h2>']
    if kept.text:
        parts.append(f'<p class="words">“{escape(kept.text)}”</p>')
    if chapter.pictures:
        images = "".join(
            f'<img src="{_uri("image/webp", p.webp)}" alt="{escape(p.alt, quote=True)}">' for p in chapter.pictures
        )
        parts.append(f'<div class="pictures">{images}</div>')
    elif chapter.without:
        parts.append(f'<p class="small">{escape(chapter.without)}</p>')
    if kept.importances:
        drawn = face(kept.importances, kept.order, rises=rises, hangs=hangs).encode()
        alt = escape(
            f"Importance barcode of {kept.title}: {len(kept.importances)} neurons. {kept.explanation}", quote=True
        )
        parts.append(f'<img class="face" src="{_uri("image/svg+xml", drawn)}" alt="{alt}">')
        parts.append(f'<p class="small">{escape(kept.explanation)}</p>')
    if figures := told_figures(kept.figures):
        parts.append(f"<p><strong>{escape(' · '.join(figures).capitalize())}.</strong></p>")
    if settings := told_settings(kept.figures):
        parts.append(f'<p class="small">Settings: {escape(settings)}.</p>')
    if kept.picks:
        parts.append(f"<p>Attributes: {escape(told_picks(kept.picks))}.</p>")
    if kept.of:
        parts.append(f"<p>Judged on the photos of {escape(kept.of)}.</p>")
    if kept.note:
        parts.append(f'<p class="note">{escape(kept.note)}</p>')
    parts.append(
        f'<p class="small">{escape(kept.world)}. Described on {_day(kept.created)}, last changed on '
        f"{_day(kept.changed)} (UTC).</p></article>"
    )
    return "".join(parts)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
