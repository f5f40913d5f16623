"""The laboratory: which words made a classifier, and what becomes of it when a word or an attribute is changed."""
