"""Experiments: the same run with several seeds, and what is built from it."""
