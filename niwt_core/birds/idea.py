"""The project's idea in one example, measured: a sentence, the importances it writes, the birds it finds.

It is written beside the bundled project (`python -m pages.shared.lessons.idea` does that anew), for a start page that
is painted before the network has been loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from niwt_core.birds.reading import read
from niwt_core.errors import InputError

if TYPE_CHECKING:
    from niwt_core.project import Project

SENTENCE = "a small yellow bird with a black cap, white wing bars and a short orange beak"
FILE = "idea.json"
#: Drawings that judge the class, and how many of them are named one by one.
N_FRESH, N_SHOWN = 100, 12
#: Neurons named for each clause: those that it moves most.
N_MOVED = 4
_JOINTS = ("with ", "and ")


@dataclass(frozen=True)
class Clause:
    """A part of the sentence.

    Attributes:
        text: as it stands there, without the word that joins it on.
        moved: the neurons that leaving the clause out moves most: (channel, importance with it less that without).
    """

    text: str
    moved: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Idea:
    """The example.

    Attributes:
        picks: what the sentence settles, group -> value. importances: predicted, by channel number.
        order: channel numbers as they stand in every barcode. first_seed: of the first drawing.
        taken_for: of the first N_SHOWN drawings, the species that each was taken for; None where it was found.
        found: how many of `n_fresh` drawings are found, among `n_classes` classes.
    """

    sentence: str
    picks: Mapping[str, str]
    clauses: tuple[Clause, ...]
    importances: tuple[float, ...]
    order: tuple[int, ...]
    first_seed: int
    taken_for: tuple[str | None, ...]
    found: int
    n_fresh: int
    n_classes: int


def measure(project: Project, order: tuple[int, ...], sentence: str = SENTENCE) -> Idea:
    """Read the sentence, predict its importances, solve its classifier and try that on fresh drawings.

    Args:
        order: in which channels stand.
    """
    import torch

    from niwt_core.birds.described import description_of, fresh_features
    from niwt_core.birds.world import FRESH_SEED
    from niwt_core.worlds.trial import try_out

    reading = read(sentence)
    said = [
        (sentence[start:end], {s.group for s in reading.spans if start <= s.start < end})
        for start, end in reading.clauses
    ]
    birds = [reading.attributes] + [
        {group: value for group, value in reading.attributes.items() if group not in groups} for _, groups in said
    ]
    importances, *without = project.learner.importances(torch.cat([description_of(project, bird) for bird in birds]))
    clauses = []
    for (text, _), less in zip(said, without, strict=True):
        change = importances - less
        moved = change.abs().argsort(descending=True)[:N_MOVED].tolist()
        for joint in _JOINTS:
            text = text.removeprefix(joint)
        clauses.append(Clause(text, tuple((k, round(float(change[k]), 4)) for k in moved)))
    classifier = project.learner.classifier(["it"], description_of(project, reading.attributes))
    trial = try_out(project, classifier, fresh_features(project, reading.attributes, N_FRESH, FRESH_SEED))
    names = (*project.seen.names, None)
    return Idea(
        sentence,
        dict(reading.attributes),
        tuple(clauses),
        tuple(round(float(value), 4) for value in importances),
        order,
        FRESH_SEED,
        tuple(names[c] for c in trial.predicted[:N_SHOWN].tolist()),
        trial.found,
        N_FRESH,
        len(names),
    )


def save_idea(idea: Idea, folder: Path) -> None:
    """Write it beside a project."""
    (folder / FILE).write_text(json.dumps(asdict(idea), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_idea(folder: Path) -> Idea:
    """Read what `save_idea` wrote.

    Raises:
        InputError: no such file, or not one of ours.
    """
    try:
        kept: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        kept["clauses"] = tuple(
            Clause(c["text"], tuple((int(k), float(v)) for k, v in c["moved"])) for c in kept["clauses"]
        )
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in kept.items()}
        idea = Idea(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / FILE} is missing or damaged ({str(error)[:100]}); "
            "`python -m pages.shared.lessons.idea` writes it."
        ) from error
    if sorted(idea.order) != list(range(len(idea.importances))):
        raise InputError(
            f"{folder / FILE} orders {len(idea.order)} channels; expected each of {len(idea.importances)}."
        )
    return idea
