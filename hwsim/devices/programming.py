"""Programming: from the wanted change of every conductance to the conductances that the devices then have."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from circuits.chip import Chip
from hwsim.blocks import parameter
from hwsim.engine import Array, Conductances


class Programmed(NamedTuple):
    """What an update did.

    Parameters
    ----------
    g
        The new conductances [S], by block or by element array as they came.
    pulses
        Programming pulses sent to all devices together.
    energy
        What they took [J].

    """

    g: dict[str, Array]
    pulses: Array
    energy: Array


class Programming(Protocol):
    """A way to change conductances. Pure, so that it compiles into the training step; `key` is its randomness."""

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: Chip, key: Array) -> Programmed:
        """Change the conductances `g` by about `dg` [S], both by block or by element array."""
        ...


class Ideal:
    """Conductances become exactly what was wanted, within their bounds, at no cost."""

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: Chip, key: Array) -> Programmed:  # noqa: ARG002 - ideal devices draw nothing
        """Add and clip."""
        new = {}
        for name, values in g.items():
            bounds = (parameter(chip, name, bound).astype(values.dtype) for bound in ("g_min", "g_max"))
            new[name] = (values + dg[name]).clip(*bounds)
        return Programmed(new, 0, 0.0)
