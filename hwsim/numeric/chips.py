"""Chips: many chips of one layered circuit, as one solver inside of compiled functions that map over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from circuits.circuit import Circuit
from hwsim.engine import Array
from hwsim.numeric.engine import LayeredSolver
from hwsim.numeric.stack import Stack, stack
from hwsim.numeric.traced import OnChip, TracedSolver

Values = dict[tuple[str, str], Any]


class _Numbers(NamedTuple):
    """What a solver takes from a chip; `values[element, parameter]` are those that some chip has other than nominal."""

    stages: Any
    scales: Any
    values: Values


@dataclass(frozen=True)
class _Standing:
    """Stands in a chip's place; its values may be what JAX maps over."""

    circuit: Circuit
    values: Values

    def __call__(self, element: str, parameter: str) -> Array:
        found = self.values.get((element, parameter))
        return np.asarray(getattr(self.circuit[element], parameter)) if found is None else found


class Chips:
    """The solvers of one circuit on many chips, side by side.

    `mapped` holds the chips' differing numbers, each (chips, …): a compiled function takes it and, mapped over, hands each chip's share
    to `traced`. What is equal on all chips is compiled in.
    """

    def __init__(self, solvers: Sequence[LayeredSolver]) -> None:
        self._first = solvers[0]
        keys = {(element, name) for solver in solvers for element, values in solver.chip.values.items() for name in values}
        self._numbers: Stack = stack([_numbers(solver, sorted(keys)) for solver in solvers])
        self.mapped = self._numbers.mapped

    def traced(self, mapped: Sequence[Array], *, newton: bool, largest_feature: Array | None = None) -> TracedSolver:
        """Give the solver of the chip that these numbers are of."""
        numbers: _Numbers = self._numbers.one(mapped)
        layers = self._first.on.layers._replace(parameters=numbers.stages)
        on = OnChip(layers, numbers.scales, _Standing(self._first.circuit, numbers.values))
        return TracedSolver(self._first, on, newton=newton, largest_feature=largest_feature)


def _numbers(solver: LayeredSolver, keys: Sequence[tuple[str, str]]) -> _Numbers:
    values = {key: np.asarray(solver.chip(*key), solver.dtype) for key in keys}
    return _Numbers(solver.on.layers.parameters, solver.on.scales, values)
