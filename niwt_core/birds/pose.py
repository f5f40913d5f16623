"""The proportions of a paper bird, and how it holds itself."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Build:
    """Proportions of one size of bird; lengths are shares of the frame at scale 1."""

    length: float  # stretch of the body along
    depth: float  # and across
    head: tuple[float, float]  # centre of the head
    radius: float  # of the head
    tail: float  # length of the tail
    center: tuple[float, float]  # where the middle of the body lies in the frame
    scale: float


#: Small birds are round and big-headed, large ones long and small-headed.
BUILDS = {
    "small": Build(0.86, 1.12, (0.135, -0.240), 0.165, 0.20, (0.49, 0.525), 0.78),
    "medium": Build(1.00, 1.00, (0.195, -0.225), 0.140, 0.25, (0.50, 0.50), 0.83),
    "large": Build(1.18, 1.02, (0.270, -0.255), 0.122, 0.23, (0.495, 0.49), 0.86),
}


@dataclass(frozen=True, eq=False)
class Pose:
    """How a bird holds itself, all of it independent of its attributes."""

    tilt: float  # of the body, radians, beak up
    nod: float  # of the head, against the body
    wing: float  # how far the wing is turned about the shoulder
    tail: float  # how far the tail is turned about its base
    stance: tuple[float, float]  # how far each foot stands from below the hip
    shift: tuple[float, float]
    scale: float
    mirrored: bool


def make_pose(rng: np.random.Generator, calm: bool) -> Pose:
    """A pose; a calm one stands level in the middle of the frame."""
    tilt, nod, wing, tail = rng.uniform((-0.26, -0.20, -0.13, -0.20), (0.22, 0.20, 0.10, 0.20)).tolist()
    stance = tuple(rng.uniform(-0.025, 0.025, 2).tolist())
    x, y, scale = rng.uniform((-0.035, -0.03, 0.92), (0.035, 0.03, 1.06)).tolist()
    mirrored = bool(rng.random() < 0.5)
    if calm:
        tilt, nod, wing, tail, x, y, scale = 0.2 * tilt, 0.3 * nod, 0.0, 0.3 * tail, 0.0, 0.0, 1.0
    return Pose(tilt, nod, wing, tail, stance, (x, y), scale, mirrored)
