"""One described class and both ways of learning it: the loop and the closed form, judged on the same pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from niwt_core.gzsl import Classifier, join
from niwt_core.project import Project
from niwt_core.transfer import TransferStep, jacobian_importances, objective, transfer_steps
from niwt_core.worlds.base import World
from pages.shared.jobs.line import Turn, alone
from pages.shared.jobs.training import TrainingJob, Verdict

#: What the new class is called in a classifier; the person's own words stand beside it on the page.
NEW_NAME = "your bird"
#: lambda of the loop's regulariser.
LOOP_STRENGTH = 1e-3
#: Strength of the closed form where it has the loop's own aim, with nothing to compete with: what a race against the
#: loop on other classes chose, on drawn birds and on photos alike.
LINE_STRENGTH = 1.0
N_PICTURES = 100
#: Sample images that the loop learns from, at most; drawn birds are quick. Their Jacobians may take so many bytes.
MOST_DRAWN, MOST_PHOTOS = 64, 24
JACOBIAN_BYTES = 100_000_000


@dataclass(frozen=True, eq=False)
class Solution:
    """The closed form's answer: the classifier, what it took just now, and how it fares.

    Attributes:
        predicted: the winning class of each picture, (n_pictures,). found, claimed: pictures and strangers it wins.
        mean_importances: (n_channels,), that the network has with it, on the loop's pictures.
        misfit: `Lesson.misfit` of its weights. agreeing: `Lesson.agreeing` of its importances.
    """

    classifier: Classifier
    milliseconds: float
    predicted: Tensor
    found: int
    claimed: int
    mean_importances: Tensor
    misfit: float
    agreeing: int


@dataclass(frozen=True, eq=False)
class Lesson:
    """Everything that learning one described class needs.

    Attributes:
        description: (1, n_attributes). target: its predicted importances, (1, n_channels).
        jacobians: (n_images, n_features, n_channels), of pictures of seen classes: what the loop learns from.
        check_jacobians: the same of other pictures, which neither way learns from: what the two are compared on.
        pictures: features of fresh pictures of the class, (n_pictures, n_features); no rows where there are none.
        strangers: features of pictures of other unseen classes. Both only judge, nothing learns from them.
    """

    project: Project
    description: Tensor
    target: Tensor
    jacobians: Tensor
    check_jacobians: Tensor
    pictures: Tensor
    strangers: Tensor

    def steps(self) -> Iterator[TransferStep]:
        """The paper's loop from its first weights."""
        importances_of = jacobian_importances(self.jacobians)
        return transfer_steps(importances_of, self.target, self.project.seen.weight, strength=LOOP_STRENGTH)

    def classifier_of(self, weights: Tensor) -> Classifier:
        """The loop's weights (1, n_features) as a classifier that competes with the seen classes."""
        return self.project.learner.scaled([NEW_NAME], self.description, weights)

    def judge(self, step: TransferStep) -> Verdict:
        """What is thought of a step of the loop."""
        classifier = self.classifier_of(step.weights)
        return Verdict(
            predicted=self.winners(classifier, self.pictures),
            check=self.misfit(step.weights),
            claimed=self.won(classifier, self.strangers),
            agreeing=self.agreeing(step.mean_importances[0]),
        )

    def winners(self, new: Classifier, features: Tensor) -> Tensor:
        """The winning class of each picture, (n_pictures,), among the seen ones and the new one, `n_seen`."""
        return join(self.project.seen, new)(features).argmax(1)

    def won(self, new: Classifier, features: Tensor) -> int:
        """How many pictures the new class wins."""
        return int((self.winners(new, features) == self.project.n_seen).sum())

    def misfit(self, weights: Tensor) -> float:
        """Mean 1 - cosine(importances, target) on pictures that neither way learns from."""
        return objective(jacobian_importances(self.check_jacobians), weights, self.target)

    def agreeing(self, importances: Tensor) -> int:
        """How many neurons have the target's sign: they pull the way that the words ask for."""
        return int((importances.sign() == self.target[0].sign()).sum())

    def solve(self) -> Solution:
        """The closed form, timed from the description to the finished classifier."""
        began = time.perf_counter()
        classifier = self.project.learner.classifier([NEW_NAME], self.description)
        milliseconds = 1000 * (time.perf_counter() - began)
        mean_importances = jacobian_importances(self.jacobians)(classifier.weight)[0].mean(0)
        predicted = self.winners(classifier, self.pictures)
        return Solution(
            classifier=classifier,
            milliseconds=milliseconds,
            predicted=predicted,
            found=int((predicted == self.project.n_seen).sum()),
            claimed=self.won(classifier, self.strangers),
            mean_importances=mean_importances,
            misfit=self.misfit(classifier.weight),
            agreeing=self.agreeing(mean_importances),
        )

    def closed_form_misfit(self) -> float:
        """`misfit` of the closed form with the loop's own aim: the line that the loop's curve falls towards.

        Aim: the target alone, from the mean of the seen weights. `solve` stays nearer to the first guess that the words
        give, because it has to win pictures too.
        """
        closed_form, prior = self.project.learner.closed_form, self.project.seen.weight.mean(0)
        return self.misfit(closed_form.solve(self.target, prior, LINE_STRENGTH))

    def job(self, speed: float | None, by_the_rule: bool = True, stand: Callable[[], Turn] = alone) -> TrainingJob:
        """A job for the loop, at iteration 0; arguments as `TrainingJob`."""
        return TrainingJob(self.steps, self.judge, self.project.n_seen, speed, by_the_rule, stand)


def n_samples(world: World) -> int:
    """How many sample images the loop learns from: as many as fit into JACOBIAN_BYTES, and no more than are quick."""
    backbone = world.project.backbone
    one = 4 * backbone.n_features * backbone.n_channels  # float32
    return max(1, min(MOST_DRAWN if world.drawn else MOST_PHOTOS, JACOBIAN_BYTES // one))
