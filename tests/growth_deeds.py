"""Deeds for `test_growth.py`, in a module of their own that a fresh process imports quickly."""

import os
import time

import torch

from benchmarks.growth.measuring import MB
from niwt_core.importance import class_importances
from niwt_core.network.backbone import load_backbone
from niwt_core.transfer import channel_statistics


def hold(n):
    """So many MB at once, and a tenth of a second's rest."""

    def run():
        held = bytearray(n * MB)
        held[:: 2**12] = b"x" * len(held[:: 2**12])
        time.sleep(0.1)

    return run


def end(n):
    """Nothing for 1; for more the end of the process, as when there is no memory left."""
    return (lambda: os._exit(1)) if n > 1 else (lambda: None)


def stream(n):
    """Activations of `n` images of drawn birds' size, ten at a time, each batch in memory of its own."""
    return (torch.rand(10, 128, 8, 8) for _ in range(n // 10))


def bird_head():
    return load_backbone("paper_bird_net", "features.stage4").head


def statistics(n):
    head = bird_head()
    return lambda: channel_statistics(head, stream(n))


def importances(n):
    head, weights = bird_head(), torch.rand(10, 256)
    return lambda: class_importances(head, ((a, torch.arange(10)) for a in stream(n)), weights)
