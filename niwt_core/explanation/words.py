"""Why, in words: the inverse map of an image's importances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from niwt_core.domain import LinearMap


@dataclass(frozen=True)
class Word:
    """One attribute as a reason; `strength` in standard deviations of that attribute over the classes."""

    group: str
    value: str
    strength: float


def words_for(
    inverse: LinearMap, importance: Tensor, descriptions: Tensor, attribute_names: Sequence[str], limit: int = 8
) -> tuple[Word, ...]:
    """The paper's textual explanation: the inverse map of an image's importances, strongest attribute first.

    What is true of most classes is no reason, and a bird has one crown: so each attribute is weighed by how far it is
    read above its mean over the classes, and each group gives its strongest value only.

    Args:
        inverse: unit-length importances -> attributes.
        importance: (n_channels,), of the image for the class to explain.
        descriptions: (n_classes, n_attributes), of the classes that the words are weighed against.
        attribute_names: "group::value".
    """
    read = inverse(nn.functional.normalize(importance[None], dim=1))[0]  # (n_attributes,)
    spread = descriptions.std(0)
    strength = torch.where(spread > 1e-6, (read - descriptions.mean(0)) / spread.clamp_min(1e-6), 0.0)
    words: dict[str, Word] = {}
    for i in strength.argsort(descending=True).tolist():
        group, _, value = attribute_names[i].partition("::")
        if group not in words:
            words[group] = Word(group, value, float(strength[i]))
    return tuple(words.values())[:limit]
