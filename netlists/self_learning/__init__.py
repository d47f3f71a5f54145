"""Decks that learn by themselves: two twins of a circuit, nudged apart, and capacitors that hold their conductances."""
