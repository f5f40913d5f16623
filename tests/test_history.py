"""Undo and redo of what-ifs: versions are never lost by going back, only by another edit after it."""

from niwt_core.worlds.described import Described
from pages.shared.describing.history import MAX_VERSIONS, begun


def bird(crown: str) -> Described:
    return Described("", {"crown_color": crown})


RED, BLUE, GREEN, BLACK = map(bird, ("red", "blue", "green", "black"))


def test_undo_and_redo_walk_along_the_versions() -> None:
    one = begun(RED)
    assert not one.can_undo
    assert not one.can_redo
    three = one.edited(BLUE, "crown: blue").edited(GREEN, "crown: green")
    assert (three.now, three.before) == (GREEN, RED)
    back = three.gone_to(three.at - 1)
    assert (back.now, back.can_undo, back.can_redo) == (BLUE, True, True)
    assert back.gone_to(back.at + 1) == three
    assert three.gone_to(-7).now == RED
    assert three.gone_to(99).now == GREEN
    assert [v.change for v in three.versions] == ["as it came", "crown: blue", "crown: green"]


def test_an_edit_after_undo_forgets_what_was_undone_but_not_what_is_pinned() -> None:
    pinned = begun(RED).edited(BLUE, "").edited(GREEN, "").with_pin()
    other = pinned.gone_to(1).edited(BLACK, "crown: black")
    assert [v.described for v in other.versions] == [RED, BLUE, BLACK]
    assert not other.can_redo
    assert other.before == GREEN


def test_the_same_again_is_no_edit() -> None:
    two = begun(RED).edited(BLUE, "")
    assert two.edited(BLUE, "again") is two


def test_a_class_described_anew_elsewhere_is_a_version_more_and_pinned() -> None:
    two = begun(RED).edited(BLUE, "")
    assert two.seen(RED) is two
    anew = two.seen(GREEN)
    assert (anew.now, anew.before) == (GREEN, GREEN)
    assert anew.gone_to(anew.at - 1).now == BLUE, "nothing is lost"
    assert anew.seen(GREEN) is anew


def test_what_was_kept_is_not_taken_for_a_class_described_anew() -> None:
    kept = begun(RED).edited(BLUE, "").kept()
    assert kept.seen(BLUE) is kept
    assert kept.before == RED
    assert kept.gone_to(0).now == RED


def test_a_class_described_anew_as_the_version_at_hand_is_pinned_without_a_copy() -> None:
    anew = begun(RED).edited(BLUE, "").seen(BLUE)
    assert (len(anew.versions), anew.before, anew.base) == (2, BLUE, BLUE.identity)


def test_a_long_history_forgets_its_oldest_versions() -> None:
    long = begun(RED)
    for i in range(MAX_VERSIONS + 20):
        long = long.edited(Described(str(i), {}), str(i))
    assert len(long.versions) == MAX_VERSIONS
    assert long.now.text == str(MAX_VERSIONS + 19)
    assert long.at == MAX_VERSIONS - 1
    assert long.before == RED
