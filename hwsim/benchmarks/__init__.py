"""Benchmarks: speed as ratios to something timed by turns with it, with steps, residual and success next to each time."""
