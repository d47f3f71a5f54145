"""Chains: circuits in blocks, with digital layers between them, trained as one."""
