"""How true the words of an explanation are, on fresh drawings of species that nothing was fitted to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from niwt_core.benchmark.tables import table
from niwt_core.birds.attributes import ATTRIBUTES, GROUPS
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import BANDS, Explained, checked, explain, in_bands, map_of, taught
from niwt_core.birds.world import TEST_SEED, drawings_of
from niwt_core.explanation.words import Word, evidence, words_for
from niwt_core.gzsl import join
from niwt_core.pipeline import Progress
from niwt_core.project import Project, load_project

#: Drawings of each unseen species, and where their seeds begin: apart from all that anything is fitted or chosen on.
N_EACH = 24
SEED = 5 * TEST_SEED
N_BEST = (1, 3, 5)
#: How many of the best words lift, values and groups are counted over.
N_VARIED = 3

#: The words of each drawing, best first.
Said = Sequence[Sequence[Word]]


def word_tables(bundled: Path, progress: Progress) -> list[str]:
    """Truth of the words for correctly classified drawings of unseen species, beside other ways to find words."""
    project = load_project(bundled)
    species = make_species()
    joint = join(project.seen, project.new)
    progress("words", 0, 2)
    known = taught(project)
    progress("words", 1, 2)
    unseen = [s.attributes for s in species if not s.seen]
    drawings = drawings_of(unseen, N_EACH, SEED, first_label=project.n_seen)
    shown = explain(project, drawings, joint, own=False)
    progress("words", 2, 2)
    right = shown.predicted == shown.labels
    kinds = [s.attributes for s in species]
    birds = [kinds[c] for c in shown.labels.tolist()]
    ways = _ways(project, known, shown)
    head = ["words from", *("first true" if k == 1 else f"best {k} true" for k in N_BEST), "lift", "values", "groups"]
    rows = []
    for name, said in ways.items():
        truths = [true_shares(said, birds, k) for k in N_BEST]
        cells = [_share_and_error(share[right], shown.labels[right]) for share in truths]
        three = true_shares(said, birds, N_VARIED)
        best = [word for words, ok in zip(said, right.tolist(), strict=True) if ok for word in words[:N_VARIED]]
        variety = _variety(best, float(three[right].mean()), project)
        misread = three[~right]
        rows.append([name, *cells, *variety, f"{float(misread.mean()):.3f}" if len(misread) else ""])
    ours = [checked(w, b) for w, b, ok in zip(ways[OURS], birds, right.tolist(), strict=True) if ok]
    return [
        f"**In words**: {int(right.sum())} of {len(right)} fresh drawings of {len(unseen)} unseen species, classified "
        f"rightly among all {len(joint.names)}; share of the words that are true of the bird ± standard error over "
        f"species. Over the best {N_VARIED}: *lift*, how many times as often true as of all birds; how many of the "
        f"{len(ATTRIBUTES)} values and {len(GROUPS)} groups come up; and how often they are true of the bird in the "
        f"{int((~right).sum())} drawings taken for another species.",
        table([*head, "true where misread"], rows),
        _promises([word for words in ours for word in words]),
    ]


OURS = "**importances and activations**"


def _ways(project: Project, known: Explained, shown: Explained) -> dict[str, Said]:
    seen, names = project.descriptions[: project.n_seen], project.attribute_names
    both = map_of(project, known.labels, known.evidence())
    alone = map_of(project, known.labels, evidence(known.importances))
    inverse = project.learner.to_descriptions
    described = project.learner.importances(project.descriptions)  # of the class, whatever the image shows
    limit = len(GROUPS)
    rng = np.random.default_rng(0)
    return {
        OURS: [both.words(row[None], limit) for row in shown.evidence()],
        "importances alone": [alone.words(row[None], limit) for row in evidence(shown.importances)],
        "importances alone, the paper's way": [
            words_for(inverse, row, seen, names, limit) for row in shown.importances
        ],
        "the class's description read back, no image": [
            words_for(inverse, described[c], seen, names, limit) for c in shown.predicted.tolist()
        ],
        "chance, by frequency": [_guess(seen.mean(0).double().numpy(), rng) for _ in shown.labels],
    }


def _guess(frequency: np.ndarray, rng: np.random.Generator) -> list[Word]:
    """A value of each group by its frequency (n_attributes,), groups in random order."""
    of = {group: [i for i, (g, _) in enumerate(ATTRIBUTES) if g == group] for group in GROUPS}
    picks = {group: rng.choice(places, p=frequency[places] / frequency[places].sum()) for group, places in of.items()}
    return [Word(group, ATTRIBUTES[picks[group]][1], 0.0) for group in rng.permutation(list(GROUPS)).tolist()]


def true_shares(said: Said, birds: Sequence[Mapping[str, str]], k: int) -> Tensor:
    """Share of each drawing's best k words that are true of its bird, (n_drawings,); a word too few counts as wrong."""
    pairs = zip(said, birds, strict=True)
    return torch.tensor([sum(bird[w.group] == w.value for w in words[:k]) / k for words, bird in pairs])


def _share_and_error(shares: Tensor, labels: Tensor) -> str:
    """Mean of the drawings' shares (n,), and its standard error with the species as independent units."""
    means = torch.stack([shares[labels == c].mean() for c in labels.unique()])
    return f"{float(shares.mean()):.3f} ± {float(means.std()) / len(means) ** 0.5:.3f}"


def _variety(best: Sequence[Word], share: float, project: Project) -> list[str]:
    """Lift of words that are true in `share`, and how many values and groups they use (`even_number`)."""
    frequency = dict(zip(ATTRIBUTES, project.descriptions[: project.n_seen].mean(0).tolist(), strict=True))
    values = [(w.group, w.value) for w in best]
    expected = float(np.mean([frequency[value] for value in values]))
    return [f"{share / expected:.1f}", f"{even_number(values):.0f}", f"{even_number([g for g, _ in values]):.1f}"]


def even_number(things: Sequence[Hashable]) -> float:
    """How many different things there would be if all came up equally often: exp of the entropy of their shares."""
    shares = np.array(list(Counter(things).values())) / len(things)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _promises(said: Sequence[tuple[float, bool]]) -> str:
    """Whether words are as often true as their probabilities say."""
    names = [f"{100 * least:.0f} % or more" for least in BANDS[:-1]] + ["less"]
    bands = zip(names, in_bands(said), strict=True)
    rows = [[name, str(b.n_words), f"{b.promised:.3f}", f"{b.n_true / max(b.n_words, 1):.3f}"] for name, b in bands]
    return table(["probability of a word", "words", "mean probability", "true"], rows)
