"""Maps on the page: the picture with its evidence in colour, the scale below it, and several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from niwt_core.explanation import Heatmap, common_scale, overlay
from niwt_core.explanation.where import upsample
from pages.shared import style, wording

_BAR = (
    '<div class="cyn-scale" role="img" aria-label="{alt}"><div style="height:8px;border-radius:4px;background:'
    'linear-gradient(90deg,{colours})"></div><div style="display:flex;justify-content:space-between;gap:0.6em;'
    'font-size:0.78rem;line-height:1.5"><span>{low}</span><span>{middle}</span><span>{high}</span></div></div>'
)


def show(
    picture: np.ndarray, signed: Tensor, largest: float, alt: str, peak: tuple[float, float] | None = None
) -> None:
    """A picture (size, size, 3) uint8 with a map (height, width) over it; values of size `largest` have full colour.

    `peak` (row, column), shares of the picture, gets a ring.
    """
    size = picture.shape[0]
    fine = upsample(signed[None], size)[0].numpy()
    image = Image.fromarray(overlay(picture, fine, style.FOR_RGB, style.AGAINST_RGB, largest))
    if peak is not None:
        centre, pencil = (peak[1] * size, peak[0] * size), ImageDraw.Draw(image)
        for colour, width in (("black", 5), ("white", 3)):
            pencil.circle(centre, size / 16 + width / 2, outline=colour, width=width)
    st.image(image, width="stretch", alt=alt)


def full_colour(maps: Sequence[Heatmap]) -> float:
    """The size of a value that has the full colour in several maps: few places are stronger (1 of 100)."""
    sizes = torch.cat([heat.signed.abs().flatten() for heat in maps])
    return float(sizes.quantile(0.99)) or common_scale(maps)


def scale_bar(largest: float, only_for: bool = False, ends: tuple[str, str] = ("against", "for")) -> None:
    """What the colours mean, in score units at each place of the map."""
    if not largest:
        return
    ends = escape(ends[0]), escape(ends[1])
    low, high = f"{ends[0]}, −{largest:.2g}", f"{ends[1]}, +{largest:.2g} and more"
    blue, orange, none = style.FOR, style.AGAINST, "rgba(127,138,150,0.15)"
    colours = f"{none},{blue}" if only_for else f"{orange},{none},{blue}"
    left, middle = ("0", "") if only_for else (low, "0")
    alt = f"Scale of the colours: from {left} to {high}"
    st.html(_BAR.format(alt=alt, colours=colours, low=left, middle=middle, high=high))


def side_by_side(
    pictures: Sequence[np.ndarray],
    maps: Sequence[Heatmap],
    labels: Sequence[str],
    alts: Sequence[str],
    *,
    shared: bool,
    key: str,
    columns: int,
) -> None:
    """Several pictures with their maps, on one scale or each on its own; below each its strongest raw values."""
    together = full_colour(maps)
    grid = st.grid(columns, min_column_width=80, key=key)
    for picture, heat, label, alt in zip(pictures, maps, labels, alts, strict=True):
        with grid.cell():
            show(picture, heat.signed, together if shared else full_colour([heat]), alt)
            low, high = float(heat.signed.min()), float(heat.signed.max())
            st.caption(f"{wording.plain(label)}: {wording.signed(low)} to {wording.signed(high)}")
    if shared:
        scale_bar(together)
    else:
        st.caption("Each has a scale of its own: the strongest of each has the full colour, whatever its size.")
