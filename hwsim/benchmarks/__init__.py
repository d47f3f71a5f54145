"""Benchmarks: speed against something that runs beside it, with steps, residual and success beside each time."""
