"""Which class captions fit best: the likelihood of what they say under each class's attributes."""

from collections.abc import Sequence

import numpy as np

from niwt_core.errors import InputError
from niwt_core.wording.describing import columns
from niwt_core.wording.reading import Reading

#: How much of what people say has nothing to do with the class: their words, the photo and the reader are all fallible.
_CHANCE = 1 / 3


def rank_captions(
    readings: Sequence[Reading], labels: Sequence[int], class_rows: np.ndarray, candidates: Sequence[int]
) -> np.ndarray:
    """The place of each case's own class among the candidates by the likelihood of its captions, 1 for the first.

    Args:
        readings: one for each of n_cases cases, of the captions of one photo for example.
        labels: (n_cases,) the cases' own classes as rows of `class_rows`, each one of the candidates.
        class_rows: (n_classes, n_attributes) >= 0.
        candidates: the rows of `class_rows` to choose from.
    """
    return ranks(log_likelihoods(readings, class_rows), labels, candidates)


def log_likelihoods(readings: Sequence[Reading], class_rows: np.ndarray) -> np.ndarray:
    """The logarithm of the likelihood of each reading under each class, (n_cases, n_classes), up to a constant a case.

    Who says something of a group names one of its values: with the share that the value has of the group in the
    class's row or, one time in three, any of them. Evidence counts such sayings, which are taken as independent. A
    predicate that is a group of its own holds with a probability that is the class's value over the largest of any
    class, and does not hold otherwise; so it is for denials.
    """
    rows = np.asarray(class_rows, dtype=np.float64)
    for reading in readings:
        if rows.ndim != 2 or rows.shape[1] != len(reading.attribute_names):
            raise InputError(
                f"Expected class rows with {len(reading.attribute_names)} columns; got shape {rows.shape}."
            )
        if reading.attribute_names != readings[0].attribute_names:
            raise InputError("Expected readings in the attributes of one data set; got several.")
    if not np.isfinite(rows).all() or (rows < 0).any():
        raise InputError("Expected class rows of finite numbers that are not negative.")
    if not readings:
        return np.zeros((0, len(rows)))
    named, denied = np.zeros_like(rows), np.zeros_like(rows)
    for group in columns(readings[0].attribute_names):
        values = rows[:, group]
        if len(group) > 1:
            whole = values.sum(axis=1, keepdims=True)
            shares = np.where(whole > 0, values / np.where(whole > 0, whole, 1.0), 1 / len(group))
            by_chance = 1 / len(group)
        else:
            shares = values / (values.max() or 1.0)
            by_chance = 1 / 2
        named[:, group] = np.log((1 - _CHANCE) * shares + _CHANCE * by_chance)
        denied[:, group] = np.log((1 - _CHANCE) * (1 - shares) + _CHANCE / 2)
    evidence, against = (np.stack([getattr(r, kind) for r in readings]) for kind in ("evidence", "denied"))
    return evidence @ named.T + against @ denied.T


def ranks(scores: np.ndarray, labels: Sequence[int], candidates: Sequence[int]) -> np.ndarray:
    """The place (n_cases,) of each case's own class among the candidates by its scores (n_cases, n_classes).

    Of equals the own class comes last, so that captions of which nothing was understood earn nothing.
    """
    scores, own, chosen = np.asarray(scores, dtype=np.float64), np.asarray(labels), np.asarray(candidates)
    if scores.ndim != 2 or own.shape != (len(scores),) or not np.isin(own, chosen).all():
        raise InputError(
            f"Expected one label for each of {len(scores)} cases, each among the candidates; got {own.shape} labels."
        )
    if len(np.unique(chosen)) != len(chosen):
        raise InputError("Expected each candidate once.")
    mine = scores[np.arange(len(own)), own][:, None]
    return (scores[:, chosen] >= mine).sum(axis=1)
