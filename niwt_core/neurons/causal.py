"""The causal test of a name: the same picture with one attribute changed, and which change the neuron answers to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from niwt_core.images import ImageSource
from niwt_core.neurons.naming import against_others

#: An effect has to be this many standard errors above zero.
LEAST_ERRORS = 2.0


@dataclass(frozen=True, eq=False)
class Redraws:
    """Base pictures, each made again with every value of every attribute, everything else left alone.

    Attributes:
        source: all the pictures, each once.
        index: (n_bases, n_attributes) int64, the picture of base i with attribute a; -1 where that cannot be shown.
    """

    source: ImageSource
    index: Tensor


@dataclass(frozen=True, eq=False)
class Effects:
    """What an attribute does to a neuron's response, over base pictures.

    Attributes:
        mean: (n_attributes, n_channels). error: its standard error, same shape.
    """

    mean: Tensor
    error: Tensor


def effects_of(responses: Tensor, index: Tensor, groups: Tensor) -> Effects:
    """For each base picture: the response with a value minus the mean response with the other values of its group.

    Averaged over base pictures; the standard error is that of this average. Redraws that cannot be shown are left out
    of both sides; an attribute that could be compared on fewer than two bases gets the effect 0 and an endless error.

    Args:
        responses: (n_pictures, n_channels). index: of `Redraws`. groups: (n_attributes,).
    """
    each = responses.double()[index.clamp_min(0)]  # (n_bases, n_attributes, n_channels)
    each[index < 0] = float("nan")
    each = against_others(each, groups)
    n = (~each.isnan()).sum(0)
    mean = each.nanmean(0)
    variance = (each - mean).square().nansum(0) / (n - 1).clamp_min(1)
    enough = n > 1
    return Effects(torch.where(enough, mean, 0.0), torch.where(enough, (variance / n.clamp_min(1)).sqrt(), torch.inf))


def passes(effects: Effects, names: Tensor) -> Tensor:
    """Whether each neuron's name passes: no attribute, whichever way it acts, matters more, and it is no accident.

    The name's effect has to be above zero by more than LEAST_ERRORS standard errors, and no effect of any other
    attribute may be larger in size. (In a group of two values the other value's effect is the same with the other
    sign: it is not larger.)

    Args:
        names: attribute numbers, (n_channels,).

    Returns:
        (n_channels,) bool.
    """
    channels = torch.arange(len(names))
    own = effects.mean[names, channels]
    return (own > LEAST_ERRORS * effects.error[names, channels]) & (own >= effects.mean.abs().amax(0))
