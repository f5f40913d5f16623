"""The shelf of kept classes."""
