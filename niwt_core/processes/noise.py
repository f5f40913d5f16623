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
    """The batch that a head is about to see, in one part or in several.

    Attributes:
        size: of the whole batch. rows: (n_rows,) which of its images come now.
        number: of the batch. part: of the part that comes now, from 1.
    """

    size: int
    rows: Tensor
    number: int = 0
    part: int = 0

    def begins(self, size: int) -> None:
        """Another batch, of so many images, of which a part comes next."""
        self.size, self.number, self.part = size, self.number + 1, 0

    def takes(self, rows: Tensor) -> None:
        """The next part of it."""
        self.rows, self.part = rows, self.part + 1


class SharedNoise(nn.Module):
    """A dropout that draws once for the whole batch, as one process would, and uses the rows that come."""

    def __init__(self, dropout: nn.Module, batch: Batch) -> None:
        super().__init__()
        self.dropout, self.batch = dropout, batch
        self._noise: list[Tensor] = []  # of each call in a head's forward pass: a module may stand there twice
        self._of = self._calls = 0
        self._part = (0, 0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs (n_rows, ...) -> the same, with some of them off."""
        batch = self.batch
        if self._of != batch.number:
            self._of, self._noise = batch.number, []
        if self._part != (batch.number, batch.part):
            self._part, self._calls = (batch.number, batch.part), 0
        if self._calls == len(self._noise):
            self._noise.append(self.dropout(inputs.new_ones(batch.size, *inputs.shape[1:])))
        self._calls += 1
        return inputs * self._noise[self._calls - 1][batch.rows.to(inputs.device)]


@contextmanager
def shared_noise(head: nn.Module) -> Iterator[Batch]:
    """Within the block the head's dropouts are `SharedNoise`; say of each batch that it begins, and its parts.

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
