"""Train the bundled network from scratch on drawings of the seen species."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from niwt_core.backbone import PAPER_BIRD_NET, PIXEL_SCALE, assemble, cut
from niwt_core.birds.network import PaperBirdNet
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import word_trust
from niwt_core.birds.world import Drawings, drawings_of, load_birds
from niwt_core.finetune import cache_activations
from niwt_core.gzsl import Classifier
from niwt_core.pipeline import FitOptions, evaluate_project, measure
from niwt_core.project import Project, save_project


class _Arrays(Dataset):
    def __init__(self, drawings: Drawings) -> None:
        self.drawings = drawings

    def __len__(self) -> int:
        return len(self.drawings.labels)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.drawings.array(index)


def draw_all(drawings: Drawings, progress: Callable[[int], None], n_workers: int = 2) -> Tensor:
    """Every drawing as uint8, (n_images, 3, size, size), drawn by `n_workers` processes."""
    loader = DataLoader(_Arrays(drawings), batch_size=100, num_workers=n_workers)
    images = torch.empty(len(drawings.labels), 3, drawings.size, drawings.size, dtype=torch.uint8)
    done = 0
    for batch in loader:
        images[done : done + len(batch)] = batch.permute(0, 3, 1, 2)
        done += len(batch)
        progress(len(batch))
    return images


def train_network(
    images: Tensor,
    labels: Sequence[int] | np.ndarray,
    n_classes: int,
    *,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float = 3e-3,
    seed: int = 0,
    progress: Callable[[int, float], None] = lambda n_images, loss: None,
) -> PaperBirdNet:
    """Cross-entropy with AdamW and a one-cycle rate, from random weights; each image shifted by up to 4 pixels.

    Args:
        images: uint8 (n_images, 3, 64, 64). labels: (n_images,).
        progress: called with the number of images and the loss of every batch.

    Returns:
        the network in evaluation mode.
    """
    torch.manual_seed(seed)
    model = PaperBirdNet(n_classes).to(memory_format=torch.channels_last).train()
    y = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.02)
    n_batches = epochs * -(-len(y) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=max(n_batches, 10), pct_start=0.2
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(epochs):
        for chosen in torch.randperm(len(y)).split(batch_size):
            batch = (images[chosen].float() / 255 - 0.5) / 0.5
            down, right = torch.randint(-4, 5, (2,)).tolist()
            batch = batch.roll((down, right), (2, 3)).contiguous(memory_format=torch.channels_last)
            loss = loss_of(model(batch), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(len(chosen), float(loss.detach()))
    return model.eval()


def make_bundled_project(
    folder: Path, n_drawings: int, epochs: int, seed: int, progress: Callable[[str, int, int], None]
) -> Project:
    """Train, measure, evaluate and save the bundled network: everything in `assets/paper_birds`, from one seed."""
    data = load_birds()
    seen_birds = [s.attributes for s in make_species() if s.seen]
    drawings = drawings_of(seen_birds, n_drawings, 0)
    started = time.perf_counter()
    done = [0, 0]

    def count(n_images: int) -> None:
        done[0] += n_images
        progress("drawing", done[0], len(drawings.labels))

    def follow(n_images: int, loss: float) -> None:
        done[1] += n_images
        progress("training", done[1], epochs * len(drawings.labels))

    images = draw_all(drawings, count)
    model = train_network(images, drawings.labels, data.n_seen, epochs=epochs, seed=seed, progress=follow)
    seconds = time.perf_counter() - started
    linear = model.output
    seen = Classifier(data.class_names[: data.n_seen], linear.weight.detach().clone(), linear.bias.detach().clone())
    trunk, head = cut(model.requires_grad_(False).to(memory_format=torch.contiguous_format), PaperBirdNet.layer)
    backbone = assemble(PAPER_BIRD_NET, PaperBirdNet.layer, trunk, head, PaperBirdNet.image_size, *PIXEL_SCALE)
    cached = cache_activations(data.train, backbone, 0)
    project = measure(data, backbone, seen, cached, options=FitOptions(seed=seed), progress=progress)
    result = evaluate_project(project, data, progress)
    card = {
        **project.card,
        "network": "PaperBirdNet (niwt_core/birds/network.py), trained from scratch",
        "command": f"python -m niwt_core train-birds --drawings {n_drawings} --epochs {epochs} --seed {seed}",
        "training": {
            "seen_species": data.n_seen,
            "drawings": len(drawings.labels),
            "epochs": epochs,
            "seed": seed,
            "seconds": round(seconds),
            "threads": torch.get_num_threads(),
        },
        "source": {"dataset": "birds"},
        "figures": asdict(result),
        "word_trust": [asdict(band) for band in word_trust(project)],
    }
    project = replace(project, card=card)
    save_project(project, folder)
    return project
