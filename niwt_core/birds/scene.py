"""What surrounds a paper bird: the light, the ground colours, cut-out distractors, and the perch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from niwt_core.birds.collage import PALETTE, Collage, Color, Points, disc, leaf, smooth, strip, tone

# Top and bottom of each kind of background.
_SKIES: tuple[tuple[Color, Color], ...] = (
    ((126, 186, 226), (226, 238, 240)),  # sky
    ((188, 214, 232), (148, 186, 110)),  # meadow
    ((240, 224, 190), (214, 178, 128)),  # sand
    ((112, 158, 112), (58, 100, 74)),  # foliage
    ((250, 206, 170), (206, 150, 160)),  # evening
    ((206, 206, 212), (150, 156, 170)),  # mist
)
_CALM: tuple[tuple[Color, Color], ...] = (
    ((236, 243, 246), (214, 230, 236)),
    ((250, 242, 226), (242, 226, 202)),
    ((238, 244, 232), (218, 231, 210)),
    ((248, 236, 234), (238, 218, 216)),
    ((240, 237, 247), (222, 218, 236)),
)
_BARK: tuple[Color, ...] = ((118, 84, 60), (96, 78, 68), (146, 112, 82), (132, 126, 120))
_GREENS: tuple[Color, ...] = ((92, 148, 84), (60, 116, 84), (142, 168, 78), (196, 150, 60))


@dataclass(frozen=True, eq=False)
class Light:
    """Where the light comes from and what it does to the colours."""

    shadow: tuple[float, float]  # unit vector along which shadows fall
    tint: np.ndarray  # (3,) factor on red, green and blue
    slope: float  # how much brighter the lit side of the picture is

    def field(self, size: int) -> np.ndarray:
        """The factor at each pixel, float32 of shape (size, size, 3)."""
        across = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
        ramp = 1 - self.slope * (self.shadow[0] * across[None, :] + self.shadow[1] * across[:, None])
        return ramp[:, :, None] * self.tint.astype(np.float32)


def make_light(rng: np.random.Generator, calm: bool) -> Light:
    """A light from above, from the left or from the right; a calm one is white."""
    angle, brightness, warmth, slope = rng.uniform((-0.75, 0.82, -1, 0.1), (0.75, 1.14, 1, 0.34))
    if calm:
        brightness, warmth, slope = 1.0, 0.15, 0.12
    tint = brightness * np.array([1 + 0.06 * warmth, 1.0, 1 - 0.07 * warmth])
    return Light((float(np.sin(angle)), float(np.cos(angle))), tint, float(slope))


def make_background(rng: np.random.Generator, calm: bool) -> Image.Image:
    """A soft gradient, as a small picture for the collage to stretch."""
    pairs = _CALM if calm else _SKIES
    top, bottom = (np.array(color, dtype=float) for color in pairs[rng.integers(len(pairs))])
    wobble = rng.normal(0, 0 if calm else 7, (4, 4, 3)) + rng.normal(0, 0 if calm else 10, 3)
    down = np.linspace(0, 1, 4)[:, None, None]
    return Image.fromarray(np.clip(top + (bottom - top) * down + wobble, 0, 255).astype(np.uint8))


def _cloud(canvas: Collage, x: float, y: float, reach: float, bend: float, color: Color) -> None:
    color = tone(color, 0.55)
    ring = [(-1, 0.3), (-0.9, -0.15), (-0.45, -0.25), (-0.1, -0.6), (0.4, -0.4), (0.6, -0.1), (1, 0), (0.95, 0.3)]
    canvas.piece(smooth(np.array(ring) * (1.5 * reach, (1 + bend / 2) * reach) + (x, y)), color)


def _hill(canvas: Collage, x: float, y: float, reach: float, bend: float, color: Color) -> None:
    top = 0.45 + 0.45 * y
    ridge = [(-0.1, top + 0.15), (x / 2, top), (x, top + bend * 0.12), (0.5 + x / 2, top + reach / 2), (1.1, top)]
    canvas.piece(smooth([(-0.1, 1.1), *ridge, (1.1, 1.1), (1.1, 1.1)]), tone(color, 0.2))


def _leaves(canvas: Collage, x: float, y: float, reach: float, bend: float, color: Color) -> None:
    angle = bend * np.pi
    stem = np.array([np.cos(angle), np.sin(angle)]) * reach * 2
    start = np.array([x, y]) - stem / 2
    canvas.mark(strip([start, start + stem], 0.012), tone(color, -0.35))
    for share, side in ((0.25, -1), (0.4, 1), (0.65, -1), (0.8, 1)):
        turn = angle + side * 0.9
        base = start + share * stem
        tip = base + np.array([np.cos(turn), np.sin(turn)]) * reach * 1.1
        canvas.piece(leaf(base, tip, reach * 0.55), tone(color, 0.06 * side), lift=0.008)


def _berries(canvas: Collage, x: float, y: float, reach: float, bend: float, color: Color) -> None:
    for step in range(3):
        angle = bend * 3 + 2.1 * step
        canvas.piece(disc((x + 0.5 * reach * np.cos(angle), y + 0.5 * reach * np.sin(angle)), 0.36 * reach), color)


def _twig(canvas: Collage, x: float, y: float, reach: float, bend: float, color: Color) -> None:
    slope = bend * 0.4
    path = np.array([(-0.1, y - slope), (0.35, y - slope / 2), (0.7, y + slope / 2 + 0.03), (1.1, y + slope)])
    canvas.piece(strip(path, np.array([1, 0.8, 0.65, 0.4]) * (0.02 + 0.25 * reach)), tone(color, -0.1))
    canvas.piece(leaf((x, y), (x + reach, y - reach), reach * 0.6), tone(color, 0.2))


_CUT_OUTS: tuple[Callable[[Collage, float, float, float, float, Color], None], ...] = (
    _cloud,
    _hill,
    _leaves,
    _berries,
    _twig,
    _leaves,
)


def add_distractors(canvas: Collage, rng: np.random.Generator) -> None:
    """Cut-outs in the birds' own colours, so that a colour somewhere in the picture says nothing about the bird."""
    colors = list(PALETTE.values())
    n_shapes = 3 + int(rng.integers(5))
    kinds = rng.integers(len(_CUT_OUTS), size=n_shapes)
    hues = rng.integers(len(colors), size=n_shapes)
    where = rng.uniform((0, 0, 0.07, -1, -0.15), (1, 1, 0.17, 1, 0.3), (n_shapes, 5))
    for kind, hue, (x, y, reach, bend, pale) in zip(kinds, hues, where.tolist(), strict=True):
        _CUT_OUTS[kind](canvas, x, y, reach, bend, tone(colors[hue], pale))


def add_perch(canvas: Collage, rng: np.random.Generator, feet: Points, calm: bool) -> None:
    """A branch or a patch of ground whose upper edge runs under the feet, (2, 2)."""
    on_ground = bool(rng.random() < 0.35) and not calm
    wood = _BARK[rng.integers(len(_BARK))]
    leaf_color = _GREENS[rng.integers(len(_GREENS))]
    hue = list(PALETTE.values())[rng.integers(len(PALETTE))]
    sway = rng.uniform(-1, 1, 6)
    (x0, y0), (x1, y1) = feet[np.argsort(feet[:, 0])]
    slope = float(np.clip((y1 - y0) / max(x1 - x0, 1e-6), -0.1, 0.1))
    top = [(x, y0 + slope * (x - x0)) for x in (-0.1, 0.2, 0.5, 0.8, 1.1)]
    if on_ground:
        ridge = [(x, y + 0.02 * bump * (abs(x - (x0 + x1) / 2) > 0.2)) for (x, y), bump in zip(top, sway, strict=False)]
        canvas.piece(smooth([(-0.1, 1.2), *ridge, (1.1, 1.2), (1.1, 1.2)]), tone(hue, 0.3))
        for bump in sway[:4].tolist():
            base = np.array([0.5 + 0.5 * bump, y0 + slope * (0.5 + 0.5 * bump - x0) + 0.03])
            canvas.piece(leaf(base, base + np.array([0.03 * bump, -0.09]), 0.03), leaf_color, lift=0.006)
        return
    widths = np.array([0.075, 0.068, 0.06, 0.052, 0.045])
    path = np.array(top) + np.stack([np.zeros(5), widths / 2], 1)
    path[[0, 4], 1] += 0.03 * sway[:2]
    canvas.piece(strip(path, widths), wood)
    canvas.mark(strip(path + np.array([0, 0.008]), 0.010), tone(wood, -0.3), alpha=130)
    for spot, side in ((0.06 + 0.05 * sway[2], 1), (0.93 + 0.05 * sway[3], -1), (0.84 + 0.05 * sway[4], -1)):
        base = np.array([spot, y0 + slope * (spot - x0) + 0.02])
        canvas.piece(leaf(base, base + np.array([0.11 * side, 0.07 + 0.03 * sway[5]]), 0.065), leaf_color, lift=0.008)
