"""Time profile of a training."""
