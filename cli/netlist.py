"""Notes of commands about a user's netlist: warnings, trainable devices, scaling of the features."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import Output

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment
    from netlists.deck import Deck


def noted(output: Output, experiment: "Experiment") -> "Deck | None":
    """Print notes about a netlist, and return its deck; None where the circuit has none."""
    from hwsim.experiment.netlist_circuit import SHOWN, Netlist  # noqa: PLC0415 - help does without
    from hwsim.formatting import counted  # noqa: PLC0415

    if not isinstance(experiment.circuit, Netlist):
        return None
    deck, data = experiment.circuit.deck, experiment.data
    circuit = deck.circuit
    for warning in deck.warnings:
        if data.name != SHOWN or warning not in deck.contradictions:  # with its own samples, this is refused with the same text
            output.note(f"{warning}")
    learning = counted(sum(map(len, circuit.trainable)), "resistor learns", "resistors learn")
    ends = f"{counted(circuit.input_count, 'input')}, {counted(len(circuit.outputs), 'output')}"
    output.note(f"{experiment.name}: {learning}, {ends}")
    if data.name != SHOWN:
        how = {
            "none": "as they are",
            "minmax": "scaled to 0 to 1",
            "standard": "scaled to a mean of 0 and a variance of 1",
        }[data.scaling]
        cut = f", cut off at ±{data.clip:g}" if data.clip else ""
        output.note(f"{experiment.name}: features are {how}{cut}, in volts at the inputs, times `scale=` (--set data.scaling=…)")
    return deck


def refuse_copy(deck: "Deck | None", target: Path, what: str, experiment: "Experiment", *, force: bool) -> None:
    """Refuse to write where there is no netlist, or no place for it; it may replace the netlist itself."""
    from hwsim.experiment.netlist_circuit import refuse_copy as refuse  # noqa: PLC0415
    from hwsim.experiment.netlist_circuit import resembles  # noqa: PLC0415
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    if deck is None:
        msg = f"--write is for netlists, and {what} is none; the trained circuit is in the run's folder"
        raise click.UsageError(msg)
    refuse(deck, target)
    kind = outputs.FileKind("this netlist with other values", resembles(deck))
    itself = None if run_folder(what) else deck.sources[0].path
    read = [path for path in outputs.inputs(what, experiment) if not (itself and path.exists() and path.samefile(itself))]
    outputs.refuse([outputs.OutputFile("--write", target, kind)], read, force=force)


def copy_back(run: Path, deck: "Deck", target: Path) -> None:
    """Write the trained netlist to its second place."""
    from hwsim.experiment.netlist_circuit import copy_back as copy  # noqa: PLC0415 - help does without

    copy(run, deck, target)
