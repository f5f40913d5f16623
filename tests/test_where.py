"""Maps at any layer, their designed states, and what they refuse."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from stages import small, small_net
from torch import nn

from niwt_core.errors import InputError
from niwt_core.explanation import at_layer, common_scale, grad_cam, heat_map, overlay
from niwt_core.explanation.layers import default_layers, route_through
from niwt_core.explanation.where import default_route, differentiate, evidence, upsample
from niwt_core.images import decode_image, to_input
from niwt_core.network.backbone import assemble, load_backbone


@pytest.fixture
def image():
    return torch.rand(1, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def weight():
    return torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layer", ["first", "first.0", "pool", "second", "third", "last"])
def test_cut_again_the_network_is_the_same_and_its_map_that_of_a_fresh_cut(layer, image, weight):
    """Before, at and behind the cut: same features, and Grad-CAM equal to cutting the model there at once."""
    model = small_net()
    again, fresh = at_layer(small("third", model), layer), small(layer, model)
    assert again.layer == layer
    assert again.channels == fresh.channels
    assert again.grid == fresh.grid
    assert torch.allclose(again.head(again.trunk(image)), fresh.head(fresh.trunk(image)), atol=1e-12)
    assert torch.allclose(grad_cam(again, image, weight).signed, grad_cam(fresh, image, weight).signed, atol=1e-12)


def test_cutting_again_shares_the_parameters():
    b = small("third")
    names = {id(p) for p in [*b.trunk.parameters(), *b.head.parameters()]}
    again = at_layer(b, "second")
    assert {id(p) for p in [*again.trunk.parameters(), *again.head.parameters()]} <= names


def test_the_default_layers_are_the_last_blocks_of_the_asked_fineness():
    b = small("last")
    assert b.grid == (4, 4)
    assert default_layers(b, (2, 4)) == ("first", "second")
    assert default_layers(b, (4, 8)) == ("first",)
    assert default_layers(b, (8,)) == ("last",)  # nothing that fine: the cut itself
    mobilenet = load_backbone("mobilenet_v2", "features.15")
    assert default_layers(mobilenet, (4, 2)) == ("features.6", "features.13")  # blocks, not the layers inside them


def test_the_default_map_is_the_mean_of_two_layers_as_densities(image, weight):
    """Every cell of the coarse map is shared out: the total is the mean of the layers' totals."""
    b = small("third")
    both, fine, coarse = (heat_map(b, image, weight, layer).signed for layer in (None, "first", "second"))
    assert both.shape == fine.shape == (16, 16)
    assert coarse.shape == (8, 8)
    assert torch.allclose(both, (fine + upsample(coarse[None], 16)[0] / 4) / 2, atol=1e-12)
    assert float(both.sum()) == pytest.approx(float(fine.sum() + coarse.sum()) / 2, rel=0.1)  # bilinear at the edges


def test_layers_that_cannot_be_looked_at_are_refused_in_words(image, weight):
    b = small("third")
    with pytest.raises(InputError, match="cannot be looked at in 'fourth'"):
        at_layer(b, "fourth")
    with pytest.raises(InputError, match="cannot be looked at in 'last'"):
        heat_map(b, image, weight, layer="last")  # behind the cut: no way through it to the cut
    with pytest.raises(InputError, match="hidden"):
        at_layer(b, "hidden")  # a row, no map
    resnet = load_backbone("resnet18", "layer3")
    with pytest.raises(InputError, match="skip connection"):
        at_layer(resnet, "layer2.0.conv1")


def test_a_layer_with_one_position_cannot_say_where():
    trunk = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1))
    b = assemble("pooled", "trunk", trunk, nn.Flatten(1), 8, (0.0,) * 3, (1.0,) * 3)
    for look in (grad_cam, heat_map):
        with pytest.raises(InputError, match="one position only"):
            look(b, torch.rand(1, 3, 8, 8), torch.ones(4))


def test_the_map_is_gradient_times_activation_at_each_position(image, weight):
    b = small("third")
    heat = heat_map(b, image, weight, layer="second")
    model_at = small("second")
    a = model_at.trunk(image).detach().requires_grad_()
    (model_at.head(a)[0] @ weight).backward()
    assert torch.allclose(heat.signed, (a.grad * a).sum(1)[0].detach(), atol=1e-12)
    assert torch.allclose(heat.importances, grad_cam(b, image, weight).importances, atol=1e-12)


def test_maps_of_a_batch_are_those_of_its_images_and_are_linear_in_the_weights(weight):
    b = small("third")
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    weights = torch.stack([weight, -weight, 2 * weight])
    maps = evidence(differentiate(default_route(b), images, weights))
    single = [heat_map(b, images[i][None], weights[i]).signed for i in range(3)]
    assert torch.allclose(maps, torch.stack(single), atol=1e-12)
    opposed = heat_map(b, images[:1], -weight).signed
    assert torch.allclose(opposed, -single[0], atol=1e-12)


def test_looking_leaves_no_trace(image, weight):
    b = small("third")
    assert default_route(b) is default_route(b)
    assert route_through(b, ("third",)).steps == (b.trunk,)
    heat_map(b, image, weight)
    for module in (b.trunk, b.head):
        assert all(p.grad is None for p in module.parameters())
        assert not any(m._forward_hooks or m._backward_hooks for m in module.modules())
    assert not image.requires_grad


def test_states_that_need_a_word_say_it(image, weight):
    b = small("third")
    assert heat_map(b, image, weight).note is None
    for look in (grad_cam, heat_map):
        assert "zero everywhere" in look(b, image, torch.zeros_like(weight)).note
        assert "one colour" in look(b, torch.full_like(image, 0.3), weight).note


def test_a_map_against_says_so():
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    b = assemble("plain", "trunk", nn.Identity(), head, 4, (0.0,) * 3, (1.0,) * 3)
    image = torch.rand(1, 3, 4, 4) + 0.1
    against = heat_map(b, image, torch.tensor([-1.0, 0, 0]))
    assert "the whole map is against it" in against.note
    assert heat_map(b, image, torch.tensor([1.0, 0, 0])).note is None


def test_numbers_that_are_none_and_wrong_shapes_are_refused(image, weight):
    b = small("third")
    for look in (grad_cam, heat_map):
        with pytest.raises(InputError, match="no numbers"):
            look(b, torch.full_like(image, torch.nan), weight)
        with pytest.raises(InputError, match="no numbers"):
            look(b, image, weight / 0)
        with pytest.raises(InputError, match=r"\(1, 3, 16, 16\)"):
            look(b, image.expand(2, -1, -1, -1), weight)
        with pytest.raises(InputError, match=r"\(7,\)"):
            look(b, image, weight[:3])


def test_several_maps_share_one_scale(image, weight):
    b = small("third")
    weak, strong = heat_map(b, image, weight), heat_map(b, image, -3 * weight)
    assert common_scale([weak, strong]) == pytest.approx(3 * float(weak.signed.abs().max()))
    assert common_scale([torch.tensor([[1.0, -4.0]]), torch.tensor([[2.0]])]) == 4
    with pytest.raises(InputError, match="No map"):
        common_scale([])
    picture, signed = np.full((1, 2, 3), 100, np.uint8), np.array([[1.0, -8.0]])
    alone, shared, over = (overlay(picture, signed, (0, 0, 255), (255, 0, 0), s) for s in (8.0, 16.0, 2.0))
    assert np.array_equal(alone, overlay(picture, signed, (0, 0, 255), (255, 0, 0)))
    assert np.ptp(shared[0, 1].astype(int)) < np.ptp(alone[0, 1].astype(int))
    assert np.array_equal(over[0, 1], alone[0, 1])  # what exceeds the scale gets the full colour, no more


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (900, 700)])
def test_pictures_of_any_size_and_kind_get_a_map(mode, size, weight):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 4), dtype=np.uint8), "RGBA")
    data = io.BytesIO()
    picture.convert("RGB").convert(mode).save(data, "PNG") if mode == "P" else picture.convert(mode).save(data, "PNG")
    b = small("third")
    inputs = to_input(decode_image(data.getvalue()), b)[None].double()
    heat = heat_map(b, inputs, weight)
    assert heat.signed.shape == (16, 16)
    assert torch.isfinite(heat.signed).all()
    assert (heat.note is None) == (size != (1, 1))
