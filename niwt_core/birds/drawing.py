"""Draw a paper bird: a cut-paper collage of a bird with given attributes, and where each of its parts is seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from niwt_core.birds.anatomy import PARTS, PaperBird
from niwt_core.birds.attributes import GROUPS, check
from niwt_core.birds.collage import Collage
from niwt_core.birds.pose import make_pose
from niwt_core.birds.scene import add_distractors, add_perch, make_background, make_light
from niwt_core.errors import InputError

__all__ = ["PARTS", "Drawing", "draw"]

MIN_SIZE, MAX_SIZE = 64, 512


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn bird.

    `masks` holds, for each of PARTS, which pixels show that part: what another part covers is left out, so the masks
    do not overlap. A bird without a crest has an empty crest. Marks belong to the part they lie on.
    """

    image: np.ndarray  # (size, size, 3) uint8 RGB
    masks: dict[str, np.ndarray]  # part -> (size, size) bool, and their union as "bird"; empty if not asked for
    attributes: dict[str, str]  # group -> value, complete


@lru_cache(maxsize=8)
def _paper_grain(size: int) -> np.ndarray:
    """The texture of the paper as offsets in grey levels, float32 of shape (size, size, 1); it tiles."""
    rng = np.random.default_rng(1)
    sheet = Image.fromarray((128 + 45 * rng.normal(size=(MAX_SIZE, MAX_SIZE))).clip(0, 255).astype(np.uint8))
    texture = np.asarray(sheet.filter(ImageFilter.GaussianBlur(0.9)), dtype=np.float32) - 128
    small = Image.fromarray(texture).resize((size, size), Image.Resampling.BOX)
    return 0.18 * np.asarray(small, dtype=np.float32)[:, :, None]


def draw(bird: Mapping[str, str], *, seed: int, size: int = 64, masks: bool = True, calm: bool = False) -> Drawing:
    """Draw a bird; groups that `bird` leaves open are chosen at random.

    The seed alone decides on pose, light, background, shades of paper and the open groups: a bird that is drawn again
    with the same seed and one attribute changed differs in that attribute only, and at another size it is the same
    scene. `size` is the width in pixels, 64 to 512. `calm` makes a portrait: plain background, level pose, no noise.

    Raises InputError for a size out of range and for unknown attributes.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"A drawing is {MIN_SIZE} to {MAX_SIZE} pixels wide; got {size}.")
    check(bird)
    # One stream per purpose: what one of them consumes can never shift another.
    chooser, poser, sun, scenery, scissors, sensor = (np.random.default_rng((seed, purpose)) for purpose in range(6))
    choices = {group: values[chooser.integers(len(values))] for group, values in GROUPS.items()}
    attributes = {group: bird.get(group, choice) for group, choice in choices.items()}

    light = make_light(sun, calm)
    canvas = Collage(make_background(scenery, calm), size, light.shadow, chart=masks)
    paper_bird = PaperBird(attributes, make_pose(poser, calm), scissors)
    if not calm:
        add_distractors(canvas, scenery)
    add_perch(canvas, scenery, paper_bird.feet(), calm)
    paper_bird.lay(canvas)

    image = canvas.image() * light.field(size)
    image += _paper_grain(size)
    if not calm:
        strength = sensor.uniform(2, 6)
        image += sensor.standard_normal((size, size, 3), dtype=np.float32) * np.float32(strength)
    pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    return Drawing(pixels, _split(canvas.chart()), attributes)


def _split(chart: np.ndarray | None) -> dict[str, np.ndarray]:
    """A mask for each part and for the bird, from the number of the part at each pixel."""
    if chart is None:
        return {}
    return {**{part: chart == code for code, part in enumerate(PARTS, start=1)}, "bird": chart > 0}
