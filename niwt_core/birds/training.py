"""Train the bundled network from scratch on drawings of the seen species."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from niwt_core.birds.network import PaperBirdNet
from niwt_core.birds.probing import make_bird_dictionary
from niwt_core.birds.sharpening import SHARPENING_EPOCHS, sharpen
from niwt_core.birds.species import make_species
from niwt_core.birds.trust import word_trust
from niwt_core.birds.world import Drawings, drawings_of, load_birds
from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.network.backbone import PAPER_BIRD_NET, PIXEL_SCALE, Backbone, assemble, cut
from niwt_core.network.finetune import cache_activations
from niwt_core.neurons import save_dictionary
from niwt_core.pipeline import FitOptions, Progress, Rehearsed, evaluate_project, measure, rehearse
from niwt_core.project import Project, save_project
from niwt_core.rehearsal import Division, divide


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


def hide_patches(images: Tensor, chance: float = 0.7, sides: tuple[int, int] = (14, 30)) -> Tensor:
    """Cover up to two squares of every image (n, 3, height, width) with one colour each (Zhong et al., AAAI 2020).

    Args:
        chance: of each of the two squares. sides: the shortest and the longest side in pixels.
    """
    n, _, height, width = images.shape
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    for _ in range(2):
        side = torch.randint(sides[0], sides[1] + 1, (n, 1, 1))
        top, left = (torch.rand(n, 1, 1) * (length - side) for length in (height, width))
        inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
        inside &= torch.rand(n, 1, 1) < chance
        color = torch.rand(n, 3, 1, 1) * 2 - 1
        images = torch.where(inside[:, None], color, images)
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
    progress: Callable[[int], None] = lambda n_images: None,
) -> PaperBirdNet:
    """Cross-entropy with AdamW and a one-cycle rate, from random weights.

    Each batch is shifted by up to 4 pixels, and patches of its images are hidden (`hide_patches`): a network that could
    tell species by their colours alone has to learn bills, tails and legs as well.

    Args:
        images: uint8 (n_images, 3, 64, 64). labels: (n_images,).
        progress: called with the number of images of every batch.

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
            batch = hide_patches(batch.roll((down, right), (2, 3))).contiguous(memory_format=torch.channels_last)
            loss = loss_of(model(batch), y[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(len(chosen))
    return model.eval()


#: The network of the rehearsal: which species it leaves out, and how much shorter it is trained.
REHEARSAL_SEED = 0
REHEARSAL_FILE = "rehearsal.safetensors"


def make_bundled_project(
    folder: Path, n_drawings: int, epochs: int, seed: int, progress: Callable[[str, int, int], None]
) -> Project:
    """Train, measure, evaluate and save the bundled network: everything in `assets/paper_birds`, from one seed.

    A first network is trained half as long, on the species that a rehearsal keeps: all settings are chosen with it.
    Both are trained in two phases, `train_network` and `sharpen`.
    """
    data = load_birds()
    seen_birds = [s.attributes for s in make_species() if s.seen]
    kept = rehearsal_division(data).kept
    started = time.perf_counter()
    networks = []
    for stage, species, n_epochs in (("rehearsal", kept, -(-epochs // 2)), ("training", range(data.n_seen), epochs)):
        drawings = drawings_of([seen_birds[i] for i in species], n_drawings, 0)
        n = len(drawings.labels)
        images = draw_all(drawings, _count("drawing for " + stage, n, progress))
        follow = _count(stage, n_epochs * n, progress)
        network = train_network(images, drawings.labels, len(species), epochs=n_epochs, seed=seed, progress=follow)
        follow = _count("sharpening for " + stage, SHARPENING_EPOCHS * n, progress)
        rows = data.attributes[torch.as_tensor(species)]
        networks.append(sharpen(network, images, drawings.labels, rows, seed=seed, progress=follow))
    training = {
        "seen_species": data.n_seen,
        "drawings": len(drawings.labels),
        "epochs": epochs,
        "sharpening_epochs": SHARPENING_EPOCHS,
        "seed": seed,
        "seconds": round(time.perf_counter() - started),
        "threads": torch.get_num_threads(),
    }
    command = f"python -m niwt_core train-birds --drawings {n_drawings} --epochs {epochs} --seed {seed}"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in networks[0].state_dict().items()}, folder / REHEARSAL_FILE)
    first = load_rehearsal_network(data, folder)
    rehearsed = rehearse(
        data,
        first.backbone,
        cache_activations(data.train, first.backbone, 0),
        options=FitOptions(n_views=0, seed=seed),
        trained=(first.trained, first.division),
        progress=progress,
    )
    project = project_of(networks[1], data, rehearsed, seed, {"command": command, "training": training}, progress)
    save_project(project, folder)
    save_dictionary(make_bird_dictionary(project, progress), folder)
    return project


def _count(stage: str, total: int, progress: Callable[[str, int, int], None]) -> Callable[[int], None]:
    done = 0

    def count(n_images: int) -> None:
        nonlocal done
        done += n_images
        progress(stage, done, total)

    return count


def rehearsal_division(data: ZeroShotData) -> Division:
    """Which seen species the network of the rehearsal was trained on."""
    return divide(torch.from_numpy(data.train.labels), data.n_seen, REHEARSAL_SEED)


@dataclass(frozen=True, eq=False)
class RehearsalNetwork:
    """A network that knows only the species a rehearsal keeps, and its linear classifier."""

    backbone: Backbone
    trained: Classifier
    division: Division


def load_rehearsal_network(data: ZeroShotData, folder: Path) -> RehearsalNetwork:
    """The network of REHEARSAL_FILE, a state in half precision, in the bundled project's folder."""
    division = rehearsal_division(data)
    model = PaperBirdNet(len(division.kept))
    try:
        model.load_state_dict(load_file(folder / REHEARSAL_FILE))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(
            f"{folder / REHEARSAL_FILE} is no network for a rehearsal of {len(division.kept)} species "
            f"({str(error)[:80]}); train-birds makes one."
        ) from error
    return RehearsalNetwork(*_halves(model.eval(), tuple(data.class_names[i] for i in division.kept)), division)


def _halves(model: PaperBirdNet, names: tuple[str, ...]) -> tuple[Backbone, Classifier]:
    """The network cut at its layer, and its last linear layer as a classifier."""
    linear = model.output
    trained = Classifier(names, linear.weight.detach().clone(), linear.bias.detach().clone())
    trunk, head = cut(model.requires_grad_(False).to(memory_format=torch.contiguous_format), PaperBirdNet.layer)
    return assemble(PAPER_BIRD_NET, PaperBirdNet.layer, trunk, head, PaperBirdNet.image_size, *PIXEL_SCALE), trained


def project_of(
    model: PaperBirdNet,
    data: ZeroShotData,
    rehearsed: Rehearsed,
    seed: int,
    card: Mapping[str, Any],
    progress: Progress,
) -> Project:
    """A project of a trained network, with its figures."""
    backbone, trained = _halves(model, data.class_names[: data.n_seen])
    options = FitOptions(n_views=0, seed=seed)
    cached = cache_activations(data.train, backbone, 0)
    project = measure(data, backbone, trained, cached, rehearsed, options=options, progress=progress)
    result = evaluate_project(project, data, progress)
    full = {
        **project.card,
        "network": "PaperBirdNet (niwt_core/birds/network.py), trained from scratch",
        **card,
        "source": {"dataset": "birds"},
        "figures": asdict(result),
        "word_trust": [asdict(band) for band in word_trust(project)],
    }
    return replace(project, card=full)
