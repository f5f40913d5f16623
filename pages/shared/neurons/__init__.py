"""Neurons by name: cards, the wall, surgery, and the classes nearest to a class."""
