"""Decks for gnucap: flat cards that follow parameters, and one DC analysis for each sample and phase, which change the parameters."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, starmap
from typing import Any, NamedTuple

import numpy as np

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE, GMIN
from circuits.elements import Amplifiers, Diodes, InputCurrents, InputSources, Nudges
from circuits.errors import CircuitError
from circuits.nodes import Nodes
from circuits.passed import Passed
from circuits.units import Siemens
from netlists.measure.control import voltage
from netlists.read import features
from netlists.text.numbers import plain
from netlists.write.cards import flat
from netlists.write.ideal_diodes import sharpened, sharpened_chip
from netlists.write.names import check_names, free_stem

THERMAL = (BOLTZMANN / ELEMENTARY_CHARGE) / (1.3806226e-23 / 1.6021918e-19)
"""Our thermal voltage over gnucap's, which has the constants of 1973; an emission coefficient times this is the same law there.

Source: gnucap 0.36, `constant.h`; confirmed against it to 1e-9 V."""

_OPTIONS = f".options numdgt=15 out=1000000 gmin={GMIN!r} reltol=1e-10 vntol=1e-13 abstol=1e-16 itl1=1000 itermin=20 temp=27 tnom=27"
"""As tight as ngspice's; with fewer iterations than `itermin`, gnucap takes the first analysis for converged when it is not."""

_A_LINE = 8


class Point(NamedTuple):
    """One analysis: the features of a sample, shape (I,), and what nudges it: beta, targets and currents, shapes (K,)."""

    x: Any
    beta: Siemens = 0.0
    target: Any = 0.0
    current: Any = 0.0


def write_gnucap(
    circuit: Circuit, chip: Chip, g: Any, points: Sequence[Point], *, nodes: Nodes | None = None, notes: Iterable[str] = ()
) -> str:
    """Write a deck that `gnucap -b` runs: one line of voltages for each point.

    Parameters
    ----------
    circuit, chip, g
        What to write, whose values it has, and its conductances [S]. Ideal diodes become sharp ones.
    points
        What is analysed, in this order.
    nodes
        Whose voltages are printed, by number; absent: those of the outputs.
    notes
        Lines on top.

    Raises
    ------
    CircuitError
        When gnucap has no such element, or names do not fit.
    ValueError
        When a number is not finite.

    """
    circuit.check_conductances(g)
    strange = circuit.of(Passed)
    if strange:
        kind = strange[0].letter.upper()
        msg = f"{circuit.name}: {strange[0].name} holds cards that begin with {kind}, which only the deck for ngspice can have"
        raise CircuitError(msg)
    check_names(circuit)
    asked = printed(circuit) if nodes is None else nodes
    sharp, on_chip = sharpened(circuit), sharpened_chip(chip)
    names = sharp.node_names
    lines = [
        f"* {' '.join(circuit.name.split())}: an analog network that learns, written by hwsim for gnucap",
        *(f"* {line}" for note in notes for line in note.splitlines()),
        "* Run it: gnucap -b FILE",
        "* It prints a line of voltages for each analysis; what changes between them are the parameters above it.",
        _OPTIONS,
        *_parameters(sharp, points[0], None),
        *(line for element in sharp.elements for line in _cards(sharp, on_chip, g, element)),
        *_print([voltage(names[node]) for node in asked.tolist()]),
        ".dc",
    ]
    for before, point in pairwise(points):
        lines += [*_parameters(sharp, point, before), ".dc"]
    return "\n".join([*lines, ".end"]) + "\n"


def printed(circuit: Circuit) -> Nodes:
    """Return the numbers of the outputs' nodes, ground aside, in the order in which they are printed."""
    both = np.stack([circuit.outputs.plus, circuit.outputs.minus], axis=1).ravel()
    return np.array(list(dict.fromkeys(both[both > 0].tolist())), dtype=np.intp)


def _print(voltages: Sequence[str]) -> Iterator[str]:
    """Write what each analysis prints; cards after the first add to it."""
    for k in range(0, len(voltages), _A_LINE):
        yield f".print dc{' +' * (k > 0)} {' '.join(voltages[k : k + _A_LINE])}"


def _parameters(circuit: Circuit, point: Point, before: Point | None) -> Iterator[str]:
    """Write the parameters of a point, those alone that are others than before."""
    stem, count = free_stem(circuit, circuit.outputs.name), len(circuit.outputs)
    pushed = [np.broadcast_to(p.beta * np.asarray(p.target) + np.asarray(p.current), (count,)) for p in (point, before or point)]
    new = [plain(values, "point") for values in (point.x, point.beta, pushed[0])]
    old = None if before is None else [plain(values, "point") for values in (before.x, before.beta, pushed[1])]
    called = [features.names(circuit), [f"{stem}_beta"], [f"{stem}_i_{k}" for k in range(count)]]
    for k, group in enumerate(called):
        for j, (name, value) in enumerate(zip(group, new[k], strict=True)):
            if old is None or old[k][j] != value:
                yield f".param {name}={value}"


def _cards(circuit: Circuit, chip: Chip, g: Any, element: Any) -> Iterator[str]:
    names, name = circuit.node_names, element.name
    match element:
        case InputSources() | InputCurrents():
            called = features.names(circuit)
            rows = zip(element.feature.tolist(), chip(name, "scale").tolist(), chip(name, "offset").tolist(), strict=True)
            yield from flat(element, chip, g, names, [features.following(called[k], scale, offset) for k, scale, offset in rows])
        case Diodes():  # as they are on the chip, at 27 degrees Celsius: other simulators scale with temperature in other ways
            ends = zip(element.anode.tolist(), element.cathode.tolist(), strict=True)
            laws = zip(plain(chip(name, "i_sat"), f"{name}: i_sat"), plain(chip(name, "n") * THERMAL, f"{name}: n"), strict=True)
            for k, ((anode, cathode), (i_sat, n)) in enumerate(zip(ends, laws, strict=True)):
                yield f".model {name}_{k} D(is={i_sat} n={n})"
                yield f"D_{name}_{k} {names[anode]} {names[cathode]} {name}_{k}"
        case Amplifiers():
            yield from starmap(_amplifier, _rows(element, chip, names, ("gain", "back", "offset", "output_resistance")))
        case Nudges():
            stem = free_stem(circuit, name)
            for card, plus, minus, gain in _rows(element, chip, names, ("gain",)):
                k = card.rpartition("_")[2]
                yield f"G_{card} {plus} {minus} {plus} {minus} {{{gain!r}*{stem}_beta}}"
                yield f"I_{card} {minus} {plus} {{{gain!r}*{stem}_i_{k}}}"
        case _:
            yield from flat(element, chip, g, names)


def _rows(element: Any, chip: Chip, names: Sequence[str], parameters: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Return for each element its card's name, its nodes' names and its parameters."""
    ends = [[names[node] for node in getattr(element, terminal).tolist()] for terminal in element.terminals]
    values = [chip(element.name, parameter).tolist() for parameter in parameters]
    for k, row in enumerate(zip(*ends, *values, strict=True)):
        yield (f"{element.name}_{k}", *row)


def _amplifier(card: str, a: str, b: str, *values: float) -> str:
    gain, back, offset, resistance = values
    behind, driven = (f"{card}_behind" if resistance else b), f"{card}_driven"
    lines = [f"E_{card} {driven} 0 {a} 0 {gain!r}", f"V_{card}_sense {driven} {behind} {-(gain * offset)!r}"]
    lines += [f"R_{card}_out {behind} {b} {resistance!r}"] if resistance else []
    return "\n".join([*lines, f"F_{card} {a} 0 V_{card}_sense {back!r}"])
