"""What helps to learn: the tour, equations with the class's own numbers, code that can be run."""
