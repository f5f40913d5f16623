"""Charts, tables and pictures of numbers, and how they are saved."""
