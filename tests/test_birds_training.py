import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from niwt_core.__main__ import BUNDLED
from niwt_core.birds import training
from niwt_core.birds.network import PaperBirdNet
from niwt_core.birds.training import (
    REHEARSAL_FILE,
    draw_all,
    hide_patches,
    load_rehearsal_network,
    rehearsal_division,
    train_network,
)
from niwt_core.birds.world import drawings_of, load_birds
from niwt_core.errors import InputError
from niwt_core.images import activation_batches

#: A value that no patch has; patches' colours lie between -1 and 1.
PICTURE = 5.0


def hidden(n=200, size=64, **options):
    torch.manual_seed(0)
    return hide_patches(torch.full((n, 3, size, size), PICTURE), **options)


def test_where_nothing_is_hidden_images_stay_as_they_are():
    images = torch.randn(4, 3, 20, 20)
    before = images.clone()
    assert torch.equal(hide_patches(images, chance=0.0), before)
    assert not torch.equal(hide_patches(images, chance=1.0, sides=(5, 5)), before)
    assert torch.equal(images, before)  # its argument is left alone


def test_patches_are_whole_squares_of_one_colour_inside_the_image():
    n_apart = 0
    for image in hidden(chance=1.0, sides=(9, 12)):
        covered = (image != PICTURE).any(0)
        assert torch.equal(covered, (image != PICTURE).all(0))  # in all colour channels
        colors = image[:, covered].T.unique(dim=0)
        assert len(colors) in (1, 2)  # one where the second square hides the first
        assert colors.abs().max() <= 1
        areas = []
        for color in colors:
            rows, columns = (image == color[:, None, None]).all(0).nonzero().T
            height, width = (int(x.max() - x.min()) + 1 for x in (rows, columns))
            assert max(height, width) <= 12
            areas.append((len(rows), height, width))
        assert any(area == height * width and height == width >= 9 for area, height, width in areas)  # the upper one
        n_apart += all(area == height * width and height == width for area, height, width in areas) and len(colors) == 2
    assert n_apart > 150


def test_each_square_comes_with_its_chance_and_each_image_has_its_own():
    images = hidden(n=1000, chance=0.3, sides=(10, 10))
    share = float((images == PICTURE).all(3).all(2).all(1).float().mean())
    assert abs(share - 0.7**2) < 0.05
    some = hidden(n=50, chance=1.0)
    assert len(some[:, 0].flatten(1).unique(dim=0)) == 50


def test_squares_come_everywhere_and_in_all_their_sides():
    covered = (hidden(n=2000, size=20, chance=1.0, sides=(3, 6)) != PICTURE)[:, 0]
    assert covered.any(0)[1:, 1:].all()  # but in the first row and column
    one = (hidden(n=500, chance=0.3, sides=(3, 6)) != PICTURE)[:, 0].sum((1, 2))
    assert {9, 16, 25, 36} <= set(one.tolist())


def test_images_that_need_not_be_square():
    torch.manual_seed(1)
    covered = (hide_patches(torch.full((500, 3, 8, 30), PICTURE), 1.0, (4, 4)) != PICTURE)[:, 0]
    assert covered.any(0)[1:, 1:].all()
    assert covered.sum((1, 2)).max() <= 32
    assert covered.sum((1, 2)).min() >= 16


def test_a_network_trained_with_the_same_seed_is_the_same(small_data):
    birds = [small_data.train.birds[i] for i in (0, 3)]
    drawings = drawings_of(birds, 4, 0)
    counted = []
    images = draw_all(drawings, counted.append, n_workers=0)
    assert images.dtype == torch.uint8
    assert sum(counted) == 8
    assert np.array_equal(images[5].permute(1, 2, 0).numpy(), drawings.array(5))
    told = []

    def train(seed):
        model = train_network(images, drawings.labels, 2, epochs=2, batch_size=5, seed=seed, progress=told.append)
        return model

    one, same, other = train(0), train(0), train(1)
    assert told == [5, 3] * 6
    assert not one.training
    assert one.output.weight.shape == (2, 256)
    assert torch.equal(one.output.weight, same.output.weight)
    assert not torch.equal(one.output.weight, other.output.weight)


def test_a_network_is_trained_on_images_with_hidden_patches(monkeypatch):
    """Each batch goes through, normalised to -1..1, and what comes back is what the network sees."""
    given = []

    def watched(images):
        given.append(images)
        return torch.zeros_like(images)

    monkeypatch.setattr(training, "hide_patches", watched)
    pictures = torch.randint(256, (2, 5, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one, other = (training.train_network(i, [0, 1, 0, 1, 0], 2, epochs=1, batch_size=3) for i in pictures)
    assert [len(images) for images in given] == [3, 2] * 2
    assert given[0].min() == -1
    assert given[0].max() == 1
    assert torch.equal(one.output.weight, other.output.weight)  # of pictures wholly hidden nothing can be learned


@pytest.fixture(scope="module")
def rehearsal_network():
    data = load_birds(n_train=3, n_test=2)
    return data, load_rehearsal_network(data, BUNDLED)


def test_the_rehearsals_network_knows_the_kept_species_alone(rehearsal_network):
    data, network = rehearsal_network
    kept, played = network.division.kept.tolist(), network.division.played.tolist()
    assert not set(kept) & set(played)
    assert sorted(kept + played) == list(range(150))
    assert network.trained.names == tuple(data.class_names[i] for i in kept)
    many = rehearsal_division(load_birds(n_train=40))  # however many drawings are taken, the same species rehearse
    assert (many.kept.tolist(), many.played.tolist()) == (kept, played)


def test_the_rehearsals_network_finds_drawings_of_the_kept_species(rehearsal_network):
    """On drawings that no training has seen; chance is one in a hundred."""
    data, network = rehearsal_network
    known = torch.isin(torch.from_numpy(data.test_seen.labels), network.division.kept).nonzero()[:, 0].tolist()
    batches = list(activation_batches(data.test_seen, network.backbone, indices=known))
    found = torch.cat([network.trained(network.backbone.head(a)).argmax(1) for a, _ in batches])
    own = network.division.renumber(torch.cat([labels for _, labels in batches]))
    assert len(own) == 200
    assert (found == own).float().mean() > 0.9


def test_a_network_for_the_rehearsal_that_is_missing_or_another_is_refused(rehearsal_network, tmp_path):
    data, _ = rehearsal_network
    path = tmp_path / REHEARSAL_FILE
    with pytest.raises(InputError, match=r"rehearsal.safetensors is no network .* of 100 species .* train-birds"):
        load_rehearsal_network(data, tmp_path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="is no network for a rehearsal"):
        load_rehearsal_network(data, tmp_path)
    save_file(PaperBirdNet(99).state_dict(), path)
    with pytest.raises(InputError, match="is no network for a rehearsal"):
        load_rehearsal_network(data, tmp_path)
