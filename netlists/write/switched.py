"""Clocked circuits as ngspice runs them: switches, their clock, the capacitors that sample and hold, and the buffers between."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from circuits.builder import Appending
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.clocked import SampleHolds, clocked_states
from circuits.controlled import VoltageControlledVoltageSources
from circuits.elements import Capacitors, Elements, Values
from circuits.nodes import GROUND, Nodes
from circuits.units import Ohm, Second
from netlists.text.numbers import plain

_PHASES, _WIDTH, _EDGE = (0.06, 0.53), 0.4, 1e-3
"""Shares of a clock: where each of its phases begins, how long it is, and how long the clock takes to rise and to fall."""

LATEST_RISE = 0.05
"""Share of a clock by which inputs must have risen: the first phase begins behind it."""

_SETTLED, _INSULATED = 30.0, 1e10
"""Time constants in a phase, of which e^-30 is left, and resistances of open switches by those of closed ones."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeckElements(Elements):
    """Elements of decks alone, which engines of equilibria do not know; each writes its own cards."""

    letter: ClassVar[str]

    @abstractmethod
    def cards(self, names: Sequence[str]) -> Iterator[str]:
        """Write one card an element; `names` are the nodes' by number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Switches(DeckElements):
    """Switches from `a` to `b` that are closed, of `r_on` [ohm], while `control` is above 0.6 V, and open, of `r_off`, below 0.4 V."""

    letter: ClassVar[str] = "S"
    terminals: ClassVar[tuple[str, ...]] = ("a", "b", "control")
    a: Nodes
    b: Nodes
    control: Nodes
    r_on: Ohm
    r_off: Ohm

    def cards(self, names: Sequence[str]) -> Iterator[str]:
        """Write their model, then each of them."""
        on, off = plain([self.r_on, self.r_off], self.name)
        yield f".model {self.name}_model SW(vt=0.5 vh=0.1 ron={on} roff={off})"
        for k, nodes in enumerate(zip(self.a.tolist(), self.b.tolist(), self.control.tolist(), strict=True)):
            yield f"S_{self.name}_{k} {' '.join(names[node] for node in nodes)} 0 {self.name}_model"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clocks(DeckElements):
    """Sources of 1 V to ground for a `width` from `delay` on, in every `period` [s]."""

    letter: ClassVar[str] = "V"
    terminals: ClassVar[tuple[str, ...]] = ("plus",)
    parameters: ClassVar[tuple[str, ...]] = ("delay", "width", "edge", "period")
    plus: Nodes
    delay: Values | float
    width: Values | float
    edge: Values | float
    period: Values | float

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """Each is a source to ground."""
        return ((self.plus, np.zeros_like(self.plus)),)

    def cards(self, names: Sequence[str]) -> Iterator[str]:
        """Write each of them."""
        words: Any = zip(*(plain(getattr(self, name), f"{self.name}: {name}") for name in self.parameters), strict=True)
        for k, (node, (delay, width, edge, period)) in enumerate(zip(self.plus.tolist(), words, strict=True)):
            yield f"V_{self.name}_{k} {names[node]} 0 pulse(0 1 {delay} {edge} {edge} {width} {period})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoundingSources(DeckElements):
    """Voltages `plus` to ground of the multiple of `step` [V] that is nearest to `control`, at most `top` of them either way."""

    letter: ClassVar[str] = "B"
    terminals: ClassVar[tuple[str, ...]] = ("plus", "control")
    plus: Nodes
    control: Nodes
    step: float
    top: int

    @property
    def pairs(self) -> tuple[tuple[Nodes, Nodes], ...]:
        """Each is a source to ground."""
        return ((self.plus, np.zeros_like(self.plus)),)

    def cards(self, names: Sequence[str]) -> Iterator[str]:
        """Write each of them."""
        (step,) = plain([self.step], self.name)
        for k, (plus, control) in enumerate(zip(self.plus.tolist(), self.control.tolist(), strict=True)):
            rounded = f"floor(v({names[control]})/{step}+0.5)"
            yield f"B_{self.name}_{k} {names[plus]} 0 v={step}*min(max({rounded},-{self.top}),{self.top})"


def switched(circuit: Circuit, chip: Chip, period: Second) -> tuple[Circuit, Chip, dict[int, int]]:
    """Return a clocked circuit with switches in the places of its clocked states, and which node's capacitor each state has.

    Nodes keep their numbers; those that are added come last. Closed switches settle to e^-30 in a phase, whatever the capacitors are.
    """
    holds = clocked_states(circuit)
    largest = max(float((chip(one.name, "c_sample") + chip(one.name, "c_hold")).max()) for one in holds)
    on = _WIDTH * period / _SETTLED / (2.0 * largest)
    builder = Appending(circuit.size)
    clock = builder.group("clock", 2)
    builder.add(
        Clocks(name="clock", plus=clock, delay=period * np.array(_PHASES), width=_WIDTH * period, edge=_EDGE * period, period=period)
    )
    capacitors = dict[int, int]()
    for one in holds:
        nodes = _hold(builder, one, chip, clock, on)
        capacitors |= dict(zip(one.plus.tolist(), nodes.tolist(), strict=True))
    gone = {one.name for one in holds}
    kept = [element for element in circuit.elements if element.name not in gone]
    deck = replace(circuit, groups=(*circuit.groups, *builder.groups), elements=(*kept, *builder.elements))
    values = {name: of for name, of in chip.values.items() if name not in gone}
    return deck, replace(chip, circuit=deck, values=values), capacitors


def _hold(builder: Appending, one: SampleHolds, chip: Chip, clock: Nodes, on: Ohm) -> Nodes:
    """Add what makes an array of states, and return the nodes of the capacitors that hold them."""
    name, count = one.name, len(one)
    c_sample, c_hold, gain = (chip(name, what) for what in ("c_sample", "c_hold", "gain"))
    driven, sample, state = (builder.group(f"{name}_{part}", count) for part in ("driven", "sample", "state"))
    builder.add(_buffer(f"{name}_buffer", driven, one.control_plus, gain))
    builder.add(Switches(name=f"{name}_first", a=driven, b=sample, control=clock[0], r_on=on, r_off=_INSULATED * on))
    builder.add(Capacitors(name=f"{name}_sampled", a=sample, b=GROUND, c=c_sample))
    passed = sample
    if not c_hold.all():
        passed = builder.group(f"{name}_passed", count)
        builder.add(_buffer(f"{name}_passing", passed, sample, 1.0))
    builder.add(Switches(name=f"{name}_second", a=passed, b=state, control=clock[1], r_on=on, r_off=_INSULATED * on))
    builder.add(Capacitors(name=f"{name}_held", a=state, b=GROUND, c=np.where(c_hold > 0, c_hold, c_sample)))
    if one.bits:
        most = 2 ** (one.bits - 1) - 1
        builder.add(RoundingSources(name=f"{name}_converter", plus=one.plus, control=state, step=one.full_scale / most, top=most))
    else:
        builder.add(_buffer(f"{name}_out", one.plus, state, 1.0))
    return state


def _buffer(name: str, plus: Nodes, control: Nodes, gain: Values | float) -> VoltageControlledVoltageSources:
    return VoltageControlledVoltageSources(name=name, plus=plus, minus=GROUND, control_plus=control, control_minus=GROUND, gain=gain)
