"""Programming: from the wanted change of every conductance to the conductances that the devices then have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from circuits.chip import AnyChip
from hwsim.core.blocks import parameter
from hwsim.typing import Array, Conductances

ProgrammingState = Mapping[str, Any]
"""What a way of programming keeps from update to update, by kind: one value, or a row of values for each block."""

NOTHING: ProgrammingState = {}
"""A dictionary that nobody changes; JAX does not know the read-only kind."""


class Programmed(NamedTuple):
    """What an update did.

    Parameters
    ----------
    g
        The new conductances [S], by block or by element array as they came.
    pulses
        Programming pulses sent to all devices together, or flips: devices whose level changed; an array where both are counted.
    energy
        What they took [J].
    state
        What the next update needs to know.

    """

    g: dict[str, Array]
    pulses: Array
    energy: Array
    state: ProgrammingState = NOTHING


class Programming(Protocol):
    """A way to change conductances. Pure, so that it compiles into the training step; without its arrays, `holding(())`, it is hashable."""

    @property
    def counts(self) -> tuple[str, ...]:
        """What `pulses` of an update are called, a name for each that is counted apart; none: devices are not written."""
        ...

    @property
    def devices(self) -> Any:
        """Its large arrays, which a compiled function takes as an argument next to the conductances."""
        ...

    def holding(self, devices: Any) -> Self:
        """Return the same with other such arrays."""
        ...

    def begin(self, g: Conductances) -> tuple[dict[str, Array], ProgrammingState]:
        """Return the conductances that devices begin with where `g` was wanted [S], and the state of the programming at first."""
        ...

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, state: ProgrammingState = NOTHING) -> Programmed:
        """Change the conductances `g` by about `dg` [S], both by block or by element array; `key` is the seed of its randomness."""
        ...


@dataclass(frozen=True, slots=True)
class Ideal:
    """Conductances become exactly what was wanted, within their bounds, at no cost."""

    counts: ClassVar[tuple[()]] = ()
    devices: ClassVar[tuple[()]] = ()

    def holding(self, devices: Any) -> Self:  # noqa: ARG002 - there are none
        """Return the same."""
        return self

    def begin(self, g: Conductances) -> tuple[dict[str, Array], ProgrammingState]:
        """Begin with what was wanted, which lies within the bounds."""
        return dict(g), NOTHING

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, state: ProgrammingState = NOTHING) -> Programmed:  # noqa: ARG002 - ideal devices draw and keep nothing
        """Add and clip."""
        new = {}
        for name, values in g.items():
            bounds = (parameter(chip, name, bound).astype(values.dtype) for bound in ("g_min", "g_max"))
            new[name] = (values + dg[name]).clip(*bounds)
        return Programmed(new, 0, 0.0)
