"""Paper: smooth outlines, the palette, and a canvas on which pieces of coloured paper are laid over one another."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

Color = tuple[int, int, int]
Points = np.ndarray  # (n, 2): x to the right, y down, in units of the frame's width

#: The papers. The first nine are the body colours, chosen to stay apart when the light changes by a fifth.
PALETTE: dict[str, Color] = {
    "black": (44, 42, 50),
    "white": (247, 243, 232),
    "gray": (131, 138, 149),
    "brown": (124, 79, 48),
    "red": (205, 45, 48),
    "orange": (240, 131, 36),
    "yellow": (249, 210, 66),
    "green": (74, 146, 78),
    "blue": (48, 108, 190),
    "pink": (240, 152, 166),
}


def luminance(color: Sequence[float]) -> float:
    """Brightness of an RGB colour, 0 to 255."""
    return 0.30 * color[0] + 0.59 * color[1] + 0.11 * color[2]


def tone(color: Sequence[float], amount: float) -> Color:
    """The colour moved towards white (amount > 0) or towards a warm black (amount < 0); amount within -1..1."""
    red, green, blue = (255, 252, 244) if amount > 0 else (24, 18, 26)
    share = abs(amount)
    rest = 1 - share
    return (
        int(rest * color[0] + share * red + 0.5),
        int(rest * color[1] + share * green + 0.5),
        int(rest * color[2] + share * blue + 0.5),
    )


@lru_cache(maxsize=64)
def _spline_weights(n_points: int, n_steps: int) -> np.ndarray:
    """Closed Catmull-Rom spline as one matrix, (n_points * n_steps, n_points)."""
    t = np.arange(n_steps) / n_steps
    basis = 0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3], 1)
    weights = np.zeros((n_points, n_steps, n_points))
    for point in range(n_points):
        for neighbour in range(4):
            weights[point, :, (point + neighbour - 1) % n_points] += basis[:, neighbour]
    return weights.reshape(n_points * n_steps, n_points)


@lru_cache(maxsize=64)
def _following(n_points: int) -> np.ndarray:
    """Index of the next point of a closed outline, (n_points,)."""
    return np.roll(np.arange(n_points), -1)


def smooth(points: ArrayLike, n_steps: int = 6) -> Points:
    """A closed smooth outline through the n points, (up to n * n_steps, 2). A point given twice makes a corner."""
    corners = np.asarray(points, dtype=float)
    outline = (_spline_weights(len(corners), n_steps) @ corners).reshape(-1, n_steps, 2)
    # Between the two copies of a corner the spline would run a small loop.
    return outline[(corners != corners[_following(len(corners))]).any(axis=1)].reshape(-1, 2)


_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 24, False)), np.sin(np.linspace(0, 2 * np.pi, 24, False))], 1)


def disc(center: ArrayLike, radius: float) -> Points:
    """A circle, (24, 2)."""
    return np.asarray(center) + radius * _CIRCLE


_QUARTER_TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def strip(path: ArrayLike, widths: ArrayLike) -> Points:
    """A ribbon of the given width(s) along a path of n points, (2n, 2)."""
    path = np.asarray(path, dtype=float)
    steps = path[1:] - path[:-1]
    along = np.concatenate([steps[:1], steps[1:] + steps[:-1], steps[-1:]])
    half = np.asarray(widths) / 2 / (np.hypot(along[:, 0], along[:, 1]) + 1e-9)
    across = (along @ _QUARTER_TURN) * half[:, None]
    return np.concatenate([path + across, (path - across)[::-1]])


_FEATHER = smooth([(0, -0.35), (0.35, -0.85), (0.75, -0.9), (0.96, -0.45), (1, 0.1), (0.9, 0.62), (0.5, 0.9), (0, 0.4)])
_LEAF = smooth([(0, 0), (0, 0), (0.25, -0.8), (0.6, -0.8), (1, 0), (1, 0), (0.6, 0.75), (0.25, 0.8)])


def _along(shape: Points, base: ArrayLike, tip: ArrayLike, width: float) -> Points:
    """A unit shape stretched from base to tip, width wide."""
    base, tip = np.asarray(base, dtype=float), np.asarray(tip, dtype=float)
    axis = tip - base
    across = axis @ _QUARTER_TURN * (width / 2 / (np.hypot(*axis) + 1e-9))
    return base + shape[:, :1] * axis + shape[:, 1:] * across


def feather(base: ArrayLike, tip: ArrayLike, width: float) -> Points:
    """A feather with a rounded end."""
    return _along(_FEATHER, base, tip, width)


def leaf(base: ArrayLike, tip: ArrayLike, width: float) -> Points:
    """A shape that is pointed at both ends: leaves, crest feathers, streaks."""
    return _along(_LEAF, base, tip, width)


class Collage:
    """A canvas larger than the picture, on which pieces are laid, and beside it a chart of the part seen at each point.

    Pieces are drawn without antialiasing on the large canvas; shrinking it makes the smooth edges.
    """

    def __init__(self, background: Image.Image, size: int, shadow: tuple[float, float], chart: bool) -> None:
        """Cover a canvas for a picture of `size` pixels with `background`; shadows fall towards `shadow`."""
        self._size = size
        self._factor = 4 if size <= 128 else 3 if size <= 256 else 2
        self._width = size * self._factor
        self._image = background.resize((self._width, self._width), Image.Resampling.BICUBIC)
        self._pen = ImageDraw.Draw(self._image)
        self._shade = ImageDraw.Draw(self._image, "RGBA")
        self._chart = Image.new("L", (self._width, self._width)) if chart else None
        self._chart_pen = ImageDraw.Draw(self._chart) if self._chart else None
        self._shadow = np.array(shadow)
        # A small picture cannot show the soft edge of a shadow, and every step takes a quarter of its drawing time.
        self._shadow_steps = 1 if size <= 128 else 5
        self._shadow_color = (30, 18, 34, round(255 * (1 - 0.62 ** (1 / self._shadow_steps))))

    def piece(self, outline: Points, color: Color, part: int = 0, lift: float = 0.012) -> None:
        """Lay a piece of paper of the given part (0: no part of the bird); it floats `lift` above what it lies on."""
        points = outline * self._width
        reach = self._shadow * (lift * self._width)
        for step in range(self._shadow_steps):
            moved = points + reach * ((2 * step + 2) / (self._shadow_steps + 1))
            self._shade.polygon(moved.ravel().tolist(), fill=self._shadow_color)
        # The cut edge of the paper catches the light: a slightly paler copy looks out from under the face.
        edge = (points - self._shadow * (0.0042 * self._width)).ravel().tolist()
        face = points.ravel().tolist()
        self._pen.polygon(edge, fill=tone(color, 0.28))
        self._pen.polygon(face, fill=color)
        if self._chart_pen:
            self._chart_pen.polygon(face, fill=part)

    def mark(self, outline: Points, color: Color, part: int = 0, alpha: int = 255) -> None:
        """Print a flat mark on the paper, without edge or shadow."""
        points = (outline * self._width).ravel().tolist()
        if alpha == 255:
            self._pen.polygon(points, fill=color)
        else:
            self._shade.polygon(points, fill=(*color, alpha))
        if self._chart_pen:
            self._chart_pen.polygon(points, fill=part)

    def image(self) -> np.ndarray:
        """The picture, float32 of shape (size, size, 3), 0 to 255."""
        return np.asarray(self._image.reduce(self._factor), dtype=np.float32)

    def chart(self) -> np.ndarray | None:
        """Number of the part seen at each pixel's centre, uint8 of shape (size, size)."""
        if self._chart is None:
            return None
        start = self._factor // 2
        return np.asarray(self._chart)[start :: self._factor, start :: self._factor]
