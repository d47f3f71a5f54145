"""Runs: training that leaves a folder, survives being killed, and can be resumed."""
