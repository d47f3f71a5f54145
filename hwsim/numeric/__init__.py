"""The numeric engine: batched equilibria of layered circuits in JAX."""
