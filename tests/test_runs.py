"""Loops that outlive a refresh: whose they are, and how many are remembered."""

from pages.shared.person.runs import Runs

SECRET, OTHER = "a" * 32, "b" * 32


def test_only_the_owner_finds_a_loop_and_only_for_its_class():
    runs, mine = Runs(), object()
    runs.remember(SECRET, "a bird", mine)
    assert runs.find(SECRET, "a bird") is mine
    assert runs.find(OTHER, "a bird") is None
    assert runs.find(SECRET, "another bird") is None


def test_a_secret_that_anybody_could_make_up_keeps_nothing():
    runs = Runs()
    runs.remember("", "a bird", object())
    runs.remember("x", "a bird", object())
    assert runs.find("", "a bird") is None
    assert runs.find("x", "a bird") is None


def test_the_one_looked_at_longest_ago_is_paused_and_forgotten():
    class Paused:
        was = False

        def pause(self):
            self.was = True

    runs, loops = Runs(most=2), [Paused() for _ in range(3)]
    runs.remember(SECRET, "0", loops[0])
    runs.remember(SECRET, "1", loops[1])
    assert runs.find(SECRET, "0") is loops[0]  # looked at again: now 1 is the oldest
    runs.remember(SECRET, "2", loops[2])
    assert runs.find(SECRET, "1") is None
    assert [loop.was for loop in loops] == [False, True, False]
