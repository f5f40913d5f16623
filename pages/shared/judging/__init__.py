"""How well it works: methods, confusions and verdicts in charts and words."""
