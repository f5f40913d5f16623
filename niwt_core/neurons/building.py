"""Make the dictionary of a project: names, evidence, the causal test, ablation and top images of every neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from niwt_core.errors import InputError
from niwt_core.images import ImageSource
from niwt_core.neurons.ablation import Ablation, ablate
from niwt_core.neurons.causal import Effects, Redraws, effects_of, passes
from niwt_core.neurons.confidence import cross_fitted
from niwt_core.neurons.dictionary import Alternative, Causal, ClassLoss, Dictionary, Neuron, TopImage
from niwt_core.neurons.evidence import Responses, auc, live_channels, responses
from niwt_core.neurons.material import Material
from niwt_core.neurons.naming import Names, choose_names, choose_pooling, groups_of, paper_strengths
from niwt_core.neurons.storage import fingerprint_of
from niwt_core.pipeline import Progress, silent
from niwt_core.project import Project

#: A name is clear from this confidence on.
CLEAR = 0.85
#: Where nothing can be redrawn: a name is clear when evidence images give the same one, with at least this AUC.
CLEAR_AUC = 0.8
N_ALTERNATIVES, N_LOSSES, N_TOP = 5, 5, 9
#: Decimals that are kept of every number.
DIGITS = 4


@dataclass(frozen=True, eq=False)
class _Found:
    """All that is known of the names; by channel, or (n_attributes, n_channels)."""

    names: Names
    paper: Tensor
    areas: Tensor
    confidence: Tensor | None
    clear: Tensor
    judging: Effects | None


def build(project: Project, material: Material, progress: Progress = silent, n_workers: int = 0) -> Dictionary:
    """Every neuron of a project, named, tested and ablated.

    Args:
        n_workers: processes that draw or read images.

    Raises:
        InputError: attributes that are not the project's.
    """
    if material.attribute_names != project.attribute_names:
        raise InputError(
            f"The images are described by {len(material.attribute_names)} attributes, the project by "
            f"{len(project.attribute_names)} or by others; expected the same ones in the same order."
        )

    def measure(stage: str, source: ImageSource) -> Responses:
        return responses(source, project.backbone, _count(stage, len(source.labels), progress), n_workers)

    groups, labels = groups_of(material.attribute_names), material.naming.attributes
    naming = measure("naming", material.naming.source)
    pooling = choose_pooling(naming.pooled, labels, groups)
    values = naming.pooled[pooling]
    unit = values.double().std(0).clamp_min(1e-12)  # (n_channels,)

    def effects(stage: str, redraws: Redraws | None) -> Effects | None:
        if redraws is None:
            return None
        found = effects_of(measure(stage, redraws.source).pooled[pooling], redraws.index, groups)
        return Effects(found.mean / unit, found.error / unit)

    live = live_channels(naming, pooling)
    names = choose_names(values, labels, groups)
    evidence = measure("evidence", material.evidence.source).pooled[pooling]
    areas = auc(evidence, material.evidence.attributes)
    strengths = paper_strengths(project.learner.to_descriptions, project.descriptions[: project.n_seen])
    paper = strengths.argmax(0)
    fitting = effects("fitting confidence", material.fitting)
    if fitting is not None:
        confidence = torch.zeros(len(live), dtype=torch.float64)
        if live.sum() > 1:
            features = evidence_features(names, areas, paper)
            confidence[live] = cross_fitted(features[live], passes(fitting, names.best)[live])
        clear = confidence.round(decimals=DIGITS) >= CLEAR
    else:
        confidence = None
        again = choose_names(evidence, material.evidence.attributes, groups).best
        clear = (again == names.best) & (_at(areas, names.best) >= CLEAR_AUC)
    found = _Found(names, paper, areas, confidence, clear & live, effects("judging", material.judging))

    shown = measure("classes", material.classes)
    counted = _count("ablation", len(material.classes.labels), progress)
    ablation = ablate(material.classes, project.backbone, project.seen, counted, n_workers)
    neurons = [
        replace(
            _entry(k, naming.grids[k], found, material.attribute_names),
            losses=_losses(k, ablation, project.class_names),
            top_images=_top_images(k, shown, pooling, material, project.class_names),
        )
        if live[k]
        else Neuron(k, False, naming.grids[k])
        for k in range(project.backbone.n_channels)
    ]
    return Dictionary(
        fingerprint=fingerprint_of(project),
        pooling=pooling,
        causal=material.judging is not None,
        images=material.images,
        attribute_names=material.attribute_names,
        neurons=with_same_names(neurons),
        card={
            "clear_from_confidence": CLEAR if confidence is not None else None,
            "n_naming_images": len(labels),
            "n_evidence_images": len(material.evidence.attributes),
            "n_class_images": len(material.classes.labels),
            "n_fitting_bases": 0 if material.fitting is None else len(material.fitting.index),
            "n_judging_bases": 0 if material.judging is None else len(material.judging.index),
        },
    )


def evidence_features(names: Names, areas: Tensor, paper: Tensor) -> Tensor:
    """What confidence is learned from: AUC of the name on evidence images, its margin, agreement with the paper's way.

    Args:
        areas: (n_attributes, n_channels). paper: attribute numbers, (n_channels,).

    Returns:
        (n_channels, 3).
    """
    return torch.stack([_at(areas, names.best), names.margin, (paper == names.best).double()], 1)


def _at(values: Tensor, attributes: Tensor) -> Tensor:
    """values[attributes[k], k] for every channel k."""
    return values.double()[attributes, torch.arange(len(attributes))]


def _entry(k: int, grid: tuple[int, int], found: _Found, attribute_names: Sequence[str]) -> Neuron:
    best = int(found.names.best[k])
    effects = None if found.judging is None else found.judging.mean
    order = found.names.strengths[:, k].argsort(descending=True)[:N_ALTERNATIVES].tolist()
    return Neuron(
        channel=k,
        live=True,
        grid=grid,
        paper_name=attribute_names[int(found.paper[k])],
        auc_name=attribute_names[int(found.names.by_auc[k])],
        best_name=attribute_names[best],
        name=attribute_names[best] if found.clear[k] else None,
        confidence=None if found.confidence is None else _round(found.confidence[k]),
        auc=_round(found.areas[best, k]),
        margin=_round(found.names.margin[k]),
        alternatives=tuple(
            Alternative(
                attribute_names[a],
                _round(found.names.strengths[a, k]),
                _round(found.areas[a, k]),
                None if effects is None else _round(effects[a, k]),
            )
            for a in order
        ),
        causal=None if found.judging is None else _causal(k, found, found.judging, attribute_names),
    )


def _causal(k: int, found: _Found, judging: Effects, attribute_names: Sequence[str]) -> Causal:
    best, strongest = int(found.names.best[k]), int(judging.mean[:, k].abs().argmax())
    return Causal(
        effect=_round(judging.mean[best, k]),
        error=_round(judging.error[best, k]),
        strongest=attribute_names[strongest],
        strongest_effect=_round(judging.mean[strongest, k]),
        passed=bool(passes(judging, found.names.best)[k]),
        paper_passed=bool(passes(judging, found.paper)[k]),
    )


def _losses(k: int, ablation: Ablation, class_names: Sequence[str]) -> tuple[ClassLoss, ...]:
    score = ablation.score[k].nan_to_num(0.0).round(decimals=DIGITS)
    order = score.argsort(stable=True)[:N_LOSSES].tolist()
    return tuple(
        ClassLoss(class_names[c], _round(score[c]), _round(ablation.accuracy[k, c])) for c in order if score[c] < 0
    )


def _top_images(
    k: int, shown: Responses, pooling: str, material: Material, class_names: Sequence[str]
) -> tuple[TopImage, ...]:
    """The images with the largest response, one of each class at most, so that what they share is no class's own."""
    values, labels = shown.pooled[pooling][:, k], material.classes.labels
    width = shown.grids[k][1]
    top: list[TopImage] = []
    used: set[int] = set()
    for i in values.argsort(descending=True, stable=True).tolist():
        label = int(labels[i])
        if label in used:
            continue
        used.add(label)
        seed = None if material.seeds is None else int(material.seeds[i])
        row, column = divmod(int(shown.peaks[i, k]), width)
        peak = _round(shown.pooled["max"][i, k])
        top.append(TopImage(int(material.numbers[i]), class_names[label], seed, row, column, peak))
        if len(top) == N_TOP:
            break
    return tuple(top)


def with_same_names(neurons: Sequence[Neuron]) -> tuple[Neuron, ...]:
    """Tell every neuron with a clear name which others share it."""
    by_name: dict[str, list[int]] = {}
    for neuron in neurons:
        if neuron.name is not None:
            by_name.setdefault(neuron.name, []).append(neuron.channel)
    return tuple(
        replace(n, same_name=tuple(k for k in by_name[n.name] if k != n.channel)) if n.name is not None else n
        for n in neurons
    )


def _round(value: Tensor) -> float:
    return round(float(value), DIGITS)


def _count(stage: str, total: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        progress(stage, done, total)

    return count
