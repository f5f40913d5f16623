"""How every page looks: the palette, a little CSS, and the one way to show a chart."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import plotly.graph_objects as go
import streamlit as st

from pages.shared.charts import downloads
from pages.shared.wording import plain

# Blue and orange stay apart for every common kind of colour blindness, and both stand out (3 : 1 or more) on the light
# and on the dark ground. Position, sign or word always says the same thing a second time.
FOR = "#1f7fc0"
AGAINST = "#d9660f"
MUTED = "#7f8a96"
FOR_RGB = (31, 127, 192)
AGAINST_RGB = (217, 102, 15)

#: Against to for; in the middle the page itself shows through, so that nothing is drawn where nothing is.
DIVERGING: list[tuple[float, str]] = [
    (position, f"rgba({r},{g},{b},{alpha})")
    for position, (r, g, b), alpha in (
        (0.0, AGAINST_RGB, 1.0),
        (0.25, AGAINST_RGB, 0.55),
        (0.5, AGAINST_RGB, 0.0),
        (0.5, FOR_RGB, 0.0),
        (0.75, FOR_RGB, 0.55),
        (1.0, FOR_RGB, 1.0),
    )
]


_CSS = """
<style>
.stMainBlockContainer { max-width: 74rem; padding-top: 3.5rem; padding-bottom: 4rem; }
.stMainBlockContainer h1 { letter-spacing: -0.02em; padding-bottom: 0.25rem; }
.stMainBlockContainer img { border-radius: 0.75rem; }
.lead { font-size: 1.15rem; line-height: 1.55; max-width: 56rem; margin: 0; text-wrap: pretty; }
.read { font-size: 1.25rem; line-height: 3.1; max-width: 60rem; overflow-wrap: break-word; margin: 0; }
.read ruby { ruby-position: under; ruby-align: center; text-decoration: underline; text-decoration-thickness: 2px;
             text-underline-offset: 0.3em; text-decoration-color: #1f7fc0; }
.read rt { font-size: 0.72rem; line-height: 1.3; opacity: 0.85; text-decoration: none; padding: 0.3em 0.35em 0; }
.read .unbroken { white-space: nowrap; }
.read .unread { text-decoration: underline dotted 2px; text-underline-offset: 0.3em; opacity: 0.7; }
/* Words in charts as dark as words beside them; the colour that Plotly is given for them is too pale to read. */
.stPlotlyChart .annotation-text, .stPlotlyChart .gtitle, .stPlotlyChart .xtitle, .stPlotlyChart .ytitle,
.stPlotlyChart .xtick text, .stPlotlyChart .ytick text, .stPlotlyChart .legendtext { fill: currentColor !important; }
[data-testid="stCaptionContainer"], [data-testid="stImageCaption"] { color: inherit !important; }
[data-testid="stCaptionContainer"] { opacity: 0.8; }
/* A formula wider than the page scrolls inside itself, and only sideways. */
.stMainBlockContainer .stMarkdown .katex-display { overflow: auto hidden; padding: 0.25rem 2px; }
/* The tour's bar, above the page. */
.st-key-tour { background: light-dark(#e7eff6, #1d2a36); border-radius: 0.6rem; padding: 0.75rem 1rem;
  border-left: 4px solid #1f7fc0; gap: 0.5rem; margin-bottom: 0.75rem; }
/* A word that explains itself when pressed. */
.term { all: unset; cursor: help; text-decoration: underline dotted 2px; text-decoration-color: #1f7fc0;
  text-underline-offset: 0.22em; }
.term-says { max-width: min(26rem, calc(100vw - 2rem)); padding: 0.8rem 1rem; font-size: 1rem; line-height: 1.5;
  border: 1px solid #7f8a96; border-radius: 0.6rem; color: inherit; background: light-dark(#ffffff, #262c34); }
@supports (position-area: bottom) {
  .term-says { inset: auto; margin: 6px 0; position-area: bottom span-right; justify-self: start;
    position-try-fallbacks: flip-inline, flip-block, --in-the-middle; }
  @position-try --in-the-middle { position-area: bottom; justify-self: anchor-center; }
}
/* What is chosen, dark: the theme's own colour is too dark for words there. */
[data-testid="stButtonGroup"] [data-selected="true"] p, .stMainBlockContainer [role="tab"][aria-selected="true"] p {
  color: light-dark(#1a6fa8, #8cc4ee); }
/* Code in colours that can be read. */
[data-testid="stCode"] code .token { color: inherit !important; }
[data-testid="stCode"] code .token.keyword { color: light-dark(#1a6fa8, #8cc4ee) !important; }
[data-testid="stCode"] code .token.string { color: light-dark(#2b6b3d, #98d1a3) !important; }
[data-testid="stCode"] code .token.comment { color: light-dark(#5b626c, #a7b0ba) !important; }
/* Where the keyboard is can always be seen. */
.stMainBlockContainer :is(a, button, summary, .term):focus-visible { outline: 3px solid #1f7fc0; outline-offset: 2px;
  border-radius: 0.3rem; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: 0.01ms !important; transition-duration: 0.01ms !important;
    scroll-behavior: auto !important; }
}
/* Two portraits side by side on a telephone, where Streamlit would stack them. */
@media (max-width: 640px) {
  .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; }
  [class*="st-key-portraits"] [data-testid="stHorizontalBlock"] { gap: 0.75rem; }
  [class*="st-key-portraits"] [data-testid="stColumn"] { min-width: calc(50% - 0.5rem); max-width: calc(50% - 0.375rem);
    flex: 0 1 calc(50% - 0.375rem); }
  .read { font-size: 1.1rem; }
  /* Five strengths of a neuron side by side, in a fold on a telephone. */
  [class*="_strengths"] [data-testid="stButtonGroup"] button { padding-inline: 0.55rem; }
}
</style>
"""


def apply() -> None:
    """Put the CSS into the page; `app.py` calls this once a run."""
    st.html(_CSS)


def lead(sentence: str) -> None:
    """The one sentence in plain words that every page opens with. Our words only, never a visitor's."""
    st.html(f'<p class="lead">{sentence}</p>')


def chart(
    fig: go.Figure,
    alt: str,
    key: str | None = None,
    *,
    saves: bool = True,
    on_press: Callable[[], None] | None = None,
) -> None:
    """Show a chart across the page, its sentence below it for those who see it and as alt text for those who do not.

    Below it stands a small menu that saves it; not with `saves=False`, for charts that are drawn anew several times a
    second, nor without a key, by which the menu finds the chart. Where its marks can be pressed, `on_press` is called
    before the page is drawn again, and finds them in the session under the key.
    """
    title = unescape(fig.layout.title.text or "")
    full = fig
    if title:
        # As text of the page, because a title inside a chart does not wrap on a telephone.
        fig = go.Figure(fig).update_layout(title=None, margin_t=8)
        fig.layout.height = fig.layout.height and fig.layout.height - 32
        st.markdown(f"**{plain(title)}**")
    st.plotly_chart(
        fig,
        width="stretch",
        theme="streamlit",  # font and ground follow the visitor's light or dark
        config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
        key=key,
        alt=alt,
        on_select=on_press or "ignore",
        selection_mode="points",
    )
    st.caption(plain(alt))
    if saves and key:
        downloads.offer(full, title, alt, key)
