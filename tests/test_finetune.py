import copy

import pytest
import torch
from torch import nn

from niwt_core.network.finetune import CachedActivations, cache_activations, finetune
from niwt_core.processes import Team

N_CHANNELS = 4


@pytest.fixture
def backbone(backbone_of):
    """A head with everything that training handles in its own way: batch statistics, dropout, frozen parameters."""
    torch.manual_seed(0)
    head = nn.Sequential(
        nn.Conv2d(N_CHANNELS, 8, 1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(1),
        nn.Dropout(0.1),
    )
    head[1].running_mean.fill_(0.3)
    head[1].running_var.fill_(1.7)
    return backbone_of(head.eval().requires_grad_(False))


@pytest.fixture
def cached():
    """Two classes, each with a channel of its own, and one augmented view."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(2).repeat(40)
    plain = torch.rand(80, N_CHANNELS, 2, 2, generator=generator)
    plain[torch.arange(80), labels] += 2
    return CachedActivations(plain.half(), (plain + 0.1).half()[None], labels)


def tune(backbone, cached, **options):
    return finetune(backbone, cached, ("a", "b"), **({"epochs": 3, "batch_size": 16} | options))


def test_it_learns_its_images(backbone, cached):
    trained, classifier = tune(backbone, cached, epochs=15, classifier_rate=0.05)
    scores = torch.cat([classifier(trained.head(a)) for a, _ in cached.batches()])
    assert (scores.argmax(1) == cached.labels).float().mean() > 0.95
    assert classifier.names == ("a", "b")


def test_the_head_is_trained_but_batch_statistics_stay(backbone, cached):
    head = tune(backbone, cached)[0].head
    assert not torch.equal(head[0].weight, backbone.head[0].weight)
    assert not torch.equal(head[1].weight, backbone.head[1].weight)  # the scale that is learned
    assert torch.equal(head[1].running_mean, torch.full((8,), 0.3))
    assert torch.equal(head[1].running_var, torch.full((8,), 1.7))
    assert head[1].num_batches_tracked == 0


def test_while_training_batches_are_normalised_by_the_kept_statistics(backbone, cached, monkeypatch):
    seen = []
    forward = nn.BatchNorm2d.forward

    def watched(self, x):
        seen.append(self.training)
        return forward(self, x)

    monkeypatch.setattr(nn.BatchNorm2d, "forward", watched)
    tune(backbone, cached, epochs=1)
    assert seen == [False] * 5


def test_dropout_is_on_in_training_and_off_afterwards(backbone, cached, monkeypatch):
    seen = []
    forward = nn.Dropout.forward

    def watched(self, x):
        seen.append(self.training)
        return forward(self, x)

    monkeypatch.setattr(nn.Dropout, "forward", watched)
    trained, _ = tune(backbone, cached, epochs=1)
    assert seen == [True] * 5
    assert not any(module.training for module in trained.head.modules())
    assert not any(parameter.requires_grad for parameter in trained.head.parameters())


def test_its_arguments_are_left_as_they_were(backbone, cached):
    before, images = copy.deepcopy(backbone.head.state_dict()), copy.deepcopy(cached)
    modes = [module.training for module in backbone.head.modules()]
    trained, classifier = tune(backbone, cached)
    after = backbone.head.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert [module.training for module in backbone.head.modules()] == modes
    assert not any(parameter.requires_grad for parameter in backbone.head.parameters())
    assert trained.head is not backbone.head
    assert trained.trunk is backbone.trunk
    assert torch.equal(cached.plain, images.plain)
    assert torch.equal(cached.augmented, images.augmented)
    assert not classifier.weight.requires_grad


def test_the_same_seed_gives_the_same_network(backbone, cached):
    one, same, other = (tune(backbone, cached, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one[1].weight, same[1].weight)
    assert torch.equal(one[0].head[0].weight, same[0].head[0].weight)
    assert not torch.equal(one[1].weight, other[1].weight)
    assert not torch.equal(one[0].head[0].weight, other[0].head[0].weight)


def test_both_rates_are_used(backbone, cached):
    """A rate of nothing leaves that part where it started."""
    still, _ = tune(backbone, cached, learning_rate=1e-30, weight_decay=0.0)
    assert torch.equal(still.head[0].weight, backbone.head[0].weight)
    weights = [tune(backbone, cached, classifier_rate=rate)[1].weight for rate in (1e-30, 2e-30, 1e-2)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_every_image_of_every_epoch_is_counted(backbone, cached):
    told = []
    tune(backbone, cached, epochs=2, batch_size=30, progress=told.append)
    assert told == [30, 30, 20] * 2


def test_augmented_views_are_trained_on(backbone, cached):
    plain = CachedActivations(cached.plain, cached.augmented[:0], cached.labels)
    other = CachedActivations(cached.plain, torch.zeros_like(cached.augmented), cached.labels)
    weights = [tune(backbone, c, seed=0)[1].weight for c in (plain, cached, other)]
    assert not torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_a_part_of_the_images_keeps_its_views_together(cached):
    chosen = torch.tensor([5, 0, 79])
    part = cached.of(chosen, torch.tensor([7, 8, 9]))
    assert torch.equal(part.plain, cached.plain[chosen])
    assert torch.equal(part.augmented, cached.augmented[:, chosen])
    assert part.augmented.shape == (1, 3, N_CHANNELS, 2, 2)
    assert part.labels.tolist() == [7, 8, 9]
    batches = list(part.batches(2))
    assert [y.tolist() for _, y in batches] == [[7, 8], [9]]
    assert batches[0][0].dtype == torch.float32


def test_activations_are_the_trunks_in_the_images_order(small_data, small_project):
    cached = cache_activations(small_data.train, small_project.backbone, 1)
    assert cached.plain.shape == (24, 128, 8, 8)
    assert cached.augmented.shape == (1, 24, 128, 8, 8)
    assert cached.labels.tolist() == small_data.train.labels.tolist()
    assert not torch.equal(cached.augmented[0], cached.plain)
    assert cache_activations(small_data.train, small_project.backbone, 0).augmented.shape == (0, 24, 128, 8, 8)


def test_activations_of_filled_batches_do_not_depend_on_what_comes_together(small_data, small_project):
    backbone = small_project.backbone
    seen = []
    trunk = backbone.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    try:
        whole = cache_activations(small_data.train, backbone, 1, is_filled=True)
        share = cache_activations(small_data.train, backbone, 1, is_filled=True, team=Team(1, 3))
    finally:
        trunk.remove()
    assert set(seen) == {32}
    assert len(share.plain) == 8
    assert torch.equal(share.plain, whole.plain[share.rows])
    assert torch.equal(share.augmented, whole.augmented[:, share.rows])
