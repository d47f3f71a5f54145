"""Foreign decks: what only ngspice can read, asked of it, in the words of this package."""
