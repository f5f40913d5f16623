"""Is an explanation true of the network? Pointing, deletion and randomisation, the same for every kind of map."""

from niwt_core.faithfulness.deletion import area, blurred, curves
from niwt_core.faithfulness.maps import Method, blind_methods, captum_methods, in_batches, own_methods
from niwt_core.faithfulness.pointing import energy, hits, peaks, widened
from niwt_core.faithfulness.randomisation import randomised, rank_correlation

__all__ = [
    "Method",
    "area",
    "blind_methods",
    "blurred",
    "captum_methods",
    "curves",
    "energy",
    "hits",
    "in_batches",
    "own_methods",
    "peaks",
    "randomised",
    "rank_correlation",
    "widened",
]
