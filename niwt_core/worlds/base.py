"""A world: a project together with where its classes come from. Pages ask it for words, rows and pictures.

There are two kinds: Paper Birds, where any described class can be drawn, and photos, where a described class can be
judged on pictures only if it is one of the data set's own unseen classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from niwt_core.datasets import ZeroShotData
from niwt_core.explanation.words import Word
from niwt_core.images import ImageSource
from niwt_core.project import Project
from niwt_core.worlds.described import Described, Understood


class WordReader(Protocol):
    """Reads the words of one picture from its evidence (1, n_inputs), see `explanation.words.evidence`; best first."""

    def words(self, inputs: Tensor, limit: int = 8) -> tuple[Word, ...]: ...


class World(ABC):
    """A project and its data; shared by all sessions, never changed.

    Attributes:
        key: short name for addresses and cache keys; another fit of the same data has another.
        title: for people. noun: what one of its classes is called ("bird", "class").
        drawn: whether any described class can be drawn, and the truth about a drawing is known.
    """

    key: str
    title: str
    noun: str
    drawn: bool
    project: Project

    @property
    @abstractmethod
    def data(self) -> ZeroShotData:
        """Images and descriptions.

        Raises:
            InputError: the images are not where they were.
        """

    @property
    @abstractmethod
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """What can be picked by hand: attribute group -> its values; {} where classes are described by texts alone."""

    @abstractmethod
    def understand(self, text: str) -> Understood:
        """Read a text.

        Raises:
            InputError: a text that is empty, too long, or of which nothing is understood.
        """

    @abstractmethod
    def row(self, described: Described) -> Tensor:
        """What the maps take, (1, n_attributes); what was left open stands at the seen classes' mean."""

    @abstractmethod
    def pictures_of(self, described: Described, n: int, seed: int = 0) -> ImageSource | None:
        """At most n pictures of the described class that nothing was fitted to; None where there are none.

        Drawn: fresh drawings, what is open varies. Photos: the test photos of the unseen class `described.of`.
        """

    @abstractmethod
    def strangers(self, described: Described) -> ImageSource:
        """Up to 100 pictures of unseen classes other than the described one: it should not claim them."""

    @abstractmethod
    def pictures(self, name: str, n: int, seed: int = 0) -> ImageSource:
        """At most n pictures of one of the data set's classes, by name, that nothing was fitted to."""

    @abstractmethod
    def samples(self, n: int, *, fresh: bool = False) -> ImageSource:
        """n pictures of seen classes for Jacobians: training pictures, or `fresh` ones that nothing was fitted to."""

    @abstractmethod
    def called(self, attribute: str) -> str:
        """An attribute ("crown_color::black") as people say it: "black crown"."""

    def phrase(self, group: str, value: str) -> str:
        """A pick, or a `Word`, as people say it: "black crown", "no stripes"."""
        return self.called(f"{group}::{value}")

    @abstractmethod
    def learn_words(self) -> WordReader | None:
        """The way from a picture's importances and activity to words, fitted on seen classes (seconds: cache it).

        None where classes have no attributes to name.
        """
