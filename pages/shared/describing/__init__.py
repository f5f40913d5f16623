"""From words to a class: how they were understood, and what each of them does."""
