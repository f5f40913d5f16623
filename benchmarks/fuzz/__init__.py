"""Hostile input, made in bulk: every door of the core, and what has to hold whatever comes through it.

`python -m benchmarks.fuzz` prints a table. A door is a function that takes bytes (`doors`); inputs come from Hypothesis
(`inputs`: whole files with structured damage) or from atheris (bytes that coverage guides), in processes of their own
(`worker`, `runs`); `judge` watches.
"""
