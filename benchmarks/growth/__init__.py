"""How time and memory grow with images, classes and channels, each beside the bare forward pass."""
