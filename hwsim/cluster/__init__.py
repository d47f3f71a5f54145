"""Dask clusters: one of processes on this machine, or the user's own, and what their workers do first."""
