"""From what captions say to a description in the units of the class attributes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from niwt_core.errors import InputError
from niwt_core.wording.reading import Reading

#: Variance of what people say about a group, in shares of it, that more captions do not take away: words and the
#: data set's answers mean different things by "buff", and the photo is one bird of its species.
_DISAGREEMENT = 0.02


@dataclass(frozen=True, eq=False)
class SeenClasses:
    """What the seen classes' attribute rows tell of classes to come.

    Attributes:
        mean: (n_attributes,).
        covariance: (n_attributes, n_attributes), its correlations shrunk towards none, since classes are few.
    """

    mean: np.ndarray
    covariance: np.ndarray


def learn_seen(rows: np.ndarray) -> SeenClasses:
    """Mean and covariance of the seen classes' attribute rows (n_seen, n_attributes).

    Correlations are shrunk by the share that minimises their expected squared error (Schäfer and
    Strimmer 2005); variances are kept.

    Raises:
        InputError: fewer than three rows, or values that are no numbers.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 3 or not np.isfinite(rows).all():
        raise InputError(f"Expected finite attribute rows of at least three seen classes; got shape {rows.shape}.")
    n = len(rows)
    mean, spread = rows.mean(axis=0), rows.std(axis=0, ddof=1)
    standard = (rows - mean) / np.where(spread > 0, spread, 1.0)
    correlation = standard.T @ standard / (n - 1)
    # The variance over classes of each product is the variance of the correlation that averages them.
    squares = (standard**2).T @ standard**2 / n - (standard.T @ standard / n) ** 2
    variance = squares * n**2 / (n - 1) ** 3
    off = ~np.eye(len(correlation), dtype=bool)
    total = (correlation[off] ** 2).sum()
    share = float(np.clip(variance[off].sum() / total, 0.0, 1.0)) if total > 0 else 1.0
    shrunk = np.where(off, (1.0 - share) * correlation, 1.0)
    return SeenClasses(mean, shrunk * np.outer(spread, spread))


def describe(reading: Reading, seen: SeenClasses) -> np.ndarray:
    """The description (n_attributes,) that the captions give, in the units of the seen classes' rows.

    Rows are taken as drawn from a Gaussian with the seen classes' mean and covariance. What was said of a group is a
    noisy look at its values: they share what the group's values sum to on average, as the evidence shares among them.
    The description is the mean of the rows given these looks. Where nothing was said, and nothing that goes with it,
    it is the seen classes' mean; the more captions say a thing, the nearer it comes to what they say.
    """
    if len(reading.attribute_names) != len(seen.mean):
        raise InputError(
            f"The reading has {len(reading.attribute_names)} attributes, the seen classes {len(seen.mean)}; expected "
            "both from one data set."
        )
    at, looks, noise = _looks(reading, seen.mean)
    if not len(at):
        return seen.mean.copy()
    inner = seen.covariance[np.ix_(at, at)] + np.diag(noise)
    return seen.mean + seen.covariance[:, at] @ np.linalg.solve(inner, looks - seen.mean[at])


def _looks(reading: Reading, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The attributes looked at, the values they seem to have, and the variances of those looks."""
    values = np.full(len(mean), np.nan)
    noise = np.full(len(mean), np.inf)
    for group in columns(reading.attribute_names):
        said = reading.evidence[group]
        sure = said.max()
        whole = mean[group].sum() if len(group) > 1 else max(mean[group[0]] * 2, 1e-12)
        if sure > 0:
            usual = np.clip(mean[group] / whole, 0.0, 1.0) if whole > 0 else np.zeros(len(group))
            values[group] = whole * said / said.sum()
            noise[group] = whole**2 * (usual * (1 - usual) + _DISAGREEMENT) / sure
            noise[group] += whole**2 * _DISAGREEMENT
        no = group[(reading.denied[group] > 0) & (said == 0)]
        values[no] = 0.0
        noise[no] = whole**2 * _DISAGREEMENT * (1 + 1 / reading.denied[no])
    at = np.flatnonzero(np.isfinite(noise) & (noise > 0))
    return at, values[at], noise[at]


def columns(names: Sequence[str]) -> list[np.ndarray]:
    """The columns of each group, in the order of the names."""
    groups: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        groups.setdefault(name.split("::")[0], []).append(at)
    return [np.array(columns) for columns in groups.values()]
