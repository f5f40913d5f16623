"""A score taken apart: identities, and a network worked out by hand."""

import pytest
import torch
from stages import small, small_net
from torch import nn

from niwt_core.errors import InputError
from niwt_core.explanation import contributions, explain, grad_cam, heat_map, why_rather
from niwt_core.gzsl import Classifier
from niwt_core.network.backbone import assemble
from niwt_core.network.cutting import cut


def backbone(head, channels=3):
    trunk = nn.Identity() if channels == 3 else nn.Conv2d(3, channels, 1)
    return assemble("plain", "trunk", trunk.double(), head.double(), 4, (0.0,) * 3, (1.0,) * 3)


@pytest.fixture
def image():
    return torch.rand(1, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_a_hand_worked_score():
    """Features: the mean of each colour. Red 0.5 on half of the picture, green 1 everywhere, no blue."""
    b = backbone(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)))
    image = torch.zeros(1, 3, 4, 4, dtype=torch.float64)
    image[0, 0, :2] = 0.5
    image[0, 1] = 1
    found = contributions(b, image, torch.tensor([4.0, -3.0, 9.0], dtype=torch.float64), bias=0.5)
    assert found.values.tolist() == pytest.approx([1.0, -3.0, 0.0])
    assert found.score == pytest.approx(-1.5)
    assert found.remainder == pytest.approx(0, abs=1e-12)
    assert found.strongest(2) == [(1, pytest.approx(-3.0)), (0, pytest.approx(1.0))]


def test_positions_that_weigh_differently_still_add_up(image):
    """Importance x mean activation would not: here the head is linear, but sees the left half only."""
    torch.manual_seed(0)
    b = backbone(nn.Sequential(nn.Flatten(1), nn.Linear(48, 5, bias=False)))
    weight = torch.randn(5, dtype=torch.float64)
    found = contributions(b, image, weight, bias=2.0)
    assert found.remainder == pytest.approx(0, abs=1e-12)
    assert found.score == pytest.approx(float(b.head(image)[0].detach() @ weight) + 2)


def test_the_remainder_of_a_piecewise_linear_head_is_what_its_own_offsets_add(image):
    torch.manual_seed(0)
    linear = nn.Linear(48, 5)
    b = backbone(nn.Sequential(nn.Flatten(1), linear, nn.ReLU()))
    weight = torch.randn(5, dtype=torch.float64)
    found = contributions(b, image, weight)
    open_units = b.head(image)[0].detach() > 0
    assert found.remainder == pytest.approx(float((weight * linear.bias.detach() * open_units).sum()))
    assert abs(found.remainder) > 1e-3


def test_everything_adds_up_for_any_head(image):
    torch.manual_seed(0)
    b = small("third")
    picture, weight = torch.rand(1, 3, 16, 16, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    found = contributions(b, picture, weight, bias=-0.7)
    assert float(found.values.sum()) + found.bias + found.remainder == pytest.approx(found.score, abs=1e-12)
    assert found.score == pytest.approx(float(b.head(b.trunk(picture))[0] @ weight) - 0.7)


def test_why_a_rather_than_b_is_the_opposite_of_b_rather_than_a_and_the_difference_of_the_two():
    torch.manual_seed(0)
    b = small("third")
    picture = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    classes = Classifier(("a", "b", "c"), torch.randn(3, 7).double(), torch.randn(3).double())
    there, back = why_rather(b, picture, classes, 0, 2), why_rather(b, picture, classes, 2, 0)
    assert torch.allclose(there.values, -back.values, atol=1e-14)
    assert (there.score, there.bias, there.remainder) == pytest.approx((-back.score, -back.bias, -back.remainder))
    a, c = (contributions(b, picture, classes.weight[i], float(classes.bias[i])) for i in (0, 2))
    assert torch.allclose(there.values, a.values - c.values, atol=1e-12)
    assert there.score == pytest.approx(a.score - c.score)
    assert not why_rather(b, picture, classes, 1, 1).values.any()


def test_one_pass_gives_the_same_as_each_on_its_own():
    torch.manual_seed(0)
    b = small("third")
    picture, weight = torch.rand(1, 3, 16, 16, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    found = explain(b, picture, weight, bias=0.3)
    assert torch.allclose(found.heat.signed, heat_map(b, picture, weight).signed, atol=1e-12)
    assert torch.allclose(found.heat.importances, grad_cam(b, picture, weight).importances, atol=1e-12)
    assert torch.allclose(found.contributions.values, contributions(b, picture, weight).values, atol=1e-12)
    assert found.contributions.score == pytest.approx(contributions(b, picture, weight, 0.3).score)
    at_the_cut = explain(b, picture, weight, layer="third")
    # At the cut the map and the contributions are two sums of one table: over channels, over positions.
    assert float(at_the_cut.heat.signed.sum()) == pytest.approx(float(at_the_cut.contributions.values.sum()))


def test_of_several_layers_the_contributions_are_the_first_ones_neurons():
    trunk, head = cut(small_net(), "second,third")
    b = assemble("small", "second,third", trunk, head, 16, (0.0,) * 3, (1.0,) * 3)
    torch.manual_seed(0)
    picture, weight = torch.rand(1, 3, 16, 16, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
    found = explain(b, picture, weight)
    assert found.heat.importances.shape == (11,)
    assert found.contributions.values.shape == (5,)
    assert torch.allclose(found.contributions.values, contributions(small("second"), picture, weight).values)


def test_bad_input_is_refused_in_words(image):
    b = backbone(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1)))
    with pytest.raises(InputError, match=r"expected one class, \(3,\)"):
        contributions(b, image, torch.ones(2, dtype=torch.float64))
    with pytest.raises(InputError, match="no numbers"):
        contributions(b, image * torch.nan, torch.ones(3, dtype=torch.float64))
