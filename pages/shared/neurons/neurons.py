"""What the dictionary's page says and shows of neurons: names as people say them, pictures, and answers to redraws."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.drawing import draw
from niwt_core.birds.probing import wandering_birds
from niwt_core.birds.species import is_drawable, make_species
from niwt_core.errors import InputError
from niwt_core.explanation.where import upsample
from niwt_core.images import to_input
from niwt_core.neurons import Dictionary, Found, Neuron, TopImage
from niwt_core.neurons.evidence import POOLINGS, channel_maps
from niwt_core.project import Project
from niwt_core.worlds.base import World
from pages.shared.charts.figures import UNCLEAR
from pages.shared.resources import squared
from pages.shared.wording import GROUP_WORDS, phrase, plain, word

#: Seeds from here on draw the birds that are drawn again on the page; nothing was fitted to or tested on them.
PROBE_SEED = 16_000_000
#: Pictures in a row of redraws.
N_REDRAWN = 4
#: Width of the pictures on a card, and of those on the wall, in pixels; and how many of these stand in a row.
CARD_SIZE, CELL, SHEET_COLUMNS = 192, 96, 16


def called(attribute: str) -> str:
    """An attribute as people say it: "red crown", "white wing bars"."""
    return phrase(*attribute.partition("::")[::2])


def part_of(attribute: str) -> str:
    """What an attribute is about: "crown"."""
    group = attribute.partition("::")[0]
    return GROUP_WORDS.get(group) or word(group, "")


def title_of(neuron: Neuron) -> str:
    """What the neuron is shown by."""
    if not neuron.live:
        return "never active"
    return UNCLEAR if neuron.name is None else called(neuron.name)


def mark_of(neuron: Neuron) -> str:
    """ "✓" where the shown name passed the causal test, "✗" where it failed, "" where no name is claimed or tested."""
    if neuron.name is None or neuron.causal is None:
        return ""
    return "✓" if neuron.causal.passed else "✗"


# -- the wall ----------------------------------------------------------------------------------------------------------


def sections(dictionary: Dictionary, neurons: Iterable[Neuron], order: Sequence[int]) -> list[tuple[str, list[Neuron]]]:
    """Neurons by the part that they are named after, in the barcode's order: those without a clear name come last."""
    wanted = {n.channel for n in neurons}
    groups: dict[str, list[Neuron]] = {}
    for channel in order:
        if channel in wanted:
            neuron = dictionary.neurons[channel]
            title = UNCLEAR if neuron.name is None else part_of(neuron.name)
            groups.setdefault(title, []).append(neuron)
    return list(groups.items())


#: What the results of a search are headed by, from `Found.why`.
WHY = {
    "number": "By its number",
    "name": "Named so",
    "unclear": "Perhaps: their best guess, not clear enough to be a name",
    "alternative": "A weaker candidate of theirs",
}


def found_sections(found: Iterable[Found]) -> list[tuple[str, list[Neuron]]]:
    """What a search brought up, by why it did; the surest first."""
    groups: dict[str, list[Neuron]] = {}
    for hit in found:
        groups.setdefault(WHY[hit.why], []).append(hit.neuron)
    return list(groups.items())


def cell(neuron: Neuron, section: str) -> dict[str, object]:
    """A neuron as the wall's script takes it; a best guess is told only where it was searched for."""
    mark, name = mark_of(neuron), title_of(neuron)
    said = {"✓": ", passed the causal test", "✗": ", failed the causal test"}.get(mark, "")
    if section == WHY["unclear"] and neuron.best_name is not None:
        said, name = f", perhaps {called(neuron.best_name)}", f"{called(neuron.best_name)}?"
    return {
        "n": neuron.channel,
        "name": name,
        "clear": neuron.name is not None,
        "mark": mark,
        "said": f"Neuron {neuron.channel}: {title_of(neuron)}{said}",
    }


def sheet(world: World, neurons: Sequence[Neuron]) -> bytes:
    """The picture that each neuron answers to most, where it fires outlined: SHEET_COLUMNS in a row, as WebP."""
    rows = -(-len(neurons) // SHEET_COLUMNS)
    whole = Image.new("RGB", (SHEET_COLUMNS * CELL, rows * CELL), (127, 138, 150))
    for i, neuron in enumerate(neurons):
        if not neuron.top_images or (picture := picture_of(world, neuron.top_images[0], CELL)) is None:
            continue
        image = Image.fromarray(picture)
        _outline(image, neuron.top_images[0], neuron.grid)
        whole.paste(image, (i % SHEET_COLUMNS * CELL, i // SHEET_COLUMNS * CELL))
    buffer = io.BytesIO()
    whole.save(buffer, "WEBP", quality=72, method=2)
    return buffer.getvalue()


def _outline(image: Image.Image, top: TopImage, grid: tuple[int, int]) -> None:
    """A light frame with a dark edge, three cells of the neuron's map wide, where it is most active."""
    high, wide = image.height / grid[0], image.width / grid[1]
    left, upper = (top.column + 0.5 - 1.5) * wide, (top.row + 0.5 - 1.5) * high
    box = [max(2, left), max(2, upper), min(image.width - 3, left + 3 * wide), min(image.height - 3, upper + 3 * high)]
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], 7, outline=(21, 24, 28))
    pen.rounded_rectangle(box, 6, outline=(255, 255, 255), width=2)


# -- pictures ----------------------------------------------------------------------------------------------------------


@cache
def species_by_name() -> dict[str, Mapping[str, str]]:
    """The attributes of the species whose drawings top images are."""
    return {s.name: s.attributes for s in make_species()}


def picture_of(world: World, top: TopImage, size: int) -> np.ndarray | None:
    """A top image, (size, size, 3) uint8: drawn again, or the photo's centre; None where it is no longer there."""
    if world.drawn:
        bird = species_by_name().get(top.class_name)
        return None if bird is None or top.seed is None else draw(bird, seed=top.seed, size=size, masks=False).image
    try:
        tests = world.data.test_seen
        return squared(tests[top.image], size) if top.image < len(tests.labels) else None
    except InputError:
        return None


@torch.no_grad()
def maps_of(project: Project, pictures: Sequence[np.ndarray], channel: int) -> Tensor:
    """A neuron's maps of activations for pictures at the network's size, (n, height, width)."""
    inputs = torch.stack([to_input(Image.fromarray(p), project.backbone) for p in pictures])
    for maps in channel_maps(project.backbone, project.backbone.trunk(inputs)):
        if channel < maps.shape[1]:
            return maps[:, channel]
        channel -= maps.shape[1]
    raise IndexError(f"expected one of {project.backbone.n_channels} channels")


def spotlight(picture: np.ndarray, fired: np.ndarray) -> np.ndarray:
    """A picture that keeps its colours where the neuron fires, and pales elsewhere.

    Args:
        picture: (size, size, 3) uint8. fired: (size, size), what is below 0 counts as 0.
    """
    light = np.clip(fired, 0, None)
    light = np.clip(1.6 * light / max(float(light.max()), 1e-9), 0, 1)[:, :, None]  # full colour from 5/8 of the peak
    pale = picture.mean(2, keepdims=True) * 0.35 + 160
    return (light * picture + (1 - light) * pale + 0.5).clip(0, 255).astype(np.uint8)


def fired_pictures(world: World, neuron: Neuron) -> list[tuple[np.ndarray, str]]:
    """The top images in the light of the neuron's own map, and what each shows."""
    size = world.project.backbone.image_size
    shown = [(t, picture_of(world, t, size), picture_of(world, t, CARD_SIZE)) for t in neuron.top_images]
    there = [(t, small, large) for t, small, large in shown if small is not None and large is not None]
    if not there:
        return []
    maps = upsample(maps_of(world.project, [small for _, small, _ in there], neuron.channel), CARD_SIZE).numpy()
    return [(spotlight(large, m), t.class_name) for (t, _, large), m in zip(there, maps, strict=True)]


@dataclass(frozen=True, eq=False)
class Redrawn:
    """One bird with one of a group's values: the picture (CARD_SIZE, CARD_SIZE, 3), and the neuron's answer to it."""

    attribute: str
    picture: np.ndarray
    answer: float


def redrawn(project: Project, pooling: str, channel: int, attribute: str, rival: str, which: int) -> list[Redrawn]:
    """A bird of no species with the attribute, and the same bird again with others of its group.

    Args:
        rival: an attribute that is among the others where it is of the same group.
        which: the number of the bird. Each is drawn from its own seed; everything else about it stays the same.
    """
    group, _, value = attribute.partition("::")
    seed = PROBE_SEED + which
    base = wandering_birds(1, seed)[0]
    if not is_drawable({**base, group: value}):  # only where wing marks would vanish on the back: give them another
        other = {"wing_pattern": "back_color", "back_color": "wing_pattern"}[group]
        base = next(b for v in GROUPS[other] if is_drawable({**(b := {**base, other: v}), group: value}))
    others = [v for v in GROUPS[group] if v != value and is_drawable({**base, group: v})]
    start = which % len(others)
    others = sorted(others[start:] + others[:start], key=lambda v: f"{group}::{v}" != rival)
    shown = [value, *others[: N_REDRAWN - 1]]
    birds = [{**base, group: v} for v in shown]
    size = project.backbone.image_size
    maps = maps_of(project, [draw(b, seed=seed, size=size, masks=False).image for b in birds], channel)
    answers = POOLINGS[pooling](maps[:, None])[:, 0].tolist()
    large = [draw(b, seed=seed, size=CARD_SIZE, masks=False).image for b in birds]
    return [Redrawn(f"{group}::{v}", p, a) for v, p, a in zip(shown, large, answers, strict=True)]


# -- sentences ---------------------------------------------------------------------------------------------------------


def tally(dictionary: Dictionary) -> str:
    """How far names can be believed, over the whole dictionary."""
    named, live = dictionary.named, dictionary.live
    if not dictionary.causal:
        return "None of the names has been put to the causal test: on photos nothing can be redrawn."
    n_passed = sum(n.causal is not None and n.causal.passed for n in named)
    n_paper = sum(n.causal is not None and n.causal.paper_passed for n in live)
    return (
        "A name is a claim. The test: draw the same birds again with other values of every attribute, and see what the "
        f"neuron answers to most. Of the {len(named)} clear names **{n_passed} pass**. Of the names that the paper’s "
        f"way gives, {n_paper} of {len(live)} do."
    )


def confidence_of(neuron: Neuron) -> str:
    """How sure the best name is, in birds that anybody can count."""
    if neuron.best_name is None:
        return ""
    best = plain(called(neuron.best_name))
    if neuron.confidence is None:
        clear = "is clear: two sets of pictures give it" if neuron.name else "is not clear enough to be shown"
        return f"The name **{best}** {clear}. How many such names are true, nobody can test on photos."
    share = min(99, max(1, round(100 * neuron.confidence)))
    if neuron.name:
        return f"Of names shown at this confidence, about **{share} of 100** pass the causal test."
    return (
        f"Its best guess is **{best}**. Of names with evidence like this only about {share} of 100 pass the causal "
        "test, too few to show it."
    )


def evidence_of(neuron: Neuron) -> str:
    """The AUC of the best name in pairs of pictures."""
    if neuron.best_name is None or neuron.auc is None:
        return ""
    return (
        f"Of 100 pairs of pictures, one with **{plain(called(neuron.best_name))}** and one without, it answers more to "
        f"the one with it in **{round(100 * neuron.auc)}**. (A neuron that knows nothing of it would in 50.)"
    )


def effects(neuron: Neuron) -> list[tuple[str, float]]:
    """What the causal test measured: attributes and effects, the largest first."""
    found = {a.attribute: a.effect for a in neuron.alternatives if a.effect is not None}
    if neuron.causal is not None:
        found.setdefault(neuron.causal.strongest, neuron.causal.strongest_effect)
    return sorted(found.items(), key=lambda item: -abs(item[1]))


def verdict_of(neuron: Neuron) -> str:
    """How the best name fared in the causal test, in a sentence."""
    causal = neuron.causal
    if causal is None or neuron.best_name is None:
        return ""
    best = called(neuron.best_name)
    if causal.passed:
        return f"✓ **{best}** passes: no other attribute moves this neuron more."
    if causal.strongest != neuron.best_name:
        down = ", downwards" if causal.strongest_effect < 0 else ""
        return f"✗ **{best}** fails: **{called(causal.strongest)}** moves this neuron more{down}."
    return f"✗ **{best}** fails: its effect is too small to be told from chance."


def losses_of(neuron: Neuron) -> list[tuple[str, str, str]]:
    """Which classes lose when the neuron is switched off: name, change of score, change of what is recognised."""
    rows = []
    for loss in neuron.losses:
        share = round(100 * abs(loss.accuracy))
        changed = f"{share} of 100 {'fewer' if loss.accuracy < 0 else 'more'}" if share else "as many as before"
        rows.append((loss.name, f"{loss.score:+.1f}".replace("-", "−"), changed))
    return rows
