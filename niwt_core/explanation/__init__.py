"""Explanations of a score: where the network looks, which neurons it comes from, and why, in words."""

from niwt_core.explanation.contributions import Contributions, Explanation, contributions, explain, why_rather
from niwt_core.explanation.layers import at_layer
from niwt_core.explanation.where import Heatmap, common_scale, grad_cam, heat_map, overlay
from niwt_core.explanation.words import Word, words_for

__all__ = [
    "Contributions",
    "Explanation",
    "Heatmap",
    "Word",
    "at_layer",
    "common_scale",
    "contributions",
    "explain",
    "grad_cam",
    "heat_map",
    "overlay",
    "why_rather",
    "words_for",
]
