"""Names of array types: what is an array of NumPy or of JAX, and what is one of NumPy in 64 bits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
"""An array of NumPy or JAX, which share no static type; the docstring has its shape and unit."""

Floats = NDArray[np.float64]
"""An array of NumPy in 64 bits; the docstring has its shape and unit."""

Conductances = Mapping[str, Array]
"""One array of conductances [S] a trainable element array, by its name."""

Weights = Mapping[str, Floats]
"""Conductances [S] as NumPy arrays in 64 bits, by the name of their element array."""
