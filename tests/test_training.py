import itertools
import threading
import time
from functools import partial

import pytest
import torch

from niwt_core.importance import channel_jacobian
from niwt_core.transfer import TransferStep, jacobian_importances, transfer_steps
from pages.shared.jobs import line, training
from pages.shared.jobs.line import Kind, Line
from pages.shared.jobs.training import State, TrainingJob, Verdict

N_DRAWINGS = 9
NEW = 3  # classes 0..2 are seen


class World:
    """A real, small loop: a head's Jacobians, a target, three seen classes, and random features to classify."""

    def __init__(self, jacobians: torch.Tensor, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        n_features, n_channels = jacobians.shape[1:]
        self.importances_of = jacobian_importances(jacobians)
        self.target = torch.randn(1, n_channels, generator=generator, dtype=torch.float64)
        self.seen = torch.randn(3, n_features, generator=generator, dtype=torch.float64)
        self.features = torch.randn(N_DRAWINGS, n_features, generator=generator, dtype=torch.float64)

    def steps(self):
        return transfer_steps(self.importances_of, self.target, self.seen)

    def winners(self, weights: torch.Tensor) -> torch.Tensor:
        return (self.features @ torch.cat([self.seen, weights]).T).argmax(1)

    def judge(self, step: TransferStep) -> Verdict:
        return Verdict(self.winners(step.weights), float(step.weights.norm()), step.iteration % 7, step.iteration % 5)

    def job(self, speed: float | None = None, by_the_rule: bool = True) -> TrainingJob:
        return TrainingJob(self.steps, self.judge, NEW, speed, by_the_rule)


@pytest.fixture
def world(small_head, small_activations):
    return World(channel_jacobian(small_head, small_activations))


def wait_for(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def training_threads() -> int:
    return sum(t.name == "training" for t in threading.enumerate())


def test_a_new_job_shows_the_weights_before_any_learning(world):
    now = world.job().snapshot()
    first = next(world.steps())
    assert now.state is State.READY
    assert now.iteration == 0
    assert torch.equal(now.step.weights, first.weights)
    assert now.predicted.tolist() == world.winners(first.weights).tolist()
    assert now.found == int((world.winners(first.weights) == NEW).sum())
    assert now.history[0].check == float(first.weights.norm())
    assert [p.iteration for p in now.history] == [0]


def test_steps_are_the_loops_own_steps_in_order(world):
    job = world.job()
    for _ in range(5):
        job.step()
    now = job.snapshot()
    expected = list(itertools.islice(world.steps(), 6))
    assert now.state is State.PAUSED
    assert [p.loss for p in now.history] == [s.loss for s in expected]
    assert torch.equal(now.step.weights, expected[-1].weights)
    assert [(p.claimed, p.agreeing) for p in now.history] == [(i % 7, i % 5) for i in range(6)]
    assert now.before == now.history[-2]
    assert training_threads() == 0


def test_frames_are_the_latest_steps_whole(world, monkeypatch):
    monkeypatch.setattr(training, "MAX_FRAMES", 3)
    job = world.job()
    for _ in range(5):
        job.step()
    frames = job.snapshot().frames
    steps = list(itertools.islice(world.steps(), 6))[3:]
    assert [frame.iteration for frame in frames] == [3, 4, 5]
    for frame, step in zip(frames, steps, strict=True):
        assert frame.importances.tolist() == step.mean_importances[0].float().tolist()
        assert frame.predicted.tolist() == world.winners(step.weights).tolist()


def test_a_started_job_stops_by_itself_where_the_paper_stops(world):
    job = world.job()
    job.start()
    wait_for(lambda: job.snapshot().state is State.CONVERGED)
    now = job.snapshot()
    expected = next(s for s in world.steps() if s.converged)
    assert now.iteration == expected.iteration
    assert torch.equal(now.step.weights, expected.weights)
    assert 0 < now.seconds < 20
    wait_for(lambda: training_threads() == 0)
    job.start()  # nothing is left to do
    assert job.snapshot().state is State.CONVERGED
    job.step()  # but one can look on
    assert job.snapshot().iteration == expected.iteration + 1


def test_without_the_rule_a_job_goes_on_to_the_limit(world, monkeypatch):
    ruled = next(s for s in world.steps() if s.converged).iteration
    monkeypatch.setattr(training, "LIMIT", ruled + 20)
    job = world.job(by_the_rule=False)
    job.start()
    wait_for(lambda: job.snapshot().state is State.ENDED)
    assert job.snapshot().iteration == ruled + 20
    assert job.snapshot().ruled == ruled  # where the rule would have stopped it
    job.start()
    assert job.snapshot().state is State.ENDED


def test_a_job_that_the_rule_stopped_goes_on_where_the_rule_is_switched_off(world):
    job = world.job()
    job.start()
    wait_for(lambda: job.snapshot().state is State.CONVERGED)
    ruled = job.snapshot().iteration
    job.stop_by_the_rule(False)
    job.start()
    wait_for(lambda: job.snapshot().iteration > ruled + 3)
    job.pause()
    assert job.snapshot().state is State.PAUSED
    assert job.snapshot().ruled == ruled
    job.stop_by_the_rule(True)
    job.start()
    wait_for(lambda: job.snapshot().state is State.CONVERGED)


def test_pause_holds_and_start_goes_on_from_there(world):
    job = world.job(speed=200.0)
    job.start()
    wait_for(lambda: job.snapshot().iteration >= 3)
    job.pause()
    wait_for(lambda: training_threads() == 0)
    held = job.snapshot()
    assert held.state is State.PAUSED
    time.sleep(0.05)
    assert job.snapshot().iteration == held.iteration
    job.start()
    wait_for(lambda: job.snapshot().iteration > held.iteration)
    job.pause()
    assert [p.iteration for p in job.snapshot().history] == list(range(job.snapshot().iteration + 1))


def test_starting_and_pausing_in_a_hurry_leaves_one_thread_at_most(world):
    job = world.job(speed=2.0)
    for _ in range(20):
        job.start()
        job.start()
        job.pause()
    job.start()
    wait_for(lambda: training_threads() == 1)
    job.set_speed(10.0)
    begun = job.snapshot().iteration
    wait_for(lambda: job.snapshot().iteration >= begun + 3)
    assert training_threads() == 1
    job.pause()
    wait_for(lambda: training_threads() == 0)
    now = job.snapshot()
    assert now.state is State.PAUSED
    assert [p.iteration for p in now.history] == list(range(now.iteration + 1))


def test_reset_goes_back_to_the_first_weights(world):
    job = world.job()
    first = job.snapshot()
    job.start()
    wait_for(lambda: job.snapshot().iteration >= 2)
    job.reset()
    now = job.snapshot()
    assert now.state is State.READY
    assert torch.equal(now.step.weights, first.step.weights)
    assert [p.loss for p in now.history] == [p.loss for p in first.history]
    assert now.run != first.run
    assert [frame.iteration for frame in now.frames] == [0]
    time.sleep(0.05)
    assert job.snapshot().iteration == 0


def test_speed_is_kept_and_a_change_does_not_wait_for_the_slow_step(world):
    job = world.job(speed=0.01)  # a step in 100 seconds
    job.start()
    wait_for(lambda: job.snapshot().iteration == 1)  # the first comes at once
    time.sleep(0.1)
    assert job.snapshot().iteration == 1
    job.set_speed(50.0)
    began = time.monotonic()
    wait_for(lambda: job.snapshot().iteration >= 11)
    assert time.monotonic() - began > 0.15  # ten steps at 50 a second take 0.2 s
    job.pause()
    with pytest.raises(ValueError, match="above 0"):
        job.set_speed(0.0)


def test_two_jobs_do_not_disturb_each_other(world, small_head, small_activations):
    other = World(channel_jacobian(small_head, small_activations), seed=1)
    one, two = world.job(), other.job()
    one.start()
    two.start()
    one_end, two_end = (next(s for s in w.steps() if s.converged) for w in (world, other))
    wait_for(lambda: one.snapshot().state is State.CONVERGED and two.snapshot().state is State.CONVERGED)
    assert torch.equal(one.snapshot().step.weights, one_end.weights)
    assert torch.equal(two.snapshot().step.weights, two_end.weights)


def test_an_error_in_the_thread_is_kept_and_told(world):
    def breaking():
        yield from itertools.islice(world.steps(), 4)
        raise RuntimeError("the planted fault")

    job = TrainingJob(breaking, world.judge, NEW, None)
    job.start()
    wait_for(lambda: job.snapshot().state is State.FAILED)
    now = job.snapshot()
    assert "RuntimeError: the planted fault" in now.error
    assert now.iteration == 3  # what was learned before is still there
    job.start()
    assert job.snapshot().state is State.FAILED
    wait_for(lambda: training_threads() == 0)
    job.reset()
    assert job.snapshot().state is State.READY
    assert job.snapshot().error is None


def test_an_error_in_the_very_first_step_leaves_an_empty_snapshot(world):
    def broken(step):
        raise ValueError("no features")

    now = TrainingJob(world.steps, broken, NEW, None).snapshot()
    assert now.state is State.FAILED
    assert now.step is None
    assert now.iteration == now.found == 0
    assert "no features" in now.error


def test_the_history_is_bounded_even_and_ends_with_the_latest(world, monkeypatch):
    monkeypatch.setattr(training, "MAX_POINTS", 10)
    job = world.job()
    for _ in range(57):
        job.step()
    iterations = [p.iteration for p in job.snapshot().history]
    assert iterations[0] == 0
    assert iterations[-1] == 57
    assert len(iterations) <= 11
    assert len({b - a for a, b in itertools.pairwise(iterations[:-1])}) == 1


def test_a_job_that_nobody_watches_pauses_itself(world, monkeypatch):
    monkeypatch.setattr(training, "UNWATCHED_SECONDS", 0.5)
    job = world.job(speed=20.0)
    job.start()
    wait_for(lambda: training_threads() == 0)
    now = job.snapshot()
    assert now.state is State.PAUSED
    assert 0 < now.iteration < 40


def test_two_loops_share_one_turn_and_both_come_to_their_end(world, monkeypatch):
    monkeypatch.setattr(line, "QUANTUM", 0.02)
    shared = Line({Kind.LOOK: 1})
    jobs = [
        TrainingJob(world.steps, world.judge, NEW, None, stand=partial(shared.stand, Kind.LOOK, owner))
        for owner in ("a", "b")
    ]
    for job in jobs:
        job.start()
    places = set()

    def over() -> bool:
        now = [job.snapshot() for job in jobs]
        places.update(tuple(one.place for one in now))
        return all(one.state is State.CONVERGED for one in now)

    wait_for(over)
    assert 1 in places  # one of the two waited
    expected = next(s for s in world.steps() if s.converged)
    assert all(torch.equal(job.snapshot().step.weights, expected.weights) for job in jobs)


def test_a_loop_in_line_can_be_paused_and_gives_its_place_back(world):
    shared = Line({Kind.LOOK: 1})
    hold = shared.stand(Kind.LOOK, "hold")
    hold.enter()
    job = TrainingJob(world.steps, world.judge, NEW, None, stand=partial(shared.stand, Kind.LOOK, "a"))
    job.start()
    wait_for(lambda: job.snapshot().place == 1)
    assert job.snapshot().state is State.RUNNING
    assert job.snapshot().iteration == 0
    job.pause()
    wait_for(lambda: training_threads() == 0)
    assert shared.order(Kind.LOOK) == []
    job.start()
    hold.leave()
    wait_for(lambda: job.snapshot().state is State.CONVERGED)
