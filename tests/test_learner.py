"""A planted world: features are a linear image of attributes, so descriptions determine everything."""

import pytest
import torch
from torch import nn

from niwt_core.birds.described import description_of
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier, evaluate, join
from niwt_core.importance import class_importances
from niwt_core.learner import SHIFTS, Settings, _boldest, choose_settings, make_learner
from niwt_core.transfer import ClosedForm, channel_statistics

N_SEEN, N_NEW, N_EACH, N_ATTRIBUTES, N_CHANNELS, N_FEATURES = 30, 6, 12, 10, 16, 24


class Planted:
    """Classes with random attributes; an image's activations are its attributes through a fixed matrix, plus noise."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.head = nn.Sequential(
            nn.Conv2d(N_CHANNELS, N_FEATURES, 1), nn.Softplus(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)
        )
        with torch.no_grad():
            self.head[0].weight.copy_(0.2 * torch.randn(N_FEATURES, N_CHANNELS, 1, 1, generator=generator))
        self.head.requires_grad_(False)
        self.descriptions = torch.randn(N_SEEN + N_NEW, N_ATTRIBUTES, generator=generator)
        mixing = torch.randn(N_ATTRIBUTES, N_CHANNELS, generator=generator)
        self.labels = torch.arange(N_SEEN + N_NEW).repeat_interleave(N_EACH)
        means = (self.descriptions @ mixing)[self.labels][:, :, None, None]
        noise = torch.randn(len(self.labels), N_CHANNELS, 2, 2, generator=generator)
        self.activations = means + 0.5 * noise
        self.features = self.head(self.activations)
        self.is_seen = self.labels < N_SEEN
        self.seen = self.train()
        own = [(self.activations[self.is_seen], self.labels[self.is_seen])]
        self.importances = class_importances(self.head, own, self.seen.weight)
        x, y = self.features[self.is_seen], self.labels[self.is_seen]
        self.class_means = torch.stack([x[y == c].mean(0) for c in range(N_SEEN)])
        self.closed_form = ClosedForm(channel_statistics(self.head, [self.activations[self.is_seen][::6]]))

    def train(self) -> Classifier:
        x, y = self.features[self.is_seen], self.labels[self.is_seen]
        linear = nn.Linear(N_FEATURES, N_SEEN)
        optimiser = torch.optim.Adam(linear.parameters(), lr=0.05)
        for _ in range(300):
            optimiser.zero_grad()
            nn.functional.cross_entropy(linear(x), y).backward()
            optimiser.step()
        names = tuple(f"class {i}" for i in range(N_SEEN))
        return Classifier(names, linear.weight.detach(), linear.bias.detach())


@pytest.fixture(scope="module")
def planted():
    torch.manual_seed(0)
    return Planted()


def learner_of(planted, settings=Settings()):  # noqa: B008
    return make_learner(
        planted.descriptions[:N_SEEN],
        planted.seen,
        planted.importances,
        planted.class_means,
        planted.closed_form,
        settings,
    )


def test_new_classes_are_found_from_descriptions_alone(planted):
    settings = choose_settings(
        planted.descriptions[:N_SEEN],
        planted.seen,
        planted.importances,
        planted.class_means,
        planted.closed_form,
        planted.features[planted.is_seen],
        planted.labels[planted.is_seen],
    )
    learner = learner_of(planted, settings)
    names = [f"new {i}" for i in range(N_NEW)]

    def result(descriptions):
        new = learner.classifier(names, descriptions)
        return evaluate(join(planted.seen, new)(planted.features), planted.labels, N_SEEN)

    right = result(planted.descriptions[N_SEEN:])
    wrong = result(planted.descriptions[N_SEEN:].roll(1, 0))  # every class with its neighbour's description
    assert right.unseen_only > 0.9
    assert right.harmonic > 0.7
    assert wrong.unseen_only < 0.3


def test_transferring_a_seen_class_from_its_own_importances_ranks_its_images_first(planted):
    """The closed form, fed with a seen class's measured importances, must give back a classifier of that class."""
    x, labels = planted.features[planted.is_seen], planted.labels[planted.is_seen]

    def ranks_first(importances):
        """Mean over classes of the chance that an image of the class scores above an image of another class."""
        scores = x @ planted.closed_form.solve(importances, planted.seen.weight.mean(0), 0.01).T
        return torch.stack(
            [(scores[labels == c, c][:, None] > scores[labels != c, c]).float().mean() for c in range(N_SEEN)]
        ).mean()

    assert ranks_first(planted.importances.values) > 0.97
    assert ranks_first(planted.importances.values.roll(1, 0)) < 0.65  # another class's importances: chance


def test_new_weights_have_the_seen_weights_length(planted):
    learner = learner_of(planted)
    new = learner.classifier(["a", "b"], planted.descriptions[N_SEEN : N_SEEN + 2])
    expected = planted.seen.weight.norm(dim=1).mean()
    assert torch.allclose(new.weight.norm(dim=1), expected.expand(2), rtol=1e-5)


def test_predicted_importances_have_the_measured_length_and_direction(planted):
    learner = learner_of(planted, Settings(ridge=1e-6))
    predicted = learner.importances(planted.descriptions[:N_SEEN])
    assert torch.allclose(predicted.norm(dim=1), torch.tensor(planted.importances.length).expand(N_SEEN), rtol=1e-5)
    cosine = nn.functional.cosine_similarity(predicted, planted.importances.values, dim=1)
    shuffled = nn.functional.cosine_similarity(predicted, planted.importances.values.roll(1, 0), dim=1)
    assert cosine.mean() > shuffled.mean() + 0.3


def test_a_shift_moves_every_new_bias_by_that_many_margins(planted):
    rows = planted.descriptions[N_SEEN : N_SEEN + 2]
    plain, moved = learner_of(planted), learner_of(planted, Settings(shift=0.5))
    difference = moved.classifier(["a", "b"], rows).bias - plain.classifier(["a", "b"], rows).bias
    assert torch.allclose(difference, torch.full((2,), 0.5 * plain.margin), rtol=1e-4)


def test_of_shifts_that_do_as_well_the_boldest_is_taken():
    quality = torch.zeros(len(SHIFTS))
    quality[[10, 11, 12, 13, 14]] = torch.tensor([1.0, 0.9, 0.998, 0.996, 0.994])
    assert _boldest(quality) == SHIFTS[13]


def test_a_description_of_another_width_is_explained(planted):
    with pytest.raises(InputError, match=r"expected \(n_classes, 10\)"):
        learner_of(planted).importances(torch.zeros(1, 7))


def test_open_groups_stand_at_the_seen_mean(small_project):
    row = description_of(small_project, {"size": "small"})[0]
    mean = small_project.descriptions[:8].mean(0)
    assert row[:3].tolist() == [1.0, 0.0, 0.0]
    assert torch.equal(row[3:], mean[3:])
