"""Circuits that learn by themselves: their decks, what they learned, and the flow that they follow."""
