"""Dropout in many processes: the noise that one process would have drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


@dataclass(eq=False)
class Batch:
    """The batch that a head is about to see a part of.

    Attributes:
        size: of the whole batch. rows: (n_rows,) which of its images come.
    """

    size: int
    rows: Tensor


class SharedNoise(nn.Module):
    """A dropout that draws for the whole batch, as one process would, and uses the rows that are here."""

    def __init__(self, dropout: nn.Module, batch: Batch) -> None:
        super().__init__()
        self.dropout, self.batch = dropout, batch

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs (n_rows, ...) -> the same, with some of them off."""
        noise = self.dropout(inputs.new_ones(self.batch.size, *inputs.shape[1:]))
        return inputs * noise[self.batch.rows.to(inputs.device)]


@contextmanager
def shared_noise(head: nn.Module) -> Iterator[Batch]:
    """Within the block the head's dropouts are `SharedNoise`; say each batch's size and rows before it comes.

    All processes must have seeded their generators alike. Dropout written as a function has no module and draws nothing
    in a fit: `cutting.cut` traces networks in evaluation mode.
    """
    batch = Batch(0, torch.zeros(0, dtype=torch.int64))
    own = {name: module for name, module in head.named_modules() if type(module) in _DROPOUTS}
    for name, module in own.items():
        _put(head, name, SharedNoise(module, batch))
    try:
        yield batch
    finally:
        for name, module in own.items():
            _put(head, name, module)


def _put(head: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(head.get_submodule(parent), child, module)
