"""Why, in words: the inverse map of an image's importances.

Two ways. `words_for` is the paper's: attributes read from the importances alone, in standard deviations above their
mean. `WordMap` also looks at how active the same neurons are, and says of each word how likely it is to be true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from niwt_core.domain import LinearMap, fit_ridge
from niwt_core.errors import InputError


@dataclass(frozen=True)
class Word:
    """One attribute as a reason.

    Attributes:
        strength: from `words_for`, standard deviations of the attribute over the classes; from a `WordMap`, the share
            of the doubt that is taken away: 0 as unsure as of any class, 1 certain.
        probability: that the word is true, from a `WordMap`; None from `words_for`.
    """

    group: str
    value: str
    strength: float
    probability: float | None = None


def words_for(
    inverse: LinearMap, importance: Tensor, descriptions: Tensor, attribute_names: Sequence[str], limit: int = 8
) -> tuple[Word, ...]:
    """The paper's textual explanation: the inverse map of an image's importances, strongest attribute first.

    What is true of most classes is no reason, and a bird has one crown: so each attribute is weighed by how far it is
    read above its mean over the classes, and each group gives its strongest value only.

    Args:
        inverse: unit-length importances -> attributes.
        importance: (n_channels,), of the image for the class to explain.
        descriptions: (n_classes, n_attributes), of the classes that the words are weighed against.
        attribute_names: "group::value".
    """
    read = inverse(nn.functional.normalize(importance[None], dim=1))[0]  # (n_attributes,)
    spread = descriptions.std(0)
    strength = torch.where(spread > 1e-6, (read - descriptions.mean(0)) / spread.clamp_min(1e-6), 0.0)
    return _strongest(strength, None, attribute_names)[:limit]


def _strongest(strength: Tensor, probability: Tensor | None, names: Sequence[str]) -> tuple[Word, ...]:
    """The strongest value of each group, strongest group first; strengths and probabilities (n_attributes,)."""
    words: dict[str, Word] = {}
    for i in strength.argsort(descending=True).tolist():
        group, _, value = names[i].partition("::")
        if group not in words:
            likely = None if probability is None else float(probability[i])
            words[group] = Word(group, value, float(strength[i]), likely)
    return tuple(words.values())


def activity_of(activations: Tensor) -> Tensor:
    """How active each channel is: root mean square over positions, (n, channels, height, width) -> (n, channels)."""
    return activations.square().mean((2, 3)).sqrt()


def evidence(importances: Tensor, activity: Tensor | None = None) -> Tensor:
    """What a `WordMap` reads: the importances and, beside them where given, how active the channels are.

    Args:
        importances: (n_images, n_channels). activity: (n_images, channels of the trunk's layer), by `activity_of`.
            Importances and activations are the two ingredients of Grad-CAM.

    Returns:
        (n_images, n_inputs), each of the two at unit length, so that they weigh alike.
    """
    parts = [importances] if activity is None else [importances, activity]
    return torch.cat([nn.functional.normalize(part, dim=1) for part in parts], dim=1)


@dataclass(frozen=True, eq=False)
class WordMap:
    """Evidence -> how likely each attribute is, and from that the reasons, best first.

    Within a group, p(value) is proportional to frequency * exp(reliability * (what is read - frequency)). Where a
    group cannot be read on classes that the map was not fitted to, its reliability is 0 and p is the frequency.

    Deviation from the paper, whose map is linear and reads importances alone: see `evidence` and `words_for`.

    Attributes:
        inverse: evidence -> attributes. frequency: (n_attributes,), share of the classes that have each.
        reliability: (n_attributes,), the same for all values of a group; no unit (per 0/1 attribute).
        attribute_names: "group::value".
    """

    inverse: LinearMap
    frequency: Tensor
    reliability: Tensor
    attribute_names: tuple[str, ...]

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Evidence (n_images, n_inputs) -> (n_images, n_attributes); each group sums to 1."""
        read = self.reliability * (self.inverse(inputs) - self.frequency)
        return _group_softmax(read, self.frequency, _groups(self.attribute_names))

    def strengths(self, probabilities: Tensor) -> Tensor:
        """(p - frequency) / (1 - frequency): the share of the doubt taken away. What most classes have is no reason.

        Args:
            probabilities: (n_images, n_attributes).

        Returns:
            the same shape, at most 1; 0 where more than SHARED of the classes have the attribute.
        """
        strength = (probabilities - self.frequency) / (1 - self.frequency).clamp_min(1 - SHARED)
        return torch.where(self.frequency > SHARED, 0.0, strength)

    def words(self, inputs: Tensor, limit: int = 8) -> tuple[Word, ...]:
        """The reasons of one image, evidence (1, n_inputs): one value a group, those that say something, best first."""
        probability = self.probabilities(inputs)
        found = _strongest(self.strengths(probability)[0], probability[0], self.attribute_names)
        return tuple(word for word in found if word.strength > 0)[:limit]


#: An attribute that a larger share of the classes has is no reason. (A group of two, evenly dealt, stays below.)
SHARED = 0.6
#: Words below this probability are listed, but no sentence is built on them.
LEAST_PROBABILITY = 0.7
#: The same of a `WordRidge`'s words, which have none: expected standard deviations above the mean.
LEAST_STRENGTH = 0.5


def reasons(words: Sequence[Word], limit: int = 3, least_strength: float = math.inf) -> tuple[Word, ...]:
    """Those words that one sentence may claim: the first few that are sure enough.

    Args:
        least_strength: from which strength on a word without a probability is sure enough; the default is none, because
            those of `words_for` are not. For a `WordRidge`'s, LEAST_STRENGTH.
    """

    def is_sure(word: Word) -> bool:
        if word.probability is None:
            return word.strength >= least_strength
        return word.probability >= LEAST_PROBABILITY

    return tuple([word for word in words if is_sure(word)][:limit])


WORDS_RIDGE = 0.1
N_FOLDS = 5


def fit_words(inputs: Tensor, labels: Tensor, descriptions: Tensor, attribute_names: Sequence[str]) -> WordMap:
    """Fit a word map on images of seen classes, each explained for its own class.

    The ridge regression is fitted on all; how reliable each group is, is learned on classes that it was not fitted to
    (a fifth left out at a time), by maximum likelihood.

    Args:
        inputs: evidence (n_images, n_inputs). labels: (n_images,), rows of `descriptions`.
        descriptions: (n_classes, n_attributes), 0 or more; each group sums to 1.

    Raises:
        InputError: groups that do not sum to 1, or fewer than N_FOLDS classes.
    """
    names = tuple(attribute_names)
    groups, frequency = _groups(names), descriptions.mean(0)
    sums = _group_sums(descriptions, groups)
    if (descriptions < 0).any() or (sums - 1).abs().max() > 1e-4:
        raise InputError(
            "Words with probabilities need descriptions in which the values of each group are 0 or more and sum to 1; "
            f"these sum to {float(sums.min()):.3g} to {float(sums.max()):.3g}. The paper's way, words_for, takes any."
        )
    classes = labels.unique()
    if len(classes) < N_FOLDS:
        raise InputError(f"Images of {len(classes)} classes came; expected at least {N_FOLDS}, to leave some out.")
    rows, (read, _) = descriptions[labels], _read_left_out(inputs, labels, descriptions)
    reliability = _reliability(read - frequency, rows, frequency, groups)
    return WordMap(fit_ridge(inputs, rows, WORDS_RIDGE), frequency, reliability, names)


@dataclass(frozen=True, eq=False)
class WordRidge:
    """Evidence -> reasons, where descriptions are any numbers and not shares that sum to 1: without probabilities.

    The paper's way, `words_for`, with two additions: it reads activity beside the importances, and a reading counts as
    much as it has proved worth on classes that it was not fitted to.

    Attributes:
        inverse: evidence -> attributes. mean, spread: (n_attributes,), of the classes' descriptions.
        worth: (n_attributes,), 0 to 1: by how much a reading above the mean was right on classes left out.
        attribute_names: "group::value", or single names.
    """

    inverse: LinearMap
    mean: Tensor
    spread: Tensor
    worth: Tensor
    attribute_names: tuple[str, ...]

    def strengths(self, inputs: Tensor) -> Tensor:
        """Evidence (n_images, n_inputs) -> expected standard deviations above the mean, (n_images, n_attributes)."""
        above = self.worth * (self.inverse(inputs) - self.mean) / self.spread.clamp_min(1e-6)
        return torch.where(self.spread > 1e-6, above, 0.0)

    def words(self, inputs: Tensor, limit: int = 8) -> tuple[Word, ...]:
        """The reasons of one image, evidence (1, n_inputs): one value a group, those above the mean, best first."""
        found = _strongest(self.strengths(inputs)[0], None, self.attribute_names)
        return tuple(word for word in found if word.strength > 0)[:limit]


def fit_word_ridge(inputs: Tensor, labels: Tensor, descriptions: Tensor, attribute_names: Sequence[str]) -> WordRidge:
    """Fit on images of seen classes, each explained for its own class; arguments as for `fit_words`.

    What a reading is worth: the slope of the truth on what is read, both above the mean, on images of classes that the
    map was not fitted to (a fifth left out at a time), between 0 and 1.

    Raises:
        InputError: images of fewer than three classes.
    """
    classes = labels.unique()
    if len(classes) < 3:
        raise InputError(f"Images of {len(classes)} classes came; expected at least 3, to leave some out.")
    rows, spread = descriptions[labels], descriptions[classes].std(0)
    read, usual = _read_left_out(inputs, labels, descriptions)
    above, truth = read - usual, rows - usual
    worth = ((above * truth).sum(0) / above.square().sum(0).clamp_min(1e-12)).clamp(0, 1)
    to_words = fit_ridge(inputs, rows, WORDS_RIDGE)
    return WordRidge(to_words, descriptions[classes].mean(0), spread, worth, tuple(attribute_names))


def _read_left_out(inputs: Tensor, labels: Tensor, descriptions: Tensor) -> tuple[Tensor, Tensor]:
    """What is read of each image by a map that was not fitted to its class, (n_images, n_attributes), and that map's
    mean, what it says of no image in particular."""
    rows, classes = descriptions[labels], labels.unique()
    order = classes[torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))]
    read, usual = torch.zeros_like(rows), torch.zeros_like(rows)
    for k in range(min(N_FOLDS, len(classes))):
        out = torch.isin(labels, order[k::N_FOLDS])
        fitted = fit_ridge(inputs[~out], rows[~out], WORDS_RIDGE)
        read[out], usual[out] = fitted(inputs[out]), fitted.output_mean
    return read, usual


#: Largest reliability: what a group gets whose words were always right.
MOST_RELIABLE = 50.0


def _reliability(read: Tensor, truth: Tensor, frequency: Tensor, groups: Tensor) -> Tensor:
    """The likeliest reliability of each group, repeated for its values, (n_attributes,).

    The log likelihood is concave in it, its derivative the sum of read * (truth - p): its zero is found by bisection.

    Args:
        read: (n_images, n_attributes), above the frequency. truth: the same shape, 0/1.
    """
    low, high = torch.zeros_like(frequency), torch.full_like(frequency, MOST_RELIABLE)
    for _ in range(40):
        middle = (low + high) / 2
        p = _group_softmax(middle * read, frequency, groups)
        rising = _group_sums((read * (truth - p)).sum(0, keepdim=True), groups)[0, groups] > 0
        low, high = torch.where(rising, middle, low), torch.where(rising, high, middle)
    return (low + high) / 2


def _groups(names: Sequence[str]) -> Tensor:
    """(n_attributes,) int64: the number of each attribute's group, in order of appearance."""
    places: dict[str, int] = {}
    return torch.tensor([places.setdefault(name.partition("::")[0], len(places)) for name in names])


def _group_sums(values: Tensor, groups: Tensor) -> Tensor:
    """(n, n_attributes) -> (n, n_groups)."""
    return values.new_zeros(len(values), int(groups.max()) + 1).index_add_(1, groups, values)


def _group_softmax(scores: Tensor, frequency: Tensor, groups: Tensor) -> Tensor:
    """frequency * exp(scores), (n, n_attributes), scaled so that each group sums to 1."""
    logs = scores + frequency.log()  # minus infinity for what no class has
    highest = logs.new_full((len(logs), int(groups.max()) + 1), float("-inf"))
    highest = highest.scatter_reduce(1, groups.expand_as(logs), logs, "amax")
    weight = (logs - highest[:, groups]).exp()
    return weight / _group_sums(weight, groups)[:, groups]
