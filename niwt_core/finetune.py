"""Fine-tune the head on the seen classes; the trunk stays as it is, so its activations are computed once.

Gently: what pre-training knows of other things than the seen classes is what new classes will be made of. With the
rate ten times higher, and batch statistics learned as well, classes kept out of the fine-tuning are found far less
often, at the same accuracy on the seen ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from niwt_core.backbone import Backbone
from niwt_core.gzsl import Classifier
from niwt_core.images import ImageSource, activation_batches


@dataclass(frozen=True, eq=False)
class CachedActivations:
    """Activations of a source, kept as float16.

    Attributes:
        plain: (n_images, n_channels, height, width), the images as they are.
        augmented: (n_views, n_images, n_channels, height, width), random crops and mirrorings.
        labels: (n_images,).
    """

    plain: Tensor
    augmented: Tensor
    labels: Tensor

    def of(self, indices: Tensor, labels: Tensor) -> CachedActivations:
        """A part of the images, with other labels, both (n,)."""
        return CachedActivations(self.plain[indices], self.augmented[:, indices], labels)

    def batches(self, batch_size: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
        """The plain activations as float32 and their labels, in order; one batch at a time is in memory."""
        for activations, labels in zip(self.plain.split(batch_size), self.labels.split(batch_size), strict=True):
            yield activations.float(), labels


def cache_activations(
    source: ImageSource,
    backbone: Backbone,
    n_views: int,
    progress: Callable[[int], None] = lambda n_images: None,
    n_workers: int = 0,
) -> CachedActivations:
    """Run the trunk once on every image and on `n_views` augmented versions of it.

    Memory: that of the result, which is written into as it comes.

    Raises:
        ValueError: no image came.
    """
    n_images = len(source.labels)
    kept: Tensor | None = None  # (1 + n_views, n_images, n_channels, height, width)
    labels = torch.empty(n_images, dtype=torch.int64)
    for view in range(-1, n_views):
        done = 0
        for activations, y in activation_batches(
            source, backbone, progress, augment_seed=None if view < 0 else view, n_workers=n_workers
        ):
            if kept is None:
                kept = activations.new_empty((1 + n_views, n_images, *activations.shape[1:]), dtype=torch.float16)
            here = slice(done, done + len(y))
            kept[view + 1, here], labels[here] = activations, y
            done += len(y)
    if kept is None:
        raise ValueError("expected at least one image, got none")
    return CachedActivations(kept[0], kept[1:], labels)


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
) -> tuple[Backbone, Classifier]:
    """Train a copy of the head, and a new linear classifier on it, by cross-entropy with AdamW and a one-cycle rate.

    Batch normalisation keeps its pre-trained statistics.

    Returns:
        the backbone with the trained head, in evaluation mode, and the seen classes' classifier. The arguments are
        left as they were.
    """
    torch.manual_seed(seed)
    head = copy.deepcopy(backbone.head).requires_grad_(True).train()
    for module in head.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    classifier = nn.Linear(backbone.n_features, len(class_names))
    groups: list[dict[str, Any]] = [{"params": head.parameters()}, {"params": classifier.parameters()}]
    optimiser = torch.optim.AdamW(groups, lr=learning_rate, weight_decay=weight_decay)
    n_images = len(cached.labels)
    n_batches = epochs * -(-n_images // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [learning_rate, classifier_rate], total_steps=max(n_batches, 10), pct_start=0.2
    )
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(n_images)
        view_of = torch.randint(1 + len(cached.augmented), (n_images,))  # 0: the image as it is
        for chosen in order.split(batch_size):
            activations, other = cached.plain[chosen], view_of[chosen] > 0
            activations[other] = cached.augmented[view_of[chosen[other]] - 1, chosen[other]]
            loss = loss_of(classifier(head(activations.float())), cached.labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(len(chosen))
    trained = replace(backbone, head=head.eval())
    for parameter in head.parameters():
        parameter.requires_grad_(False)
    return trained, Classifier(class_names, classifier.weight.detach().clone(), classifier.bias.detach().clone())
