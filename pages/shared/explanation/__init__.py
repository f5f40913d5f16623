"""The Explain page: which picture, where, in words, which neurons."""
