"""Making a project of a draft: everything between "fit" and a project on the shelf."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from niwt_core.errors import InputError
from niwt_core.network.backbone import Backbone, load_backbone, settle_norms
from niwt_core.pipeline import Progress, check, evaluate_project, fit, silent
from niwt_core.project import Project, save_in
from niwt_core.sources import Source, described, load_images
from niwt_core.worlds.drafts import Draft, write_table
from niwt_core.worlds.effort import Stage, options_for, plan
from niwt_core.worlds.shelf import DRAFT
from niwt_core.worlds.weights import DOWNLOAD, FILE, RANDOM, VARIABLE, file_of, is_downloaded


@dataclass(frozen=True)
class Order:
    """What to make of a draft.

    Attributes:
        network, layer: see `backbone.load_backbone`. weights: one of `weights.FILE`, DOWNLOAD and RANDOM.
    """

    title: str
    network: str
    layer: str
    weights: str


def make(
    draft: Draft,
    order: Order,
    progress: Progress = silent,
    expect: Callable[[tuple[Stage, ...]], None] = lambda stages: None,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Fit, evaluate and save; nothing but the draft's own table is written before all of it is done.

    Args:
        progress: may raise to cancel. expect: told the stages to come, once they are known.

    Raises:
        InputError: weights that are not there, data that no fit can learn from, a disk that is full; the sentence names
            no server path.
    """
    try:
        _make(draft, order, progress, expect, clock)
    except InputError as error:
        said = str(error)
        for path in (draft.data, draft.data.resolve(), draft.folder):
            said = said.replace(str(path), f"“{draft.name}”")
        raise InputError(said) from error


def _make(
    draft: Draft,
    order: Order,
    progress: Progress,
    expect: Callable[[tuple[Stage, ...]], None],
    clock: Callable[[], float],
) -> None:
    progress("descriptions", 0, 1)
    if draft.dataset == "folder":
        write_table(draft)
    source = Source(draft.dataset, draft.data, knowledge=draft.knowledge)
    data = described(source, load_images(source))
    check(data)
    progress("network", 0, 1)
    backbone = load_network(order)
    options = options_for(backbone, len(data.train.labels))
    n_test = len(data.test_seen.labels) + len(data.test_unseen.labels)
    expect(plan(backbone, options, len(data.train.labels), n_test, data.n_seen, clock))
    project = fit(data, backbone, options=options, progress=progress)
    result = evaluate_project(project, data, progress)
    card = {
        **project.card,
        "title": order.title,
        "weights": order.weights,
        "source": replace(source, root=Path(draft.root)).card(),
        "figures": asdict(result),
        "notes": list(data.notes),
    }
    progress("saving", 0, 1)
    put_on_shelf(replace(project, card=card), draft)


def put_on_shelf(project: Project, draft: Draft) -> None:
    """The last step: the draft's folder becomes a project's, or stays the draft's.

    Raises:
        InputError: no room, or no permission: the draft is what it was then; or it was removed meanwhile.
    """
    if not draft.folder.is_dir():
        raise InputError("The pictures were removed while they were fitted; no project was made.")
    save_in(project, draft.folder)
    with contextlib.suppress(OSError):  # beside a project it says nothing any more
        (draft.folder / DRAFT).unlink(missing_ok=True)


def load_network(order: Order) -> Backbone:
    """The network of an order, with its weights.

    Raises:
        InputError: weights that are not there and cannot be fetched.
    """
    if order.weights == RANDOM:
        made = load_backbone(order.network, order.layer)
        settle_norms(made)
        return made
    if order.weights == DOWNLOAD:
        try:
            return load_backbone(order.network, order.layer, DOWNLOAD)
        except InputError as error:
            if is_downloaded(order.network):
                raise
            raise InputError(
                f"The ImageNet weights of {order.network} could not be downloaded: this server does not reach them. "
                f"Whoever runs it can put {order.network}.pth into the folder that {VARIABLE} names. Random weights "
                "need nothing, but see little."
            ) from error
    path = file_of(order.network) if order.weights == FILE else None
    if path is None:
        raise InputError(f"There are no local weights for {order.network} here; choose others.")
    return load_backbone(order.network, order.layer, path)
