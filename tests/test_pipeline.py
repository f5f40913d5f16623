import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from planted import OPTIONS, Planted
from torch import nn

from niwt_core.datasets import ZeroShotData
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, evaluate, join
from niwt_core.images import noise_images
from niwt_core.learner import Settings
from niwt_core.network.finetune import CachedActivations, finetune
from niwt_core.pipeline import (
    FitOptions,
    activations_of,
    check,
    evaluate_project,
    features_of,
    features_of_tests,
    fit,
    fit_head,
    measure,
    rehearse,
)
from niwt_core.rehearsal import divide


def test_every_stage_reports_its_progress_to_the_end(small_data, small_project):
    """Of 24 images the rehearsal trains on 12: six kept classes, of each two of three images."""
    told = {}
    fit(
        small_data,
        small_project.backbone,
        options=OPTIONS,
        progress=lambda stage, done, total: told.__setitem__(stage, (done, total)),
    )
    assert told == {
        "activations": (48, 48),
        "rehearsal": (12, 12),
        "settings": (20, 20),
        "fine-tuning": (24, 24),
        "importances": (24, 24),
        "statistics": (4, 4),
    }


def test_a_fit_measures_every_seen_class_and_describes_itself(small_project):
    assert small_project.importances.values.shape == (8, 128)
    assert small_project.importances.n_images.tolist() == [3] * 8
    assert small_project.new.names == small_project.class_names[8:]
    assert small_project.seen.names == small_project.trained.names == small_project.class_names[:8]
    assert small_project.statistics.n_images == 6
    card = small_project.card
    assert card["options"]["epochs"] == 2
    assert card["warning"] is None
    assert card["n_train_images"] == 24
    assert 0 <= card["rehearsal_harmonic"] <= 1
    assert card["seconds"] > 0


def test_what_is_measured_belongs_to_the_seen_discriminants(small_data, small_project):
    """Means of the tuned network's features; importances of the discriminants' weights, not of the trained ones."""
    cached = activations_of(small_data, small_project.backbone, FitOptions(n_views=0))
    features = features_of(small_project.backbone, cached.batches())
    means = torch.stack([features[cached.labels == c].mean(0) for c in range(8)])
    assert torch.allclose(small_project.measured.means, means, atol=1e-4 * float(means.abs().max()))
    assert small_project.measured.names == small_project.class_names[:8]
    statistics = small_project.statistics.jacobian.float()
    cosine = nn.functional.cosine_similarity
    of_discriminants = cosine(small_project.seen.weight @ statistics, small_project.importances.values, dim=1)
    of_trained = cosine(small_project.trained.weight @ statistics, small_project.importances.values, dim=1)
    assert of_discriminants.min() > 0.9
    assert of_trained.mean() < of_discriminants.mean()


def test_evaluation_is_the_joint_argmax_over_both_classifiers(small_project, small_data):
    features, labels = features_of_tests(small_data, small_project.backbone)
    by_hand = evaluate(join(small_project.seen, small_project.new)(features), labels, 8)
    assert evaluate_project(small_project, small_data) == by_hand
    assert (by_hand.n_seen_images, by_hand.n_unseen_images) == (16, 6)


def test_another_split_is_refused(small_project, small_data):
    other = dataclasses.replace(small_data, n_seen=7)
    with pytest.raises(InputError, match="knows 8 seen and 3 unseen classes, the data set has 7 and 4"):
        evaluate_project(small_project, other)


def test_samples_of_ones_own_take_the_place_of_training_images(small_data, small_project):
    options = FitOptions(n_views=0, epochs=1, n_samples=3)
    cached = activations_of(small_data, small_project.backbone, options)
    rehearsed = dataclasses.replace(
        rehearse(small_data, small_project.backbone, cached, options=options), settings=Settings(strength=2.0)
    )
    fitted = [
        fit_head(small_data, small_project.backbone, cached, rehearsed, options=options, samples=samples)
        for samples in (None, None, noise_images(24, 64))
    ]
    assert [project.statistics.n_images for project in fitted] == [3, 3, 3]
    assert torch.equal(fitted[0].statistics.gram, fitted[1].statistics.gram)
    assert torch.equal(fitted[0].importances.values, fitted[2].importances.values)
    assert not torch.allclose(fitted[0].statistics.gram, fitted[2].statistics.gram, rtol=0.01)
    assert fitted[0].settings == Settings(strength=2.0)


def changed(data, **changes):
    return dataclasses.replace(data, **changes)


def with_row(data, row, values):
    rows = data.attributes.clone()
    rows[row] = values
    return changed(data, attributes=rows)


def test_data_that_nothing_can_be_learned_from_are_refused(small_data):
    names = small_data.class_names
    check(small_data)
    for data, message in (
        (changed(small_data, n_seen=1), r"has 1 seen class\(es\); expected at least 2"),
        (changed(small_data, n_seen=0), r"has 0 seen class\(es\); expected at least 2"),
        (changed(small_data, n_seen=11), "has no unseen class; expected at least one"),
        (changed(small_data, class_names=(*names[:-1], names[2])), f"{names[2]!r} occurs more than once"),
        (changed(small_data, attributes=small_data.attributes[:10]), r"shape \(10, 63\) came; .* of the 11 classes"),
        (changed(small_data, attributes=small_data.attributes[:, :0]), r"shape \(11, 0\) came"),
        (changed(small_data, attributes=small_data.attributes[:, 0]), r"shape \(11,\) came"),
        (with_row(small_data, 9, torch.nan), f"The description of {names[9]} holds values that are no numbers"),
        (with_row(small_data, 3, -torch.inf), f"The description of {names[3]} holds values that are no numbers"),
        (with_row(small_data, slice(8), 1.0), "All seen classes have the same description"),
    ):
        with pytest.raises(InputError, match=message):
            check(data)
        with pytest.raises(InputError, match=message):
            fit(data, None)  # before any work
    check(with_row(small_data, slice(8, 11), 1.0))  # unseen ones may be described alike
    check(with_row(small_data, slice(7), 1.0))


@pytest.fixture
def planted(backbone_of):
    return Planted(backbone_of)


def test_the_rehearsals_network_never_saw_what_it_is_judged_by(planted):
    """Other images of the played classes and of the judged ones: the same network, other judgement."""
    one = planted.rehearse().rehearsal
    classes = one.classes[one.n_kept :]
    assert len(classes) == 3
    shift = torch.isin(planted.cached.labels, classes)[:, None, None, None].half()
    moved = CachedActivations(planted.cached.plain + shift, planted.cached.augmented + shift, planted.cached.labels)
    other = planted.rehearse(moved).rehearsal
    assert torch.equal(one.classes, other.classes)
    assert torch.equal(one.kept.classifier.weight, other.kept.classifier.weight)
    assert torch.equal(one.kept.features, other.kept.features)
    new = one.labels >= one.n_kept
    assert torch.equal(one.features[~new], other.features[~new])
    assert not torch.isclose(one.features[new], other.features[new]).any()


def test_the_rehearsals_network_is_fine_tuned_on_the_kept_classes(planted):
    rehearsal = planted.rehearse().rehearsal
    kept = rehearsal.classes[: rehearsal.n_kept]
    assert rehearsal.kept.classifier.names == tuple(f"class {c}" for c in kept)
    untouched = features_of(planted.backbone, planted.cached.batches())
    before = torch.stack([untouched[planted.cached.labels == c].mean(0) for c in kept])
    assert rehearsal.kept.class_means.shape == before.shape
    assert not torch.equal(rehearsal.kept.features, untouched[: len(rehearsal.kept.features)])


def test_a_network_trained_without_the_played_classes_stays_as_it_is(planted):
    division = divide(planted.cached.labels, 9, seed=3)
    names = tuple(planted.data.class_names[i] for i in division.kept)
    trained = Classifier(names, torch.arange(36.0).view(6, 6), torch.arange(6.0))
    told = []
    rehearsal = planted.rehearse(trained=(trained, division), progress=lambda stage, *_: told.append(stage)).rehearsal
    kept = rehearsal.kept.classifier
    assert kept.names == names
    assert torch.equal(kept.weight, trained.weight)
    assert torch.equal(kept.bias, trained.bias)
    every = features_of(planted.backbone, planted.cached.batches())
    assert torch.equal(rehearsal.kept.features, every[division.train])
    assert torch.equal(rehearsal.features, every[division.judged])
    assert set(told) == {"settings"}


def test_what_the_rehearsal_chose_is_what_the_project_uses(planted):
    rehearsed = planted.rehearse()
    project = fit_head(planted.data, planted.backbone, planted.cached, rehearsed, options=OPTIONS)
    assert project.settings == rehearsed.settings
    assert rehearsed.settings.constant == rehearsed.choice.constant
    assert project.card["rehearsal_harmonic"] == round(rehearsed.choice.harmonic, 4)
    settings = dataclasses.replace(rehearsed.settings, constant=rehearsed.settings.constant + 1)
    other = fit_head(
        planted.data,
        planted.backbone,
        planted.cached,
        dataclasses.replace(rehearsed, settings=settings),
        options=OPTIONS,
    )
    added = settings.scale * other.measured.score_unit
    assert torch.allclose(other.new.bias - project.new.bias, torch.full((2,), added), rtol=1e-3)


def test_the_final_network_is_tuned_on_all_seen_classes(planted):
    rehearsed = planted.rehearse()
    project = fit_head(planted.data, planted.backbone, planted.cached, rehearsed, options=OPTIONS)
    tuned, trained = finetune(planted.backbone, planted.cached, planted.data.class_names[:9], epochs=1)
    assert torch.equal(project.trained.weight, trained.weight)
    assert torch.equal(project.backbone.head[0].weight, tuned.head[0].weight)
    again = measure(planted.data, tuned, trained, planted.cached, rehearsed, options=OPTIONS)
    assert torch.equal(again.new.weight, project.new.weight)


@pytest.mark.parametrize("size", [{"n_seen": 5}, {"n_each": 1}])
def test_where_classes_or_images_are_too_few_there_is_no_rehearsal(backbone_of, size):
    planted = Planted(backbone_of, **size)
    rehearsed = planted.rehearse()
    assert (rehearsed.rehearsal, rehearsed.choice) == (None, None)
    assert rehearsed.prior == rehearsed.settings == Settings()
    project = fit_head(planted.data, planted.backbone, planted.cached, rehearsed, options=OPTIONS)
    assert torch.isfinite(project.new.weight).all()
    assert "rehearsal_harmonic" not in project.card


def test_six_classes_of_two_images_are_enough_for_one(backbone_of):
    planted = Planted(backbone_of, n_each=2, n_seen=6)
    rehearsed = planted.rehearse()
    assert rehearsed.rehearsal.n_kept == 4
    assert rehearsed.rehearsal.kept.counts.tolist() == [1] * 4
    assert sorted(rehearsed.rehearsal.labels.tolist()) == [0, 1, 2, 3, 4, 4, 5, 5]
    assert rehearsed.choice is not None


@dataclasses.dataclass(frozen=True, eq=False)
class Squares:
    """Pictures of one colour a class."""

    labels: np.ndarray

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        color = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250]][self.labels[index]])
        pixels = color + rng.integers(-20, 20, (64, 64, 3))
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def test_a_class_without_a_photo_to_train_on_is_learned_from_its_description(small_project):
    """The whole way on three colours: red and blue are seen, and the third is told to be what both are not."""
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    data = ZeroShotData(
        "colours",
        ("red", "green", "other"),
        2,
        rows,
        ("c::red", "c::green"),
        Squares(np.arange(2).repeat(6)),
        Squares(np.arange(2).repeat(3)),
        Squares(np.full(3, 2)),
    )
    project = fit(data, small_project.backbone, options=FitOptions(n_views=0, epochs=2, n_samples=4))
    result = evaluate_project(project, data)
    assert result.seen_only == 1.0
    assert result.unseen_only == 1.0  # there is but one


@pytest.mark.parametrize(("factor", "said"), [(0.0, "answers nothing"), (1e30, "answers beyond all numbers")])
def test_a_network_that_tells_no_pictures_apart_is_refused_at_once(small_data, small_project, factor, said):
    class Times(torch.nn.Module):
        def forward(self, images):
            return small_project.backbone.trunk(images) * factor

    backbone = dataclasses.replace(small_project.backbone, trunk=Times())
    with pytest.raises(InputError, match=said):
        activations_of(small_data, backbone, FitOptions(n_views=0))
