from pathlib import Path

import numpy as np
import pytest

from niwt_core import text
from niwt_core.errors import InputError
from niwt_core.text import SentenceEncoder, class_embeddings, load_encoder


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    try:
        return load_encoder()
    except InputError as error:
        pytest.skip(str(error))


class PlaneModel:
    """Stands in for a sentence-transformers model: "x" and "y" are the axes of the plane."""

    def encode(self, sentences: list[str], **_: object) -> np.ndarray:
        return np.array([{"x": [1.0, 0.0], "y": [0.0, 1.0]}[sentence] for sentence in sentences])


def test_default_encoder_gives_unit_rows(encoder: SentenceEncoder) -> None:
    rows = encoder.encode(["a black cap", "its cap is black", "an orange beak"])
    assert rows.shape == (3, 384) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    np.testing.assert_allclose(encoder(["an orange beak"])[0], rows[2], atol=1e-4)


@pytest.mark.parametrize("sentences", [[], "a black cap", [1]])
def test_encode_wants_a_list_of_sentences(sentences: object) -> None:
    with pytest.raises(InputError, match="sentence"):
        SentenceEncoder(PlaneModel(), "plane").encode(sentences)  # type: ignore[arg-type]


def test_class_embeddings_are_the_means_at_unit_length() -> None:
    rows = class_embeddings(SentenceEncoder(PlaneModel(), "plane"), [["x", "y"], ["x"], ["y", "y", "x"]])
    expected = np.array([[1, 1], [1, 0], [1, 2]]) / np.sqrt([[2], [1], [5]])
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("captions", [[], [["x"], []], ["x"]])
def test_every_class_needs_captions(captions: list) -> None:
    with pytest.raises(InputError, match="caption"):
        class_embeddings(SentenceEncoder(PlaneModel(), "plane"), captions)


def test_other_weights_than_the_known_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(InputError, match=r"sha256|needs the package"):
        load_encoder()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "PACKAGE", "no-such-package-of-ours")
    with pytest.raises(InputError, match="no-such-package-of-ours"):
        load_encoder()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    with pytest.raises(InputError, match="could not be loaded") as caught:
        load_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    (tmp_path / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"not to be unpickled")
    with pytest.raises(InputError, match="could not be loaded"):
        load_encoder(str(tmp_path))
