"""What a deck measures: power, settling, transfer curves, pulse trains."""
