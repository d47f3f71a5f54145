"""Trained circuits in Python: fit, predict, save, load, sweep."""
