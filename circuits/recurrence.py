"""Recurrence: a crossbar from a layer's amplified columns back to its own columns, so that the layer has dynamics of its own."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from circuits.arrays import Crossbar, Memristors
from circuits.builder import Builder
from circuits.checked import FORBID_UNKNOWN, check_fields
from circuits.clocked import SampleHold
from circuits.controlled import VoltageControlledVoltageSources
from circuits.elements import Amplifiers, Resistors
from circuits.errors import CircuitError
from circuits.nodes import GROUND, Nodes
from circuits.units import Siemens

_DRAWN, _LINES = {"random", "mutual"}, 8
"""Patterns whose lines are drawn, and columns whose lines meet a column unless another number is given."""

_MOST_GAIN = 1e6
"""Largest gain of lines: that of an operational amplifier without feedback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """Lines that follow a layer's columns, and the memristors from them back to these columns.

    Parameters
    ----------
    pattern
        `dense`: every line meets every column; `random`: each column meets the lines of `fan_in` columns; `mutual`: as `random`, and where
        a column meets another's lines, that one meets its lines; `cycle`: each column meets those of the one before it, and the first those
        of the last.
    fan_in
        Columns whose lines meet a column, where they are drawn at random: of `mutual`, an even number, and few columns have less; None: 8.
    seed
        Of that draw; None: 0.
    gain
        Of the lines: each has so many times its column's voltage.
    signed
        Whether each column drives a second line, at the negative voltage.
    back
        0: buffers drive the lines, and nothing goes back. More: bidirectional amplifiers do, and this share of the current of a line comes
        back to its column; the lines are not signed then.
    leak
        From each column to ground [S]; 0: none.
    hold
        What samples the columns clock by clock, so that the lines, and what comes behind the layer, follow states that are held; None: they
        follow the columns themselves.
    onward
        What leads on to what is behind the layer: its `columns`, or the `lines`, of both signs where there are both, which load no column.
    g_min, g_max
        Bounds of the memristors [S].

    Raises
    ------
    CircuitError
        When a number is out of its range, or what is bidirectional is signed.

    Examples
    --------
    >>> import hwsim as hw
    >>> layer = hw.Layer(5, recurrence=hw.Recurrence(pattern="cycle", gain=2.0))
    >>> network = hw.Network(inputs=1, layers=[layer], outputs=1, capacitance=1e-12)
    >>> [(array.name, array.shape) for array in network.compile().trainable]  # a pair of devices a column
    [('w1', (3, 5)), ('r1', (10,)), ('w2', (6, 2))]

    """

    __pydantic_config__: ClassVar = FORBID_UNKNOWN
    pattern: Literal["dense", "random", "mutual", "cycle"] = "dense"
    fan_in: int | None = None
    seed: int | None = None
    gain: float = 1.0
    signed: bool = True
    back: float = 0.0
    leak: Siemens = 0.0
    hold: SampleHold | None = None
    onward: Literal["columns", "lines"] = "columns"
    g_min: Siemens = 1e-8
    g_max: Siemens = 1e-4

    def __post_init__(self) -> None:
        """Check the fields."""
        check_fields(self)
        self._check_draw()
        for name in ("back", "leak"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                msg = f"recurrence: {name} = {getattr(self, name):g} must be a finite number, 0 or more"
                raise CircuitError(msg)
        if not 0 < self.gain <= _MOST_GAIN:
            msg = f"recurrence: gain = {self.gain:g} must be above 0 and at most {_MOST_GAIN:g}; signed lines have its negative too"
            raise CircuitError(msg)
        if self.back and self.signed:
            msg = "recurrence: back > 0 needs amplifiers that pass current back, and none inverts; set signed to False"
            raise CircuitError(msg)
        if self.back and self.hold is not None:
            msg = "recurrence: back > 0 passes current back to the columns, and a hold passes none; set back to 0"
            raise CircuitError(msg)

    def _check_draw(self) -> None:
        """Refuse what no draw of lines takes, and settings of a draw where there is none."""
        for name, least in (("fan_in", 1 if self.pattern == "random" else 2), ("seed", 0)):
            value = getattr(self, name)
            if value is None:
                continue
            if self.pattern not in _DRAWN:
                msg = f"recurrence: {name} = {value} has no effect, for a {self.pattern} pattern draws nothing; omit it"
                raise CircuitError(msg)
            if value < least:
                msg = f"recurrence: {name} = {value} must be at least {least}"
                raise CircuitError(msg)
        if self.pattern == "mutual" and self.lines % 2:
            msg = f"recurrence: fan_in = {self.lines} must be even, where columns meet each other; draw one more or less"
            raise CircuitError(msg)

    @property
    def lines(self) -> int:
        """How many columns' lines meet a column, where they are drawn."""
        return _LINES if self.fan_in is None else self.fan_in

    @property
    def rails(self) -> int:
        """How many rows a column has in what is behind the layer."""
        return 2 if self.onward == "lines" and self.signed else 1

    def meets(self, size: int) -> tuple[Nodes, Nodes]:
        """Return which column's line meets which column, both of shape (devices a line,), in order of the columns that are met.

        Raises
        ------
        CircuitError
            When more columns are drawn than there are.

        """
        columns = np.arange(size)
        if self.pattern in _DRAWN and self.lines > size:
            msg = f"recurrence: fan_in = {self.lines} is more than the {size} columns of the layer"
            raise CircuitError(msg)
        rng = np.random.default_rng(self.seed or 0)
        match self.pattern:
            case "dense":
                return np.tile(columns, size), np.repeat(columns, size)
            case "cycle":
                return np.roll(columns, 1), columns
            case "random":
                drawn = [np.sort(rng.choice(size, self.lines, replace=False)) for _ in columns]
                return np.concatenate(drawn), np.repeat(columns, self.lines)
            case "mutual":  # some cycles through all columns, each in both directions
                rounds = [rng.permutation(size) for _ in range(self.lines // 2)]
                met = np.zeros((size, size), dtype=bool)
                for one in rounds:
                    met[one, np.roll(one, 1)] = met[np.roll(one, 1), one] = True
                np.fill_diagonal(met, val=False)
                end, start = np.nonzero(met)
                return start, end

    def devices(self, size: int) -> int:
        """Return how many memristors a layer of this size has in it."""
        return (2 if self.signed else 1) * len(self.meets(size)[0])

    def add(self, builder: Builder, number: int, drivers: Nodes, columns: Nodes) -> Nodes:
        """Add the lines l1 and ln1, the memristors r1 and the leak of layer 1, and return what leads on.

        `drivers` are the nodes that lines follow; where there is a hold, they follow the states s1 that it makes of these.
        """
        if self.hold is not None:
            states = builder.group(f"s{number}", len(columns))
            builder.add(self.hold.of(f"hold{number}", states, drivers))
            drivers = states
        lines = builder.group(f"l{number}", len(columns))
        if self.back:
            builder.add(Amplifiers(name=f"drive{number}", input=drivers, output=lines, gain=self.gain, back=self.back))
        else:
            builder.add(_following(f"drive{number}", lines, drivers, self.gain))
        rows = [lines]
        if self.signed:
            rows.append(builder.group(f"ln{number}", len(columns)))
            builder.add(_following(f"invert{number}", rows[1], drivers, -self.gain))
        bounds = {"g_min": self.g_min, "g_max": self.g_max}
        if self.pattern == "dense":
            builder.add(Crossbar(name=f"r{number}", rows=np.concatenate(rows), columns=columns, **bounds))
        else:
            start, end = self.meets(len(columns))
            of_each = np.concatenate([of[start] for of in rows]), np.tile(columns[end], len(rows))
            builder.add(Memristors(name=f"r{number}", a=of_each[0], b=of_each[1], **bounds))
        if self.leak:
            builder.add(Resistors(name=f"leak{number}", a=columns, b=GROUND, r=1.0 / self.leak))
        return np.concatenate(rows) if self.onward == "lines" else drivers


def _following(name: str, lines: Nodes, drivers: Nodes, gain: float) -> VoltageControlledVoltageSources:
    return VoltageControlledVoltageSources(name=name, plus=lines, minus=GROUND, control_plus=drivers, control_minus=GROUND, gain=gain)
