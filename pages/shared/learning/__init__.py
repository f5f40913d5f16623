"""The Train page: one class, two ways of learning it, and the living board."""
