"""Explanations of a score: where the network looks, and why, in words."""

from niwt_core.explanation.where import Heatmap, grad_cam, overlay
from niwt_core.explanation.words import Word, words_for

__all__ = ["Heatmap", "Word", "grad_cam", "overlay", "words_for"]
