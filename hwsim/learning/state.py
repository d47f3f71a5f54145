"""State: all that a training resumes from, as arrays that can be saved and read back bit for bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from circuits.circuit import Circuit
from hwsim.core import blocks
from hwsim.devices.programming.programming import ProgrammingState
from hwsim.learning.optimizers import Moments
from hwsim.learning.step import Carry, Sums

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class State:
    """All that training resumes from: conductances, the optimizer's memory, and how far it has come.

    Conductances and memory are by block; the next update takes them away (`arrays` copies). `epoch` and `step` count what is done: `step`
    batches of epoch number `epoch`. `newton` is whether sweeps alone were too slow, or proved too little, at the last epoch's end.
    """

    g: dict[str, Any]
    moments: Moments
    sums: Sums
    epoch: int
    step: int
    seconds: float
    newton: bool
    programming: ProgrammingState

    @property
    def carry(self) -> Carry:
        """Return what the next update takes."""
        return Carry(self.g, self.moments, self.sums, self.programming)

    def arrays(self) -> Arrays:
        """Lay out everything as named arrays, one an element array; `from_arrays` reads them back bit for bit."""
        kinds = {"g": self.g, "mean": self.moments.mean, "square": self.moments.square}
        flat = {f"{kind}/{name}": values for kind, parts in kinds.items() for name, values in joined(parts).items()}
        for kind, of_kind in self.programming.items():
            of_each = {f"{kind}/{block}": row for block, row in of_kind.items()} if isinstance(of_kind, Mapping) else {kind: of_kind}
            flat |= {f"held/{name}": np.array(values) for name, values in of_each.items()}
        flat |= {f"sums/{name}": np.array(value) for name, value in self.sums._asdict().items()}
        scalars = {"count": self.moments.count, "epoch": self.epoch, "step": self.step, "seconds": self.seconds, "newton": self.newton}
        return flat | {name: np.array(value) for name, value in scalars.items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays, circuit: Circuit) -> Self:
        """Read a state back.

        Raises
        ------
        KeyError
            When an array is missing.

        """

        def group(prefix: str) -> Arrays:  # an optimizer remembers nothing of running averages
            arrays_of_kind = {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
            return blocks.split(circuit, arrays_of_kind, some=prefix != "g/")

        moments = Moments(group("mean/"), group("square/"), arrays["count"])
        sums = Sums(*(arrays[f"sums/{name}"] for name in Sums._fields))
        scalars = (int(arrays["epoch"]), int(arrays["step"]), float(arrays["seconds"]), bool(arrays["newton"]))
        g = group("g/")
        return cls(g, moments, sums, *scalars, _programming_state(arrays, {name: g[name].size for name in blocks.names(circuit)}))


def _programming_state(arrays: Arrays, sizes: dict[str, int]) -> ProgrammingState:
    """Read the state of the programming; earlier versions kept the values of all blocks in one row."""
    kept: dict[str, Any] = {}
    for name, values in arrays.items():
        prefix, kind, block = (*name.split("/"), "", "")[:3]
        if prefix != "held":
            continue
        if not block and values.ndim:
            kept[kind] = dict(zip(sizes, np.split(values, np.cumsum(list(sizes.values()))[:-1]), strict=True))
        else:
            kept |= {kind: kept.get(kind, {}) | {block: values} if block else values}
    return kept


def copied(carry: Carry) -> Carry:
    """Copy all arrays out of the engine: an update reuses those that it gets."""

    def copy(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: copy(inner) for name, inner in value.items()}
        if isinstance(value, tuple):
            return type(value)(*map(copy, value)) if hasattr(value, "_fields") else tuple(map(copy, value))
        return np.array(value)

    copy_of_all: Carry = copy(carry)
    return copy_of_all


def joined(parts: blocks.Blocks) -> Arrays:
    """Copy blocks out of the engine and put them together."""
    return blocks.join({name: np.array(values) for name, values in parts.items()})
