"""The dictionary of neurons: what each is called, on what evidence, and whether the name is true; and how to find one.

All of it is plain numbers, words and references to images: a page draws it without computing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Alternative:
    """One attribute as a possible name.

    Attributes:
        attribute: "group::value".
        strength: what it brings to the response, other attributes held equal, in standard deviations of the response.
        auc: how well the response separates the evidence images with it from those without.
        effect: what it does on fresh drawings, in the same unit as `strength`; None where nothing can be redrawn.
    """

    attribute: str
    strength: float
    auc: float
    effect: float | None


@dataclass(frozen=True)
class Causal:
    """The causal test of a neuron's best name on fresh drawings; effects in standard deviations of the response.

    Attributes:
        effect: what the named attribute does. error: its standard error.
        strongest: the attribute with the largest effect of either sign. strongest_effect: that effect.
        passed: whether the best name passes. paper_passed: whether the paper's name does.
    """

    effect: float
    error: float
    strongest: str
    strongest_effect: float
    passed: bool
    paper_passed: bool


@dataclass(frozen=True)
class ClassLoss:
    """What a class's own images lose when the neuron is switched off; negative numbers are losses.

    Attributes:
        score: change of the class's score above the mean of all classes' scores.
        accuracy: change of the share of its images that are predicted right.
    """

    name: str
    score: float
    accuracy: float


@dataclass(frozen=True)
class TopImage:
    """An image that the neuron answers to.

    Attributes:
        image: its index in the source that `Dictionary.images` tells of. class_name: what it shows.
        seed: of the drawing, `draw(species, seed=seed)`; None for a photo.
        row, column: the place on the neuron's grid where it is most active. activation: its activation there.
    """

    image: int
    class_name: str
    seed: int | None
    row: int
    column: int
    activation: float


@dataclass(frozen=True)
class Neuron:
    """One channel's entry.

    Attributes:
        live: False for a channel that is never active, or alike for every image; such a one has no names.
        grid: (height, width) of its map.
        paper_name: by the inverse map of this neuron alone. auc_name: the attribute it separates best.
        best_name: by the regression on all attributes. name: the same where it is clear, else None.
        confidence: the chance that `best_name` passes the causal test; None where there is no such test.
        auc: of `best_name`, on evidence images. margin: how far `best_name` stands before the next, 1 for no rival.
        causal: None where nothing can be redrawn.
        losses: the classes that lose most, strongest first.
        same_name: other neurons that are shown by the same name.
    """

    channel: int
    live: bool
    grid: tuple[int, int]
    paper_name: str | None = None
    auc_name: str | None = None
    best_name: str | None = None
    name: str | None = None
    confidence: float | None = None
    auc: float | None = None
    margin: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    causal: Causal | None = None
    losses: tuple[ClassLoss, ...] = ()
    top_images: tuple[TopImage, ...] = ()
    same_name: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dictionary:
    """What is known of every neuron of one project.

    Attributes:
        fingerprint: of the project it was made for.
        pooling: how a map becomes one number, "mean" or "max"; chosen on naming images.
        causal: whether names were tested on redrawn pictures; on photos nothing can be.
        images: what `TopImage.image` counts in, in words.
        card: how it was made, in numbers: how many images and base birds.
    """

    fingerprint: str
    pooling: str
    causal: bool
    images: str
    attribute_names: tuple[str, ...]
    neurons: tuple[Neuron, ...]
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def live(self) -> tuple[Neuron, ...]:
        """The neurons that say anything at all."""
        return tuple(n for n in self.neurons if n.live)

    @cached_property
    def named(self) -> tuple[Neuron, ...]:
        """The neurons with a clear name."""
        return tuple(n for n in self.neurons if n.name is not None)
