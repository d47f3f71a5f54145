"""Learning: what is wrong (losses), how it is felt (nudges), what follows from it (rules), and how far to go (optimizers)."""
