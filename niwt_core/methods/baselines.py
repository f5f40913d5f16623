"""The classical zero-shot methods that NIWT is compared with, on the same fixed features.

Each learns from seen classes alone and scores seen and described classes together. Bilinear methods score x V s, with x
an image's features and s a class's description. Before that, as in Xian et al. (CVPR 2017), features are standardised
and descriptions brought to unit length. Here an image's features also get about unit length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, normalize

from niwt_core.domain import fit_ridge
from niwt_core.errors import InputError
from niwt_core.gzsl import Classifier

SEED = 0
EPOCHS = 15
BATCH_SIZE = 64
LOGISTIC_STEPS = 15
DEM_HIDDEN = 256
DEM_STEPS = 200
DEM_LEARNING_RATE = 1e-3

#: (features (n, n_features), descriptions of new classes (n_new, n_attributes)) -> scores (n, n_seen + n_new), the seen
#: classes' first.
Scorer = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Scaling:
    """(x - mean) / scale, with mean (n_columns,) and scale (n_columns,) or one number for all columns."""

    mean: Tensor
    scale: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        return (rows - self.mean) / self.scale


@dataclass(frozen=True, eq=False)
class SeenData:
    """What every method learns from. What several fits need of it is worked out once.

    Attributes:
        features: (n_images, n_features). labels: (n_images,) int64, rows of `descriptions`; each occurs.
        descriptions: (n_seen, n_attributes). classifier: the trained linear classifier of the seen classes.
    """

    features: Tensor
    labels: Tensor
    descriptions: Tensor
    classifier: Classifier

    def __post_init__(self) -> None:
        n_seen = len(self.classifier.names)
        if self.descriptions.ndim != 2 or len(self.descriptions) != n_seen:
            raise InputError(
                f"Descriptions of shape {tuple(self.descriptions.shape)} came; expected one row for each of the "
                f"classifier's {n_seen} classes."
            )
        expected = (len(self.labels), self.classifier.weight.shape[1])
        if tuple(self.features.shape) != expected:
            raise InputError(
                f"Features of shape {tuple(self.features.shape)} came; expected {expected}, one row a label and one "
                "column for each of the classifier's."
            )
        for what, values in (("features", self.features), ("descriptions", self.descriptions)):
            _check_finite(what, values)
        if self.labels.unique().tolist() != list(range(n_seen)):
            raise InputError(
                f"Labels of {len(self.labels.unique())} classes came; expected images of each class from 0 to "
                f"{n_seen - 1} and of no other."
            )

    @cached_property
    def standardise(self) -> Scaling:
        """Zero mean and equal variance of each feature, and about unit length of each image; constant features: 0."""
        spread = self.features.std(0, correction=0)
        spread = torch.where(spread > 1e-6 * self.features.abs().amax(0), spread, torch.inf)
        return Scaling(self.features.mean(0), spread * self.features.shape[1] ** 0.5)

    @cached_property
    def standardised(self) -> Tensor:
        """(n_images, n_features)."""
        return self.standardise(self.features)

    @cached_property
    def gram(self) -> Tensor:
        """X Xᵀ of the standardised features, (n_features, n_features) float64."""
        x = self.standardised.double()
        return x.T @ x

    @cached_property
    def counts(self) -> Tensor:
        """Images of each class, (n_seen,)."""
        return torch.bincount(self.labels, minlength=len(self.descriptions))

    @cached_property
    def class_means(self) -> Tensor:
        """Mean features of each class, (n_seen, n_features)."""
        return _sums(self.features, self.labels, len(self.descriptions)) / self.counts[:, None]


@dataclass(frozen=True)
class Method:
    """One method of the field.

    Attributes:
        name: the field's name for it. reference: who proposed it, and where.
        fit: (SeenData, **settings) -> Scorer. grid: settings to choose among, by the caller, on seen classes.
    """

    name: str
    reference: str
    fit: Callable[..., Scorer]
    grid: tuple[Mapping[str, float], ...]


def fit_dap(seen: SeenData, *, ridge: float) -> Scorer:
    """Direct attribute prediction: sum over attributes of log p(a|x) - log p(a), a as the class has it.

    An attribute is present where the description exceeds its mean over the seen classes; p(a) is the share of seen
    classes that have it. Attributes that all seen classes share are ignored.

    Deviation: p(a|x) is a logistic regression with a ridge penalty, not a support vector machine with Platt's scaling.
    """
    threshold = seen.descriptions.mean(0)
    present = seen.descriptions > threshold
    prior = present.to(seen.features.dtype).mean(0)
    varies = (prior > 0) & (prior < 1)
    prior = prior[varies]
    targets = present[:, varies][seen.labels].to(seen.features.dtype)
    weight, bias = fit_logistic(seen.standardised, targets, ridge, seen.gram)

    def scores(features: Tensor, descriptions: Tensor) -> Tensor:
        has = (descriptions > threshold)[:, varies].to(features.dtype)
        logits = seen.standardise(features) @ weight + bias  # (n, n_attributes that vary)
        return (logsigmoid(logits) - prior.log()) @ has.T + (logsigmoid(-logits) - (1 - prior).log()) @ (1 - has).T

    return _joint(seen, scores)


def fit_logistic(
    features: Tensor, targets: Tensor, ridge: float, gram: Tensor, steps: int = LOGISTIC_STEPS
) -> tuple[Tensor, Tensor]:
    """Logistic regressions, all at once: minimises the summed cross-entropy + ridge/2 |weight|².

    Newton's steps with the one matrix that bounds every Hessian from above (Böhning and Lindsay, 1988), so that all
    regressions share one factorisation and each step lowers the loss.

    Args:
        features: (n, n_features), of zero mean. targets: (n, n_targets), 0 or 1. gram: of the features.

    Returns:
        weight (n_features, n_targets) and bias (n_targets,).
    """
    bound = torch.linalg.cholesky(gram / 4 + ridge * torch.eye(len(gram), dtype=gram.dtype)).to(features.dtype)
    weight = features.new_zeros(features.shape[1], targets.shape[1])
    bias = features.new_zeros(targets.shape[1])
    for _ in range(steps):
        residual = torch.sigmoid(features @ weight + bias) - targets
        weight = weight - torch.cholesky_solve(features.T @ residual + ridge * weight, bound)
        bias = bias - 4 * residual.mean(0)
    return weight, bias


def fit_conse(seen: SeenData, *, top: int) -> Scorer:
    """ConSE: the `top` most probable seen classes' descriptions, mixed by their probabilities; then the cosine."""
    known = normalize(seen.descriptions, dim=1)

    def scores(features: Tensor, descriptions: Tensor) -> Tensor:
        best = seen.classifier(features).softmax(1).topk(min(top, len(known)), dim=1)
        share = best.values / best.values.sum(1, keepdim=True)
        mixed = torch.einsum("nt,nta->na", share, known[best.indices])
        return normalize(mixed, dim=1) @ normalize(descriptions, dim=1).T

    return _joint(seen, scores)


def violations(scores: Tensor, labels: Tensor) -> Tensor:
    """How far each class comes within a margin of 1 of the right one; 0 for the right one. (n, n_classes) -> same."""
    right = labels[:, None]
    return (1 + scores - scores.gather(1, right)).clamp(min=0).scatter(1, right, 0.0)


def devise_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Frome et al.: the sum of all violations."""
    return violations(scores, labels).sum(1).mean()


def ale_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Akata et al. (2016): the mean of the r violations above 0, times 1 + 1/2 + ... + 1/r (weighted approximate rank).

    Deviation: r is counted; ALE estimates it from sampled classes, which pays off for very many classes.
    """
    wrong = violations(scores, labels)
    rank = (wrong > 0).sum(1)
    steps = torch.arange(1, wrong.shape[1] + 1, dtype=wrong.dtype)
    weight = torch.cat([wrong.new_zeros(1), (1 / steps).cumsum(0) / steps])[rank]
    return (weight * wrong.sum(1)).mean()


def sje_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Akata et al. (2015): the largest violation."""
    return violations(scores, labels).amax(1).mean()


def _fit_bilinear(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Scorer]:
    """The fit of DeViSE, ALE or SJE, which differ in the loss alone: stochastic gradient descent on V.

    The margin is always 1: twice the margin at twice the learning rate gives twice V, the same classifier.
    Deviations: V starts at 0 instead of random; batches instead of single images; a fixed number of epochs.
    """

    def fit(seen: SeenData, *, learning_rate: float) -> Scorer:
        x, s = seen.standardised, normalize(seen.descriptions, dim=1)
        v = x.new_zeros(x.shape[1], s.shape[1]).requires_grad_()
        optimiser = torch.optim.SGD([v], lr=learning_rate)
        generator = torch.Generator().manual_seed(SEED)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(x), generator=generator).split(BATCH_SIZE):
                optimiser.zero_grad()
                loss(x[batch] @ v @ s.T, seen.labels[batch]).backward()
                optimiser.step()
        return _bilinear(seen, v.detach())

    return fit


fit_devise, fit_ale, fit_sje = (_fit_bilinear(loss) for loss in (devise_loss, ale_loss, sje_loss))


def fit_eszsl(seen: SeenData, *, gamma: float, lambda_: float) -> Scorer:
    """ESZSL: V = (X Xᵀ + gamma I)⁻¹ X Y Sᵀ (S Sᵀ + lambda I)⁻¹ with Y = 1 for an image's own class and -1 for others.

    X: (n_features, n_images), Y: (n_images, n_seen), S: (n_attributes, n_seen).
    """
    x, s = seen.standardised, normalize(seen.descriptions, dim=1).double()
    xy = (2 * _sums(x, seen.labels, len(s)) - x.sum(0)).double().T  # of its own class's images less all others'
    left = torch.linalg.solve(seen.gram + gamma * torch.eye(len(seen.gram), dtype=torch.float64), xy)
    sst = s.T @ s + lambda_ * torch.eye(s.shape[1], dtype=torch.float64)
    return _bilinear(seen, torch.linalg.solve(sst, (left @ s).T).T.to(x.dtype))


def fit_dem(seen: SeenData, *, weight_decay: float) -> Scorer:
    """DEM: a small network from description to features, by mean squared error; the nearest prediction wins.

    Deviations: the error to each image is the error to its class's mean plus a constant, so class means stand for
    images, weighted by their number, and every step sees all; the output has no ReLU, since features may be negative;
    descriptions and features are centred and divided by one number each, which keeps the distance Euclidean.
    """
    scale_descriptions, scale_features = _centre(seen.descriptions), _centre(seen.features)
    inputs, targets = scale_descriptions(seen.descriptions), scale_features(seen.class_means)
    share = (seen.counts / len(seen.labels))[:, None].to(inputs.dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        first, second = nn.Linear(inputs.shape[1], DEM_HIDDEN), nn.Linear(DEM_HIDDEN, targets.shape[1])
    network = nn.Sequential(first, nn.ReLU(), second).to(inputs.dtype)
    optimiser = torch.optim.Adam(network.parameters(), lr=DEM_LEARNING_RATE, weight_decay=weight_decay)
    for _ in range(DEM_STEPS):
        optimiser.zero_grad()
        (share * (network(inputs) - targets).square()).mean(1).sum().backward()
        optimiser.step()
    network.requires_grad_(False)
    return _joint(seen, lambda x, s: _nearness(scale_features(x), network(scale_descriptions(s))))


def fit_dem_ridge(seen: SeenData, *, ridge: float) -> Scorer:
    """DEM with ridge regression, from descriptions to class means, in place of the network."""
    to_means = fit_ridge(seen.descriptions, seen.class_means, ridge)
    return _joint(seen, lambda x, s: _nearness(x, to_means(s)))


def fit_weight_regression(seen: SeenData, *, ridge: float) -> Scorer:
    """Ridge regression from descriptions to the seen classes' weights and bias; these keep their trained classifier."""
    trained = seen.classifier
    to_weights = fit_ridge(seen.descriptions, torch.cat([trained.weight, trained.bias[:, None]], 1), ridge)

    def scores(features: Tensor, descriptions: Tensor) -> Tensor:
        new = to_weights(descriptions[len(trained.weight) :])  # (n_new, n_features + 1)
        return torch.cat([trained(features), features @ new[:, :-1].T + new[:, -1]], 1)

    return _joint(seen, scores)


def _joint(seen: SeenData, scores: Scorer) -> Scorer:
    """From scores of any classes to scores of the seen classes and then the new ones, whose descriptions it checks."""
    n_attributes = seen.descriptions.shape[1]

    def joint(features: Tensor, new: Tensor) -> Tensor:
        if new.ndim != 2 or new.shape[1] != n_attributes:
            raise InputError(f"Descriptions of shape {tuple(new.shape)} came; expected (n_new, {n_attributes}).")
        _check_finite("descriptions", new)
        return scores(features, torch.cat([seen.descriptions, new]))

    return joint


def _bilinear(seen: SeenData, v: Tensor) -> Scorer:
    """x V s for each image and class, with V (n_features, n_attributes)."""
    return _joint(seen, lambda x, s: seen.standardise(x) @ v @ normalize(s, dim=1).T)


def _nearness(features: Tensor, prototypes: Tensor) -> Tensor:
    """Minus the squared distance to each of (n_classes, n_features), plus a number per image, (n, n_classes)."""
    return 2 * features @ prototypes.T - prototypes.square().sum(1)


def _centre(rows: Tensor) -> Scaling:
    """Zero mean, and a mean variance of 1 over all columns together; rows that are all the same: 0."""
    spread = rows.var(0, correction=0).mean().sqrt()
    return Scaling(rows.mean(0), torch.where(spread > 1e-6 * rows.abs().max(), spread, torch.inf))


def _sums(rows: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Sum of each class's rows, (n_classes, n_columns)."""
    return rows.new_zeros(n_classes, rows.shape[1]).index_add(0, labels, rows)


def _check_finite(what: str, values: Tensor) -> None:
    if bad := int((~values.isfinite()).sum()):
        raise InputError(f"{bad} of the {what}' {values.numel()} values are NaN or infinite; expected numbers.")


def _grid(**values: tuple[float, ...]) -> tuple[Mapping[str, float], ...]:
    """Every combination of the settings' values."""
    return tuple(dict(zip(values, chosen, strict=True)) for chosen in product(*values.values()))


# The grids span what did well on CUB when a fifth of the seen classes was left out; no unseen class had a say.
_RIDGES = _grid(ridge=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0))
_RATES = _grid(learning_rate=(0.1, 0.3, 1.0, 3.0))
_PENALTIES = _grid(gamma=(1.0, 10.0, 100.0, 1000.0), lambda_=(0.01, 0.1, 1.0, 10.0))

BASELINES: tuple[Method, ...] = (
    Method("DAP", "Lampert, Nickisch and Harmeling, TPAMI 2014", fit_dap, _grid(ridge=(1.0, 10.0, 30.0, 100.0))),
    Method("ConSE", "Norouzi et al., ICLR 2014", fit_conse, _grid(top=(1, 3, 10, 30))),
    Method("DeViSE", "Frome et al., NIPS 2013", fit_devise, _RATES),
    Method("ALE", "Akata et al., TPAMI 2016", fit_ale, _RATES),
    Method("SJE", "Akata et al., CVPR 2015", fit_sje, _RATES),
    Method("ESZSL", "Romera-Paredes and Torr, ICML 2015", fit_eszsl, _PENALTIES),
    Method("DEM", "Zhang, Xiang and Gong, CVPR 2017", fit_dem, _grid(weight_decay=(0.0, 1e-4, 1e-3, 1e-2))),
    Method("DEM, ridge", "after Zhang et al., CVPR 2017; Shigeto et al., ECML PKDD 2015", fit_dem_ridge, _RIDGES),
    Method("Weight regression", "after Elhoseiny et al., ICCV 2013", fit_weight_regression, _RIDGES),
)
