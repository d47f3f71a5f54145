"""Trained perceptrons as circuits: readers of their files, one form, one mapping."""
