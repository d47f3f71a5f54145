"""Experiments: all that a run depends on, read and checked."""
