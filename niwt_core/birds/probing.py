"""Paper birds as probes: the same bird drawn again with every value of every attribute, and birds of no species."""

from __future__ import annotations

import numpy as np
import torch

from niwt_core.birds.attributes import ATTRIBUTE_NAMES, ATTRIBUTES, GROUPS, encode
from niwt_core.birds.species import is_drawable, make_species
from niwt_core.birds.world import Drawings, drawings_of
from niwt_core.neurons.building import build
from niwt_core.neurons.causal import Redraws
from niwt_core.neurons.dictionary import Dictionary
from niwt_core.neurons.material import Labelled, Material
from niwt_core.pipeline import Progress, silent
from niwt_core.project import Project

#: First seeds of every kind of probe: apart from each other, from training, from test sets and from the app's drawings.
NAMING_SEED, EVIDENCE_SEED, CLASS_SEED = 70_000_000, 71_000_000, 72_000_000
FITTING_SEED, JUDGING_SEED, BENCHMARK_SEED = 73_000_000, 74_000_000, 75_000_000


def wandering_birds(n: int, seed: int) -> list[dict[str, str]]:
    """Birds of no species: every value of every group equally likely, each by itself, among birds whose marks show."""
    rng = np.random.default_rng(seed)
    birds: list[dict[str, str]] = []
    while len(birds) < n:
        bird = {group: values[rng.integers(len(values))] for group, values in GROUPS.items()}
        if is_drawable(bird):
            birds.append(bird)
    return birds


def labelled_birds(n: int, seed: int) -> Labelled:
    """`n` drawings of wandering birds, and what each shows."""
    birds = wandering_birds(n, seed)
    return Labelled(drawings_of(birds, 1, seed), torch.from_numpy(np.stack([encode(bird) for bird in birds])))


def redraw(n_bases: int, seed: int) -> Redraws:
    """Wandering birds, each drawn again with every value of every attribute, from the same seed.

    So the pictures of one base differ in that attribute only. A bird whose wing marks would have its back's colour is
    not drawn: no value of either group could then be told apart from another.

    Returns:
        at most 51 drawings a base bird: the base itself shows 13 of the 63 values.
    """
    pictures: list[dict[str, str]] = []
    seeds: list[int] = []
    index = torch.full((n_bases, len(ATTRIBUTES)), -1)
    for i, base in enumerate(wandering_birds(n_bases, seed)):
        first = len(pictures)
        pictures.append(base)
        for a, (group, value) in enumerate(ATTRIBUTES):
            changed = {**base, group: value}
            if base[group] == value:
                index[i, a] = first
            elif is_drawable(changed):
                index[i, a] = len(pictures)
                pictures.append(changed)
        seeds += [seed + i] * (len(pictures) - first)
    return Redraws(Drawings(tuple(pictures), np.arange(len(pictures)), np.array(seeds)), index)


def bird_material(
    n_naming: int = 4000, n_evidence: int = 1000, n_of_species: int = 8, n_fitting: int = 80, n_judging: int = 80
) -> Material:
    """Fresh drawings for a dictionary: wandering birds to name by and as evidence, seen species to show and ablate."""
    seen = [s.attributes for s in make_species() if s.seen]
    classes = drawings_of(seen, n_of_species, CLASS_SEED)
    return Material(
        naming=labelled_birds(n_naming, NAMING_SEED),
        evidence=labelled_birds(n_evidence, EVIDENCE_SEED),
        classes=classes,
        numbers=np.arange(len(classes.labels)),
        seeds=classes.seeds,
        images="fresh drawings of the seen species",
        attribute_names=ATTRIBUTE_NAMES,
        fitting=redraw(n_fitting, FITTING_SEED),
        judging=redraw(n_judging, JUDGING_SEED),
    )


def make_bird_dictionary(project: Project, progress: Progress = silent, n_workers: int = 2) -> Dictionary:
    """The dictionary of a project on Paper Birds, `bird_material` as it stands; a minute or two on two cores."""
    return build(project, bird_material(), progress, n_workers)
