"""Noise currents of a circuit at equilibrium: thermal noise of conductances, shot noise of diodes; what leaves one end enters the other."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuits.arrays import Divisible, Trainable
from circuits.chip import AnyChip, Chip
from circuits.circuit import Circuit
from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE
from circuits.diode import diode_current
from circuits.elements import Diodes, Resistors
from circuits.nodes import Nodes
from circuits.rows import held_nodes
from circuits.units import Kelvin
from hwsim.core import blocks
from hwsim.core.gathering import gather
from hwsim.core.protocol import Equilibrium
from hwsim.core.stiff_resistors import StiffResistors, limit
from hwsim.random.counter import Draws
from hwsim.settings.variation_settings import NoiseSettings
from hwsim.typing import Array, Conductances

Currents = dict[str, Array]
"""Currents into the nodes of groups, each (B, n) [A]."""

_QUIET = 1e6
"""Times what makes a resistor stiff: a wire of a thousand such ones adds a millionth to the noise of a column."""


def currents(  # noqa: PLR0913 - a circuit with all that it carries
    circuit: Circuit,
    chip: AnyChip,
    g: Conductances,
    free: Equilibrium,
    *,
    settings: NoiseSettings,
    temperature: Kelvin,
    seed: Array,
    phases: int,
) -> list[Currents]:
    """Draw the noise of each phase, again for every sample.

    Parameters
    ----------
    free
        The quiet equilibria, whose currents diodes' shot noise follows.
    seed
        Of these samples, a whole number below 2^32.

    """
    first = next(iter(free.v.values()))
    xp, batch, dtype = first.__array_namespace__(), first.shape[0], first.dtype
    sources = list(_sources(circuit, chip, g, free, settings, temperature))
    fixed = held_nodes(circuit).keys()
    free_nodes = np.ones(circuit.size + 1)
    free_nodes[[0, *fixed]] = 0.0
    noise: list[Currents] = []
    for phase in range(phases):
        total = xp.zeros((batch, circuit.size + 1), dtype=dtype)
        for number, source in enumerate(sources):
            normal = Draws(seed, xp.zeros((batch, source.numbers), dtype=dtype)).normal("current", turn=phase * len(sources) + number)
            total = source.add(total, normal)
        total = total * xp.asarray(free_nodes, dtype=dtype)
        noisy = [group for group in circuit.groups if not set(group.nodes.tolist()) <= fixed]
        noise.append({group.name: total[:, group.start : group.start + len(group)] for group in noisy})
    return noise


class _Between(NamedTuple):
    """Elements that each push a normal current from one node to another: its standard deviation is of shape (n,) or (B, n) [A]."""

    a: Nodes
    b: Nodes
    std: Array

    @property
    def numbers(self) -> int:
        return len(self.a)

    def add(self, total: Array, normal: Array) -> Array:
        i = self.std * normal
        return _add(_add(total, self.b, i), self.a, -i)


class _Grid(NamedTuple):
    """A crossbar, without a number for each of its devices: its lines get the covariance that these cause, Laplace's matrix.

    One side's lines are independent, each with all its devices' variance d. Given their currents i, the others have the mean −Gᵀ·i/d and
    the covariance diag(their variances) − Gᵀ·G/d, of which `root` is the lower triangular root.

    Parameters
    ----------
    first, second
        The nodes of either side; `first` may be none, when sources hold all.
    std
        Of the first side's lines [A].
    onto
        −G/d, shape (first, second).
    root
        Shape (second, second) [A], or (second,) when the first side is none: a diagonal.

    """

    first: Nodes
    second: Nodes
    std: Array
    onto: Array
    root: Array

    @property
    def numbers(self) -> int:
        return len(self.first) + len(self.second)

    def add(self, total: Array, normal: Array) -> Array:
        along, others = normal[:, : len(self.first)] * self.std, normal[:, len(self.first) :]
        if not len(self.first):
            return _add(total, self.second, others * self.root)
        return _add(_add(total, self.first, along), self.second, along @ self.onto + others @ self.root.T)


def _sources(
    circuit: Circuit, chip: AnyChip, g: Conductances, free: Equilibrium, settings: NoiseSettings, temperature: Kelvin
) -> Iterator[_Between | _Grid]:
    """Return all that is noisy, in the order of the circuit."""
    first = next(iter(free.v.values()))
    xp, dtype = first.__array_namespace__(), first.dtype
    amplitude = (4 * BOLTZMANN * temperature * settings.bandwidth) ** 0.5
    of_blocks = blocks.split(circuit, g)
    for element in circuit.elements:
        match element:
            case Divisible() if settings.thermal:
                parts = [(part, of_blocks[block]) for block, part in blocks.parts(circuit) if blocks.element_of(block) == element.name]
                yield _grid(circuit, element, [part for part, _ in parts], [values for _, values in parts], amplitude)
            case Trainable() if settings.thermal:
                a, b, values = element.expand(of_blocks[element.name])
                yield _Between(a, b, amplitude * xp.sqrt(values))
            case Resistors(a=a, b=b) if settings.thermal:
                std = amplitude / xp.sqrt(xp.asarray(chip(element.name, "r"), dtype=dtype))
                yield _Between(a, b, xp.where(xp.asarray(_quiet(circuit, element)), 0.0, std).astype(dtype))
            case Diodes(anode=a, cathode=b) if settings.shot:
                v = gather(circuit, free.v, a) - gather(circuit, free.v, b)
                i, _ = diode_current(v, *(chip(element.name, what).astype(dtype) for what in ("i_sat", "n")))
                yield _Between(a, b, xp.sqrt(2 * ELEMENTARY_CHARGE * settings.bandwidth * abs(i)))


def _quiet(circuit: Circuit, resistors: Resistors) -> NDArray[np.bool_]:
    """Return which of them are far stiffer than any, (n,): their noise moves no voltage, but would be more than other currents."""
    quiet, chip = np.zeros(len(resistors), dtype=bool), Chip.nominal(circuit)
    quiet[StiffResistors.above(circuit, chip, _QUIET * limit(circuit, chip)).which[resistors.name]] = True
    return quiet


def _grid(circuit: Circuit, crossbar: Trainable, parts: list[Trainable], g: list[Array], amplitude: float) -> _Grid:
    """Find how the lines of a crossbar, or of any array in parts, are noisy together; those that sources hold drop out."""
    xp = g[0].__array_namespace__()
    fixed = np.array([0, *held_nodes(circuit)])
    columns = np.flatnonzero(~np.isin(crossbar.columns, fixed))
    to_columns = sum(part.column_sum(values) for part, values in zip(parts, g, strict=True))[columns]
    free = []
    for part, values in zip(parts, g, strict=True):
        loose = ~np.isin(part.rows, fixed)
        if loose.any():
            free.append((part.rows[loose], part.row_sum(values)[loose], part.matrix(values)[loose][:, columns]))
    second = crossbar.columns[columns]
    if not free:
        none = xp.zeros((0,), dtype=g[0].dtype)
        return _Grid(second[:0], second, none, none, amplitude * xp.sqrt(to_columns))
    first, d, between = np.concatenate([part[0] for part in free]), *(xp.concatenate([part[k] for part in free]) for k in (1, 2))
    other = to_columns
    if len(first) < len(second):  # the root of the smaller side
        first, second, d, other, between = second, first, to_columns, d, between.T
    onto = -between / d[:, None]
    rest = between.T @ onto
    k = np.arange(len(second))
    least = 1 + 4 * len(second) * float(np.finfo(g[0].dtype).eps)  # nothing is lost that all lines share, where no source holds any
    diagonal = xp.zeros_like(rest) + xp.where(k[:, None] == k, other * least, 0.0)
    return _Grid(first, second, amplitude * xp.sqrt(d), onto, amplitude * xp.linalg.cholesky(rest + diagonal))


def _add(total: Any, nodes: Any, values: Any) -> Any:
    """Add values to the sums of their nodes, the last axis; several may meet at one node."""
    if isinstance(total, np.ndarray):
        np.add.at(total.T, nodes, np.asarray(values).T)
        return total
    return total.at[..., nodes].add(values.astype(total.dtype))
