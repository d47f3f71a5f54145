"""Kinds of memristors: step laws, device files and presets."""
