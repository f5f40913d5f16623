"""A team: the processes that share one fit. By default it is this process alone, and costs nothing.

Everything that a fit measures is a sum over images. So each process takes its share of the images, and keeps only their
activations; the sums are added up over the team, and every process goes on with the same whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Team:
    """A team of one. `launched.LaunchedTeam` is a team of many, with the same methods.

    Attributes:
        rank: this process's number, from 0. size: how many there are.
        device: where this process computes; all results come back to the CPU.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    @property
    def is_main(self) -> bool:
        """Whether this is the process that shows progress and writes the project."""
        return self.rank == 0

    def share(self, n: int) -> range:
        """Which of `n` images are this process's: every `size`-th, so that each has some of every class."""
        return range(self.rank, n, self.size)

    def enters(self, stage: str) -> None:
        """Say what is being done, for the sentence about a lost process."""

    def summed(self, part: Tensor) -> Tensor:
        """The sum of all processes' tensors of this shape, on the device of `part`."""
        return part

    def gathered(self, part: Tensor) -> Tensor:
        """All rows, in order, of which each process has those that `share` gave it."""
        return part

    def told(self, tensors: Mapping[str, Tensor] | None) -> dict[str, Tensor] | None:
        """The main process's tensors, on the CPU; what the others give is not looked at."""
        return None if tensors is None else dict(tensors)


#: The default everywhere.
ALONE = Team()
