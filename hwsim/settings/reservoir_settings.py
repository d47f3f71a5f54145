"""The section of an experiment file that describes a reservoir: a drawn recurrent circuit, whose states a read-out learns from."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from circuits.diode import I_SAT_1N4148
from circuits.units import Ampere, Farad, Siemens, Volt
from hwsim.settings.sections import PositiveSiemens, PositiveVolt, Section, Share

Family = Literal["random", "cycle", "deep", "euler"]
Dynamics = Literal["clocked", "continuous"]

HEADROOM = 4.0
"""Largest gain of a node that has adapted, and largest weight of its bias: its pairs of devices have the means of these."""


class ReservoirSettings(Section):
    """A recurrent circuit with drawn conductances that the data drive, one row of inputs after the other.

    Its columns' voltages at the end of each row are the features of what stands behind it: the read-out, [[blocks]] or [circuit].
    Conductances are pairs on lines of both signs: a weight w of -1 to 1 is g_low + max(±w, 0)·(g_high − g_low) on either.

    Parameters
    ----------
    nodes
        Columns, N; of several layers, those of all together.
    family
        Which columns' lines meet which: `random`, each those of `fan_in` columns, `cycle`, each that of the one before it, all by one
        weight, `deep`, as `random` in several layers, the lines of each of which drive the next, or `euler`, as `random`, and what a column
        does to another, that one does to it with the other sign: such weights turn states without amplifying them, whatever their
        radius is.
    dynamics
        `clocked`: switched capacitors hold the states, which take their next values once a row: the leaky echo-state network.
        `continuous`: each column has a capacitor, and follows its inputs all the time.
    fan_in
        Columns whose lines meet a column, of all but `cycle`; of `euler`, an even number, and few columns have less.
    input_fan_in
        Inputs that meet a column, drawn for each column: the others have no devices there, which would load it. Absent: all.
    layers
        Of `deep`, equal ones.
    spectral_radius
        Largest magnitude of an eigenvalue of the weights that columns have on each other, without diodes: it sets the gain of the lines.
    leak
        Share of its new value that a state takes in one row's time. It divides the capacitance of `clocked` ones in a sampling and a
        holding part, and 1 leaves none to hold. It sets how long a row is held of `continuous` ones, −ln(1 − leak) time constants of the
        median column.
    input_scale
        By which inputs are multiplied [V per unit].
    bias
        Largest magnitude of the weights of a line at a fixed voltage.
    v_bias
        That voltage [V].
    clamp
        Voltage at which diodes hold columns, from either side [V].
    i_sat
        Saturation current of these diodes [A]: with more, columns bend at lower voltages.
    leak_conductance
        From each column to ground [S].
    capacitance
        Of each state [F].
    bits
        Of a converter that rounds each state, up to the voltage of the clamp, in `clocked` reservoirs whose leak is 1: integer echo-state
        networks, such as a `cycle` of a spectral radius of 1; 0: none.
    g_low, g_high
        Conductances of weights of magnitude 0 and 1 [S].
    mismatch
        Relative spread of each conductance from chip to chip; `variation.chip` numbers the chips.
    noise
        Standard deviation of what is added to each state when it is read [V]: √(kT/C) is 20 µV at 10 pF.
    reads
        Of sequences with a class each, at how many rows states are read: the last one, and others before, evenly.
    washout
        Rows at the beginning of a series with real targets from whose states nothing is learnt.
    seed
        Of all weights.
    gains, biases
        What nodes have adapted, one number a node, as a company with `exchange` = 'plasticity' leaves them: gains above 0, and both up to
        4; absent: gains of 1, and biases as they are drawn.

    Examples
    --------
    >>> import hwsim as hw
    >>> hw.ReservoirSettings(nodes=50, family="cycle").spectral_radius
    0.9

    """

    nodes: Annotated[PositiveInt, Field(le=100_000)] = 100
    family: Family = "random"
    dynamics: Dynamics = "clocked"
    fan_in: PositiveInt = 8
    input_fan_in: PositiveInt | None = None
    layers: PositiveInt = 1
    spectral_radius: Annotated[PositiveFloat, Field(le=1e3)] = 0.9
    leak: Annotated[float, Field(gt=0, le=1)] = 1.0
    input_scale: Annotated[PositiveFloat, Field(le=1e6)] = 0.5
    bias: Share = 0.3
    v_bias: PositiveVolt = 1.0
    clamp: PositiveVolt = 0.15
    i_sat: Annotated[Ampere, Field(gt=0)] = I_SAT_1N4148
    leak_conductance: Annotated[Siemens, Field(ge=0)] = 1e-6
    capacitance: Annotated[Farad, Field(gt=0)] = 1e-11
    bits: Annotated[NonNegativeInt, Field(le=32)] = 0
    g_low: PositiveSiemens = 1e-7
    g_high: PositiveSiemens = 1e-5
    mismatch: Share = 0.0
    noise: Annotated[Volt, Field(ge=0)] = 2e-5
    reads: Annotated[PositiveInt, Field(le=1000)] = 1
    washout: NonNegativeInt = 100
    seed: NonNegativeInt = 0
    gains: tuple[PositiveFloat, ...] = ()
    biases: tuple[float, ...] = ()

    @property
    def features(self) -> int:
        """What the read-out of a sample takes."""
        return self.reads * self.nodes

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.g_low >= self.g_high:
            msg = f"g_low = {self.g_low:g} S must be below g_high = {self.g_high:g} S"
            raise ValueError(msg)
        return self._checked()

    def _checked(self) -> Self:
        if self.dynamics == "continuous" and self.leak == 1:
            msg = "leak = 1 of a continuous reservoir takes rows that are held forever; set it below 1, or dynamics to 'clocked'"
            raise ValueError(msg)
        if (self.family == "deep") != (self.layers > 1) or self.nodes % self.layers:
            msg = f"layers = {self.layers}, family = {self.family!r}: deep ones have 2 or more, which divide nodes = {self.nodes}; others 1"
            raise ValueError(msg)
        if self.family != "cycle" and self.fan_in > self.nodes // self.layers:
            size = self.nodes // self.layers
            msg = f"fan_in = {self.fan_in} is more than the {size} nodes of a layer; draw fewer lines a column, or make more nodes"
            raise ValueError(msg)
        self._check_dynamics()
        self._check_adapted()
        return self

    def _check_adapted(self) -> None:
        if {len(self.gains), len(self.biases)} not in ({0}, {self.nodes}):
            counts = f"{len(self.gains)} and {len(self.biases)}"
            msg = f"gains and biases have {counts} numbers; give one a node, {self.nodes} each, or omit both"
            raise ValueError(msg)
        if (self.gains and self.layers > 1) or max(map(abs, (*self.gains, *self.biases)), default=0.0) > HEADROOM:
            msg = f"gains and biases are those of a single layer, and of a magnitude up to {HEADROOM:g}; omit both, or lower them"
            raise ValueError(msg)

    def _check_dynamics(self) -> None:
        if self.family == "euler" and self.dynamics == "clocked":
            msg = "family = 'euler' takes steps of a differential equation, and shared charges are none; set dynamics to 'continuous'"
            raise ValueError(msg)
        if self.family == "euler" and self.fan_in % 2:
            msg = f"fan_in = {self.fan_in} of an euler reservoir must be even: columns meet each other"
            raise ValueError(msg)
        if self.bits and (self.bits == 1 or self.dynamics != "clocked" or self.leak != 1):
            msg = f"bits = {self.bits}: states of 2 bits and more are whole samples; set dynamics to 'clocked' and leak to 1, or bits to 0"
            raise ValueError(msg)
