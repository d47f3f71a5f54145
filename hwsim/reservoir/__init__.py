"""Reservoirs: recurrent circuits that compute with their dynamics, tasks for them, and read-outs that learn what they do."""
