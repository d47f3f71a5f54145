"""From a circuit to the text of a deck."""
