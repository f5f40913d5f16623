"""Names for neurons: by the paper's inverse map, by AUC, and by a regression on all attributes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.domain import LinearMap, fit_ridge
from niwt_core.neurons.evidence import auc

#: Penalty of the regression, as `fit_ridge` counts it: just enough to share between attributes that never come apart.
RIDGE = 0.003


def groups_of(attribute_names: Sequence[str]) -> Tensor:
    """The number of each attribute's group, (n_attributes,) int64; "group::value" names tell them."""
    numbers: dict[str, int] = {}
    return torch.tensor([numbers.setdefault(name.partition("::")[0], len(numbers)) for name in attribute_names])


def against_others(values: Tensor, groups: Tensor) -> Tensor:
    """Each attribute's value minus the mean over the other values of its group.

    Args:
        values: (..., n_attributes, n_channels); NaN where there is none. groups: (n_attributes,).

    Returns:
        the same shape; an attribute that is alone in its group stays as it is; NaN where nothing is left to compare.
    """
    result = torch.full_like(values, float("nan"))
    for group in groups.unique():
        own = groups == group
        part = values[..., own, :]
        if part.shape[-2] == 1:
            result[..., own, :] = part
            continue
        known = ~part.isnan()
        others = known.sum(-2, keepdim=True) - known.long()
        rest = (part.nansum(-2, keepdim=True) - part.nan_to_num()) / others
        result[..., own, :] = torch.where(others > 0, part - rest, float("nan"))
    return result


def paper_strengths(inverse: LinearMap, descriptions: Tensor) -> Tensor:
    """The paper's name for every neuron: the inverse map, fed with that neuron alone.

    A neuron alone is an importance of 1 there and 0 elsewhere. What the map says of no neuron at all is what every
    class shares, and is taken off; each attribute is weighed by its spread over the classes, as in `words_for`.

    Args:
        inverse: unit-length importances -> attributes. descriptions: (n_classes, n_attributes).

    Returns:
        (n_attributes, n_channels), standard deviations of the attribute over the classes.
    """
    spread = descriptions.double().std(0)
    return torch.where(spread > 1e-6, inverse.matrix.double() / spread.clamp_min(1e-6), 0.0).T


def contrasts(values: Tensor, labels: Tensor, groups: Tensor) -> Tensor:
    """A ridge regression of every neuron's response on all attributes at once: what each brings, others held equal.

    Args:
        values: (n_images, n_channels). labels: (n_images, n_attributes), 0 or 1. groups: (n_attributes,).

    Returns:
        (n_attributes, n_channels): a value's coefficient against the mean of its group's other values, in standard
        deviations of the neuron's response.
    """
    spread = values.double().std(0).clamp_min(1e-12)
    coefficients = fit_ridge(labels.double(), values.double(), RIDGE).matrix
    result = against_others(coefficients, groups) / spread
    varies = (labels.amax(0) > labels.amin(0))[:, None]
    return torch.where(varies, result, 0.0)


def margin(strengths: Tensor, groups: Tensor) -> Tensor:
    """How far the strongest attribute stands before the next, of either sign: 1 nothing else, 0 or less a tie.

    A group of two values has one contrast: what speaks for the one speaks against the other, and is no rival.

    Args:
        strengths: (n_attributes, n_channels). groups: (n_attributes,).
    """
    best = strengths.argmax(0)  # (n_channels,)
    sizes = torch.bincount(groups)
    mirrors = (groups[:, None] == groups[best]) & (sizes[groups[best]] == 2)
    own = torch.arange(len(groups), device=best.device)[:, None] == best
    rivals = strengths.abs().masked_fill(own | mirrors, 0.0).amax(0)
    strongest = strengths.amax(0)
    return torch.where(strongest > 0, 1 - rivals / strongest.clamp_min(1e-12), -1.0).clamp_min(-1.0)


@dataclass(frozen=True, eq=False)
class Names:
    """Names chosen on naming images alone.

    Attributes:
        strengths: `contrasts`, (n_attributes, n_channels). best: the strongest attribute of each neuron, (n_channels,).
        margin: of that one before the next, (n_channels,).
        by_auc: the attribute that the response separates best, (n_channels,).
    """

    strengths: Tensor
    best: Tensor
    margin: Tensor
    by_auc: Tensor


def choose_names(values: Tensor, labels: Tensor, groups: Tensor) -> Names:
    """Name every neuron by what its response to the naming images says; shapes as for `contrasts`."""
    strengths = contrasts(values, labels, groups)
    return Names(strengths, strengths.argmax(0), margin(strengths, groups), auc(values, labels).argmax(0))


def choose_pooling(pooled: dict[str, Tensor], labels: Tensor, groups: Tensor) -> str:
    """The pooling whose names two halves of the naming images agree on for most neurons."""

    def agreement(values: Tensor) -> float:
        first, second = (contrasts(values[i::2], labels[i::2], groups).argmax(0) for i in range(2))
        return float((first == second).double().mean())

    return max(pooled, key=lambda name: agreement(pooled[name]))
