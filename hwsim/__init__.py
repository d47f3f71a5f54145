"""Solving circuits and letting them learn."""
