"""Knowledge of classes: attributes, sentences or both, as one row of numbers a class; and new sentences as new rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from niwt_core.datasets import ZeroShotData, load_captions
from niwt_core.errors import InputError
from niwt_core.text import DEFAULT
from niwt_core.wording import describe, learn_seen, read_captions
from niwt_core.wording.pieces import clauses_of

#: Class -> the sentences that describe it, any number of them; seen classes first.
Sentences = Mapping[str, Sequence[str]]
#: What can be known of the classes of a data set; several kinds are joined by "+".
KINDS = ("attributes", "texts", "captions", "read-texts", "read-captions")


class Encoder(Protocol):
    """Whatever turns sentences into rows of numbers: see `text.load_encoder`."""

    def encode(self, sentences: list[str]) -> np.ndarray:
        """(n_sentences, n_dimensions)."""


class NothingReadError(InputError):
    """Sentences that say nothing in the data set's attributes; to another kind of knowledge they may say something."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """One description a class, and the way from sentences to more of them.

    Attributes:
        rows: (n_classes, n_columns) float32. names: (n_columns,), what each column means ("has_bill_shape::curved",
            "text 17").
        describe: sentences on one new class -> its row (n_columns,).
    """

    rows: Tensor
    names: tuple[str, ...]
    describe: Callable[[Sequence[str]], Tensor]

    def __post_init__(self) -> None:
        shape = tuple(self.rows.shape)
        if len(shape) != 2 or 0 in shape or shape[1] != len(self.names):
            raise InputError(f"Descriptions of shape {shape} came with {len(self.names)} names; expected one a column.")
        if not torch.isfinite(self.rows).all():
            bad = int((~torch.isfinite(self.rows)).any(1).nonzero()[0])
            raise InputError(f"The description of class {bad}, counted from 0, holds values that are no numbers.")


def from_attributes(rows: Tensor, names: Sequence[str], n_seen: int) -> Knowledge:
    """Attributes as they are (n_classes, n_attributes), seen classes first; sentences are read into them."""
    rows = torch.as_tensor(rows, dtype=torch.float32)
    return Knowledge(rows, tuple(names), _reader(names, rows[:n_seen]))


def from_read_sentences(sentences: Sentences, attribute_names: Sequence[str], seen_rows: Tensor) -> Knowledge:
    """Sentences, read into the attributes that the seen classes' rows (n_seen, n_attributes) tell the usual values of.

    Raises:
        InputError: a class without sentences, or whose sentences say nothing in these attributes.
    """
    reader = _reader(attribute_names, torch.as_tensor(seen_rows, dtype=torch.float32))
    rows = []
    for name, said in _checked(sentences).items():
        try:
            rows.append(reader(said))
        except NothingReadError as error:
            raise NothingReadError(f"{name}: {error}") from error
    return Knowledge(torch.stack(rows), tuple(attribute_names), reader)


def from_sentences(encoder: Encoder, sentences: Sentences, pooling: str = "clauses", label: str = "text") -> Knowledge:
    """Embeddings: the mean over all sentences of a class, or over all their clauses, at unit length.

    Args:
        pooling: "sentences" or "clauses" ("a black cap", "white wing bars"), which keep apart what has which colour.
        label: names the columns, "text 17".

    Raises:
        InputError: a class without sentences, one in a script that the default encoder does not know, embeddings that
            are no numbers or of no length.
    """
    if pooling not in ("sentences", "clauses"):
        raise InputError(f"Unknown pooling {pooling[:40]!r}; expected sentences or clauses.")

    def embed(named: Sentences) -> Tensor:
        if getattr(encoder, "name", None) == DEFAULT:
            _check_script(named, f"the encoder {DEFAULT} knows English alone, name one that knows more")
        cut = clauses_of if pooling == "clauses" else lambda sentence: [sentence]
        parts = [[part for sentence in said for part in cut(sentence)] for said in named.values()]
        distinct = list(dict.fromkeys(part for each in parts for part in each))
        rows = np.asarray(encoder.encode(distinct))
        if rows.ndim != 2 or len(rows) != len(distinct) or rows.dtype.kind != "f":
            raise InputError(f"The encoder made {rows.shape} of {len(distinct)} texts; expected one row for each.")
        at = {text: i for i, text in enumerate(distinct)}
        means = np.stack([rows[[at[part] for part in each]].mean(axis=0, dtype=np.float64) for each in parts])
        length = np.linalg.norm(means, axis=1, keepdims=True)
        if bad := [name for name, size in zip(named, length[:, 0], strict=True) if not 0 < size < np.inf]:
            raise InputError(f"The encoder's numbers for {bad[0]} are none or all 0; expected an embedding.")
        return torch.from_numpy((means / length).astype(np.float32))

    rows = embed(_checked(sentences))
    names = tuple(f"{label} {i}" for i in range(rows.shape[1]))
    return Knowledge(rows, names, lambda said: embed(_checked({"this description": said}))[0])


def combine(parts: Sequence[Knowledge], n_seen: int, weights: Sequence[float] | None = None) -> Knowledge:
    """Several kinds of knowledge of the same classes, side by side.

    Each part is centred on the seen classes' mean and brought to a mean square length of 1 over them, so that none
    outweighs another by its units or number of columns; then it is multiplied by its weight. A new description in which
    one part can read nothing stands at the seen classes' mean there.

    Raises:
        InputError: parts of different numbers of classes, weights that are not above 0, a part that tells no two seen
            classes apart.
    """
    weights = [1.0] * len(parts) if weights is None else weights
    if not parts or len(weights) != len(parts) or not all(0 < weight < np.inf for weight in weights):
        raise InputError(
            f"{len(parts)} kinds of knowledge came with weights {list(weights)}; expected one above 0 each."
        )
    if len(counts := {len(part.rows) for part in parts}) > 1:
        raise InputError(f"The kinds of knowledge describe {sorted(counts)} classes; expected the same classes.")
    means, scales = [], []
    for part, weight in zip(parts, weights, strict=True):
        means.append(part.rows[:n_seen].mean(0))
        size = float((part.rows[:n_seen] - means[-1]).square().sum(1).mean().sqrt())
        if not size > 1e-6:
            raise InputError(f"All seen classes have the same {part.names[0]!r} and so on; expected differences.")
        scales.append(weight / size)

    def beside(said: Sequence[str]) -> Tensor:
        blocks, missing = [], []
        for part, mean, scale in zip(parts, means, scales, strict=True):
            try:
                blocks.append((part.describe(said) - mean) * scale)
            except NothingReadError as error:
                blocks.append(torch.zeros_like(mean))
                missing.append(error)
        if len(missing) == len(parts):
            raise missing[0]
        return torch.cat(blocks)

    blocks = [(part.rows - mean) * scale for part, mean, scale in zip(parts, means, scales, strict=True)]
    return Knowledge(torch.cat(blocks, 1), tuple(name for part in parts for name in part.names), beside)


def default_kind(data: ZeroShotData) -> str:
    """Attributes where the data set has them, else texts."""
    return "attributes" if data.attribute_names else "texts"


def captions_of(data: ZeroShotData, root: Path | None) -> Sentences:
    """The human captions of a data set's photos in root/text_c10, those of seen classes' test photos left out.

    Raises:
        InputError: no captions, or none of some classes; it names them.
    """
    if root is None:
        raise InputError(f"The data set {data.name} has no captions; expected a folder with text_c10.")
    tests = {(path.parent.name, path.stem) for path in getattr(data.test_seen, "paths", ())}
    by_photo = load_captions(root, data.class_names)
    captions = {
        name: [text for photo, texts in by_photo.get(name, {}).items() if (name, photo) not in tests for text in texts]
        for name in data.class_names
    }
    if missing := [name for name, texts in captions.items() if not texts]:
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise InputError(f"{root} has no captions of {', '.join(missing[:10])}{more}; expected some of each class.")
    return captions


def knowledge_of(
    data: ZeroShotData, kinds: str, captions: Callable[[], Sentences], load_encoder: Callable[[], Encoder]
) -> Knowledge:
    """What a data set knows of its classes.

    Args:
        kinds: one of KINDS, or several joined by "+".
        captions, load_encoder: called where a kind needs them.
    """
    captions, load_encoder = cache(captions), cache(load_encoder)

    def texts() -> Sentences:
        if not data.texts:
            raise InputError(f"The data set {data.name} has no texts; expected a description in words for each class.")
        return {name: [text] for name, text in zip(data.class_names, data.texts, strict=True)}

    def part(kind: str) -> Knowledge:
        if kind not in KINDS:
            raise InputError(f"Unknown knowledge {kind[:40]!r}; expected {', '.join(KINDS)}, or several joined by +.")
        source = texts if kind.endswith("texts") else captions
        if kind in ("texts", "captions"):
            return from_sentences(load_encoder(), source(), label=kind[:-1])
        if not data.attribute_names:
            raise InputError(f"The data set {data.name} has no attributes; expected some for the knowledge {kind!r}.")
        if kind == "attributes":
            return from_attributes(data.attributes, data.attribute_names, data.n_seen)
        return from_read_sentences(source(), data.attribute_names, data.attributes[: data.n_seen])

    parts = [part(kind) for kind in dict.fromkeys(kinds.split("+"))]
    return parts[0] if len(parts) == 1 else combine(parts, data.n_seen)


def _reader(names: Sequence[str], seen_rows: Tensor) -> Callable[[Sequence[str]], Tensor]:
    """Sentences -> a row in the units of the seen classes' attributes; what they leave open is as is usual there."""
    seen = cache(lambda: learn_seen(seen_rows.numpy()))

    def read(said: Sequence[str]) -> Tensor:
        checked = _checked({"this description": said})
        _check_script(checked, "its words are read in English")
        reading = read_captions(checked["this description"], names)
        if not reading.groups:
            raise NothingReadError(f"Nothing in “{said[0][:60]}” was understood; expected words for the attributes.")
        return torch.from_numpy(describe(reading, seen()).astype(np.float32))

    return read


def _checked(sentences: Sentences) -> Sentences:
    if not sentences:
        raise InputError("Expected sentences on at least one class; got none.")
    for name, said in sentences.items():
        if (
            isinstance(said, str)
            or not isinstance(said, Sequence)
            or not all(isinstance(sentence, str) for sentence in said)
        ):
            raise InputError(f"The sentences on {name} are no list of texts; expected one, even for a single sentence.")
        if not said or not all(sentence.strip() for sentence in said):
            raise InputError(f"There is no sentence on {name}, or an empty one; expected at least one sentence.")
    return sentences


def _check_script(sentences: Sentences, why: str) -> None:
    for name, said in sentences.items():
        for sentence in said:
            letters = [letter for letter in sentence[:1000] if letter.isalpha()]
            latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
            if 2 * latin < len(letters):
                raise InputError(f"“{sentence[:40]}”, said of {name}, is in another script than English; {why}.")
