"""Losses, nudges, learning rules and optimizers."""
