"""A described bird: from its attributes to a classifier among all species, and how well that finds such birds."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from niwt_core.birds.attributes import encode
from niwt_core.birds.species import make_species
from niwt_core.birds.world import FRESH_SEED, drawings_of
from niwt_core.images import activation_batches
from niwt_core.project import Project


def description_of(project: Project, bird: Mapping[str, str]) -> Tensor:
    """The row that the maps take, (1, n_attributes); groups left open stand at the seen species' mean."""
    mean = project.descriptions[: project.n_seen].mean(0)
    return torch.from_numpy(encode(bird, mean.numpy()))[None]


@torch.no_grad()
def fresh_features(project: Project, bird: Mapping[str, str], n_drawings: int, seed: int = FRESH_SEED) -> Tensor:
    """Features (n_drawings, n_features) of fresh drawings of the bird; what it leaves open varies.

    Drawing i is `draw(bird, seed=seed + i)`, so a page can show the very bird that was classified.
    """
    source = drawings_of([bird], n_drawings, seed)
    batches = activation_batches(source, project.backbone, batch_size=50)
    return torch.cat([project.backbone.head(activations) for activations, _ in batches])


#: Seeds of the strangers' drawings, apart from all others.
STRANGER_SEED = 15_000_000


@torch.no_grad()
def stranger_features(project: Project) -> Tensor:
    """Features of 100 drawings of the unseen species, two each: birds that no class beside a described one fits.

    They only judge: how many of them a described class claims says whether it knows its bird or just the unknown.
    """
    birds = [s.attributes for s in make_species() if not s.seen]
    source = drawings_of(birds, 2, STRANGER_SEED)
    return torch.cat([project.backbone.head(a) for a, _ in activation_batches(source, project.backbone)])
