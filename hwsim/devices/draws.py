"""Random numbers of one update of all devices: the same for both engines, drawn in 32 bits, which is fine enough for noise."""

from typing import Any, NamedTuple

import numpy as np

from hwsim.engine import Array

PLACES = ("round", "cycle", "write", "transfer", "verify")
"""What random numbers are for; each has its own."""


class Draws(NamedTuple):
    """The random numbers of one update.

    Parameters
    ----------
    seed
        The update's, a whole number below 2^32.
    like
        An array of the shape and precision that the numbers shall have; NumPy's gives NumPy's.

    """

    seed: Array
    like: Array

    def uniform(self, place: str) -> Array:
        """Give numbers from 0 to 1."""
        import jax  # noqa: PLC0415 - only devices that are pulsed need it

        return self._on_host(jax.random.uniform(self._key(place), self.like.shape, np.float32))

    def normal(self, place: str, *leading: int) -> Array:
        """Give standard normal numbers, with leading axes on request."""
        import jax  # noqa: PLC0415 - only devices that are pulsed need it

        return self._on_host(jax.random.normal(self._key(place), (*leading, *self.like.shape), np.float32))

    def _key(self, place: str) -> Any:
        import jax  # noqa: PLC0415 - only devices that are pulsed need it

        # put together instead of folded: each folding compiles a cipher of its own
        parts = [jax.numpy.asarray(part, np.uint32) for part in (self.seed, PLACES.index(place))]
        return jax.random.wrap_key_data(jax.numpy.stack(parts), impl="threefry2x32")

    def _on_host(self, numbers: Array) -> Array:
        return np.asarray(numbers, self.like.dtype) if isinstance(self.like, np.ndarray) else numbers.astype(self.like.dtype)
