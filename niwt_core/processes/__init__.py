"""One fit in many processes, on one machine or on several: who takes which images, and how parts become a whole."""

from niwt_core.processes.team import ALONE, Team

__all__ = ["ALONE", "Team"]
