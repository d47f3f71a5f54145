"""The section of one run: its numbers, its pictures, its experiment, and its environment."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from circuits.arrays import Trainable
from circuits.chip import Chip
from hwsim.experiment.experiment import DeviceSettings, Experiment
from hwsim.experiment.loading import to_toml
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.formatting import RMSE_IN_VOLTS, brief, counted, quantity
from hwsim.inspection import schematic as schematics
from hwsim.learning.predictions import Predictions
from hwsim.report import conductances, learning_curves
from hwsim.report.command_line import train_command
from hwsim.report.picture import Picture, drawing
from hwsim.report.prediction_pictures import predictions, target_table
from hwsim.report.reconstructions import reconstructions
from hwsim.report.run_files import RunRecord
from hwsim.report.section import Gallery, PageListing, PageSection, PageTable
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
        tables=list(_tables(record)),
        listings=[
            PageListing("The command that repeats it", train_command(record.experiment, record.what)),
            PageListing("The experiment", to_toml(record.experiment), folded=True),
        ],
    )


def _about(record: RunRecord) -> Iterator[str]:
    network, training = record.experiment.circuit, record.experiment.training
    if record.experiment.blocks is not None:
        yield f"A chain of blocks, {'; '.join(block.described for block in record.experiment.blocks)}"
    elif isinstance(network, Netlist):
        counts = (record.circuit.size, "node"), (record.circuit.input_count, "input"), (len(record.circuit.outputs), "output")
        yield f"The netlist {Path(network.netlist).name}: {', '.join(counted(*each) for each in counts)}"
    elif network is not None:
        kinds = ", ".join(dict.fromkeys(layer.neuron.kind for layer in network.layers if layer.learned))
        yield f"A {network.described} circuit" + (f" with neurons of kind {kinds}" if kinds else " without hidden layers")
    yield f"learns {record.experiment.data.name} by {record.experiment.rules} ({training.optimizer.kind}, batches of {training.batch})"
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
    chips = record.chip.members
    yield Gallery("Circuit", "", [_circuit(record, chip, f"{anchor}-{k}" if k else anchor) for k, chip in enumerate(chips)])
    about = "The initial conductances are drawn from the seed" + (
        "." if record.g is None else "; the trained ones are in the run's folder. Both states of a crossbar share one scale of colours."
    )
    yield Gallery("Conductances", about, conductances.of_run(record, anchor))


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


def _tables(record: RunRecord) -> Iterator[PageTable]:
    if record.predictions is not None:
        yield target_table(record.predictions, record.experiment.data)
    if record.stages:
        yield _stages(record)
    if record.rows:
        yield _epochs(record)
    if layers := [key.removeprefix("alone_") for key in record.summary if key.startswith("alone_")]:
        yield _by_layer(record.summary, layers)
    if record.experiment.blocks is not None:
        yield _parameters(record)
    yield environment_table(record.environment)


def _parameters(record: RunRecord) -> PageTable:
    """Tabulate the parameters of digital layers."""
    devices = {array.name for array in record.circuit.trainable}
    given = record.before if record.g is None else record.g
    rows = [
        [name, "×".join(map(str, values.shape)), f"{values.mean():.4g}", f"{values.std():.4g}"]
        for name, values in given.items()
        if name not in devices
    ]
    return PageTable(caption="Parameters of digital layers", header=("name", "shape", "mean", "standard deviation"), rows=rows, folded=True)


def _by_layer(summary: Mapping[str, Any], layers: list[str]) -> PageTable:
    """Tabulate what each layer that learned for itself makes of tested samples."""
    rows = [
        [name, f"{summary[f'alone_{name}']:.2%}", *(f"{summary[f'{what}_{name}']:.4g}" for what in ("right", "wrong"))] for name in layers
    ]
    header = ("layer", "error by itself", "score of the right label", "score of the best wrong one")
    return PageTable(caption="Layers by themselves: goodnesses in V², or cosines with prototypes", header=header, rows=rows)


def _epochs(record: RunRecord) -> PageTable:
    """Tabulate the metrics, at most about twenty rows: the first, the last, and some between."""
    rows, most, measure = record.rows, 20, record.experiment.data.measure
    stride = -(-len(rows) // most)
    chosen = [row for k, row in enumerate(rows) if k % stride == 0 or k == len(rows) - 1]
    counts, explained = counts_in(rows[0]), "test_r2" in rows[0]
    header = [
        "epoch",
        "loss [V²]",
        f"training {measure.name}",
        f"{record.experiment.data.held_out} {measure.name}",
        *([f"{record.experiment.data.held_out} R²"] if explained else []),
        "seconds",
        *([*counts, "joules"] if counts else []),
    ]
    cells = [
        [
            f"{row['epoch']}",
            f"{row['loss']:.4g}",
            measure.text(row["train_error"]),
            measure.text(row["test_error"]),
            *([f"{row['test_r2']:.4f}"] if explained else []),
            f"{row['seconds']:.3g}" if "seconds" in row else "–",
            *([*(f"{row[count]:,.0f}" for count in counts), f"{row['programming_J']:.3g}"] if counts else []),
        ]
        for row in chosen
    ]
    left_out = f", every {stride}th and the last of {counted(len(rows), 'epoch')}" if stride > 1 else ""
    return PageTable(caption=f"Metrics{left_out}", header=header, rows=cells)


def _stages(record: RunRecord) -> PageTable:
    """Tabulate what each stage of pretraining ended with."""
    last = {int(row["stage"]): row for row in record.stages}
    cells = [
        [f"{number}", f"{record.experiment.pretraining[number - 1].layers}", f"{row['epoch']}", RMSE_IN_VOLTS.text(row["test_error"])]
        for number, row in last.items()
    ]
    header = ["stage", "hidden layers", "epochs", f"{record.experiment.data.held_out} {RMSE_IN_VOLTS.name} of the reconstruction"]
    return PageTable(caption="Pretraining", header=header, rows=cells)


def environment_table(environment: Mapping[str, Any]) -> PageTable:
    """Tabulate versions and machine."""
    rows = [[name, text] for name, text in _flat("", environment)]
    caption = "The environment" if rows else "The environment was not recorded"
    return PageTable(caption=caption, header=("what", "which"), rows=rows, folded=True)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat("", value)
        else:
            yield (
                f"{prefix}{name}",
                value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else json.dumps(value),
            )
