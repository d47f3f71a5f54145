"""Chains of crossbars: batched, compiled equilibria in JAX."""
