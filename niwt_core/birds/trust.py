"""Words for drawn birds, and how often they are true: measured where the drawing tells, on unseen species."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.birds.species import make_species
from niwt_core.birds.world import TEST_SEED, drawings_of
from niwt_core.explanation.words import Word, WordMap, activity_of, evidence, fit_words
from niwt_core.gzsl import Classifier, join
from niwt_core.images import ImageSource, activation_batches
from niwt_core.importance import importances
from niwt_core.project import Project

#: Words are counted in bands by their probability: from each of these up to the one before.
BANDS = (0.9, 0.7, float("-inf"))
N_WORDS = 6
#: Drawings of each seen species that the word map is fitted on.
N_DRAWINGS = 4
#: Where the seeds begin of the drawings that words are checked on.
TRUST_SEED = 3 * TEST_SEED


@dataclass(frozen=True)
class WordTrust:
    """Of `n_words` words with at least the probability `least` (and below the band before), `n_true` were true.

    `promised` is their mean probability, what the share of true ones should be.
    """

    least: float | None
    n_true: int
    n_words: int
    promised: float


@dataclass(frozen=True, eq=False)
class Explained:
    """Drawings and what explains them.

    Attributes:
        importances: (n_drawings, n_channels), each for the class that it was explained for.
        activity: (n_drawings, n_channels), see `explanation.words.activity_of`.
        labels: (n_drawings,), what was drawn. predicted: (n_drawings,), the winning class.
    """

    importances: Tensor
    activity: Tensor
    labels: Tensor
    predicted: Tensor

    def of(self, rows: Tensor) -> Explained:
        """Some of the drawings, by a mask (n_drawings,)."""
        return Explained(self.importances[rows], self.activity[rows], self.labels[rows], self.predicted[rows])

    def evidence(self) -> Tensor:
        """What word maps read, (n_drawings, n_inputs)."""
        return evidence(self.importances, self.activity)


def explain(project: Project, drawings: ImageSource, classifier: Classifier, *, own: bool = True) -> Explained:
    """Importances of drawings, each for its own class or, if not `own`, for the class that wins."""
    parts: list[tuple[Tensor, ...]] = []
    head = project.backbone.head
    for activations, labels in activation_batches(drawings, project.backbone):
        with torch.no_grad():
            predicted = classifier(head(activations)).argmax(1)
        weights = classifier.weight[labels if own else predicted]
        alpha = importances(head, activations, weights).detach()
        parts.append((alpha, activity_of(activations), labels, predicted))
    return Explained(*(torch.cat(column) for column in zip(*parts, strict=True)))


def taught(project: Project, n_drawings: int = N_DRAWINGS) -> Explained:
    """Training drawings of the seen species, explained for their own class: what word maps are fitted on."""
    birds = [s.attributes for s in make_species() if s.seen]
    return explain(project, drawings_of(birds, n_drawings, 0), project.seen)


def learn_words(project: Project) -> WordMap:
    """The word map of a project of drawn birds; it reads `Explained.evidence`. Takes seconds, most of them drawing."""
    seen = taught(project)
    return map_of(project, seen.labels, seen.evidence())


def map_of(project: Project, labels: Tensor, inputs: Tensor) -> WordMap:
    """A word map fitted on drawings, and weighed against their species.

    Args:
        labels: (n_drawings,), rows of the project's descriptions. inputs: evidence (n_drawings, n_inputs).
    """
    kept, rows = labels.unique(return_inverse=True)
    return fit_words(inputs, rows, project.descriptions[kept], project.attribute_names)


def word_trust(project: Project, n_drawings: int = 3 * N_DRAWINGS) -> tuple[WordTrust, ...]:
    """Words for fresh drawings of the unseen species, each for the class that wins, checked one by one.

    On seen species words are true more often, even where the word map has not met them: the network has. Nothing is
    chosen by this; it says how far words can be trusted.

    Returns:
        one count for each of BANDS, over the N_WORDS best words of every drawing.
    """
    birds = [s.attributes for s in make_species() if not s.seen]
    words = learn_words(project)
    drawings = drawings_of(birds, n_drawings, TRUST_SEED)
    shown = explain(project, drawings, join(project.seen, project.new), own=False)
    said: list[tuple[float, bool]] = []
    for label, inputs in zip(shown.labels.tolist(), shown.evidence(), strict=True):
        said += checked(words.words(inputs[None], N_WORDS), birds[label])
    return in_bands(said)


def checked(words: Sequence[Word], bird: Mapping[str, str]) -> list[tuple[float, bool]]:
    """The probability of each word of a `WordMap`, and whether the word is true of the bird."""
    return [(w.probability, bird[w.group] == w.value) for w in words if w.probability is not None]


def in_bands(said: Sequence[tuple[float, bool]]) -> tuple[WordTrust, ...]:
    """(probability, whether true) of words, counted for each of BANDS."""
    counts = []
    for least, below in zip(BANDS, (float("inf"), *BANDS[:-1]), strict=True):
        band = [(p, true) for p, true in said if least <= p < below]
        promised = sum(p for p, _ in band) / max(len(band), 1)
        floor = least if least > float("-inf") else None
        counts.append(WordTrust(floor, sum(true for _, true in band), len(band), promised))
    return tuple(counts)
