"""The bird itself: the pieces of paper each part is cut from, and where they lie."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from niwt_core.birds.collage import PALETTE, Collage, Color, Points, disc, feather, leaf, luminance, smooth, strip, tone
from niwt_core.birds.pose import BUILDS, Pose

#: The parts that have a mask; the part's number in a chart is its place here plus one.
PARTS = ("crown", "bill", "back", "wing", "belly", "breast", "tail", "legs", "eye", "crest", "cheek")
_CODE = {part: code for code, part in enumerate(PARTS, start=1)}


_LEG_LENGTHS = {"short": 0.085, "long": 0.175}
_WING_SPOTS = ((0.12, -0.3), (0.22, 0.35), (0.30, -0.55), (0.43, 0.05), (0.47, 0.62), (0.54, -0.5), (0.66, 0.2))
_HIPS = np.array([(0.085, 0.14), (-0.02, 0.15)])  # far, near


# Upper and lower half of each bill in head coordinates; the first and the last point lie on the face.
_BILLS = {
    "short": (
        [(0.78, -0.32), (0.78, -0.32), (1.12, -0.24), (1.48, 0.12), (1.48, 0.12), (0.8, 0.14), (0.8, 0.14)],
        [(0.8, 0.08), (0.8, 0.08), (1.40, 0.14), (1.40, 0.14), (1.12, 0.36), (0.8, 0.42), (0.8, 0.42)],
    ),
    "long": (
        [(0.78, -0.20), (0.78, -0.20), (1.4, -0.08), (2.52, 0.16), (2.52, 0.16), (0.8, 0.12), (0.8, 0.12)],
        [(0.8, 0.06), (0.8, 0.06), (2.40, 0.16), (2.40, 0.16), (1.4, 0.25), (0.8, 0.28), (0.8, 0.28)],
    ),
    "hooked": (
        [
            (0.78, -0.38),
            (0.78, -0.38),
            (1.38, -0.36),
            (1.84, 0.0),
            (1.82, 0.74),
            (1.82, 0.74),
            (1.44, 0.26),
            (0.8, 0.16),
        ],
        [(0.8, 0.08), (0.8, 0.08), (1.36, 0.2), (1.28, 0.40), (0.8, 0.42), (0.8, 0.42)],
    ),
    "broad": (
        [(0.78, -0.36), (0.78, -0.36), (1.25, -0.22), (1.80, -0.36), (2.12, -0.12), (2.10, 0.14), (0.8, 0.14)],
        [(0.8, 0.06), (0.8, 0.06), (2.00, 0.10), (1.94, 0.40), (1.4, 0.36), (0.8, 0.44), (0.8, 0.44)],
    ),
}


def _turn(points: Points, angle: float, pivot: ArrayLike) -> Points:
    """The points turned about the pivot; a positive angle lifts what lies to the right."""
    return (points - pivot) @ _rotation(angle) + pivot


@lru_cache(maxsize=64)
def _rotation(angle: float) -> np.ndarray:
    """The matrix of a turn, (2, 2); a pose turns many pieces by the same angle."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


class PaperBird:
    """One bird in one pose, ready to be laid on a canvas piece by piece.

    Bodies are designed facing right around the origin, for the medium build; heads around (0, 0) with radius 1.
    """

    def __init__(self, bird: Mapping[str, str], pose: Pose, rng: np.random.Generator) -> None:
        """`bird` is complete; `rng` varies the papers, always with the same draws whatever the attributes."""
        self._bird = bird
        self._pose = pose
        self._build = BUILDS[bird["size"]]
        slots = ("crown_color", "back_color", "belly_color", "bill_color", "leg_color")
        shades = np.clip(rng.normal(0, 1, (len(slots), 4)), -2, 2)
        self._paper = {slot: self._vary(bird[slot], shade) for slot, shade in zip(slots, shades, strict=True)}
        self._tones = np.clip(rng.normal(0, 0.025, 16), -0.06, 0.06).tolist()  # sheet to sheet
        self._scatter = rng.uniform(-1, 1, (16, 2))  # of spots and streaks
        size = self._build.scale * pose.scale
        self._matrix = size * np.array([[-1.0 if pose.mirrored else 1.0, 0.0], [0.0, 1.0]])
        x = self._build.center[0] + pose.shift[0]
        self._offset = np.array([1 - x if pose.mirrored else x, self._build.center[1] + pose.shift[1]])

    @staticmethod
    def _vary(name: str, shade: np.ndarray) -> Color:
        """The named paper, a little lighter or darker and a little off in hue."""
        red, green, blue = np.clip(np.array(PALETTE[name]) + 5 * shade[0] + 3.5 * shade[1:], 0, 255).round()
        return int(red), int(green), int(blue)

    def _place(self, points: Points) -> Points:
        """From the bird's upright coordinates to the frame's."""
        return points @ self._matrix + self._offset

    def _body(self, points: ArrayLike) -> Points:
        """Body coordinates, with the build's proportions and the body's tilt, to the frame's."""
        stretched = np.asarray(points) * (self._build.length, self._build.depth)
        return self._place(_turn(stretched, self._pose.tilt, (0, 0)))

    def _head(self, points: ArrayLike) -> Points:
        """Head coordinates to the frame's."""
        turned = _turn(np.asarray(points, dtype=float), self._pose.nod, (-0.4, 0.6))
        placed = turned * self._build.radius + self._build.head
        return self._place(_turn(placed, self._pose.tilt, (0, 0)))

    def feet(self) -> Points:
        """Where the two feet stand, in the frame, (2, 2): far foot, near foot."""
        hips = _turn(_HIPS * (self._build.length, self._build.depth), self._pose.tilt, (0, 0))
        ground = 0.185 * self._build.depth + _LEG_LENGTHS[self._bird["leg_length"]]
        return self._place(np.stack([hips[:, 0] + (0.02, 0.0) + self._pose.stance, (ground, ground + 0.008)], 1))

    def lay(self, canvas: Collage) -> None:
        """All parts, from the farthest to the nearest."""
        self._lay_legs(canvas)
        self._lay_tail(canvas)
        self._lay_body(canvas)
        self._lay_thigh(canvas)
        self._lay_breast_marks(canvas)
        self._lay_wing(canvas)
        self._lay_crest(canvas)
        self._lay_head(canvas)
        self._lay_bill(canvas)
        self._lay_eye(canvas)

    def _lay_legs(self, canvas: Collage) -> None:
        paper, code = self._paper["leg_color"], _CODE["legs"]
        size = abs(self._matrix[1, 1])
        ahead = -1.0 if self._pose.mirrored else 1.0
        hips = self._body(_HIPS)
        for hip, foot, sheet in zip(hips, self.feet(), (tone(paper, -0.22), paper), strict=True):
            ankle = foot - (0.012 * ahead * size, 0.012 * size)
            canvas.piece(
                strip([hip, (hip + ankle) / 2, ankle], np.array([0.05, 0.034, 0.03]) * size), sheet, code, 0.008
            )
            for forward, down, width in ((0.085, 0.022, 0.026), (0.055, 0.032, 0.024), (-0.05, 0.02, 0.024)):
                toe = foot + np.array([forward * ahead, down]) * size
                canvas.piece(strip([ankle, toe], np.array([0.03, width]) * size), sheet, code, 0.004)

    def _lay_thigh(self, canvas: Collage) -> None:
        thigh = smooth([(-0.08, 0.10), (0.04, 0.08), (0.05, 0.16), (0.01, 0.235), (-0.03, 0.235), (-0.075, 0.18)])
        canvas.piece(self._body(thigh), tone(self._paper["belly_color"], -0.03), _CODE["belly"], 0.005)

    def _lay_tail(self, canvas: Collage) -> None:
        shape, paper, code = self._bird["tail_shape"], tone(self._paper["back_color"], -0.10), _CODE["tail"]
        length = self._build.tail
        base = np.array([-0.21, 0.095])
        # (turn, length, width at the end) of each feather, farthest first; the corners say how the end is cut.
        feathers = {
            "square": [(-0.12, 1.04, 0.09), (0.12, 1.04, 0.09), (0.0, 1.04, 0.09)],
            "forked": [(0.42, 1.25, 0.065), (-0.42, 1.25, 0.065), (0.22, 0.72, 0.065), (-0.22, 0.72, 0.065)],
            "fanned": [
                (0.85, 0.95, 0.13),
                (-0.85, 0.95, 0.13),
                (0.43, 1.04, 0.13),
                (-0.43, 1.04, 0.13),
                (0, 1.08, 0.13),
            ],
            "pointed": [(0.07, 0.85, 0.06), (-0.07, 0.85, 0.06), (0.0, 1.5, 0.08)],
        }[shape]
        cut = {
            "square": [(0.98, -0.55), (0.98, -0.55), (0.98, 0.55), (0.98, 0.55)],
            "forked": [(0.85, -0.5), (1.0, 0.0), (1.0, 0.0), (0.85, 0.5)],
            "fanned": [(0.9, -0.5), (1.0, -0.25), (1.0, 0.25), (0.9, 0.5)],
            "pointed": [(0.5, -0.42), (1.0, 0.0), (1.0, 0.0), (0.5, 0.42)],
        }[shape]
        for i, (turn, reach, width) in enumerate(feathers):
            outline = np.array([(-0.2, -0.028 / width), (0.3, -0.4), *cut, (0.3, 0.4), (-0.2, 0.028 / width)])
            outline = smooth(outline * (-length * reach, width))
            outline = _turn(outline, 0.42 + turn + self._pose.tail, (0, 0)) + base * (
                self._build.length,
                self._build.depth,
            )
            sheet = tone(paper, self._tones[i] + (0.06 if i == len(feathers) - 1 else -0.02))
            canvas.piece(self._place(_turn(outline, self._pose.tilt, (0, 0))), sheet, code, 0.008)

    def _lay_body(self, canvas: Collage) -> None:
        back, belly = self._paper["back_color"], self._paper["belly_color"]
        # The neck starts from the head, wherever the build puts it.
        reach = np.array([self._build.length, self._build.depth])
        neck = np.array([(-0.92, -0.2), (0.0, 0.0), (0.86, 0.42), (-0.1, 0.5)]) * self._build.radius + self._build.head
        nape, middle, throat, inside = (neck / reach).tolist()
        outline = [middle, nape, (-0.04, -0.155), (-0.155, -0.05), (-0.245, 0.06), (-0.29, 0.12), (-0.20, 0.165)]
        outline += [(-0.06, 0.195), (0.09, 0.19), (0.21, 0.125), (0.28, 0.03), (0.295, -0.06), throat]
        canvas.piece(self._body(smooth(outline)), back, _CODE["back"], 0.016)
        under = [(-0.265, 0.125), (-0.265, 0.125), (-0.12, 0.06), (0.05, 0.0), (0.20, 0.0), (0.255, 0.06)]
        under += [(0.212, 0.125), (0.09, 0.197), (-0.06, 0.202), (-0.20, 0.168)]
        canvas.piece(self._body(smooth(under)), tone(belly, -0.07 + self._tones[5]), _CODE["belly"], 0.006)
        breast = [inside, (0.075, -0.10), (0.035, 0.0), (0.05, 0.075), (0.14, 0.132), (0.252, 0.092), (0.252, 0.092)]
        breast += [(0.286, 0.03), (0.301, -0.06), (throat[0] + 0.006, throat[1])]
        canvas.piece(self._body(smooth(breast)), belly, _CODE["breast"], 0.006)

    def _lay_breast_marks(self, canvas: Collage) -> None:
        pattern, belly, code = self._bird["breast_pattern"], self._paper["belly_color"], _CODE["breast"]
        if pattern == "plain":
            return
        ink = tone(PALETTE["black"], 0.04) if luminance(belly) > 105 else tone(PALETTE["white"], -0.04)
        # The free part of the breast between the wing (left) and the outline (right), from throat to belly.
        left = np.array([(0.125, -0.11), (0.10, -0.04), (0.085, 0.03), (0.11, 0.095)])
        right = np.array([(0.283, -0.11), (0.292, -0.04), (0.276, 0.03), (0.235, 0.09)])
        if pattern == "banded":
            for row in (0.35, 1.35, 2.35):
                start, end = (self._between(side, row) for side in (left, right))
                across = np.linspace(0, 1, 5)[:, None]
                path = start + across * (end - start) + np.sin(np.pi * across) * (0.012, 0.022)
                canvas.mark(self._body(strip(path, 0.034)), ink, code)
            return
        spotted = pattern == "spotted"
        rows = (0.25, 1.2, 2.1, 2.9) if spotted else (0.6, 2.15)
        n_columns, first, apart, stagger = (2, 0.16, 0.46, 0.45) if spotted else (3, 0.14, 0.35, 0.1)
        places = [(height, column, row % 2) for row, height in enumerate(rows) for column in range(n_columns)]
        for (height, column, odd), (aside, down) in zip(places, self._scatter, strict=False):
            across = first + apart * (column + stagger * odd) + 0.05 * aside
            start, end = (self._between(side, height + 0.08 * down) for side in (left, right))
            spot = start + min(across, 0.92) * (end - start)
            if spotted:
                canvas.mark(self._body(disc(spot, 0.021)), ink, code)
            else:
                slant = np.array([-0.008, 0.056])
                canvas.mark(self._body(leaf(spot - slant, spot + slant, 0.031)), ink, code)

    @staticmethod
    def _between(corners: Points, row: float) -> np.ndarray:
        """The point at a fractional row of a line through corners, (2,)."""
        return np.array([np.interp(row, range(len(corners)), corners[:, axis]) for axis in (0, 1)])

    def _wing(self, points: ArrayLike) -> Points:
        """Wing coordinates to the frame's: first along the wing from shoulder (0) to tip (1), then across (-1 to 1)."""
        shoulder = np.array([0.10, -0.008])
        inside = np.asarray(points, dtype=float) * (-0.43, 0.097)
        return self._body(_turn(inside, 0.44 + self._pose.wing, (0, 0)) + shoulder)

    def _lay_wing(self, canvas: Collage) -> None:
        pattern, paper, code = self._bird["wing_pattern"], self._paper["back_color"], _CODE["wing"]
        dark, light = tone(paper, -0.16), tone(paper, 0.07 if luminance(paper) > 70 else 0.13)
        black = PALETTE["black"] if luminance(paper) > 60 else tone(PALETTE["gray"], -0.35)
        white = PALETTE["white"] if self._bird["back_color"] != "white" else tone(PALETTE["gray"], 0.35)
        for i in range(4):  # the long feathers that make the tip
            base, tip = (0.30, 0.62 - 0.42 * i), (1.0 - 0.075 * (3 - i), 0.44 - 0.22 * i)
            sheet = tone(dark, 0.05 * i + self._tones[6 + i])
            root, end = self._wing([base, tip])
            canvas.piece(feather(root, end, self._span(0.62)), sheet, code, 0.006)
            if pattern == "black tips":
                canvas.mark(feather(end + 0.44 * (root - end), end, self._span(0.60)), tone(black, 0.03 * i), code)
        middle = [(0.0, -0.5), (0.25, -0.98), (0.62, -0.75), (0.66, -0.45), (0.60, -0.12), (0.64, 0.1), (0.57, 0.42)]
        middle += [(0.60, 0.66), (0.5, 0.98), (0.25, 0.98), (0.04, 0.6)]
        canvas.piece(self._wing(smooth(middle)), tone(paper, -0.04 + self._tones[10]), code, 0.007)
        top = [(-0.06, -0.1), (0.06, -0.8), (0.25, -1.0), (0.37, -0.72), (0.34, -0.4), (0.38, -0.1), (0.33, 0.2)]
        top += [(0.36, 0.5), (0.27, 0.86), (0.08, 0.66)]
        if pattern in ("white bars", "black bars"):
            self._lay_bar(canvas, 0.55, white if pattern == "white bars" else black)
        canvas.piece(self._wing(smooth(top)), light, code, 0.007)
        if pattern in ("white bars", "black bars"):
            self._lay_bar(canvas, 0.29, white if pattern == "white bars" else black)
        if pattern == "white spots":
            for spot in self._wing(_WING_SPOTS):
                canvas.mark(disc(spot, 0.021 * self._matrix[1, 1]), white, code)

    def _lay_bar(self, canvas: Collage, along: float, color: Color) -> None:
        path = self._wing(
            [(along - 0.05, -0.84), (along + 0.01, -0.45), (along + 0.03, 0), (along, 0.45), (along - 0.06, 0.84)]
        )
        canvas.mark(strip(path, 0.043 * self._matrix[1, 1]), color, _CODE["wing"])

    def _span(self, across: float) -> float:
        """A width in wing coordinates as a width in the frame."""
        return across * 0.097 * self._build.depth * self._matrix[1, 1]

    def _lay_crest(self, canvas: Collage) -> None:
        if self._bird["crest"] == "none":
            return
        paper = self._paper["crown_color"]
        tufts = (
            ((-0.75, -0.35), (-1.75, -0.75)),
            ((-0.6, -0.55), (-1.5, -1.3)),
            ((-0.35, -0.7), (-1.05, -1.72)),
            ((0.0, -0.7), (-0.45, -1.85)),
        )
        for i, (base, tip) in enumerate(tufts):
            root, end = self._head([base, tip])
            outline = leaf(root, end, 0.55 * self._build.radius * self._matrix[1, 1])
            canvas.piece(outline, tone(paper, -0.1 + 0.05 * i), _CODE["crest"], 0.006)

    def _lay_head(self, canvas: Collage) -> None:
        belly, crown = self._paper["belly_color"], self._paper["crown_color"]
        face = [
            (-0.95, 0.15),
            (-0.75, -0.68),
            (-0.05, -1.0),
            (0.66, -0.74),
            (0.98, -0.05),
            (0.82, 0.62),
            (0.1, 1.02),
            (-0.7, 0.8),
        ]
        canvas.piece(self._head(smooth(face)), tone(belly, 0.05), _CODE["cheek"], 0.010)
        cap = [(1.0, -0.12), (1.0, -0.12), (0.70, -0.74), (-0.03, -1.04), (-0.77, -0.75), (-1.04, 0.0), (-1.02, 0.62)]
        cap += [(-1.02, 0.62), (-0.55, 0.34), (-0.05, 0.24), (0.4, 0.26), (0.8, 0.06)]
        canvas.piece(self._head(smooth(cap)), crown, _CODE["crown"], 0.008)

    def _lay_bill(self, canvas: Collage) -> None:
        paper, code = self._paper["bill_color"], _CODE["bill"]
        upper, lower = _BILLS[self._bird["bill_shape"]]
        canvas.piece(self._head(smooth(lower)), tone(paper, -0.18), code, 0.006)
        canvas.piece(self._head(smooth(upper)), paper, code, 0.008)

    def _lay_eye(self, canvas: Collage) -> None:
        ring, code = self._bird["eye_ring"], _CODE["eye"]
        x, y = 0.34, -0.16
        if ring != "none":
            # A dark line around the ring, so that a white ring shows on a white head.
            canvas.mark(self._head(disc((x, y), 0.47)), tone(PALETTE["black"], 0.1), code)
            canvas.mark(self._head(disc((x, y), 0.41)), PALETTE[ring], code)
        else:
            canvas.mark(self._head(disc((x, y), 0.29)), tone(self._paper["crown_color"], 0.25), code)
        canvas.mark(self._head(disc((x, y), 0.25)), (28, 22, 26), code)
        canvas.mark(self._head(disc((x + 0.08, y - 0.10), 0.09)), (252, 250, 246), code)
