"""The words said of a drawn bird, one by one: does the map of each peak on the part that it names?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from niwt_core.birds.drawing import Drawing, draw
from niwt_core.birds.species import make_species
from niwt_core.explanation.places import mean_activations, word_maps, word_weights
from niwt_core.explanation.where import default_route
from niwt_core.explanation.words import WordMap, activity_of, evidence
from niwt_core.faithfulness.parts import placed
from niwt_core.faithfulness.pointing import hits, peaks, widened
from niwt_core.gzsl import join
from niwt_core.images import to_input
from niwt_core.importance import importances
from niwt_core.project import Project

#: How many words are said of each bird.
N_SAID = 6
#: Training drawings of seen species that make up the average picture which others are compared with.
N_REFERENCES = 75


@dataclass(frozen=True, eq=False)
class SpokenWord:
    """One word said of a drawing, and where its map lies.

    Attributes:
        true: whether the bird has it. hit: whether the map is highest on the part that it names (within 3 % of the
            picture's width). heat: (height, width), signed. peak: (row, column) of the highest place, as shares.
    """

    group: str
    value: str
    true: bool
    hit: bool
    heat: Tensor
    peak: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Spoken:
    """One drawing (size, size, 3) uint8, what it was drawn as, and the words with a place said of it."""

    picture: np.ndarray
    truth: str
    words: tuple[SpokenWord, ...]


def spoken_of_fresh_birds(project: Project, known: WordMap, n_birds: int, first_seed: int) -> Iterator[Spoken]:
    """Words and their maps for fresh drawings of species that the network was never shown, one by one.

    Args:
        known: the word map of the project, see `birds.trust.learn_words`.
    """
    species = make_species()
    seen, unseen = [s for s in species if s.seen], [s for s in species if not s.seen]
    references = [draw(seen[k % len(seen)].attributes, seed=k, masks=False) for k in range(N_REFERENCES)]
    route, joint = default_route(project.backbone), join(project.seen, project.new)
    average = mean_activations(route, [torch.stack([_input_of(d, project) for d in references])])
    directions = word_weights(project.learner, project.descriptions[: project.n_seen], project.attribute_names)
    for k in range(n_birds):
        bird = unseen[k % len(unseen)]
        small = draw(bird.attributes, seed=first_seed + k)
        inputs = _input_of(small, project)[None]
        with torch.no_grad():
            activations = project.backbone.trunk(inputs).contiguous()
            winner = joint(project.backbone.head(activations)).argmax(1)
        alpha = importances(project.backbone.head, activations, joint.weight[winner]).detach()
        said = known.words(evidence(alpha, activity_of(activations)), N_SAID)
        found = placed(small, {(word.group, word.value) for word in said})
        if not found:
            continue
        maps = word_maps(route, inputs, directions, average)[[word.column for word in found]]
        masks = torch.stack([word.named for word in found])
        size = masks.shape[-1]
        words = []
        for word, heat, hit, peak in zip(found, maps, hits(maps, widened(masks)), peaks(maps, size), strict=True):
            group, _, value = project.attribute_names[word.column].partition("::")
            row, column = ((int(at) + 0.5) / size for at in peak)
            words.append(SpokenWord(group, value, bird.attributes[group] == value, bool(hit), heat, (row, column)))
        yield Spoken(small.image, bird.name, tuple(words))


def _input_of(drawing: Drawing, project: Project) -> Tensor:
    return to_input(Image.fromarray(drawing.image), project.backbone)
