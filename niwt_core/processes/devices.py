"""Where a network computes, and how it gets there."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from niwt_core.network.backbone import Backbone


def device_of(module: nn.Module) -> torch.device:
    """The device of a module's first parameter; the CPU for one without any."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def moved(backbone: Backbone, device: torch.device) -> Backbone:
    """The network on a device: itself where it is there already, otherwise a copy; the argument stays as it is."""
    if device_of(backbone.trunk) == device_of(backbone.head) == device:
        return backbone
    trunk, head = (copy.deepcopy(half).to(device) for half in (backbone.trunk, backbone.head))
    return replace(backbone, trunk=trunk, head=head)
