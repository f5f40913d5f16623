"""One described class and both ways of learning it: the loop and the closed form, judged on the same fresh drawings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from niwt_core.birds.described import Trial, description_of, try_out
from niwt_core.gzsl import Classifier
from niwt_core.project import Project
from niwt_core.transfer import TransferStep, jacobian_importances, objective, transfer_steps
from pages.shared.training import TrainingJob

#: What the new class is called in a classifier; the person's own words stand beside it on the page.
NEW_NAME = "your bird"
#: lambda of the loop's regulariser.
LOOP_STRENGTH = 1e-3
N_FRESH = 100


@dataclass(frozen=True, eq=False)
class Solution:
    """The closed form's answer: the classifier, what it took just now, and how it fares.

    `mean_importances` (n_channels,) are those that the network has with it, on the loop's pictures.
    """

    classifier: Classifier
    milliseconds: float
    trial: Trial
    mean_importances: Tensor


@dataclass(frozen=True, eq=False)
class Lesson:
    """Everything that learning one described class needs.

    Attributes:
        description: (1, n_attributes). target: its predicted importances, (1, n_channels).
        jacobians: (n_images, n_features, n_channels), of drawings of seen species: what the loop learns from.
        check_jacobians: the same of other drawings, which neither way learns from: what the two are compared on.
        features: (n_drawings, n_features), of fresh drawings of the class; they only judge, nothing learns from them.
    """

    project: Project
    description: Tensor
    target: Tensor
    jacobians: Tensor
    check_jacobians: Tensor
    features: Tensor

    def steps(self) -> Iterator[TransferStep]:
        """The paper's loop from its first weights."""
        importances_of = jacobian_importances(self.jacobians)
        return transfer_steps(importances_of, self.target, self.project.seen.weight, strength=LOOP_STRENGTH)

    def classifier_of(self, weights: Tensor) -> Classifier:
        """The loop's weights (1, n_features) as a classifier that competes with the seen species."""
        return self.project.learner.scaled([NEW_NAME], self.description, weights)

    def judge(self, weights: Tensor) -> tuple[Tensor, float]:
        """With the loop's weights: the winning class of every fresh drawing, (n_drawings,), and `misfit`."""
        return try_out(self.project, self.classifier_of(weights), self.features).predicted, self.misfit(weights)

    def misfit(self, weights: Tensor) -> float:
        """Mean 1 - cosine(importances, target) on pictures that neither way learns from."""
        return objective(jacobian_importances(self.check_jacobians), weights, self.target)

    def solve(self) -> Solution:
        """The closed form, timed from the description to the finished classifier."""
        began = time.perf_counter()
        classifier = self.project.learner.classifier([NEW_NAME], self.description)
        milliseconds = 1000 * (time.perf_counter() - began)
        mean_importances = jacobian_importances(self.jacobians)(classifier.weight)[0].mean(0)
        return Solution(classifier, milliseconds, try_out(self.project, classifier, self.features), mean_importances)

    def closed_form_misfit(self) -> float:
        """`misfit` of the closed form: the line that the loop's curve falls towards."""
        learner = self.project.learner
        prior = learner.prior(self.description)
        return self.misfit(learner.closed_form.solve(self.target, prior, learner.settings.strength))

    def job(self, speed: float | None) -> TrainingJob:
        """A job for the loop, at iteration 0."""
        return TrainingJob(self.steps, self.judge, self.project.n_seen, speed)


def make_lesson(
    project: Project, bird: Mapping[str, str], jacobians: Tensor, check_jacobians: Tensor, features: Tensor
) -> Lesson:
    """The lesson of a described bird; groups that it leaves open stand at the seen species' mean."""
    description = description_of(project, bird)
    target = project.learner.importances(description)
    return Lesson(project, description, target, jacobians, check_jacobians, features)
