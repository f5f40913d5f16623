"""What becomes of what people make when the app is killed: `python -m benchmarks.faults`."""
