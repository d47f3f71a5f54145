"""The deck of a circuit with one sample at its inputs, free and nudged as in training, to run in ngspice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from circuits.capacitors import CAPACITANCE
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from circuits.units import Farad, Volt
from hwsim.core.protocol import Drive, Push
from hwsim.experiment.netlist_circuit import SHOWN, Netlist, expand
from hwsim.files.raw import DataError
from hwsim.learning import factory, rule_factory
from hwsim.learning.dataset import Dataset
from hwsim.learning.readout import Instruments
from hwsim.learning.rules.estimator import LossNudge
from hwsim.learning.targets import Classes
from hwsim.runs.time_run import TimeRun
from hwsim.session import Session
from netlists.measure.answered import CLASSES, Answered
from netlists.measure.control import OUTPUTS, DeckMeasure
from netlists.measure.predicted import Predicted
from netlists.measure.settle import Settle, least_conductance
from netlists.measure.sweep import Sweep
from netlists.write.writer import write_deck


def deck(  # noqa: PLR0913 - what a deck shows, and how it is written
    session: Session,
    g: Mapping[str, Any],
    *,
    part: Literal["test", "train"] = "test",
    sample: int = 0,
    notes: Sequence[str] = (),
    measure: DeckMeasure = OUTPUTS,
    flat: bool = False,
) -> str:
    """Write the deck of one sample of a set, on a chip; `measure` selects its output; `flat` expands a foreign deck.

    Raises
    ------
    CircuitError
        When the text of a foreign deck has no place for the conductances.
    ConvergenceError
        When the free phase, which some nudges start from, has no equilibrium.

    """
    data, chip = session.data, session.chip
    if measure is OUTPUTS and session.readout.bits is not None:
        notes = (*notes, "It prints voltages: what converters make of them, and so an answer, is left out")
    elif measure is OUTPUTS and data.scale is not None:
        true = data.targets(part)[sample].tolist()
        measure = Predicted(data.scale.names, true, data.scale.offset.tolist(), data.scale.slope.tolist(), _offsets(session))
    elif measure is OUTPUTS and data.name != SHOWN:
        measure = _answered(session, part, sample)
    netlist = session.experiment.circuit
    if isinstance(netlist, Netlist) and not flat and (reason := _misread(netlist, g)):
        raise CircuitError(reason)
    x, pushes = sample_and_pushes(session, g, part, sample)
    circuit = _flat(chip.circuit) if flat else chip.circuit
    return write_deck(circuit, chip, g, x=x, pushes=pushes, notes=(*_about(data, part, sample), *notes), measure=measure)


def _misread(netlist: Netlist, g: Mapping[str, Any]) -> str:
    """Return why ngspice would read other conductances in the deck's text; nothing where it reads these."""
    from netlists.foreign.reread import misread  # noqa: PLC0415 - most circuits have no deck

    return misread(netlist.deck, g, expand)


def _flat(circuit: Circuit) -> Circuit:
    """Return a circuit whose text is expanded."""
    from netlists.foreign.flattened import flattened  # noqa: PLC0415 - for those who ask

    return replace(circuit, text=flattened(circuit))


def gnucap_deck(
    session: Session, g: Mapping[str, Any], *, part: Literal["test", "train"] = "test", sample: int = 0, notes: Sequence[str] = ()
) -> str:
    """Write the same for gnucap, which prints the voltages of the outputs' nodes.

    Raises
    ------
    ConvergenceError
        As `deck`.
    CircuitError
        When gnucap has no equivalent of a part of the circuit.

    """
    from netlists.write.gnucap import Point, write_gnucap  # noqa: PLC0415 - for those who ask

    x, pushes = sample_and_pushes(session, g, part, sample)
    points = [Point(x), *(Point(x, *push) for push in pushes)]
    return write_gnucap(session.circuit, session.chip, g, points, notes=(*_about(session.data, part, sample), *notes))


def transient_deck(
    session: Session,
    run: TimeRun,
    g: Mapping[str, Any],
    *,
    part: Literal["test", "train"] = "test",
    sample: int = 0,
    notes: Sequence[str] = (),
) -> str:
    """Write the deck that simulates samples, from a number on, in time."""
    last = sample + len(run.x) - 1
    about = (f"Samples {sample} to {last} of the {part} set of {session.data.name}",)
    return write_deck(run.circuit, run.chip, g, x=run.x[0], notes=(*about, *notes), measure=run.measure())


def sample_and_pushes(
    session: Session, g: Mapping[str, Any], part: Literal["test", "train"], sample: int
) -> tuple[Any, list[tuple[Any, Any, Any]]]:
    """Return the features of a sample, and beta, targets and currents of each nudged phase."""
    x = getattr(session.data, f"x_{part}")
    pushes = _pushes(session, g, x[sample : sample + 1], getattr(session.task, part).of(slice(sample, sample + 1)))
    return x[sample], [(_only(push.beta), _only(push.target), _only(push.current)) for push in pushes]


def _about(data: Dataset, part: Literal["test", "train"], sample: int) -> Sequence[str]:
    """Describe the sample that a deck shows: its class, or its targets and the voltages that represent them."""
    if data.name == SHOWN:
        return ("The sources show what those of the netlist did; output 0 is nudged up, and all others down",)
    which = f"Sample {sample} of the {part} set of {data.name}"
    if data.scale is None:
        label = getattr(data, f"labels_{part}")[sample]
        return (f"{which}: class {data.class_names[label]}, output {label} of 0 to {data.classes - 1}",)
    true = data.targets(part)[sample]
    each = zip(data.scale.lines(), true.tolist(), data.scale.volts(true).tolist(), strict=True)
    return (f"{which}, with real targets:", *(f"  output {k}: {line}; here {y:.6g}, {v:.6g} V" for k, (line, y, v) in enumerate(each)))


def _answered(session: Session, part: Literal["test", "train"], sample: int) -> DeckMeasure:
    """Compare the answer for a sample with its class, where targets are classes, and few enough."""
    targets = getattr(session.task, part)
    if not isinstance(targets, Classes) or len(targets.table) > CLASSES:
        return OUTPUTS
    return Answered(session.data.class_names, np.asarray(targets.table, dtype=np.float64), int(targets.labels[sample]), _offsets(session))


def _offsets(session: Session) -> list[Volt]:
    """Return what the chip's converters add to each output [V]."""
    offsets: list[Volt] = np.broadcast_to(session.chip(session.circuit.outputs.name, "offset"), len(session.circuit.outputs)).tolist()
    return offsets


def settling(circuit: Circuit, g: Mapping[str, Any], capacitance: Farad = CAPACITANCE) -> Settle:
    """Measure the settling time of the voltages, with a capacitor at each node [F]."""
    return Settle(capacitance=capacitance, slowest=least_conductance(circuit, g))


def sweeping(feature: int, data: Dataset) -> Sweep:
    """Sweep a feature through its range in the training set; 1 to either side of a constant feature.

    Raises
    ------
    DataError
        When there is no such feature.

    """
    if feature >= data.x_train.shape[1]:
        msg = f"input {feature}: {data.name} has {data.x_train.shape[1]} features, numbered from 0"
        raise DataError(msg)
    values = data.x_train[:, feature]
    low, high = float(values.min()), float(values.max())
    return Sweep(feature=feature, start=low, stop=high) if low < high else Sweep(feature=feature, start=low - 1, stop=high + 1)


def _only(values: Any) -> Any:
    """Return the row of the only sample, or the number for all."""
    return np.asarray(values)[0] if np.ndim(values) else values


def _pushes(session: Session, g: Mapping[str, Any], x: Any, y: Any) -> tuple[Push, ...]:
    """Return the nudges of one sample in training; the adjoint rule's are those of equilibrium propagation."""
    training, circuit, variation = session.experiment.training, session.circuit, session.experiment.variation
    reading = Instruments(bits=variation.adc_bits, full_scale=variation.adc_full_scale or 1.0)
    nudges = rule_factory.shown_nudges(training, circuit, g)
    outputs = np.zeros((1, len(circuit.outputs)))
    if nudges.from_free:
        with session.solver() as solver:
            outputs = np.asarray(reading.outputs(solver, solver.solve(g, Drive(x)), np.uint32(0)))
    return LossNudge(nudges, factory.loss(training)).pushes(outputs, y)
