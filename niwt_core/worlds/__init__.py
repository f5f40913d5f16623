"""Worlds: a project together with where its classes come from; drawn birds or photos."""
