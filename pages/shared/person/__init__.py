"""Whose session this is: secrets, links, and the loops that outlive a refresh."""
