"""Devices: how conductances are changed."""
