"""Reports: a self-contained page about runs and sweeps."""
