"""Random numbers: named streams of a seed, and counters for compiled updates."""
