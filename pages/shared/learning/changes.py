"""What just happened on the Train page, in one sentence."""

from __future__ import annotations

from pages.shared.jobs.training import LIMIT, Point, Snapshot, State
from pages.shared.learning.board import Scene
from pages.shared.learning.lesson import Solution


def where_it_stands(now: Snapshot, solution: Solution | None) -> str:
    """The moment, without a full stop."""
    if solution is not None:
        return "Solved at once, without a loop"
    if now.place:
        return f"Waiting for its turn at iteration {now.iteration}"
    return {
        State.READY: "Before any learning",
        State.RUNNING: f"Learning, iteration {now.iteration}",
        State.PAUSED: f"Paused at iteration {now.iteration}",
        State.CONVERGED: f"Finished after {now.iteration} iterations: 40 more brought less than 1 %",
        State.ENDED: f"Stopped after {now.iteration} iterations: this page goes no further than {LIMIT:,}",
        State.FAILED: "Stopped",
    }[now.state]


def changed(now: Snapshot, solution: Solution | None, scene: Scene) -> str:
    """What changed: with the last step where the loop stands, since the start while it runs or when it is over."""
    first, last = now.history[0], now.history[-1]
    n = len(scene.target)
    if solution is not None:
        found = f"{solution.found} of {scene.n_pictures} {scene.noun}s found, " if scene.n_pictures else ""
        return (
            f"**What changed:** no step was made; the weights were computed. {found}{solution.claimed} strangers "
            f"claimed, {solution.agreeing} of {n} neurons pull the way the words ask. Its distance to the target is "
            f"{solution.misfit:.2f}: it stays nearer to a first guess than the loop does, so as to compete fairly."
        )
    if now.state is State.READY:
        return (
            f"**What changed:** nothing yet. The weights are drawn by chance; {first.agreeing} of {n} neurons happen "
            "to pull the way the words ask."
        )
    if now.state is State.PAUSED and now.before is not None:
        return f"**What changed with the last step:** {_difference(now.before, last, scene)}."
    return f"**What changed since the start:** {_difference(first, last, scene)}."


def _difference(before: Point, after: Point, scene: Scene) -> str:
    """ "the distance fell from 0.934 to 0.712, 3 more birds found (87), 5 strangers fewer (66), ..." """
    verb = "fell" if after.check < before.check else "rose"
    parts = [f"the distance on new pictures {verb} from {before.check:.3f} to {after.check:.3f}"]
    if f"{before.check:.3f}" == f"{after.check:.3f}":
        parts = [f"the distance on new pictures stayed at {after.check:.3f}"]
    if scene.n_pictures:
        parts.append(f"{scene.noun}s found {_from_to(before.found, after.found)}")
    parts.append(f"strangers claimed {_from_to(before.claimed, after.claimed)}")
    parts.append(f"neurons that pull the right way {_from_to(before.agreeing, after.agreeing)}")
    return ", ".join(parts)


def _from_to(before: int, after: int) -> str:
    return f"{after} as before" if before == after else f"{before} → {after}"
