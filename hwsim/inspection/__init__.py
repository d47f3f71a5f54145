"""What is in a circuit: its blocks, its numbers, and what is odd about it."""
