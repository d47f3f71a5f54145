"""Circuits inside of other models: a circuit as a layer of a JAX or a PyTorch model."""
