"""Free human sentences, read into the attributes of any data set whose attributes have names."""

from niwt_core.wording.describing import SeenClasses, describe, learn_seen
from niwt_core.wording.ranking import log_likelihoods, rank_captions, ranks
from niwt_core.wording.reading import Phrase, Reading, read_captions

__all__ = [
    "Phrase",
    "Reading",
    "SeenClasses",
    "describe",
    "learn_seen",
    "log_likelihoods",
    "rank_captions",
    "ranks",
    "read_captions",
]
