"""What the tests of the maps do and what came out, in plain words. No Streamlit here; every figure is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from pages.shared.judging.trial import CENTRE, CLASSIC, NAMES, OURS, RANDOM, Judged, Mean, Summary

POINTING = """
- **Pointing game.** Does the strongest place of the map lie on the bird? A map that lights up the sky does not show
  what the network recognised. (Zhang et al., 2016)
- **Heat on the bird.** Of all that the map says speaks for the class, which share lies on the bird?
"""

NO_MASKS = """
Where on a photo the thing is that it shows, nobody has marked. So whether a map points at it cannot be tested here; on
Paper Birds, where every pixel is known, it can.
"""

TESTS = """
- **Insertion and deletion.** Does the network need what the map calls important? From a blurred picture the hottest
  pixels are put back first: it should be sure soon. Or they are blurred first: it should lose its answer soon. The mark
  is the area under the curve, how sure it is on average. (Petsiuk et al., 2018)
- **Forgetting.** The same map is made of a network whose every weight is drawn anew. If it still looks alike, the map
  shows the picture and not what was learned. The mark is the rank correlation of both. (Adebayo et al., 2018)

Two maps that never look at the network stand beside ours, so that nobody is impressed too soon: a random one, and a
spot in the middle, where most things stand.
"""

#: A rank correlation below this is called none.
LITTLE = 0.1
#: Kept and promised shares of words that differ by less are called the same.
ALIKE = 0.02


def reading(tested: Sequence[Judged], found: Mapping[str, Summary]) -> str:
    """The table in sentences, what speaks against our map as well."""
    ours = found[OURS]
    kept = ours.forgetful.value
    forgetting = f"When the network forgets everything, {OURS} " + (
        "keeps nothing of itself: it shows what was learned, not the bare picture."
        if abs(kept) < LITTLE
        else f"still looks a little alike ({ours.forgetful}): part of it is the bare picture."
    )
    said = [*_pointing(tested, found), _best("insertion", found, max), _best("deletion", found, min), forgetting]
    return "\n".join(f"- {sentence}" for sentence in said)


def _pointing(tested: Sequence[Judged], found: Mapping[str, Summary]) -> list[str]:
    """Whether the maps lie on the bird; nothing of photos, where nobody knows."""
    n, ours, centre, classic = len(tested), found[OURS], found[CENTRE], found[CLASSIC]
    covered = [picture.covers for picture in tested if picture.covers is not None]
    if ours.n_hits is None or centre.n_hits is None or ours.energy is None or classic.energy is None:
        return []
    pointing = (
        f"The strongest place of **{OURS}** lies on the bird in **{ours.n_hits} of {n}**, that of {CLASSIC} in "
        f"{classic.n_hits}, that of {RANDOM} in {found[RANDOM].n_hits}."
    )
    if centre.n_hits >= ours.n_hits:
        pointing += f" But {CENTRE} does it in {centre.n_hits}: birds stand there, so pointing alone proves little."
    inside = (
        f"Of all that speaks for the class, {OURS} sees {100 * ours.energy.value:.0f} % on the bird, which covers "
        f"{100 * sum(covered) / len(covered):.0f} % of the picture; {CLASSIC} {100 * classic.energy.value:.0f} %."
    )
    return [pointing, inside]


def _best(mark: str, found: Mapping[str, Summary], choose: Callable) -> str:
    """How our map stands to the best of the others in one test, as far as that is no chance."""
    values: dict[str, Mean] = {name: getattr(found[name], mark) for name in NAMES}
    rival = choose([name for name in NAMES if name != OURS], key=lambda name: values[name].value)
    ours, other = values[OURS], values[rival]
    doubt = math.hypot(ours.error or 0.0, other.error or 0.0)
    figures = f"({ours.value:.2f} and {other.value:.2f})"
    if abs(ours.value - other.value) <= doubt:
        return f"By {mark}, {OURS} and {rival} are level {figures}: the difference may be chance."
    ahead = OURS if choose(ours.value, other.value) == ours.value else rival
    return f"By {mark}, {ahead} is ahead of {rival if ahead == OURS else OURS} {figures}."


def telling(tested: Sequence[Judged]) -> int:
    """The picture to show first: one where our map and the classic do not agree, if there is one."""
    return next((i for i, b in enumerate(tested) if b.marks[OURS].hit != b.marks[CLASSIC].hit), 0)


def calibration(band: Mapping) -> str:
    """Whether the surest words keep what they promise."""
    kept, promised = band["n_true"] / band["n_words"], band["promised"]
    said = f"Of the surest words, {100 * kept:.0f} of 100 were true where {100 * promised:.0f} were promised: "
    if kept < promised - ALIKE:
        return said + "on birds it never saw, the network's words are surer than they should be."
    return said + ("they are more modest than need be." if kept > promised + ALIKE else "they keep their promise.")
