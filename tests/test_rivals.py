"""Methods side by side, on planted features whose best weights are known, and on the small world."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from niwt_core.calibration import Rehearsal
from niwt_core.gzsl import Classifier
from niwt_core.importance import channel_jacobian
from niwt_core.methods.baselines import SeenData
from niwt_core.methods.rivals import (
    RIVALS,
    Rival,
    _some_of_each,
    compare,
    fit_rivals,
    leave_out,
    niwt_constant,
    photos_ring,
    weights_of,
)
from niwt_core.neurons.evidence import Part
from niwt_core.project import Project
from niwt_core.transfer import jacobian_importances, transfer_steps
from niwt_core.worlds.trial import features_of as features_in

N_SEEN, N_ATTRIBUTES, N_FEATURES = 30, 6, 24


def planted(n_classes: int, first: int = 0, n_each: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Classes whose mean features are a linear map of their descriptions: descriptions, features, labels."""
    generator = torch.Generator().manual_seed(first)
    matrix = torch.randn(N_ATTRIBUTES, N_FEATURES, generator=torch.Generator().manual_seed(99))
    rows = torch.randn(n_classes, N_ATTRIBUTES, generator=generator)
    labels = torch.arange(n_classes).repeat_interleave(n_each)
    noise = 0.3 * torch.randn(len(labels), N_FEATURES, generator=generator)
    return rows, (rows @ matrix)[labels] + noise, labels


def seen_data(rows: torch.Tensor, features: torch.Tensor, labels: torch.Tensor) -> SeenData:
    means = torch.stack([features[labels == c].mean(0) for c in range(len(rows))])
    names = tuple(f"seen {c}" for c in range(len(rows)))
    return SeenData(features, labels, rows, Classifier(names, 2 * means, -means.square().sum(1)))


@pytest.fixture(scope="module")
def rivals() -> tuple[Rival, ...]:
    rows, features, labels = planted(N_SEEN)
    played, images, own = planted(8, first=1)
    rehearsal = Rehearsal(
        kept=seen_data(rows, features, labels),
        descriptions=played,
        features=torch.cat([features[::4], images]),
        labels=torch.cat([labels[::4], own + N_SEEN]),
        classes=torch.arange(N_SEEN + 8),
    )
    return fit_rivals(seen_data(rows, features, labels), rehearsal)


def wins(rival: Rival, features: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    scores = rival.scorer(features, row).clone()
    scores[:, -1] += rival.constant
    return scores.argmax(1) == N_SEEN


def test_every_rival_is_fitted_in_order_with_settings_of_its_grid(rivals) -> None:
    assert tuple(rival.name for rival in rivals) == RIVALS
    assert all(rival.settings for rival in rivals)
    assert all(np.isfinite(rival.constant) for rival in rivals)


def balance(rival: Rival, constant: float) -> float:
    """Harmonic mean of found and left alone over classes that nothing was chosen on, each coming alone."""
    rows, features, labels = planted(20, first=2)
    moved = replace(rival, constant=constant)
    won = torch.stack([wins(moved, features, row[None]) for row in rows]).float()  # (n_classes, n_images)
    own = (labels == torch.arange(20)[:, None]).float()
    found, left = (won * own).sum() / own.sum(), 1 - (won * (1 - own)).sum() / (1 - own).sum()
    return float(2 * found * left / (found + left))


def test_the_constants_carry_over_to_classes_that_chose_nothing(rivals) -> None:
    """Of constants around, the chosen one is about the best on twenty other classes; for the prototype it is good."""
    assert balance(rivals[0], rivals[0].constant) >= 0.85
    for rival in rivals:
        features = planted(N_SEEN)[1]
        unit = float(rival.scorer(features, torch.zeros(0, N_ATTRIBUTES)).std(1).mean())
        around = [balance(rival, rival.constant + shift * unit) for shift in (-2, -1, 1, 2)]
        assert balance(rival, rival.constant) >= max(around) - 0.03


def test_without_a_rehearsal_the_constants_are_0() -> None:
    rows, features, labels = planted(N_SEEN)
    assert {rival.constant for rival in fit_rivals(seen_data(rows, features, labels), None)} == {0.0}


def test_weights_are_the_scorers_own(rivals) -> None:
    """Score differences of the new class to the mean seen one are linear in the features, by exactly these weights."""
    row, features = planted(1, first=3)[0], planted(4, first=4)[1]
    for rival in rivals:
        weights = weights_of(rival, row, N_FEATURES)
        scores = rival.scorer(features, row)
        differences = scores[:, -1] - scores[:, :-1].mean(1)
        expected = (features[1:] - features[:1]) @ weights[0]
        assert torch.allclose(differences[1:] - differences[0], expected, atol=1e-2 * float(expected.abs().max()))


def test_some_of_each_takes_the_first_of_every_class(small_data) -> None:
    part = _some_of_each(small_data.train, 2)
    assert part.labels.tolist() == np.repeat(np.arange(8), 2).tolist()
    assert part.indices[:4].tolist() == [0, 1, 3, 4]


class SmallWorld:
    """As much of a world as the ring needs, with the small data as its photos."""

    drawn = False

    def __init__(self, project: Project, data) -> None:
        self.project, self.data = project, data


def test_a_project_without_a_rehearsals_network_leaves_seen_classes_out(small_project, small_data) -> None:
    stages: list[str] = []
    ring = photos_ring(SmallWorld(small_project, small_data), lambda stage, done, total: stages.append(stage))
    assert ring.rehearsed
    assert tuple(rival.name for rival in ring.rivals) == RIVALS
    assert len(ring.seen_pictures) == 8  # the other half of 16 chose the constants
    assert {"photos of known classes", "photos to choose by", "methods fitted"} <= set(stages)


def test_played_classes_are_out_of_every_fit(small_project, small_data) -> None:
    source = _some_of_each(small_data.train, 3)
    features = features_in(SmallWorld(small_project, small_data), source)
    labels = torch.from_numpy(source.labels)
    seen = SeenData(features, labels, small_project.descriptions[:8], small_project.trained)
    rehearsal = leave_out(small_project, seen, features, labels)
    kept, played = rehearsal.classes[: rehearsal.n_kept], rehearsal.classes[rehearsal.n_kept :]
    assert sorted(rehearsal.classes.tolist()) == list(range(8))
    assert torch.equal(rehearsal.descriptions, small_project.descriptions[played])
    assert torch.equal(rehearsal.kept.classifier.weight, small_project.trained.weight[kept])
    assert len(rehearsal.kept.features) == 3 * len(kept)
    own = features[labels == played[0]]
    assert not (rehearsal.kept.features[:, None] == own[None]).all(2).any()
    assert np.isfinite(niwt_constant(small_project, rehearsal))


def test_all_methods_are_compared_on_the_same_pictures(small_project, small_data) -> None:
    world = SmallWorld(small_project, small_data)
    ring = photos_ring(world, lambda stage, done, total: None)
    pictures, strangers = (
        features_in(world, Part(small_data.test_unseen, np.arange(*ends))) for ends in ((0, 2), (2, 6))
    )
    inputs = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    activations = small_project.backbone.trunk(inputs)
    jacobians = channel_jacobian(small_project.backbone.head, activations)
    row = small_project.descriptions[8:9]
    target = small_project.learner.importances(row)
    step = next(transfer_steps(jacobian_importances(jacobians), target, small_project.seen.weight))
    outcomes = compare(small_project, ring, row, jacobians, pictures, strangers, step, 1.5)
    assert [o.name for o in outcomes] == ["NIWT, closed form", "NIWT, the paper's loop", *RIVALS]
    assert [o.explains for o in outcomes] == [True, True, False, False, False]
    for o in outcomes:
        assert 0 <= o.found <= 2
        assert 0 <= o.claimed <= 4
        assert 0 <= o.lost <= len(ring.seen_pictures)
        assert -1 <= o.agreement <= 1
        assert o.seconds > 0
    assert outcomes[1].seconds == 1.5

    # the closed form by hand: joint argmax with the ring's constant in place of the project's own
    new = small_project.learner.classifier(["new"], row)
    seen = small_project.seen(pictures).max(1).values
    own = new(pictures)[:, 0] - small_project.learner.constant(1) + ring.constant
    assert outcomes[0].found == int((own > seen).sum())

    none = compare(small_project, ring, row, jacobians, pictures[:0], strangers, step, 1.5)
    assert {o.found for o in none} == {0}
    assert [o.claimed for o in none] == [o.claimed for o in outcomes]
