"""How much work a fit puts in, and how long it takes: planned from a short trial, corrected by what it then takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from niwt_core.errors import InputError
from niwt_core.importance import importances
from niwt_core.network.backbone import Backbone
from niwt_core.pipeline import FitOptions
from niwt_core.rehearsal import LEAST_CLASSES, ONE_CLASS_IN, ONE_IMAGE_IN
from niwt_core.transfer import channel_statistics

#: Steps of fine-tuning that a small data set gets at least, as far as MOST_EPOCHS allow; a batch is 64 images.
LEAST_STEPS, BATCH, MOST_EPOCHS = 30, 64, 30
#: From so many training images on, less is done with each.
MANY = 5000
#: Activations are kept in memory, as float16: so many bytes at most.
MOST_BYTES = 2 * 2**30


def options_for(backbone: Backbone, n_train: int) -> FitOptions:
    """Views and epochs by the number of training images: few images are looked at more often.

    Raises:
        InputError: activations that would not fit into memory even without augmented views.
    """
    plain = FitOptions()
    steps = max(1, -(-n_train // BATCH))
    epochs = min(max(plain.epochs, -(-LEAST_STEPS // steps)), MOST_EPOCHS)
    n_views = plain.n_views
    if n_train > MANY:
        epochs, n_views = 3, 1
    height, width = backbone.grid
    one = 2 * backbone.channels[0] * height * width * n_train  # bytes of one view of all images
    if one > MOST_BYTES:
        raise InputError(
            f"At layer {backbone.layer} the activations of {n_train:,} pictures take {one / 2**30:.1f} GB; expected at "
            f"most {MOST_BYTES / 2**30:g} GB. Choose a later layer, a smaller network, or fewer pictures."
        )
    return FitOptions(n_views=min(n_views, MOST_BYTES // one - 1), epochs=epochs)


@dataclass(frozen=True)
class Stage:
    """A part of a fit: its name as `pipeline.Progress` gives it, its units, and seconds a unit as planned."""

    name: str
    units: int
    seconds: float


def plan(
    backbone: Backbone, options: FitOptions, n_train: int, n_test: int, n_seen: int, clock: Callable[[], float]
) -> tuple[Stage, ...]:
    """The stages of a fit in order, after trying each kind of work on two blank images (a second or less)."""

    def timed(work: Callable[[], object]) -> float:
        work()
        began = clock()
        work()
        return clock() - began

    images = torch.rand(2, 3, backbone.image_size, backbone.image_size)
    with torch.no_grad():
        trunk = timed(lambda: backbone.trunk(images)) / 2
        activations = backbone.trunk(images).contiguous()
        head = timed(lambda: backbone.head(activations)) / 2
    weights = torch.ones(backbone.n_features)
    back = timed(lambda: importances(backbone.head, activations, weights)) / 2
    began = clock()
    channel_statistics(backbone.head, [activations[:1]])
    jacobian = clock() - began
    n_samples = min(options.n_samples, n_train)
    stages = [Stage("activations", n_train * (1 + options.n_views), trunk + DECODING)]
    if n_seen >= LEAST_CLASSES:
        n_kept = n_train * (1 - 1 / ONE_CLASS_IN) * (1 - 1 / ONE_IMAGE_IN)
        n_tried = max(n_samples // 4, 8)
        stages.append(Stage("rehearsal", int(n_kept * options.epochs), back + head))
        stages.append(Stage("settings", int(n_kept) + n_tried, jacobian * n_tried / (n_kept + n_tried) + back))
    stages += [
        Stage("fine-tuning", n_train * options.epochs, back + head),
        Stage("importances", n_train, back),
        Stage("statistics", n_samples, jacobian),
        Stage("test images", n_test, trunk + head + DECODING),
    ]
    return tuple(stages)


#: Seconds to read and decode a photo, as a first guess.
DECODING = 0.005


class TimeLeft:
    """Seconds left of a fit: the present stage by its own speed, later ones as planned, by how right the plan was."""

    def __init__(self, stages: tuple[Stage, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._stages, self._clock = stages, clock
        self._name, self._began = "", clock()
        self._planned = self._took = 0.0  # of the stages that are over

    def seconds(self, name: str, done: int, total: int) -> float | None:
        """Told where the fit is; None where the plan does not know the stage."""
        at = next((i for i, stage in enumerate(self._stages) if stage.name == name), None)
        if at is None:
            return None
        now = self._clock()
        if name != self._name:
            over = next((stage for stage in self._stages if stage.name == self._name), None)
            if over is not None:
                self._planned += over.units * over.seconds
                self._took += now - self._began
            self._name, self._began = name, now
        here = self._stages[at]
        spent, share = now - self._began, done / max(total, 1)
        planned, took = self._planned + share * here.units * here.seconds, self._took + spent
        factor = min(max(took / planned, 0.2), 5.0) if planned > 0 and took > 1 else 1.0
        own = (
            spent * (1 - share) / share
            if share > 0.05 and spent > 1
            else factor * (1 - share) * here.units * here.seconds
        )
        return own + factor * sum(stage.units * stage.seconds for stage in self._stages[at + 1 :])
