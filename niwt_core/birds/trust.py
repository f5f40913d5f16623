"""How often the words of an explanation are true, by their strength: measured where the drawing tells."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from niwt_core.birds.species import make_species
from niwt_core.birds.world import TEST_SEED, drawings_of
from niwt_core.domain import fit_ridge
from niwt_core.explanation import words_for
from niwt_core.images import activation_batches
from niwt_core.importance import importances
from niwt_core.learner import INVERSE_RIDGE
from niwt_core.project import Project

#: Words are counted in bands by strength: from each of these up to the one before.
BANDS = (1.5, 1.0, float("-inf"))
N_WORDS = 6


@dataclass(frozen=True)
class WordTrust:
    """Of `n_words` words with at least the strength `least` (and below the band before), `n_true` were true."""

    least: float | None
    n_true: int
    n_words: int


def word_trust(project: Project, n_drawings: int = 4, n_folds: int = 5) -> tuple[WordTrust, ...]:
    """Words for drawings of seen species whose descriptions the inverse map was not fitted to, checked one by one.

    A fifth of the species is left out at a time; each of their drawings is explained for its own class.

    Returns:
        one count for each of BANDS, over the N_WORDS strongest words of every drawing.
    """
    birds = [s.attributes for s in make_species() if s.seen]
    drawings = drawings_of(birds, n_drawings, 3 * TEST_SEED)
    alphas = torch.cat(
        [
            importances(project.backbone.head, activations, project.seen.weight[labels]).detach()
            for activations, labels in activation_batches(drawings, project.backbone)
        ]
    )
    order = torch.randperm(len(birds), generator=torch.Generator().manual_seed(0))
    counts = [[0, 0] for _ in BANDS]
    for k in range(n_folds):
        fold = set(order[k::n_folds].tolist())
        kept = [i for i in range(len(birds)) if i not in fold]
        descriptions = project.descriptions[kept]
        inverse = fit_ridge(project.importances.directions[kept], descriptions, INVERSE_RIDGE)
        for alpha, label in zip(alphas, drawings.labels.tolist(), strict=True):
            if label not in fold:
                continue
            for word in words_for(inverse, alpha, descriptions, project.attribute_names, N_WORDS):
                band = next(i for i, least in enumerate(BANDS) if word.strength >= least)
                counts[band][0] += birds[label][word.group] == word.value
                counts[band][1] += 1
    return tuple(
        WordTrust(least if least > float("-inf") else None, n_true, n_words)
        for least, (n_true, n_words) in zip(BANDS, counts, strict=True)
    )
