"""Where a project's data come from: kept in its card by a fit, and loaded again from there.

A relative root is meant from the project's folder, so that a project whose pictures stand inside it can be moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from niwt_core.datasets import ZeroShotData, load_awa2, load_cub, load_folder
from niwt_core.errors import InputError
from niwt_core.knowledge import Knowledge, captions_of, knowledge_of
from niwt_core.text import DEFAULT

DATASETS = ("cub", "awa2", "folder", "birds")
#: Kinds of knowledge that are embeddings of sentences, not attributes that people named.
EMBEDDED = ("texts", "captions")


@dataclass(frozen=True)
class Source:
    """What has to be known to load a project's data again.

    Attributes:
        dataset: one of DATASETS. root: its folder; split: the folder with its split, None for its own.
        attributes: "continuous", "binary" or "images". knowledge: one of `knowledge.KINDS`, or several joined by "+".
        encoder: of texts and captions; None for the bundled one.
    """

    dataset: str
    root: Path | None
    split: Path | None = None
    attributes: str = "continuous"
    knowledge: str = "attributes"
    encoder: str | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of knowledge, one by one."""
        return tuple(dict.fromkeys(self.knowledge.split("+")))

    @property
    def is_embedded(self) -> bool:
        """Whether sentences are embedded as a whole, so that some columns stand for nothing that has a name."""
        return any(kind in EMBEDDED for kind in self.kinds)

    def moved(self, root: Path | None, split: Path | None) -> Source:
        """The same data at another place; a split that was inside the old root moves along."""
        if split is None and self.split is not None:
            inside = root is not None and self.root is not None and self.split.is_relative_to(self.root)
            split = root / self.split.relative_to(self.root) if inside and root and self.root else self.split
        return replace(self, root=root or self.root, split=split)

    def card(self) -> dict[str, str | None]:
        """For `Project.card["source"]`."""
        return {
            "dataset": self.dataset,
            "root": str(self.root) if self.root else None,
            "split": str(self.split) if self.split else None,
            "attributes": self.attributes,
            "knowledge": self.knowledge,
            "encoder": self.encoder,
        }


def source_of(card: Mapping[str, Any], folder: Path | None = None) -> Source:
    """The source of a project's card; relative paths in it start at `folder`, the project's own.

    Raises:
        InputError: a card that says nothing of its data.
    """
    source = card.get("source", {})
    if not isinstance(source, Mapping):
        raise InputError("project.json does not say where its data are; expected an object in its card's source.")
    known = {key: str(value) for key, value in source.items() if value is not None}
    root, split = ((folder or Path()) / known[key] if key in known else None for key in ("root", "split"))
    return Source(
        known.get("dataset", "cub"),
        root,
        split,
        known.get("attributes", "continuous"),
        known.get("knowledge", "attributes"),
        known.get("encoder"),
    )


def load_images(source: Source) -> ZeroShotData:
    """The data set with the attributes that it has itself.

    Raises:
        InputError: it is not there, or not as expected.
    """
    if source.dataset == "birds":
        from niwt_core.birds.world import load_birds

        if source.attributes != "continuous":
            raise InputError(f"Paper Birds have no {source.attributes!r} attributes; leave --attributes out.")
        return load_birds()
    if source.root is None:
        raise InputError(f"The data set {source.dataset} needs --root, its folder.")
    if source.dataset == "cub":
        return load_cub(source.root, source.split, source.attributes)
    if source.dataset == "awa2":
        return load_awa2(source.root, source.split, source.attributes)
    if source.dataset != "folder":
        raise InputError(f"Unknown data set {source.dataset[:40]!r}; expected cub, awa2, folder or birds.")
    if source.split is not None:
        raise InputError("The data set folder takes no --split; its classes.csv says which classes are seen.")
    return load_folder(source.root, source.attributes)


def known_of(source: Source, data: ZeroShotData) -> Knowledge:
    """What is known of the classes, by the source's kinds of knowledge.

    Args:
        data: from `load_images`.

    Raises:
        InputError: knowledge that the data set does not have, an encoder where none is needed or that cannot be loaded.
    """
    from niwt_core import text  # by its module, so that a test can put another encoder there

    if source.encoder and not source.is_embedded:
        raise InputError(f"The knowledge {source.knowledge[:40]!r} takes no --encoder; only texts and captions do.")
    return knowledge_of(
        data,
        source.knowledge,
        lambda: captions_of(data, source.root),
        lambda: text.load_encoder(source.encoder or DEFAULT),
    )


def load_data(source: Source) -> ZeroShotData:
    """The data set with what is known of its classes in place of its attributes: what a fit and an evaluation take."""
    data = load_images(source)
    return described(source, data)


def described(source: Source, data: ZeroShotData) -> ZeroShotData:
    """`data` of `load_images`, described by the source's knowledge."""
    known = known_of(source, data)
    return replace(data, attributes=known.rows, attribute_names=known.names)
