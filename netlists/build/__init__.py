"""Circuits of what was read: arrays of cards, and the elements that these become."""
