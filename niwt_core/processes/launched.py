"""The team that a launcher has started: `accelerate launch -m niwt_core fit …`, or `torchrun -m niwt_core fit …`.

Hugging Face Accelerate says who this process is: it reads what each launcher leaves in the environment, chooses the way
of communication (gloo between CPUs, NCCL between GPUs), gives each process its device and forms the group; `accelerate
config` asks for all of that once. The sums themselves are torch.distributed's, in one line each. Accelerate's own
`prepare` wraps a model, an optimiser and a loader; a fit has one short training loop and many sums, so it is not used.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, distributed

from niwt_core.errors import InputError, LostProcessError
from niwt_core.processes.hearts import Hearts
from niwt_core.processes.team import CPU, Team

#: Seconds without a sign of life after which a process is taken for lost. One that is killed is noticed at once.
PATIENCE = 60.0
#: Processes may wait for the slowest as long as it lives; the hearts, not this, say when it does not.
_ANY_TIME = timedelta(days=30)
AGAIN = "run the same command again, it goes on from its last checkpoint."
ANEW = "run the same command again; with --checkpoint FOLDER it would go on from where it was."


@dataclass(frozen=True, eq=False, kw_only=True)
class LaunchedTeam(Team):
    """One of many processes, which add up what each has."""

    hearts: Hearts

    def enters(self, stage: str) -> None:
        self.hearts.stage = stage

    def summed(self, part: Tensor) -> Tensor:
        whole = part.detach().clone().to(self.device)
        self._together(lambda: distributed.all_reduce(whole))
        return whole.to(part.device)

    def gathered(self, part: Tensor) -> Tensor:
        n = int(self.summed(torch.tensor(len(part))))
        if len(part) != len(self.share(n)):
            raise ValueError(f"expected this process's {len(self.share(n))} of {n} rows, got {len(part)}")
        padded = torch.zeros(-(-n // self.size), *part.shape[1:], dtype=part.dtype, device=self.device)
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        self._together(lambda: distributed.all_gather(parts, padded))
        return torch.stack(parts, 1).flatten(0, 1)[:n].to(part.device)

    def told(self, tensors: Mapping[str, Tensor] | None) -> dict[str, Tensor] | None:
        data = save({k: v.contiguous().cpu() for k, v in tensors.items()}) if self.is_main and tensors else b""
        n_bytes = torch.tensor(len(data), device=self.device)
        self._together(lambda: distributed.broadcast(n_bytes, 0))
        if not int(n_bytes):
            return None
        sent = torch.frombuffer(bytearray(data or int(n_bytes)), dtype=torch.uint8).to(self.device)
        self._together(lambda: distributed.broadcast(sent, 0))
        return load(sent.cpu().numpy().tobytes())

    def _together(self, communicate: Callable[[], Any]) -> None:
        try:
            communicate()
        except RuntimeError as error:  # a connection was closed at its other end
            raise LostProcessError(self.hearts.sentence()) from error


@contextmanager
def launched_team(device: str = "auto", patience: float = PATIENCE, remedy: str = ANEW) -> Iterator[Team]:
    """The team of this process: many, where a launcher has started it with others, otherwise a team of one.

    Args:
        device: "auto" takes the GPU where there is one. patience: see `PATIENCE`.
        remedy: what to do when a process is lost; ends the sentence.

    Raises:
        InputError: a device that is not there.
        LostProcessError: inside the block, when another process is gone.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("No CUDA device was found; expected one for --device cuda.")
    on_cpu = device == "cpu" or not torch.cuda.is_available()
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Team(device=CPU if on_cpu else torch.device("cuda", 0))
        return
    from accelerate import PartialState

    state = PartialState(cpu=on_cpu, timeout=_ANY_TIME)
    hearts = Hearts(_store(), state.process_index, state.num_processes, patience, remedy)
    hearts.start()
    place = CPU if on_cpu else state.device  # Accelerate numbers the CPU, and networks do not
    team = LaunchedTeam(state.process_index, state.num_processes, place, hearts=hearts)
    try:
        with _stopped_by_launcher(hearts):
            yield team
    except Exception as error:
        hearts.end(str(error) or type(error).__name__)
        raise
    hearts.end()
    state.destroy_process_group()


def _store() -> Any:
    """A connection of our own to the launcher's store; keys of each start of a run that is started again."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = distributed.TCPStore(address, port, is_master=False, timeout=timedelta(seconds=30))
    return distributed.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)


@contextmanager
def _stopped_by_launcher(hearts: Hearts) -> Iterator[None]:
    """A launcher that misses one process ends the others by SIGTERM: say why before going."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise LostProcessError(hearts.sentence())

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Exception:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # there is a sentence to print yet
        raise
    signal.signal(signal.SIGTERM, before)
