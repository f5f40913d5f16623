"""Is what we show true of the network? Our maps against others: on drawings, on photos, and what they cost.

All methods explain the same scalar of the same network on the same images in the same run. Layers, blur and the way of
`explanation.places` were chosen on training drawings of seen species; the figures here are of unseen species and of
seeds that nothing was fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from niwt_core.benchmark.explanation_costs import cost_table
from niwt_core.benchmark.explanations_on_photos import photo_tables
from niwt_core.benchmark.tables import table
from niwt_core.birds.drawing import Drawing, draw
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import learn_words
from niwt_core.birds.world import FRESH_SEED
from niwt_core.explanation.places import mean_activations, word_maps, word_weights
from niwt_core.explanation.where import default_route
from niwt_core.explanation.words import activity_of
from niwt_core.explanation.words import evidence as words_evidence
from niwt_core.faithfulness import (
    Method,
    area,
    blind_methods,
    blurred,
    captum_methods,
    curves,
    energy,
    hits,
    in_batches,
    own_methods,
    randomised,
    rank_correlation,
    widened,
)
from niwt_core.faithfulness.parts import placed
from niwt_core.faithfulness.spoken import N_REFERENCES, N_SAID
from niwt_core.gzsl import join
from niwt_core.images import to_input
from niwt_core.importance import importances
from niwt_core.network.backbone import load_backbone
from niwt_core.pipeline import Progress, silent
from niwt_core.project import Project, load_project

#: Drawings for pointing; how many of them for curves, randomisation and words, which take longer.
N_DRAWINGS, N_CURVES, N_RANDOMISED, N_WORDED = 200, 100, 50, 50
#: Seeds of these drawings, apart from all others.
SEED = FRESH_SEED + 7_000_000
N_STEPS = 12


def explanation_tables(
    bundled: Path, cub: Path | None, cub_full: Path | None, weights: str, progress: Progress = silent
) -> list[str]:
    """Every table on explanations, as Markdown.

    Args:
        bundled: the drawn birds' project. cub: the photos that the photos' classes are learned from. cub_full:
            uncropped test photos with boxes. weights: of mobilenet_v2, a file or "default".
    """
    project = load_project(bundled)
    tables = drawing_tables(project, progress)
    if cub is None or cub_full is None or not cub.is_dir() or not cub_full.is_dir():
        missing = f"Where, on photos: not measured, there are no photos at {cub} or no boxes at {cub_full}."
        return [*tables, cost_table({"the bundled network": project.backbone}), missing]
    mobilenet = load_backbone("mobilenet_v2", "features.15", weights)
    tables += photo_tables(mobilenet, cub, cub_full, progress)
    return [*tables, cost_table({"the bundled network": project.backbone, "mobilenet_v2, features.15": mobilenet})]


def mean_error(values: Tensor) -> str:
    """ "0.613 ± 0.008": mean and standard error of one value an image, (n_images,)."""
    v = values.double()
    return f"{float(v.mean()):.3f} ± {float(v.std()) / len(v) ** 0.5:.3f}"


def unseen_drawings(n: int, first_seed: int = SEED) -> tuple[list[Drawing], list[int]]:
    """Drawings of the unseen species in turn, and the species' numbers."""
    unseen = [(i, s.attributes) for i, s in enumerate(make_species()) if not s.seen]
    chosen = [unseen[k % len(unseen)] for k in range(n)]
    return [draw(bird, seed=first_seed + k) for k, (_, bird) in enumerate(chosen)], [i for i, _ in chosen]


def inputs_of(drawings: list[Drawing], project: Project) -> Tensor:
    """What the network sees of drawings, (n, 3, size, size)."""
    return torch.stack([to_input(Image.fromarray(d.image), project.backbone) for d in drawings])


def drawing_tables(project: Project, progress: Progress = silent, n_drawings: int = N_DRAWINGS) -> list[str]:
    """Pointing, curves and randomisation for the predicted class; part pointing for words."""
    drawings, labels = unseen_drawings(n_drawings)
    images, joint = inputs_of(drawings, project), join(project.seen, project.new)
    with torch.no_grad():
        predicted = joint(project.backbone.head(project.backbone.trunk(images))).argmax(1)
    birds = torch.from_numpy(np.stack([d.masks["bird"] for d in drawings]))
    near = widened(birds)
    methods = own_methods(project.backbone) | captum_methods(project.backbone) | blind_methods(project.backbone)
    random = randomised(project.backbone)
    forgot = own_methods(random) | captum_methods(random) | blind_methods(random, seed=1)
    weights, curved = joint.weight[predicted], slice(0, N_CURVES)
    baselines = blurred(images[curved])

    @torch.no_grad()
    def probability(x: Tensor) -> Tensor:
        scores = torch.cat([joint(project.backbone.head(project.backbone.trunk(part))) for part in x.split(50)])
        return scores.softmax(1)[torch.arange(len(x)), predicted[curved]]

    rows = []
    for k, (name, method) in enumerate(methods.items()):
        maps = in_batches(method, images, weights)
        again = in_batches(forgot[name], images[:N_RANDOMISED], random_weights(weights[:N_RANDOMISED]))
        areas = [
            area(curves(probability, images[curved], baselines, maps[curved], insertion=way, n_steps=N_STEPS))
            for way in (True, False)
        ]
        alike = "" if name == "centre map" else mean_error(rank_correlation(maps[:N_RANDOMISED], again))
        cells = [hits(maps, near).float(), hits(maps, birds).float(), energy(maps, birds), *areas]
        rows.append([name, *map(mean_error, cells), alike])
        progress("maps of drawings", k + 1, len(methods))
    right = float((predicted == torch.tensor(labels)).double().mean())
    head = ["method", "pointing: bird", "exactly", "energy in the bird"]
    head += ["insertion, area", "deletion, area", "network forgotten"]
    return [
        f"**Where, on drawings**: {n_drawings} fresh drawings of {len(set(labels))} unseen species, each explained for "
        f"the class that wins among all {len(joint.names)} ({100 * right:.0f} % right); the bird covers "
        f"{float(birds.float().mean()):.3f} of the picture and always stands at its centre; a hit where the map is "
        "highest on the bird (within 3 % of the width, as the pointing game allows) or exactly on it; *network "
        "forgotten*: rank correlation with the same map of a network drawn anew; ± standard error",
        table(head, rows),
        *word_tables(project, methods, drawings[:N_WORDED], images[:N_WORDED], progress),
    ]


def random_weights(weights: Tensor) -> Tensor:
    """Class weights drawn anew, as large as these."""
    noise = torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))
    return noise * weights.std()


OURS = "**ours, for words**"


def word_tables(
    project: Project, methods: Mapping[str, Method], drawings: list[Drawing], images: Tensor, progress: Progress
) -> list[str]:
    """Does the map of each word that an explanation says peak on the part that the word is about?"""
    seen = project.descriptions[: project.n_seen]
    directions = word_weights(project.learner, seen, project.attribute_names)
    route = default_route(project.backbone)
    references = mean_activations(route, [inputs_of(_seen_drawings(N_REFERENCES), project)])
    said = said_words(project, images)
    words = [word for drawing, names in zip(drawings, said, strict=True) for word in placed(drawing, names)]
    counts = [len(placed(drawing, names)) for drawing, names in zip(drawings, said, strict=True)]
    rows_of = torch.arange(len(drawings)).repeat_interleave(torch.tensor(counts))
    columns = torch.tensor([word.column for word in words])
    named, painted = (torch.stack([getattr(word, kind) for word in words]) for kind in ("named", "painted"))
    ours = []
    for i, image in enumerate(images):
        ours.append(word_maps(route, image[None], directions, references)[columns[rows_of == i]])
        progress("maps of words", i + 1, len(drawings))
    of_method = {OURS: torch.cat(ours)}
    for k, (name, method) in enumerate(methods.items()):
        of_method[name] = in_batches(method, images[rows_of], directions[columns])
        progress("words, other methods", k + 1, len(methods))
    rows = []
    for name, maps in of_method.items():
        cells = [hits(maps, masks).float() for masks in (widened(named), named, widened(painted))]
        rows.append([name, *(clustered(values, rows_of) for values in (*cells, energy(maps, named)))])
    best = hits(of_method[OURS], widened(named)).double()
    groups = [word.group for word in words]
    by_group = [
        [group.replace("_", " "), str(len(at)), f"{float(best[at].mean()):.3f}"]
        for group in dict.fromkeys(groups)
        for at in [[j for j, other in enumerate(groups) if other == group]]
    ]
    return [
        f"**Where the words lie**: the {len(words)} words with a place among the best {N_SAID} said of each of "
        f"{len(drawings)} of these drawings; a hit where the word's map is highest on the part that it names (within "
        "3 % of the width, as the pointing game allows), on it exactly, or on any part that the attribute colours; "
        "every method explains the same direction; ± standard error over drawings",
        table(["method", "pointing: part", "exactly", "any part it colours", "energy in the part"], rows),
        table(["our words about", "words", "pointing: part"], by_group),
    ]


def said_words(project: Project, images: Tensor) -> list[set[tuple[str, str]]]:
    """(group, value) of the best words of each image, for the class that wins."""
    known, joint, backbone = learn_words(project), join(project.seen, project.new), project.backbone
    with torch.no_grad():
        activations = backbone.trunk(images).contiguous()
        predicted = joint(backbone.head(activations)).argmax(1)
    alpha = importances(backbone.head, activations, joint.weight[predicted]).detach()
    rows = words_evidence(alpha, activity_of(activations))
    return [{(word.group, word.value) for word in known.words(row[None], N_SAID)} for row in rows]


def _seen_drawings(n: int) -> list[Drawing]:
    """Training drawings of seen species, one each."""
    seen = [s.attributes for s in make_species() if s.seen]
    return [draw(seen[k % len(seen)], seed=k, masks=False) for k in range(n)]


def clustered(values: Tensor, clusters: Tensor) -> str:
    """Mean over all and standard error with the clusters (drawings) as independent units; both (n,)."""
    means = torch.stack([values[clusters == c].double().mean() for c in clusters.unique()])
    return f"{float(values.double().mean()):.3f} ± {float(means.std()) / len(means) ** 0.5:.3f}"
