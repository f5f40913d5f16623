"""Neuron surgery: an altered network against the whole one, and losses counted by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from niwt_core.errors import InputError
from niwt_core.explanation import heat_map
from niwt_core.explanation.layers import route_through
from niwt_core.gzsl import Classifier
from niwt_core.importance import channel_jacobian
from niwt_core.laboratory.surgery import (
    Loss,
    Sample,
    altered,
    features_after,
    losses,
    one_sample,
    operated,
    samples,
    seen_pictures,
)
from niwt_core.network.backbone import load_backbone
from niwt_core.network.cutting import offsets_in
from niwt_core.neurons.evidence import channel_maps
from niwt_core.worlds.birds import BirdWorld

LAYERS = ("features.stage4", "features.stage3,features.stage4")


@pytest.fixture(scope="module", params=LAYERS)
def net(request):
    torch.manual_seed(0)
    return load_backbone("paper_bird_net", request.param)


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def features(backbone, images):
    with torch.no_grad():
        return backbone.head(backbone.trunk(images))


def test_factor_1_is_the_same_network(net, images):
    assert operated(net, {}) is net
    assert operated(net, {0: 1.0, net.n_channels - 1: 1.0}) is net


def test_factor_0_silences_that_channel_and_no_other(net, images):
    for channel in (5, net.n_channels - 1):
        with torch.no_grad():
            whole = torch.cat([m.flatten(2).sum(2) for m in channel_maps(net, net.trunk(images))], 1)
            cut = operated(net, {channel: 0.0})
            silent = torch.cat([m.flatten(2).sum(2) for m in channel_maps(cut, cut.trunk(images))], 1)
        assert whole[:, channel].abs().max() > 0
        assert (silent[:, channel] == 0).all()
        before = [k for k in range(net.n_channels) if k < net.channels[0] and k != channel]
        assert torch.equal(silent[:, before], whole[:, before])


def test_a_factor_multiplies_the_activations(net, images):
    changed = operated(net, {3: 0.5, 7: 2.0})
    with torch.no_grad():
        whole, scaled = net.trunk(images), changed.trunk(images)
    expected = whole.clone()
    expected[:, 3] *= 0.5
    expected[:, 7] *= 2
    assert torch.equal(scaled, expected)


def test_cached_activations_give_the_altered_networks_features(net, images):
    factors = {3: 0.0, 100: 1.5, net.n_channels - 2: 0.25}
    with torch.no_grad():
        cached = net.trunk(images)
    torch.testing.assert_close(features_after(net, factors, cached), features(operated(net, factors), images))
    assert not torch.allclose(features_after(net, factors, cached), features(net, images))
    torch.testing.assert_close(features_after(net, {}, cached), features(net, images))


def test_the_network_itself_stays_whole_and_all_tensors_are_shared(net, images):
    before = features(net, images)
    tensors = {name: t.clone() for name, t in (*net.trunk.state_dict().items(), *net.head.state_dict().items())}
    changed = operated(net, {0: 0.0, net.n_channels - 1: 0.0})
    features(changed, images)
    assert torch.equal(features(net, images), before)
    for name, tensor in (*net.trunk.state_dict().items(), *net.head.state_dict().items()):
        assert torch.equal(tensor, tensors[name]), name
    own = {t.data_ptr() for half in (net.trunk, net.head) for t in half.parameters()}
    theirs = {t.data_ptr() for half in (changed.trunk, changed.head) for t in half.parameters()}
    assert theirs == own
    assert not any(m._forward_hooks for half in (net.trunk, net.head) for m in half.modules())


def test_operations_add_up(net, images):
    twice = operated(operated(net, {2: 0.5, net.n_channels - 1: 0.5}), {2: 0.5, net.n_channels - 1: 0.5})
    once = operated(net, {2: 0.25, net.n_channels - 1: 0.25})
    torch.testing.assert_close(features(twice, images), features(once, images))


def test_offsets_of_later_layers_stay_where_they_were(images):
    """The derivative with respect to an altered neuron does not shrink with it: the neuron is altered, not its use."""
    torch.manual_seed(0)
    net = load_backbone("paper_bird_net", LAYERS[1])
    last = net.n_channels - 1
    changed = operated(net, {last: 0.0})
    assert [p.layer for p in offsets_in(changed.head).values()] == ["features.stage4"]
    with torch.no_grad():
        jacobian = channel_jacobian(changed.head, changed.trunk(images))
    assert jacobian[:, :, last].abs().max() > 0


def test_maps_of_an_altered_network_can_be_made_at_every_layer(images):
    torch.manual_seed(0)
    net = load_backbone("paper_bird_net", LAYERS[0])
    changed = operated(net, dict.fromkeys(range(net.n_channels), 0.0))
    weight = torch.ones(net.n_features)
    assert heat_map(net, images[:1], weight).signed.abs().max() > 0
    assert (heat_map(changed, images[:1], weight).signed == 0).all()  # nothing gets through
    halved = operated(net, {4: 0.5})
    route = route_through(halved, ("features.stage2", "features.stage3"))
    torch.testing.assert_close(route.reached(route.steps[0](images))[-1], halved.trunk(images))


def test_a_trunk_that_is_not_traced_is_altered_too(backbone_of):
    head = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    net = backbone_of(head)
    picture = torch.ones(1, 3, 2, 2)
    assert operated(net, {1: 0.0}).trunk(picture)[0, :, 0, 0].tolist() == [1, 0, 1]


@pytest.mark.parametrize("factors", [{-1: 0.0}, {128: 0.0}, {0: -0.1}, {0: 2.1}, {0: float("nan")}])
def test_what_cannot_be_done_is_refused(factors):
    torch.manual_seed(0)
    net = load_backbone("paper_bird_net", LAYERS[0])
    with pytest.raises(InputError, match="expected 0 to"):
        operated(net, factors)


def test_altered_leaves_out_what_is_as_it_was():
    assert list(altered({9: 0.5, 4: 1.0, 2: 0.0}).items()) == [(2, 0.0), (9, 0.5)]


@pytest.fixture
def three(small_project, backbone_of):
    """Three neurons, each the evidence for one class; two are seen, the third is new."""
    head = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).requires_grad_(False)
    head[0].weight.data = torch.eye(3)[:, :, None, None]
    project = replace(small_project, backbone=backbone_of(head), n_seen=2)
    vars(project)["seen"] = Classifier(("a", "b"), torch.eye(3)[:2], torch.zeros(2))
    return project, Classifier(("new",), torch.eye(3)[2:], torch.zeros(1))


def sample(rows, labels):
    return Sample(torch.tensor(rows)[:, :, None, None].expand(-1, -1, 2, 2), torch.tensor(labels))


def test_losses_counted_by_hand(three):
    project, new = three
    own = sample([[0.0, 0.0, 1.0], [0.9, 0.0, 1.0], [0.0, 0.4, 1.0]], [2, 2, 2])
    seen = sample([[1.0, 0.9, 0.0], [1.0, 0.2, 0.0], [0.6, 0.5, 0.0], [0.0, 0.2, 0.1]], [0, 0, 1, 1])
    found = losses(project, new, own, seen, {0: 0.3, 2: 0.5})
    # Own pictures score (0, 0, .5), (.27, 0, .5), (0, .4, .5) afterwards: all are found still.
    assert found.own == Loss("new", 3, 3, 3)
    # Class a scores (.3, .9), (.3, .2): one is lost. Class b had lost its (.6, .5) to a; now (.18, .5) is found.
    assert found.losers == (Loss("a", 2, 2, 1),)
    assert found.gainers == (Loss("b", 2, 1, 2),)
    assert found.seen == Loss("", 4, 3, 3)
    off = losses(project, new, own, seen, {2: 0.0})
    assert off.own is not None
    assert (off.own.before, off.own.after) == (3, 1 - 1)  # (0, 0, 0): a draw goes to the first class
    assert off.losers == off.gainers == ()
    assert losses(project, None, None, seen, {2: 2.0}) == losses(project, None, None, seen, {})  # nobody asks neuron 2
    assert losses(project, None, None, seen, {}).own is None


def test_losses_name_the_one_that_loses_most_first(three):
    project, new = three
    seen = sample([[1.0, 0.9, 0.0]] + [[0.5, 0.6, 0.0]] * 2 + [[0.0, 1.0, 0.9]] * 2, [0, 1, 1, 1, 1])
    found = losses(project, new, None, seen, {0: 0.5, 1: 0.5, 2: 2.0})
    assert found.losers == (Loss("b", 4, 4, 2),)
    assert found.seen == Loss("", 5, 5, 3)


def test_samples_are_what_the_trunk_gives(small_project, small_data):
    world = BirdWorld(small_project)
    vars(world)["data"] = small_data
    source = seen_pictures(world)
    assert sorted(source.labels.tolist()) == sorted(small_data.test_seen.labels.tolist())
    parts = list(samples(small_project.backbone, source))
    assert [len(part) for part in parts] == [10, 6]
    found = one_sample(parts)
    assert found.activations.shape == (16, 128, 8, 8)
    assert np.array_equal(found.labels.numpy(), source.labels)
    assert one_sample(list(samples(small_project.backbone, source, label=8))).labels.tolist() == [8] * 16
