"""Fine-tune the head on the seen classes; the trunk stays as it is, so its activations are computed once.

Gently: what pre-training knows of other things than the seen classes is what new classes will be made of. With the
rate ten times higher, and batch statistics learned as well, classes kept out of the fine-tuning are found far less
often, at the same accuracy on the seen ones.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.files.checkpoints import UNKEPT, Checkpoint
from niwt_core.gzsl import Classifier
from niwt_core.images import ImageSource, activation_batches
from niwt_core.network.backbone import Backbone
from niwt_core.processes import ALONE, Team
from niwt_core.processes.devices import device_of
from niwt_core.processes.noise import Batch, shared_noise


@dataclass(frozen=True, eq=False)
class CachedActivations:
    """Activations of a source, kept as float16.

    In a team of many processes each holds the activations of its own images alone, and the labels of all.

    Attributes:
        plain: (n_held, n_channels, height, width), the images as they are.
        augmented: (n_views, n_held, n_channels, height, width), random crops and mirrorings.
        labels: (n_images,).
        rows: (n_held,) which of the images are held, ascending; None: all.
        numbers: (n_images,) by which the images were dealt out to the processes; None: their order here.
    """

    plain: Tensor
    augmented: Tensor
    labels: Tensor
    rows: Tensor | None = None
    numbers: Tensor | None = None

    @cached_property
    def place(self) -> Tensor:
        """(n_images,) where each image's activations are; -1: another process holds them."""
        if self.rows is None:
            return torch.arange(len(self.labels))
        place = torch.full((len(self.labels),), -1)
        place[self.rows] = torch.arange(len(self.rows))
        return place

    @property
    def n_held(self) -> int:
        return len(self.plain)

    def of(self, indices: Tensor, labels: Tensor) -> CachedActivations:
        """A part of the images, with other labels, both (n,)."""
        place = self.place[indices]
        here = place >= 0
        rows = None if self.rows is None else here.nonzero()[:, 0]
        numbers = indices if self.numbers is None else self.numbers[indices]
        return CachedActivations(self.plain[place[here]], self.augmented[:, place[here]], labels, rows, numbers)

    def batches(self, batch_size: int = 32, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The plain activations that are held as float32 and their labels, in order; one batch at a time is in memory.

        Args:
            start: how many of them to leave out.
        """
        held = self.labels if self.rows is None else self.labels[self.rows]
        for first in range(start, len(held), batch_size):
            part = slice(first, first + batch_size)
            yield self.plain[part].float(), held[part]

    def singles(self, indices: Tensor, start: int = 0) -> Iterator[Tensor]:
        """Of the images (n,) those that are held, one by one as float32, (1, n_channels, height, width)."""
        place = self.place[indices]
        for i in place[place >= 0][start:].tolist():
            yield self.plain[i][None].float()

    def divided(self, indices: Tensor, n_parts: int) -> list[Tensor]:
        """The images (n,) that are held, in parts by their number; where each stands among `indices`.

        A team whose size divides `n_parts` has the parts that one process would have. A part is empty only where no
        image is held.
        """
        numbers = indices if self.numbers is None else self.numbers[indices]
        held = self.place[indices] >= 0
        parts = ((held & (numbers % n_parts == part)).nonzero()[:, 0] for part in range(n_parts))
        return [part for part in parts if len(part)] or [held.new_zeros(0, dtype=torch.int64)]

    def views(self, indices: Tensor, views: Tensor) -> Tensor:
        """Images that are held, each in one view: 0 as it is, 1 to n_views augmented; both (n,). Half precision."""
        place, other = self.place[indices], views > 0
        activations = self.plain[place]
        activations[other] = self.augmented[views[other] - 1, place[other]]
        return activations


def cache_activations(
    source: ImageSource,
    backbone: Backbone,
    n_views: int,
    progress: Callable[[int], None] = lambda n_images: None,
    n_workers: int = 0,
    *,
    is_filled: bool = False,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
) -> CachedActivations:
    """Run the trunk once on every image of this process's share, and on `n_views` augmented versions of it.

    Memory: that of the result, which is written into as it comes.

    Args:
        is_filled: as for `activation_batches`; the numbers are then those of any other team.

    Raises:
        ValueError: no image came.
    """
    labels = torch.as_tensor(np.array(source.labels), dtype=torch.int64)
    rows = list(team.share(len(labels)))
    kept: Tensor | None = None  # (1 + n_views, n_held, n_channels, height, width)

    def put(view: int, done: int, found: Tensor) -> int:
        nonlocal kept
        if kept is None:
            kept = torch.empty((1 + n_views, len(rows), *found.shape[1:]), dtype=torch.float16)
        kept[view, done : done + len(found)] = found
        return done + len(found)

    for view in range(1 + n_views):
        done, name = 0, f"activations.{view}"
        for part in checkpoint.parts(name):
            done = put(view, done, part)
            progress(len(part))
        n_kept = done
        batches = activation_batches(
            source,
            backbone,
            progress,
            indices=rows[done:],
            augment_seed=view - 1 if view else None,
            n_workers=n_workers,
            is_filled=is_filled,
        )
        for activations, _ in batches:
            done = put(view, done, activations)
            if kept is not None and (checkpoint.is_due() or done == len(rows)):
                checkpoint.add_part(name, kept[view, n_kept:done])
                n_kept = done
    if kept is None:
        raise ValueError("expected at least one image, got none")
    return CachedActivations(kept[0], kept[1:], labels, None if team.size == 1 else torch.tensor(rows))


def finetune(
    backbone: Backbone,
    cached: CachedActivations,
    class_names: tuple[str, ...],
    *,
    epochs: int = 5,
    batch_size: int = 64,
    learning_rate: float = 1e-4,
    classifier_rate: float = 5e-3,
    weight_decay: float = 1e-4,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n_images: None,
    n_parts: int = 1,
    team: Team = ALONE,
    checkpoint: Checkpoint = UNKEPT,
    name: str = "fine-tuning",
) -> tuple[Backbone, Classifier]:
    """Train a copy of the head, and a new linear classifier on it, by cross-entropy with AdamW and a one-cycle rate.

    Batch normalisation keeps its pre-trained statistics. A team goes through the same batches as one process would:
    each takes the images of a batch that it holds, and the gradients are added up. Adam divides gradients by their own
    size, so it makes much of what is small: sums that differ in their last bits lead to weights that differ in the
    third figure. Added up in float64, from parts that are the same in any team, they round to the same numbers.

    Args:
        n_parts: of a batch, by the images' numbers. A team whose size divides it finds what one process finds with as
            many parts; with another number each process's images are parts of their own.
        name: of the state that is kept in the checkpoint after each epoch.

    Returns:
        the backbone with the trained head, in evaluation mode, and the seen classes' classifier, on the CPU. The
        arguments are left as they were.
    """
    torch.manual_seed(seed)
    head = copy.deepcopy(backbone.head).requires_grad_(True).train()
    for module in head.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    device = device_of(head)
    classifier = nn.Linear(backbone.n_features, len(class_names)).to(device)
    groups: list[dict[str, Any]] = [{"params": head.parameters()}, {"params": classifier.parameters()}]
    optimiser = torch.optim.AdamW(groups, lr=learning_rate, weight_decay=weight_decay)
    n_images = len(cached.labels)
    n_batches = -(-n_images // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [learning_rate, classifier_rate], total_steps=max(epochs * n_batches, 10), pct_start=0.2
    )
    training, n_epochs = Training(head, classifier, optimiser, schedule), 0
    if kept := checkpoint.common(name):
        n_epochs = training.restore(kept, n_batches)
        progress(n_epochs * n_images)
    parameters = [*head.parameters(), *classifier.parameters()]
    is_whole = team.size == n_parts == 1
    with nullcontext(Batch(0, cached.labels)) if is_whole else shared_noise(head) as batch:
        for epoch in range(n_epochs, epochs):
            order = torch.randperm(n_images)
            view_of = torch.randint(1 + len(cached.augmented), (n_images,))  # 0: the image as it is
            for chosen in order.split(batch_size):
                batch.begins(len(chosen))
                sums = _Sums(parameters)
                for here in cached.divided(chosen, n_parts):
                    share, mine = len(here) / len(chosen), chosen[here]
                    if not share:  # who holds none of this batch goes along with another image, which counts nothing
                        here, mine = here.new_zeros(1), (cached.place >= 0).nonzero()[:1, 0]
                    batch.takes(here)
                    activations = cached.views(mine, view_of[mine]).float().to(device)
                    loss = nn.functional.cross_entropy(classifier(head(activations)), cached.labels[mine].to(device))
                    optimiser.zero_grad()
                    (share * loss).backward()
                    sums.add()
                sums.put(team)
                optimiser.step()
                schedule.step()
                progress(len(chosen))
            if checkpoint.is_due() or epoch == epochs - 1:
                checkpoint.keep_common(name, training.state(epoch + 1))
    trained = replace(backbone, head=head.eval())
    for parameter in head.parameters():
        parameter.requires_grad_(False)
    weight, bias = classifier.weight.detach().cpu().clone(), classifier.bias.detach().cpu().clone()
    return trained, Classifier(class_names, weight, bias)


class _Sums:
    """Gradients of parts of a batch, added up in float64: so the order makes no difference that float32 could hold."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self._parameters, self._whole = parameters, torch.zeros(())

    def add(self) -> None:
        """The gradients that the parameters have now."""
        self._whole = self._whole + torch.cat([g.flatten() for g in self._gradients()]).double()

    def put(self, team: Team) -> None:
        """The sum over the whole team becomes the parameters' gradients."""
        gradients = self._gradients()
        whole = team.summed(self._whole).split([g.numel() for g in gradients])
        for gradient, part in zip(gradients, whole, strict=True):
            gradient.copy_(part.view_as(gradient))

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self._parameters if p.grad is not None]


@dataclass(frozen=True, eq=False)
class Training:
    """A training between two epochs: all that the next one depends on."""

    head: nn.Module
    classifier: nn.Linear
    optimiser: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.OneCycleLR

    def state(self, n_epochs: int) -> dict[str, Tensor]:
        """For a checkpoint, after so many epochs."""
        tensors = {"n_epochs": torch.tensor(n_epochs), "random": torch.get_rng_state().long()}
        if (device := self.classifier.weight.device).type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(device).long()
        tensors |= {f"head.{key}": value for key, value in self.head.state_dict().items()}
        tensors |= {f"classifier.{key}": value for key, value in self.classifier.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{key}": value for key, value in moments.items()}
        return tensors

    def restore(self, tensors: Mapping[str, Tensor], n_batches: int) -> int:
        """Go back to a state; returns how many epochs are done.

        Args:
            n_batches: in an epoch.
        """
        n_epochs = int(tensors["n_epochs"])
        self.head.load_state_dict(_below("head", tensors))
        self.classifier.load_state_dict(_below("classifier", tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _below("optimiser", tensors).items():
            number, _, kind = key.partition(".")
            moments.setdefault(int(number), {})[kind] = value
        self.schedule.last_epoch = n_epochs * n_batches - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # its optimiser has taken no step yet in this process
            self.schedule.step()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        torch.set_rng_state(tensors["random"].byte())
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"].byte(), self.classifier.weight.device)
        return n_epochs


def _below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
