"""What the app is like when it is killed, when the disk is full and when the clock jumps: `python -m benchmarks.faults`."""
