"""Random streams by name, all from one seed: adding a stream moves no other."""

import hashlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the stream of random numbers that belongs to a seed and a name, always from its start."""
    digest = hashlib.sha256(name.encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u4").tolist()  # little-endian: the same on every machine
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def of_chip(name: str, chip: int) -> str:
    """Return the name of a chip's stream of what is random on each chip by itself; chip 0 has the plain name."""
    return f"{name}/chip/{chip}" if chip else name
