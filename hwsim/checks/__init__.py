"""Checks: of a circuit, and of the machine that simulates it."""
