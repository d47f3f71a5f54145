"""The section of one run: its numbers, its pictures, its experiment, and its environment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from circuits.arrays import Trainable
from circuits.chip import Chip
from hwsim.experiment.experiment import DeviceSettings, Experiment
from hwsim.experiment.loading import to_toml
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.formatting import brief, counted, quantity
from hwsim.inspection import schematic as schematics
from hwsim.learning.predictions import Predictions
from hwsim.report import conductances, learning_curves
from hwsim.report.command_line import train_command
from hwsim.report.picture import Picture, drawing
from hwsim.report.prediction_pictures import predictions
from hwsim.report.reconstructions import reconstructions
from hwsim.report.reservoir_pictures import reservoir_facts, reservoir_gallery
from hwsim.report.run_files import RunRecord
from hwsim.report.run_tables import tables
from hwsim.report.section import Gallery, PageListing, PageSection
from hwsim.runs.power_meter import spelled_consumption
from hwsim.runs.programming_cost import counts_in
from hwsim.typing import Floats


def run_section(record: RunRecord, anchor: str) -> PageSection:
    """Build the section of a run."""
    return PageSection(
        anchor=anchor,
        title=record.title,
        about=" ".join(_about(record)),
        facts=list(_facts(record)),
        notes=record.notes,
        galleries=list(_galleries(record, anchor)),
        tables=list(tables(record)),
        listings=[
            PageListing("The command that repeats it", train_command(record.experiment, record.what)),
            PageListing("The experiment", to_toml(record.experiment), folded=True),
        ],
    )


_SOLVED = {"ridge", "rls", "force"}
"""Rules that take no steps of an optimizer."""


def _about(record: RunRecord) -> Iterator[str]:
    network, training = record.experiment.circuit, record.experiment.training
    if (reservoir := record.experiment.reservoir) is not None:
        drawn = f"a {reservoir.dynamics} reservoir of {counted(reservoir.nodes, 'column')} ({reservoir.family})"
        deck = reservoir.deck and f"the deck {Path(reservoir.deck.netlist).name} with {counted(reservoir.nodes, 'state')}"
        yield f"Behind {deck or drawn}:"
    if record.experiment.blocks is not None:
        parts: Any = dict(getattr(record.circuit, "digital", ()))
        each = (parts.get(k, block).described for k, block in enumerate(record.experiment.blocks))
        yield f"A chain of blocks, {'; '.join(each)}"
    elif isinstance(network, Netlist):
        counts = (record.circuit.size, "node"), (record.circuit.input_count, "input"), (len(record.circuit.outputs), "output")
        yield f"The netlist {Path(network.netlist).name}: {', '.join(counted(*each) for each in counts)}"
    elif network is not None:
        kinds = ", ".join(dict.fromkeys(layer.neuron.kind for layer in network.layers if layer.learned))
        yield f"A {network.described} circuit" + (f" with neurons of kind {kinds}" if kinds else " without hidden layers")
    steps = "" if record.experiment.rules in _SOLVED else f" ({training.optimizer.kind}, batches of {training.batch})"
    yield f"learns {record.experiment.data.name} by {record.experiment.rules}{steps}"
    yield f"on {'; '.join(dict.fromkeys(map(_devices, record.experiment.devices)))}."
    if odd := list(_imperfections(record.experiment)):
        yield f"Chip {record.experiment.variation.chip}: {', '.join(odd)}."
    yield f"Folder: {record.what}"


def _devices(device: DeviceSettings) -> str:
    kind = f"devices {device.preset}" if device.preset else "ideal memristors"
    if device.levels is not None:
        how = {"single": "each by itself", "mirrored": "in mirrored pairs", "one-sided": "in one-sided pairs"}[device.coding]
        return f"{kind} of {device.levels} levels, {how}" + ("" if device.shadow else ", without a memory")
    if device.preset is None:
        return kind
    return f"{kind}, {device.scheme} up only, on pairs" if device.pairs else f"{kind}, {device.scheme}"


def _imperfections(experiment: Experiment) -> Iterator[str]:
    """List the variations of the chip's parts, and the noise sources."""
    for section in (experiment.variation, experiment.noise):
        for key, value in section.model_dump(exclude_defaults=True, exclude={"chip"}).items():
            yield f"{key} {brief(value)}"


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    if record.rows:
        last, measure = record.rows[-1], record.experiment.data.measure
        yield f"{record.experiment.data.held_out} {measure.name}", measure.text(record.summary.get("test_error", last["test_error"]))
        yield f"training {measure.name}", measure.text(last["train_error"])
        if "test_r2" in last:
            yield f"{record.experiment.data.held_out} R²", f"{record.summary.get('test_r2', last['test_r2']):.4f}"
    yield from reservoir_facts(record)
    yield "epochs", f"{len(record.rows)}" if record.summary else f"{len(record.rows)} of {record.experiment.training.epochs}"
    yield "memristors", f"{record.memristors:,}"
    yield "engine", record.experiment.training.engine
    if "seconds_per_epoch" in record.summary:
        yield "an epoch took", quantity(record.summary["seconds_per_epoch"], "s")
    if "residual_A" in record.summary:
        yield "largest residual", quantity(record.summary["residual_A"], "A")
    shares = {key.removeprefix("conducting_"): share for key, share in record.summary.items() if key.startswith("conducting_")}
    if shares:
        yield "columns that conduct", ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    if "moved" in record.summary:
        yield "memristors that an update moves", f"{record.summary['moved']:.1%}"
    for count in counts_in(record.summary, "{}_per_device"):
        yield f"{count} per memristor", f"{record.summary[f'{count}_per_device']:.4g}"
    if "programming_J" in record.summary:
        yield "programming energy", quantity(record.summary["programming_J"], "J")
    if "simulation_kWh" in record.summary:
        yield "simulation", spelled_consumption(record.summary)


def _galleries(record: RunRecord, anchor: str) -> Iterator[Gallery]:
    held_out = record.experiment.data.held_out
    if record.rows:
        pictures = [
            *learning_curves.learning(record.rows, anchor, held_out, record.experiment.data.measure),
            *learning_curves.programming(record.rows, record.memristors, anchor),
        ]
        if record.confusion is not None:
            pictures.append(learning_curves.confusion(record.confusion, anchor, held_out))
        if record.predictions is not None:
            pictures.append(_answers(record.predictions, record.experiment, anchor))
        yield Gallery("Learning", "", pictures)
    elif record.confusion is not None:
        yield Gallery("Reading", "", [learning_curves.confusion(record.confusion, anchor, held_out)])
    elif record.predictions is not None:
        yield Gallery("Reading", "", [_answers(record.predictions, record.experiment, anchor)])
    if (reservoir := reservoir_gallery(record, anchor)) is not None:
        yield reservoir
    if chips := record.chip.members:
        yield Gallery("Circuit", "", [_circuit(record, chip, f"{anchor}-{k}" if k else anchor) for k, chip in enumerate(chips)])
    about = "The initial conductances are drawn from the seed" + (
        "." if record.g is None else "; the trained ones are in the run's folder. Both states of a crossbar share one scale of colours."
    )
    if pictures := conductances.of_run(record, anchor):
        yield Gallery("Conductances", about, pictures)


def _answers(predicted: Predictions, experiment: Experiment, anchor: str) -> Picture:
    """Draw what outputs make of the held-out set: reconstructions, or other real targets over the true ones."""
    if experiment.data.task == "reconstruction":
        return reconstructions(predicted, anchor, experiment)
    return predictions(predicted, anchor, experiment.data.held_out, experiment.data.measure)


def _circuit(record: RunRecord, chip: Chip, anchor: str) -> Picture:
    """Draw a circuit with its trained conductances, or else the initial ones."""
    circuit, g = chip.circuit, record.before if record.g is None else record.g
    drawn, why = schematics.drawing(circuit, chip, {array.name: g[array.name] for array in circuit.trainable})
    arrays = ", ".join(f"{array.name} of {_resistors(array, g[array.name])}" for array in circuit.trainable)
    counts = f"{counted(circuit.size, 'node')}, {counted(circuit.input_count, 'input')}, "
    counts += f"{counted(len(circuit.outputs), 'output')}; {arrays}"
    return drawing(
        f"{anchor}-circuit",
        f"The circuit {circuit.name}" if record.experiment.blocks is not None else "The circuit",
        drawn,
        alt=f"{'Graph' if why else 'Schematic'} of the circuit: {counts}.",
        caption=f"{counts}." + (f" It is shown as a graph: {why}." if why else ""),
    )


def _resistors(array: Trainable, g: Floats) -> str:
    """Return how many devices an array has; of a shared load, with the resistance that all have."""
    if array.memristive:
        return counted(len(array), "memristor")
    return f"{counted(len(array), 'resistor')} of {quantity(1 / float(g[0]), 'Ω')}"
