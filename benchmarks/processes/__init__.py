"""One fit in one process and in several: how long each stage takes, and whether the numbers agree."""
