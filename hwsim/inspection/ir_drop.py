"""What wires with resistance do to a crossbar: the voltage that reaches each memristor, and the error of the product that one reads."""

from dataclasses import dataclass

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.read_crossbar import AMMETERS, DEVICES, read_crossbar
from circuits.wires import Wires
from hwsim.core.protocol import Drive, Engine
from hwsim.core.source_currents import source_currents
from hwsim.typing import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCrossbar:
    """A crossbar as one reads it: rows are driven from the first column, and columns held at 0 V behind the last row.

    Parameters
    ----------
    g
        Conductances, shape (rows, columns) [S].
    v
        Voltages of the rows' sources, shape (rows,) [V].
    wires
        Resistances of the pieces of wire [ohm].

    """

    g: Floats
    v: Floats
    wires: Wires

    @property
    def circuit(self) -> Circuit:
        """The circuit that is solved; its devices have the bounds that these conductances need.

        Raises
        ------
        CircuitError
            When there is nothing to read, or a resistance is no positive number.

        """
        rows, columns = self.g.shape
        return read_crossbar(rows, columns, self.wires, float(self.g.min()), float(self.g.max()))

    @property
    def ideal(self) -> Floats:
        """Currents of the columns without any resistance in the wires, shape (columns,) [A]."""
        return np.asarray(self.v @ self.g)

    def conductances(self, circuit: Circuit) -> dict[str, Floats]:
        """Lay the conductances out as the circuit has them [S]."""
        return {DEVICES: self.g.reshape(circuit[DEVICES].shape)}

    def solve(self, engine: Engine) -> "IRDrop":
        """Solve for all voltages.

        Raises
        ------
        ConvergenceError
            When the engine finds no solution.

        """
        circuit = self.circuit
        chip, g, drive = Chip.nominal(circuit), self.conductances(circuit), Drive(self.v[None])
        with engine.prepare(circuit, chip) as solver:
            equilibrium = solver.solve(g, drive).check(circuit)
        a, b = circuit[DEVICES].ends
        across = np.asarray(equilibrium.at(circuit, a))[0] - np.asarray(equilibrium.at(circuit, b))[0]
        currents = source_currents(circuit, chip, g, drive, equilibrium)[AMMETERS][0]
        return IRDrop(crossbar=self, across=across.reshape(self.g.shape), currents=currents, residual=float(equilibrium.residual[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class IRDrop:
    """How a crossbar with wires was found, and how far it is from the ideal one.

    Parameters
    ----------
    crossbar
        What was solved.
    across
        Voltage of each memristor, shape (rows, columns) [V].
    currents
        What the columns deliver, shape (columns,) [A].
    residual
        Of Kirchhoff's law [A].

    """

    crossbar: ReadCrossbar
    across: Floats
    currents: Floats
    residual: float

    @property
    def lost(self) -> Floats:
        """What the wires take of each memristor's voltage, as a share of the largest that is applied, shape (rows, columns)."""
        return np.asarray((self.crossbar.v[:, None] - self.across) / np.abs(self.crossbar.v).max())

    @property
    def worst(self) -> tuple[int, int]:
        """Row and column of the memristor that loses most, counted from 0."""
        row, column = np.unravel_index(int(np.argmax(np.abs(self.lost))), self.across.shape)
        return int(row), int(column)

    @property
    def errors(self) -> Floats:
        """Difference of each column's current from the ideal one, as a share of the largest ideal one, shape (columns,)."""
        ideal = self.crossbar.ideal
        return np.asarray((self.currents - ideal) / np.abs(ideal).max())

    @property
    def gain(self) -> float:
        """The number by which ideal currents come nearest to these: what one gain behind all columns can make good."""
        ideal = self.crossbar.ideal
        return float(self.currents @ ideal / (ideal @ ideal))

    @property
    def uneven(self) -> Floats:
        """What is left of the errors when that gain is made good, as a share of the largest ideal current, shape (columns,)."""
        ideal = self.crossbar.ideal
        return np.asarray((self.currents / self.gain - ideal) / np.abs(ideal).max())

    @property
    def power(self) -> float:
        """What the rows' sources deliver, all of it heat in memristors and wires [W]."""
        return float(self.crossbar.v @ (self.crossbar.g * self.across).sum(axis=1))


def rms(values: Floats) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(values**2)))
