import numpy as np
import pytest
import torch

from niwt_core.birds.attributes import encode
from niwt_core.birds.network import PaperBirdNet
from niwt_core.birds.sharpening import sharpen
from niwt_core.birds.world import drawings_of

BIRDS = [{"crown_color": a, "belly_color": b} for a in ("red", "blue", "black") for b in ("yellow", "white", "green")]


@pytest.fixture(scope="module")
def world():
    """Nine species that differ in crown and belly: images, labels and attribute rows."""
    drawings = drawings_of(BIRDS, 12, 0)
    images = torch.stack([torch.from_numpy(drawings.array(i)).permute(2, 0, 1) for i in range(len(drawings.labels))])
    return images, drawings.labels, torch.from_numpy(np.stack([encode(bird) for bird in BIRDS]))


def network():
    torch.manual_seed(0)
    return PaperBirdNet(len(BIRDS)).eval()


def state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def test_what_comes_before_the_layer_stays_and_what_comes_from_it_on_learns(world):
    model = network()
    before, told = state(model), []
    after = state(sharpen(model, *world, epochs=1, progress=told.append))
    early = tuple(f"features.stage{i}" for i in (1, 2, 3))
    assert all(torch.equal(before[key], after[key]) for key in before if key.startswith(early))
    for part in ("features.stage4.0.weight", "classifier.1.weight", "classifier.7.weight"):
        assert not torch.equal(before[part], after[part])
    assert told == [100, 8]
    assert not model.training
    again, other = (state(sharpen(network(), *world, epochs=1, seed=seed)) for seed in (0, 1))
    assert torch.equal(again["classifier.7.weight"], after["classifier.7.weight"])
    assert not torch.equal(other["classifier.7.weight"], after["classifier.7.weight"])


def test_channels_come_to_tell_one_group_from_the_other(world):
    """How much better a channel's peak separates its best group's values than the other group's, before and after."""
    images, labels, _ = world
    model = network()

    def one_sidedness():
        with torch.no_grad():
            peaks = model.features[:-1]((images.float() / 255 - 0.5) / 0.5).flatten(2).amax(2)
        shares = []
        for colors in (("red", "blue", "black"), ("yellow", "white", "green")):
            group = "crown_color" if "red" in colors else "belly_color"
            of = [peaks[[BIRDS[c][group] == color for c in labels]] for color in colors]
            between = torch.stack([part.mean(0) for part in of]).var(0, unbiased=False)
            shares.append(between / peaks.var(0, unbiased=False).clamp_min(1e-9))  # explained by this group
        crown, belly = shares
        return float((crown - belly).abs().mean())

    before = one_sidedness()
    sharpen(model, *world, epochs=30)
    assert one_sidedness() > before + 0.1
