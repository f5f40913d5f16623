"""What neurons are named by: responses, AUC, regression, the paper's way; answers worked out by hand or planted."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from niwt_core.domain import LinearMap
from niwt_core.gzsl import Classifier
from niwt_core.network.backbone import load_backbone
from niwt_core.neurons.ablation import ablate
from niwt_core.neurons.causal import effects_of, passes
from niwt_core.neurons.confidence import calibration_error, cross_fitted, fit_logistic, reliability
from niwt_core.neurons.evidence import Part, auc, channel_maps, live_channels, responses
from niwt_core.neurons.naming import (
    against_others,
    choose_names,
    choose_pooling,
    contrasts,
    groups_of,
    margin,
    paper_strengths,
)

NAN = float("nan")
NAMES = ("crown::red", "crown::blue", "crown::green", "crest::none", "crest::tufted")
GROUPS = groups_of(NAMES)


class Pixels:
    """Pictures of 2 x 2 pixels with these colours: (n, 2, 2, 3) of 0 to 255."""

    def __init__(self, colours, labels) -> None:
        self.colours, self.labels = np.asarray(colours, dtype=np.uint8), np.asarray(labels)

    def __getitem__(self, index: int) -> Image.Image:
        return Image.fromarray(self.colours[index])


def plain_pixels(rows, labels):
    """Pictures of one colour each, rows (n, 3)."""
    return Pixels(np.broadcast_to(np.asarray(rows)[:, None, None], (len(rows), 2, 2, 3)), labels)


@pytest.fixture
def rgb(backbone_of):
    """A network whose three neurons are the three colours; its features are their means."""
    conv = nn.Conv2d(3, 3, 1, bias=False)
    conv.weight.data = torch.eye(3)[:, :, None, None]
    return backbone_of(nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(1)).requires_grad_(False))


def random_birds(n, seed=0):
    """(n, 5) of 0 and 1: one crown and one crest each."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((n, 5), dtype=np.float32)
    rows[np.arange(n), rng.integers(3, size=n)] = 1
    rows[np.arange(n), 3 + rng.integers(2, size=n)] = 1
    return torch.from_numpy(rows)


def test_auc_counts_pairs_and_ties_as_half():
    values = torch.tensor([[1.0, 3.0], [2.0, 3.0], [2.0, 3.0], [5.0, 0.0]])
    labels = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    # Attribute 0, channel 0: with it 2, 5; without 1, 2: 2>1, 2=2, 5>1, 5>2 make 3.5 of 4.
    # Channel 1: with it 3, 0; without 3, 3: two ties make 1 of 4. Attribute 2 tells no images apart.
    expected = torch.tensor([[3.5 / 4, 1 / 4], [0.0, 2 / 3], [0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(auc(values, labels), expected)


def test_responses_pool_over_positions_and_know_the_peak(rgb):
    colours = np.zeros((2, 2, 2, 3), dtype=np.uint8)
    colours[0, 1, 0, 0] = 255  # one red pixel below left
    colours[1, :, :, 1] = 51
    found = responses(Pixels(colours, [0, 0]), rgb)
    torch.testing.assert_close(found.pooled["mean"], torch.tensor([[0.25, 0.0, 0.0], [0.0, 0.2, 0.0]]))
    torch.testing.assert_close(found.pooled["max"], torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.2, 0.0]]))
    assert found.peaks[0, 0] == 2
    assert found.grids == ((2, 2),) * 3
    assert live_channels(found, "mean").tolist() == [True, True, False]


def test_a_channel_that_is_alike_for_every_image_is_not_live(rgb):
    found = responses(plain_pixels([[200, 10, 90], [200, 20, 90]], [0, 0]), rgb)
    assert live_channels(found, "max").tolist() == [False, True, False]


def test_maps_of_later_layers_are_those_of_the_network():
    torch.manual_seed(0)
    two = load_backbone("paper_bird_net", "features.stage3,features.stage4")
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps = channel_maps(two, two.trunk(images))
        later = two.head.features.stage4(two.head.features.pool3(maps[0]))
    assert [m.shape[1] for m in maps] == [128, 128]
    torch.testing.assert_close(maps[1], later)


def test_part_of_a_source_keeps_labels_and_pictures_together():
    source = plain_pixels([[1, 0, 0], [2, 0, 0], [3, 0, 0]], [7, 8, 9])
    part = Part(source, np.array([2, 0]))
    assert part.labels.tolist() == [9, 7]
    assert part[0].getpixel((0, 0)) == (3, 0, 0)


def test_against_others_is_the_value_minus_the_mean_of_the_rest():
    values = torch.tensor([[6.0], [2.0], [NAN], [5.0], [1.0]])
    expected = torch.tensor([[4.0], [-4.0], [NAN], [4.0], [-4.0]])
    torch.testing.assert_close(against_others(values, GROUPS), expected, equal_nan=True)
    alone = against_others(torch.tensor([[3.0], [8.0]]), torch.tensor([0, 1]))
    assert alone.tolist() == [[3.0], [8.0]]
    nothing_left = against_others(torch.tensor([[3.0], [NAN]]), torch.tensor([0, 0]))
    assert nothing_left.isnan().all()


def test_the_regression_finds_planted_effects_in_standard_deviations():
    labels = random_birds(400)
    values = labels @ torch.tensor([[3.0], [0.0], [0.0], [0.0], [1.0]])
    found = contrasts(values, labels, GROUPS)[:, 0] * values.double().std()
    torch.testing.assert_close(found, torch.tensor([3, -1.5, -1.5, -1, 1]).double(), atol=0.03, rtol=0)


def test_the_regression_tells_correlated_attributes_apart_where_auc_cannot():
    labels = random_birds(2000)
    flip = torch.rand(2000, generator=torch.Generator().manual_seed(0)) < 0.9
    tufted = torch.where(flip, labels[:, 0], labels[:, 4])  # the crest mostly goes with a red crown
    labels[:, 3], labels[:, 4] = 1 - tufted, tufted
    noise = torch.randn(2000, generator=torch.Generator().manual_seed(1))
    values = (labels[:, 4] + 0.5 * noise)[:, None]
    found = choose_names(values, labels, GROUPS)
    assert NAMES[found.best[0]] == "crest::tufted"
    strengths = found.strengths[:, 0]
    assert strengths[0].abs() < 0.2 * strengths[4]
    assert float(auc(values, labels)[0, 0]) > 0.8  # the red crown separates them as well


def test_margin_counts_rivals_of_either_sign_but_no_mirror():
    strengths = torch.tensor([[4.0, 1.0, 0.0], [-3.0, -2.0, 0.0], [-1.0, 1.0, 0.0], [-1.0, -5.0, 0.0], [1.0, 5.0, 0.0]])
    torch.testing.assert_close(margin(strengths, GROUPS), torch.tensor([0.25, 0.6, -1.0]))


def test_a_neuron_alone_is_named_by_what_sets_it_apart():
    matrix = torch.tensor([[0.0, 2.0], [1.0, 0.5]])  # neuron, attribute
    descriptions = torch.tensor([[0.0, 0.0], [1.0, 10.0], [0.0, 0.0], [1.0, 10.0]])
    inverse = LinearMap(matrix, torch.tensor([9.0, 9.0]), torch.tensor([5.0, 5.0]))
    strengths = paper_strengths(inverse, descriptions)
    spread = descriptions.double().std(0)
    torch.testing.assert_close(strengths, (matrix / spread).T)
    assert strengths.argmax(0).tolist() == [1, 0]  # the wide attribute's 0.5 says less than the narrow one's 1


def test_the_pooling_is_chosen_by_what_two_halves_agree_on():
    labels = random_birds(300)
    generator = torch.Generator().manual_seed(0)
    firm = labels @ torch.eye(5) + 0.1 * torch.randn(300, 5, generator=generator)
    noise = torch.randn(300, 5, generator=generator)
    assert choose_pooling({"mean": noise, "max": firm}, labels, GROUPS) == "max"
    assert choose_pooling({"mean": firm, "max": noise}, labels, GROUPS) == "mean"


def test_effects_by_hand_with_a_redraw_that_cannot_be_shown():
    responses = torch.tensor([[1.0], [4.0], [0.0], [2.0], [3.0], [7.0]])
    groups = groups_of(("a::x", "a::y", "a::z"))
    index = torch.tensor([[1, 0, 2], [5, 3, -1]])
    # Base 1: x 4 against (1 + 0) / 2. Base 2: x 7 against 2 alone. y: 1 against 2, and 2 against 7.
    found = effects_of(responses, index, groups)
    torch.testing.assert_close(found.mean[:, 0], torch.tensor([(3.5 + 5) / 2, (-1 - 5) / 2, 0.0]).double())
    # Of two numbers the standard error is half their distance; z was compared once only.
    torch.testing.assert_close(found.error[:2, 0], torch.tensor([0.75, 2.0]).double())
    assert found.error[2, 0] == torch.inf


def effects_with(means, errors=0.1):
    mean = torch.tensor(means).double()[:, None]
    return replace(effects_of(torch.zeros(2, 1), torch.zeros(2, len(means)).long(), GROUPS), mean=mean,
                   error=torch.full_like(mean, errors))  # fmt: skip


@pytest.mark.parametrize(
    ("means", "errors", "name", "passed"),
    [
        ([3.0, -1.0, -2.0, 0.5, -0.5], 0.1, 0, True),
        ([3.0, -1.0, -2.0, 0.5, -0.5], 0.1, 4, False),  # another attribute matters more
        ([3.0, -1.0, -3.5, 0.5, -0.5], 0.1, 0, False),  # another matters more, downwards
        ([3.0, -1.0, -2.0, 0.5, -0.5], 1.6, 0, False),  # not above two standard errors
        ([0.1, -0.1, 0.0, -2.0, 2.0], 0.1, 4, True),  # of two values the other is no rival
        ([0.1, -0.1, 0.0, -2.0, 2.0], 0.1, 3, False),  # what the neuron falls with is no name
    ],
)
def test_a_name_passes_if_nothing_matters_more(means, errors, name, passed):
    assert passes(effects_with(means, errors), torch.tensor([name])).tolist() == [passed]


def test_calibration_error_by_hand():
    confidence = torch.tensor([0.91, 0.93, 0.95, 0.95, 0.15, 0.15])
    passed = torch.tensor([True, True, True, False, False, True])
    high, low = 0.935 - 0.75, 0.5 - 0.15
    bins = reliability(confidence, passed, 10)
    assert [b.n for b in bins] == [2, 4]
    assert calibration_error(bins) == pytest.approx((4 * high + 2 * low) / 6)
    assert reliability(torch.tensor([1.0]), torch.tensor([True]))[0].n == 1  # certainty has a bin as well


def test_confidence_recovers_the_chances_it_was_drawn_from():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    chances = torch.sigmoid(1.5 * features[:, 0] + 1)
    passed = torch.rand(4000, generator=generator, dtype=torch.float64) < chances
    assert float((fit_logistic(features, passed)(features) - chances).abs().max()) < 0.05
    assert float((cross_fitted(features, passed) - chances).abs().mean()) < 0.02


def test_outcomes_that_are_all_alike_leave_a_doubt():
    features = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    chances = fit_logistic(features, torch.ones(50, dtype=torch.bool))(features)
    torch.testing.assert_close(chances, torch.full((50,), 51 / 52, dtype=torch.float64), atol=1e-3, rtol=0)


def test_no_neuron_speaks_for_itself():
    features = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    passed = features[:, 0] > 0
    before = cross_fitted(features, passed)
    for k in (0, 17):
        other = passed.clone()
        other[k] = ~other[k]
        after = cross_fitted(features, other)
        assert after[k] == pytest.approx(float(before[k]), abs=1e-12)
        assert not torch.allclose(after, before)


def test_a_channel_that_only_one_class_uses_costs_that_class_alone(rgb):
    classifier = Classifier(
        ("red", "green", "dark"), torch.tensor([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 0]]), torch.tensor([0.0, 0.0, 0.5])
    )
    source = plain_pixels([[255, 0, 0], [0, 255, 0], [0, 0, 0], [51, 0, 0]], [0, 1, 2, 0])
    found = ablate(source, rgb, classifier)
    # Red's images score 3 and 0.6, over a mean of all three classes of a third of that: 2/3 of them are lost.
    torch.testing.assert_close(found.score[0], torch.tensor([-2 / 3 * 1.8, 0, 0]).double())
    torch.testing.assert_close(found.score[1], torch.tensor([0, -2.0, 0]).double())
    assert not found.score[2].any()
    assert found.accuracy[0].tolist() == [-1.0, 0.0, 0.0]
    assert found.accuracy[1].tolist() == [0.0, -1.0, 0.0]


def test_a_channel_of_a_later_layer_is_switched_off_where_it_stands():
    torch.manual_seed(0)
    two = load_backbone("paper_bird_net", "features.stage3,features.stage4")
    weight = torch.randn(2, two.n_features)
    source = plain_pixels([[255, 0, 0]], [0])
    classifier = Classifier(("a", "b"), weight, torch.zeros(2))
    found = ablate(source, two, classifier).score
    with torch.no_grad():
        inputs = torch.tensor([1.0, -1.0, -1.0])[None, :, None, None].expand(1, 3, 64, 64)
        maps = channel_maps(two, two.trunk(inputs))[1]
        k = int(maps.amax((0, 2, 3)).argmax())
        without = maps.clone()
        without[:, k] = 0

        own = []
        for m in (maps, without):
            m = two.head.features.pool4(m)
            for layer in two.head.classifier.children():
                m = layer(m)
            scores = (weight @ m[0]).double()
            own.append(scores[0] - scores.mean())
    assert own[1] != own[0]
    assert float(found[128 + k, 0]) == pytest.approx(float(own[1] - own[0]), abs=1e-5)
