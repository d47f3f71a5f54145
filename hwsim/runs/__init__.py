"""Runs: trainings in a folder each, which survive being killed and can be resumed."""
