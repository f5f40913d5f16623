"""Photos as a world: somebody's network and pictures; a described class is judged on one of the unseen classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from niwt_core import limits
from niwt_core.birds.trust import explain
from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError, without
from niwt_core.explanation.words import WordRidge, fit_word_ridge
from niwt_core.images import ImageSource
from niwt_core.knowledge import Knowledge, from_attributes
from niwt_core.neurons.evidence import Part
from niwt_core.project import Project
from niwt_core.sources import Source, known_of, load_images, source_of
from niwt_core.wording import Phrase, read_captions
from niwt_core.wording.names import catalogue
from niwt_core.wording.pieces import clause_spans
from niwt_core.wording.saying import NO, YES, is_embedded, label, plain
from niwt_core.wording.scanning import scan
from niwt_core.worlds.base import World
from niwt_core.worlds.described import Described, Mark, Understood

#: Strangers at most, and training photos that words are learned from: in all, and of each class.
N_STRANGERS, N_WORD_PHOTOS, N_OF_CLASS = 100, 400, 8
#: Facts that a mark's label names, at most.
N_FACTS = 3


class PhotoWorld(World):
    """A project of photos.

    Args:
        folder: the project's own, where a relative root of its data starts.
    """

    noun, drawn = "class", False

    def __init__(self, project: Project, key: str, folder: Path | None = None) -> None:
        self.project, self.key, self.folder = project, key, folder
        named = project.card.get("title")
        data = str(project.card.get("data", "")) or "your"
        self.title = str(named)[:100] if named else f"{data} photos, {project.backbone.name}"

    @cached_property
    def source(self) -> Source:
        """Where the pictures are."""
        return source_of(self.project.card, self.folder)

    @cached_property
    def data(self) -> ZeroShotData:
        found = self._loaded
        if found.class_names != self.project.class_names or found.n_seen != self.project.n_seen:
            raise InputError(
                f"The pictures are no longer those that this project was made from: it knows "
                f"{len(self.project.class_names)} classes, {self.project.n_seen} of them seen; there are "
                f"{len(found.class_names)} and {found.n_seen} now, or others."
            )
        project = self.project
        folders = self.source.root, self.folder
        return replace(
            found,
            attributes=project.descriptions,
            attribute_names=project.attribute_names,
            train=_Unlocated(found.train, folders),
            test_seen=_Unlocated(found.test_seen, folders),
            test_unseen=_Unlocated(found.test_unseen, folders),
        )

    @cached_property
    def _loaded(self) -> ZeroShotData:
        """The data set with its own attributes."""
        try:
            return load_images(self.source)
        except InputError as error:
            said = without(error, self.source.root, self.folder)
            raise InputError(f"The pictures of this project are not where they were. {said}") from error

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        groups: dict[str, tuple[str, ...]] = {}
        for name in self._named:
            group, two, value = name.partition("::")
            groups[group] = (*groups.get(group, ()), value) if two else (YES, NO)
        return groups

    @cached_property
    def _named(self) -> dict[str, int]:
        """Attributes that have names of their own, and their columns."""
        names = self.project.attribute_names
        embedded = self.source.is_embedded
        return {name: i for i, name in enumerate(names) if not (embedded and is_embedded(name))}

    @property
    def is_named(self) -> bool:
        """Whether every number of a description stands for an attribute with a name, as a dictionary needs it."""
        return len(self._named) == len(self.project.attribute_names)

    @cached_property
    def knowledge(self) -> Knowledge:
        """The way from sentences to rows; of attributes it needs no pictures."""
        if self.source.knowledge == "attributes":
            project = self.project
            return from_attributes(project.descriptions, project.attribute_names, project.n_seen)
        return known_of(self.source, self._loaded)

    def understand(self, text: str) -> Understood:
        if not text.strip():
            raise InputError("The text is empty; expected a sentence or a few words on what the class looks like.")
        if len(text) > limits.DESCRIPTION:
            raise InputError(f"The text has {len(text)} characters; expected at most {limits.DESCRIPTION}.")
        clauses = tuple(clause_spans(text))
        if not self._named:
            return Understood(text, {}, (), clauses)
        names = tuple(self._named)
        reading = read_captions([text], names)
        if not reading.groups and not self.source.is_embedded:
            raise InputError(
                f"Nothing in “{text.strip()[:60]}” was understood; expected English words for the "
                f"{len(self.groups)} things that are known of each class, such as {self._such_as()}."
            )
        known = catalogue(names)
        unknown = [(i.start, i.end) for i in scan(text, known.lexicon, known.longest) if i.kind == "unknown"]
        return Understood(text, {}, _marks(reading.phrases, names), clauses, tuple(unknown))

    def _such_as(self) -> str:
        names = tuple(self._named)
        return " or ".join(f"“{self.called(name)}”" for name in names[:: max(1, len(names) // 2)][:2])

    def own(self, name: str) -> Described:
        """One of the unseen classes as the data set describes it: in its words, or, without a text, by its numbers."""
        text = self._text_of(name)
        return Described(text if len(text) <= limits.DESCRIPTION else "", {}, name)

    def _text_of(self, name: str) -> str:
        try:
            texts = self._loaded.texts
            return texts[self._loaded.class_names.index(name)] if texts else ""
        except (InputError, ValueError):
            return ""

    def row(self, described: Described) -> Tensor:
        project, text = self.project, described.text
        mean = project.descriptions[: project.n_seen].mean(0)
        own = described.of in project.class_names
        if own and not described.picks and text in ("", self._text_of(described.of)):
            return project.descriptions[project.class_names.index(described.of)][None].clone()
        row = self.knowledge.describe([text]) if text.strip() else mean.clone()
        for group, value in described.picks.items():
            self._pick(row, group, value)
        return row[None]

    def _pick(self, row: Tensor, group: str, value: str) -> None:
        """What was picked stands at the seen classes' highest, what was not at their lowest."""
        seen = self.project.descriptions[: self.project.n_seen]
        lowest, highest = seen.amin(0), seen.amax(0)
        for name, column in self._named.items():
            own, _, named = name.partition("::")
            if own == group:
                row[column] = highest[column] if value == (named or YES) else lowest[column]

    @property
    def unseen(self) -> tuple[str, ...]:
        """The names of the data set's unseen classes."""
        return self.project.class_names[self.project.n_seen :]

    def pictures_of(self, described: Described, n: int, seed: int = 0) -> ImageSource | None:
        return self.pictures(described.of, n, seed) if described.of in self.unseen else None

    def strangers(self, described: Described) -> ImageSource:
        tests = self.data.test_unseen
        classes = [c for c in np.unique(tests.labels) if self.data.class_names[c] != described.of]
        each = N_STRANGERS // max(len(classes), 1)
        rng = np.random.default_rng(0)
        chosen = [rng.permutation(np.flatnonzero(tests.labels == c))[: max(each, 1)] for c in classes]
        return Part(tests, np.sort(np.concatenate(chosen))[:N_STRANGERS] if chosen else np.zeros(0, dtype=np.int64))

    def pictures(self, name: str, n: int, seed: int = 0) -> ImageSource:
        row = self.data.class_names.index(name)
        source = self.data.test_seen if row < self.data.n_seen else self.data.test_unseen
        there = np.flatnonzero(source.labels == row)
        return Part(source, np.random.default_rng(seed).permutation(there)[:n])

    def samples(self, n: int, *, fresh: bool = False) -> Part:
        source = self.data.test_seen if fresh else self.data.train
        return Part(source, np.random.default_rng(0).permutation(len(source.labels))[:n])

    def called(self, attribute: str) -> str:
        return plain(attribute)

    def true_of(self, name: str) -> frozenset[tuple[str, str]]:
        """What the table of classes says of one: (group, value) of all that it has more of than seen classes have.

        A predicate is ("stripes", "").
        """
        rows = self.project.descriptions
        above = rows[self.project.class_names.index(name)] > rows[: self.project.n_seen].mean(0)
        return frozenset(named.partition("::")[::2] for named, column in self._named.items() if above[column])

    def learn_words(self) -> WordRidge | None:
        """Needs at least three seen classes."""
        if not self._named or self.project.n_seen < 3:
            return None
        labels, rng = self.data.train.labels, np.random.default_rng(0)
        each = min(N_OF_CLASS, max(1, N_WORD_PHOTOS // self.project.n_seen))
        chosen = [rng.permutation(np.flatnonzero(labels == c))[:each] for c in range(self.project.n_seen)]
        shown = explain(self.project, Part(self.data.train, np.concatenate(chosen)), self.project.seen)
        columns = torch.tensor(list(self._named.values()))
        rows = self.project.descriptions[: self.project.n_seen][:, columns]
        return fit_word_ridge(shown.evidence(), shown.labels, rows, tuple(self._named))


@dataclass(frozen=True, eq=False)
class _Unlocated:
    """A source whose errors do not tell where on the server its photos lie."""

    source: ImageSource
    folders: tuple[Path | None, ...]

    @property
    def labels(self) -> np.ndarray:
        return self.source.labels

    def __getitem__(self, index: int) -> Image.Image:
        try:
            return self.source[index]
        except InputError as error:
            raise InputError(without(error, *self.folders)) from error


def _marks(phrases: tuple[Phrase, ...], names: tuple[str, ...]) -> tuple[Mark, ...]:
    """Phrases that share characters made one mark."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((phrase.start, phrase.end) for phrase in phrases):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(
        Mark(start, end, _label([p for p in phrases if start <= p.start and p.end <= end], names))
        for start, end in merged
    )


def _label(phrases: list[Phrase], names: tuple[str, ...]) -> str:
    """The surest value that some words gave each group: "wing, back: blue · bill shape: hooked"."""
    best: dict[tuple[int, bool], float] = {}
    for phrase in phrases:
        key = phrase.attribute, phrase.denied
        best[key] = max(phrase.weight, best.get(key, 0.0))
    facts: dict[str, str] = {}  # group -> value, the surest group first
    for (attribute, denied), weight in sorted(best.items(), key=lambda item: -item[1]):
        group, two, value = names[attribute].partition("::")
        about, _, said = label(group, value if two else YES).partition(": ")
        if weight >= 0.5 * max(best.values()):
            facts.setdefault(about.removesuffix(" color").removesuffix(" colour"), f"not {said}" if denied else said)
    groups_of: dict[str, list[str]] = {}
    for group, value in list(facts.items())[:N_FACTS]:
        groups_of.setdefault(value, []).append(group)
    told = " · ".join(f"{', '.join(groups)}: {value}" for value, groups in groups_of.items())
    return f"{told} …" if len(facts) > N_FACTS else told
