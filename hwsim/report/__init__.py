"""Reports: one page that shows runs and sweeps, complete in itself."""
