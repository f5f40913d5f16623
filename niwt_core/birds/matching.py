"""How much of a bird captions keep: species left out, and found among each other by what their captions say.

`python -m niwt_core.birds.matching` prints the table. Only seen species take part, so it may settle defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.birds.attributes import ATTRIBUTE_NAMES, encode
from niwt_core.birds.captions import write_caption
from niwt_core.birds.reading import read
from niwt_core.birds.species import make_species
from niwt_core.birds.world import species_attributes
from niwt_core.domain import fit_ridge
from niwt_core.knowledge import Encoder, Sentences, combine, from_read_sentences, from_sentences
from niwt_core.text import load_encoder

N_CAPTIONS = 10
N_FOLDS = 5
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

#: Sentences on all species, those left out last, and the attribute rows of the others -> one row a species.
Way = Callable[[Sentences, Tensor], Tensor]


def ways(encoder: Encoder) -> dict[str, Way]:
    """The kinds of knowledge that captions can give."""

    def both(texts: Sentences, rows: Tensor) -> Tensor:
        parts = [from_sentences(encoder, texts), from_read_sentences(texts, ATTRIBUTE_NAMES, rows)]
        return combine(parts, len(rows)).rows

    return {
        "embedded, whole sentences": lambda texts, rows: from_sentences(encoder, texts, "sentences").rows,
        "embedded, clauses": lambda texts, rows: from_sentences(encoder, texts, "clauses").rows,
        "read (wording)": lambda texts, rows: from_read_sentences(texts, ATTRIBUTE_NAMES, rows).rows,
        "read (wording) + embedded": both,
        "read (birds.reading)": read_birds,
    }


def read_birds(texts: Sentences, rows: Tensor) -> Tensor:
    """The first caption to mention a group decides; groups without a mention stand at the mean of the rows."""
    described = []
    for said in texts.values():
        bird: dict[str, str] = {}
        for sentence in said:
            bird = read(sentence).attributes | bird
        described.append(encode(bird, rows.mean(0).numpy()))
    return torch.from_numpy(np.stack(described))


def found(way: Way, texts: Sequence[Sentences], truth: Tensor, n_taught: int) -> float:
    """Share of the species after the first `n_taught` whose own attribute row is nearest to what is predicted.

    The map is a ridge from descriptions by all captions; its strength is chosen on a fifth of the taught species.

    Args:
        texts: the captions of all species, first all of them, then as many as the left-out species are described with,
            in one or more draws. truth: (n_species, n_attributes).
    """
    full, *draws = (way(each, truth[:n_taught]) for each in texts)
    n_kept = n_taught * (N_FOLDS - 1) // N_FOLDS

    def score(strength: float, n: int, stop: int) -> float:
        to_attributes = fit_ridge(full[:n], truth[:n], strength)
        mean = truth[:n].mean(0)
        rows = nn.functional.normalize(truth[n:stop] - mean, dim=1)
        hits = [((to_attributes(draw[n:stop]) - mean) @ rows.T).argmax(1) == torch.arange(stop - n) for draw in draws]
        return float(torch.cat(hits).float().mean())

    strength = max(STRENGTHS, key=lambda s: score(s, n_kept, n_taught))
    return score(strength, n_taught, len(truth))


def main() -> None:
    """Print the table."""
    species = [s for s in make_species() if s.seen]
    captions = [
        [write_caption(s.attributes, seed=1000 * i + j) for j in range(N_CAPTIONS)] for i, s in enumerate(species)
    ]
    truth, order = species_attributes(species), np.random.default_rng(0).permutation(len(species))
    print(f"{len(species)} seen species, a fifth left out in turn; found among the left-out ones by")
    print("| knowledge | 1 caption | 10 captions |\n|---|---|---|")
    for name, way in ways(_Remembering(load_encoder())).items():
        one, ten = [], []
        for k in range(N_FOLDS):
            out = order[k::N_FOLDS]
            turn = [*np.setdiff1d(order, out, assume_unique=True), *out]
            texts = {species[i].name: captions[i] for i in turn}
            singles = [{key: said[j : j + 1] for key, said in texts.items()} for j in range(N_CAPTIONS)]
            one.append(found(way, [texts, *singles], truth[turn], len(turn) - len(out)))
            ten.append(found(way, [texts, texts], truth[turn], len(turn) - len(out)))
        print(f"| {name} | {np.mean(one):.3f} | {np.mean(ten):.3f} |", flush=True)


class _Remembering:
    """An encoder that encodes no sentence twice."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.known = encoder, dict[str, np.ndarray]()

    def encode(self, sentences: list[str]) -> np.ndarray:
        """(n_sentences, n_dimensions)."""
        if new := [sentence for sentence in sentences if sentence not in self.known]:
            self.known |= zip(new, self.encoder.encode(new), strict=True)
        return np.stack([self.known[sentence] for sentence in sentences])


if __name__ == "__main__":
    main()
