"""Inspection of circuits: blocks, numbers, schematics and warnings."""
