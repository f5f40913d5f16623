"""What the page says of a fit under way."""

from __future__ import annotations

from pages.shared.jobs.fitting import Snapshot, State
from pages.shared.person.turns import ordinal

#: Stage -> what happens in it, and what its units are.
STAGES = {
    "descriptions": ("Reading the descriptions", ""),
    "network": ("Fetching the network", ""),
    "activations": ("Looking at every picture", "looks"),
    "rehearsal": ("Rehearsing: some classes play unknown ones", "looks"),
    "settings": ("Choosing settings in the rehearsal", "pictures"),
    "fine-tuning": ("Learning the seen classes", "looks"),
    "importances": ("Measuring importances", "pictures"),
    "statistics": ("Measuring how neurons move the features", "pictures"),
    "test images": ("Testing on pictures kept aside", "pictures"),
    "saving": ("Saving the project", ""),
}


def duration(seconds: float) -> str:
    """Time as people say it, no more exact than it is known."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {5 * round(seconds / 5)} seconds"
    if seconds < 100:
        return "about a minute"
    if seconds < 3600:
        return f"about {round(seconds / 60)} minutes"
    hours = seconds / 3600
    return "about an hour" if hours < 1.5 else f"about {round(hours)} hours"


def standing(now: Snapshot) -> str:
    """Where a fit stands, in one line."""
    if now.state is State.WAITING:
        return f"{ordinal(now.place)} in line: other fits are under way on this server. Yours begins by itself."
    words, units = STAGES.get(now.stage, ("Starting", ""))
    count = f", {now.done:,} of {now.total:,} {units}" if units and now.total else ""
    if now.state is State.PAUSED:
        return f"Paused. {words}{count}."
    left = duration(now.left) if now.left is not None else ""
    return f"{words}{count}. {left[0].upper()}{left[1:]} left." if left else f"{words}{count}."
