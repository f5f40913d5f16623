import dataclasses

import pytest
import torch

from niwt_core.__main__ import BUNDLED
from niwt_core.birds.world import drawings_of
from niwt_core.errors import InputError
from niwt_core.finetune import cache_activations, finetune
from niwt_core.gzsl import evaluate, join
from niwt_core.pipeline import FitOptions, evaluate_project, features_of_tests, fit
from niwt_core.project import load_project


def test_every_stage_reports_its_progress_to_the_end(small_data, small_project):
    told = {}
    fit(
        small_data,
        small_project.backbone,
        options=FitOptions(n_views=1, epochs=1, n_samples=4),
        progress=lambda stage, done, total: told.__setitem__(stage, (done, total)),
    )
    assert told == {"activations": (48, 48), "fine-tuning": (24, 24), "importances": (24, 24), "statistics": (4, 4)}


def test_a_fit_measures_every_seen_class_and_describes_itself(small_project):
    assert small_project.importances.values.shape == (8, 128)
    assert small_project.importances.n_images.tolist() == [3] * 8
    assert small_project.new.names == small_project.class_names[8:]
    assert small_project.statistics.n_images == 6
    assert small_project.card["options"]["epochs"] == 2
    assert small_project.card["warning"] is None


def test_evaluation_is_the_joint_argmax_over_both_classifiers(small_project, small_data):
    features, labels = features_of_tests(small_data, small_project.backbone)
    by_hand = evaluate(join(small_project.seen, small_project.new)(features), labels, 8)
    assert evaluate_project(small_project, small_data) == by_hand
    assert (by_hand.n_seen_images, by_hand.n_unseen_images) == (16, 6)


def test_another_split_is_refused(small_project, small_data):
    other = dataclasses.replace(small_data, n_seen=7)
    with pytest.raises(InputError, match="knows 8 seen and 3 unseen classes, the data set has 7 and 4"):
        evaluate_project(small_project, other)


def test_finetuning_learns_its_images_and_leaves_its_arguments_alone(small_data):
    backbone = load_project(BUNDLED).backbone
    before = {k: v.clone() for k, v in backbone.head.state_dict().items()}
    two = drawings_of([small_data.train.birds[i] for i in (0, 1)], 20, 0)
    cached = cache_activations(two, backbone, 1)
    assert cached.augmented.shape == (1, 40, 128, 8, 8)
    trained, classifier = finetune(backbone, cached, ("a", "b"), epochs=15)
    assert all(torch.equal(v, before[k]) for k, v in backbone.head.state_dict().items())
    assert not trained.head.training
    scores = torch.cat([classifier(trained.head(a)) for a, _ in cached.batches()])
    assert (scores.argmax(1) == cached.labels).float().mean() > 0.9


def test_the_same_seed_gives_the_same_network(small_project, small_data):
    cached = cache_activations(small_data.train, small_project.backbone, 0)
    names = small_data.class_names[:8]
    weights = [finetune(small_project.backbone, cached, names, epochs=1, seed=seed)[1].weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
