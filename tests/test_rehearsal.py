import dataclasses

import pytest
import torch
from torch import nn

from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier
from niwt_core.learner import RIDGES, STRENGTHS, choose_prior
from niwt_core.methods.baselines import SeenData
from niwt_core.network.finetune import CachedActivations
from niwt_core.rehearsal import choose_settings, divide, make_rehearsal

#: Images of each of nine classes, in a mixed order.
COUNTS = (1, 2, 3, 7, 8, 14, 15, 5, 6)
N_CHANNELS, N_FEATURES, N_ATTRIBUTES = 4, 6, 3


@pytest.fixture(scope="module")
def labels():
    in_order = torch.arange(9).repeat_interleave(torch.tensor(COUNTS))
    return in_order[torch.randperm(len(in_order), generator=torch.Generator().manual_seed(0))]


@pytest.mark.parametrize("seed", range(6))
def test_a_division_uses_each_class_and_image_once(labels, seed):
    division = divide(labels, 9, seed)
    assert len(division.played) == 3
    assert torch.cat([division.kept, division.played]).sort().values.tolist() == list(range(9))
    assert torch.cat([division.train, division.judged]).sort().values.tolist() == list(range(len(labels)))


@pytest.mark.parametrize("seed", range(6))
def test_played_classes_are_judged_by_alone_and_kept_ones_for_the_most_part_trained_on(labels, seed):
    division = divide(labels, 9, seed)
    train, judged = (torch.bincount(labels[part], minlength=9) for part in (division.train, division.judged))
    for c in division.played.tolist():
        assert (train[c], judged[c]) == (0, COUNTS[c])
    for c in division.kept.tolist():
        n_judged = {1: 0, 2: 1, 3: 1, 5: 1, 6: 1, 7: 1, 8: 2, 14: 2, 15: 3}[COUNTS[c]]
        assert (train[c], judged[c]) == (COUNTS[c] - n_judged, n_judged)


def test_the_seed_decides(labels):
    one, same = divide(labels, 9, 3), divide(labels, 9, 3)
    for a, b in zip(dataclasses.astuple(one), dataclasses.astuple(same), strict=True):
        assert torch.equal(a, b)
    assert len({tuple(divide(labels, 9, seed).played.tolist()) for seed in range(10)}) > 3
    # also which of a class's images are judged by
    chosen = {tuple(division.judged[labels[division.judged] == 6].tolist()) for division in map_divisions(labels, 10)}
    assert len(chosen) > 3


def map_divisions(labels, n):
    """Divisions that keep class 6."""
    return [d for d in (divide(labels, 9, seed) for seed in range(n)) if 6 in d.kept]


def test_renumbering_puts_the_kept_classes_first(labels):
    division = divide(labels, 9, 1)
    for place, c in enumerate(division.kept.tolist()):
        assert division.renumber(torch.tensor([c])).item() == place
    for place, c in enumerate(division.played.tolist()):
        assert division.renumber(torch.tensor([c, c])).tolist() == [6 + place] * 2


def test_a_rehearsals_data_are_the_right_classes_and_images(labels):
    """Every feature names its image and class, every description and weight its class."""
    division = divide(labels, 9, 2)
    features = torch.stack([torch.arange(len(labels)), labels], 1).float()
    descriptions = 10.0 + torch.arange(9.0)[:, None]
    trained = Classifier(tuple(f"class {c}" for c in division.kept), torch.zeros(6, 2), torch.zeros(6))
    rehearsal = make_rehearsal(division, trained, features, labels, descriptions)
    kept = rehearsal.kept
    assert rehearsal.n_kept == 6
    assert rehearsal.classes.tolist() == [*division.kept.tolist(), *division.played.tolist()]
    assert kept.features[:, 0].long().tolist() == division.train.tolist()
    assert rehearsal.features[:, 0].long().tolist() == division.judged.tolist()
    for x, y in ((kept.features, kept.labels), (rehearsal.features, rehearsal.labels)):
        assert torch.equal(rehearsal.classes[y], x[:, 1].long())
    assert kept.labels.max() == 5
    assert not torch.isin(kept.features[:, 1].long(), division.played).any()
    assert rehearsal.labels.unique().tolist()[-3:] == [6, 7, 8]
    own = torch.cat([kept.descriptions, rehearsal.descriptions])[:, 0] - 10
    assert own.long().tolist() == rehearsal.classes.tolist()


def test_a_classifier_of_other_classes_is_refused(labels):
    division = divide(labels, 9, 2)
    trained = Classifier(tuple(map(str, range(9))), torch.zeros(9, 2), torch.zeros(9))
    with pytest.raises(InputError, match="expected one row for each of the classifier's 9 classes"):
        make_rehearsal(division, trained, torch.zeros(len(labels), 2), labels, torch.zeros(9, 1))


class World:
    """Activations that are a linear image of the class's description, plus noise; a small nonlinear head."""

    def __init__(self, backbone_of) -> None:
        generator = torch.Generator().manual_seed(0)
        head = nn.Sequential(
            nn.Conv2d(N_CHANNELS, N_FEATURES, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
        )
        with torch.no_grad():
            head[0].weight.copy_(0.5 * torch.randn(N_FEATURES, N_CHANNELS, 1, 1, generator=generator))
        self.backbone = backbone_of(head)
        self.labels = torch.arange(12).repeat(8)
        self.descriptions = torch.randn(12, N_ATTRIBUTES, generator=generator)
        mixing = torch.randn(N_ATTRIBUTES, N_CHANNELS, generator=generator)
        noise = torch.randn(len(self.labels), N_CHANNELS, 2, 2, generator=generator)
        plain = (self.descriptions @ mixing)[self.labels][:, :, None, None] + 0.3 * noise
        self.cached = CachedActivations(plain.half(), plain.half()[None][:0], self.labels)
        self.division = divide(self.labels, 12, 0)
        names = tuple(f"class {c}" for c in self.division.kept)
        linear = Classifier(names, torch.zeros(8, N_FEATURES), torch.zeros(8))
        with torch.no_grad():
            features = head(self.cached.plain.float())
        self.rehearsal = make_rehearsal(self.division, linear, features, self.labels, self.descriptions)

    def choose(self, cached=None, **changes):
        options = {"n_samples": 10, "seed": 0} | changes
        return choose_settings(self.backbone, cached or self.cached, self.division, self.rehearsal, **options)


@pytest.fixture(scope="module")
def world(backbone_of):
    return World(backbone_of)


def test_settings_are_chosen_and_their_success_is_told(world):
    told = []
    prior, settings, choice = world.choose(progress=told.append)
    assert (prior.kernel, prior.means_ridge, prior.shrinkage, prior.scale) == (
        settings.kernel,
        settings.means_ridge,
        settings.shrinkage,
        settings.scale,
    )
    assert prior == choose_prior(world.rehearsal)
    assert settings.ridge in RIDGES
    assert settings.strength in STRENGTHS
    assert settings.constant == choice.constant
    assert choice.harmonic > 0.7
    assert sum(told) == len(world.division.train) + 10
    shuffled = dataclasses.replace(world.rehearsal, descriptions=world.rehearsal.descriptions.roll(1, 0))
    other = choose_settings(world.backbone, world.cached, world.division, shuffled, n_samples=10, seed=0)
    assert other[-1].harmonic < choice.harmonic - 0.3


def test_settings_come_from_the_training_images_of_kept_classes_alone(world):
    """What the others' activations are makes no difference; they only judge, by their features."""
    plain = world.cached.plain.clone()
    plain[world.division.judged] = torch.nan
    assert world.choose(dataclasses.replace(world.cached, plain=plain)) == world.choose()
    plain[world.division.train[0]] = torch.nan
    with pytest.raises(RuntimeError):  # while one training image that holds no numbers is noticed
        world.choose(dataclasses.replace(world.cached, plain=plain), n_samples=56)


def test_seen_data_of_a_rehearsal_can_be_learned_from_by_any_method(world):
    assert isinstance(world.rehearsal.kept, SeenData)
    assert world.rehearsal.kept.counts.tolist() == [6] * 8
