"""Groups of arrays that are programmed in different ways, together as one way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from circuits.chip import AnyChip
from hwsim.core.blocks import element_of
from hwsim.devices.programming.programming import NOTHING, Programmed, Programming, ProgrammingState
from hwsim.random.counter import seed_of
from hwsim.typing import Array, Conductances


def of_arrays(names: Sequence[str], by_block: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to some arrays, or to their blocks."""
    return {block: values for block, values in by_block.items() if element_of(block) in names}


@dataclass(frozen=True)
class GroupedProgramming:
    """A way of programming for each group of arrays.

    Parameters
    ----------
    groups
        The names of a group's arrays, and how they change.

    """

    groups: tuple[tuple[tuple[str, ...], Programming], ...]

    @property
    def counts(self) -> tuple[str, ...]:
        """What `pulses` of an update are called, pulses and flips apart."""
        return tuple(dict.fromkeys(name for _, one in self.groups for name in one.counts))

    @property
    def devices(self) -> Any:
        """The arrays of all groups' devices."""
        return tuple(one.devices for _, one in self.groups)

    def holding(self, devices: Any) -> Self:
        """Return the same with other arrays of devices."""
        each = devices or ((),) * len(self.groups)
        return replace(self, groups=tuple((names, one.holding(mine)) for (names, one), mine in zip(self.groups, each, strict=True)))

    def begin(self, g: Conductances) -> tuple[dict[str, Array], ProgrammingState]:
        """Return the values that devices begin with where `g` was wanted, and the state of the programming at first."""
        new: dict[str, Array] = {}
        state: dict[str, Any] = {}
        for number, (names, one) in enumerate(self.groups):
            begun, kept = one.begin(of_arrays(names, g))
            new |= begun
            state |= {_kind(number, kind): values for kind, values in kept.items()}
        return new, state

    def update(self, g: Conductances, dg: Mapping[str, Array], chip: AnyChip, key: Array, state: ProgrammingState = NOTHING) -> Programmed:
        """Change the arrays `g` by about `dg`."""
        new: dict[str, Array] = {}
        after: dict[str, Any] = {}
        writes: dict[str, Any] = dict.fromkeys(self.counts, 0.0)
        energy: Any = 0.0
        for number, (names, one) in enumerate(self.groups):
            mine = {kind.removeprefix(_kind(number, "")): values for kind, values in state.items() if kind.startswith(_kind(number, ""))}
            done = one.update(of_arrays(names, g), of_arrays(names, dg), chip, seed_of(number, key), mine)
            new |= done.g
            after |= {_kind(number, kind): values for kind, values in done.state.items()}
            energy = energy + done.energy
            for name in one.counts:
                writes[name] = writes[name] + done.pulses
        each, xp = list(writes.values()), next(iter(new.values())).__array_namespace__()
        return Programmed(new, xp.stack(each) if len(each) > 1 else sum(each), energy, after)


def _kind(number: int, kind: str) -> str:
    """Return what a kind of state is called of a group."""
    return f"{number}.{kind}"
