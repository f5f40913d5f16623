"""Second phase of training the bundled network: channels that stand for one attribute each, so that they have names.

A network trained on species alone mixes attributes in its channels; few of them earn a name. This phase keeps what the
network sees and rearranges how its last stage says it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from niwt_core.birds.attributes import GROUPS
from niwt_core.birds.network import PaperBirdNet

#: Epochs of this phase.
SHARPENING_EPOCHS = 8
#: How much the attributes weigh beside the species in `sharpen`, and what a unit of their weights costs.
ATTRIBUTES_WEIGH, WEIGHT_COSTS = 2.0, 2e-3


def sharpen(
    model: PaperBirdNet,
    images: Tensor,
    labels: Sequence[int] | np.ndarray,
    attributes: Tensor,
    *,
    epochs: int = SHARPENING_EPOCHS,
    batch_size: int = 100,
    learning_rate: float = 2e-3,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n_images: None,
) -> PaperBirdNet:
    """Make the channels of `PaperBirdNet.layer` stand for one attribute each.

    The stages before that layer stay as they are. Beside the species, the peaks of its channels (maximum over
    positions) have to tell the value of each group of attributes, through a linear map whose weights cost their size
    (Tibshirani, 1996, lasso): telling an attribute from few channels is cheaper than from many.

    Args:
        model: a network from `train_network`; it is changed. images: uint8 (n_images, 3, 64, 64). labels: (n_images,).
        attributes: (n_classes, n_attributes), 1 for the values a species has. progress: as for `train_network`.

    Returns:
        the network in evaluation mode.
    """
    torch.manual_seed(seed)
    before, stage, after = model.features[:-2], model.features[-2:-1], model.features[-1:]
    model.eval()
    with torch.no_grad():
        given = torch.cat([before((batch.float() / 255 - 0.5) / 0.5).half() for batch in images.split(200)])
    readout = nn.Linear(PaperBirdNet.n_channels, attributes.shape[1])
    nn.init.normal_(readout.weight, std=0.05)
    y, sizes = torch.as_tensor(np.asarray(labels), dtype=torch.int64), [len(values) for values in GROUPS.values()]
    values = torch.stack([part.argmax(1) for part in attributes.split(sizes, 1)], 1)  # (n_classes, n_groups)
    learns = [*stage.parameters(), *model.classifier.parameters(), *readout.parameters()]
    optimiser = torch.optim.AdamW(learns, lr=learning_rate, weight_decay=0.02)
    n_batches = max(epochs * -(-len(y) // batch_size), 10)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=n_batches, pct_start=0.15)
    species_loss = nn.CrossEntropyLoss(label_smoothing=0.05)
    stage.train()
    model.classifier.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(y)).split(batch_size):
            activations = stage(given[chosen].float())
            told = readout(activations.flatten(2).amax(2)).split(sizes, 1)
            of_values = [
                nn.functional.cross_entropy(scores, values[y[chosen], group]) for group, scores in enumerate(told)
            ]
            cost = torch.stack(of_values).mean() + WEIGHT_COSTS * readout.weight.abs().sum()
            loss = species_loss(model.classifier(after(activations)), y[chosen]) + ATTRIBUTES_WEIGH * cost
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(len(chosen))
    return model.eval()
