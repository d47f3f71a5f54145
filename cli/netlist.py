"""Notes of commands about a user's netlist: warnings, trainable devices, scaling of the features."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cli.output import Output

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment
    from hwsim.runs.folder import RunFolder
    from netlists.deck import Deck


def noted(output: Output, experiment: "Experiment") -> "Deck | None":
    """Print notes about a netlist, and return its deck; None where the circuit has none."""
    from hwsim.experiment.netlist_circuit import SHOWN, Netlist  # noqa: PLC0415 - help does without
    from hwsim.formatting import counted  # noqa: PLC0415 - for this command alone

    if not isinstance(experiment.circuit, Netlist):
        return None
    deck, data = experiment.circuit.deck, experiment.data
    circuit = deck.circuit
    for warning in deck.warnings:
        if data.name != SHOWN or warning not in deck.contradictions:  # with its own samples, this is refused with the same text
            output.note(f"{warning}")
    if deck.missing:
        return deck
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
        if data.task == "regression":
            columns = ", ".join(map(str, data.targets or ("the last",)))
            volts = "in volts" if data.target_scaling == "none" else f"scaled to volts ({data.target_scaling})"
            output.note(f"{experiment.name}: the outputs' targets are real numbers {volts}: column {columns} (--set data.task=…)")
    return deck


def warned(output: Output, experiment: "Experiment") -> None:
    """Print what `hwsim inspect` warns of in a netlist, but for what is noted already."""
    from hwsim.experiment.netlist_circuit import Netlist  # noqa: PLC0415 - help does without

    circuit = experiment.circuit
    if not isinstance(circuit, Netlist):
        return
    from hwsim.inspection.inspection import inspect  # noqa: PLC0415 - only netlists have something to be warned of
    from hwsim.session import Session  # noqa: PLC0415 - as above

    session = Session.of(experiment)
    noted = set(map(str, circuit.deck.warnings))
    for warning in inspect(session.circuit, session.chip, session.starting(), circuit.deck).warnings:
        if warning not in noted:
            output.note(f"warning: {warning}")


class Target(NamedTuple):
    """Where a trained netlist is also written, whether expanded, and whether any file there is replaced."""

    path: Path
    flat: bool
    force: bool

    @classmethod
    def of(cls, path: Path | None, *, flat: bool, force: bool) -> "Target | None":
        """Return what --write, --flat and --force name; None without --write."""
        if path is None and (force or flat):
            msg = f"--{'force' if force else 'flat'} applies to --write"
            raise click.UsageError(msg)
        return None if path is None else cls(path, flat, force)


def refuse_copy(deck: "Deck | None", target: Target, what: str, experiment: "Experiment") -> None:
    """Refuse to write where there is no netlist, or no place for it; it may replace the netlist itself."""
    from hwsim.runs.loaded import run_folder  # noqa: PLC0415 - for this command alone
    from hwsim.runs.trained_deck import refuse_copy as refuse  # noqa: PLC0415 - for this command alone
    from hwsim.runs.trained_deck import resembles  # noqa: PLC0415 - for this command alone
    from hwsim.sweep import outputs  # noqa: PLC0415 - help does without

    if deck is None:
        msg = f"--write is for netlists, and {what} is none; the trained circuit is in the run's folder"
        raise click.UsageError(msg)
    if target.flat and deck.foreign is None:
        msg = f"--flat expands subcircuits and parameters, and {what} has none that hwsim does not keep; omit it"
        raise click.UsageError(msg)
    refuse(deck, target.path, flat=target.flat)
    kind = outputs.FileKind("this netlist with other values", resembles(deck))
    itself = None if run_folder(what) else deck.sources[0].path
    read = [path for path in outputs.inputs(what, experiment) if not (itself and path.exists() and path.samefile(itself))]
    outputs.refuse([outputs.OutputFile("--write", target.path, kind)], read, force=target.force)


def copy_back(output: Output, run: "RunFolder", deck: "Deck", target: Target, experiment: "Experiment") -> bool:
    """Write the trained netlist to its second place; False, with a note, where its text has no place for the learned values."""
    from hwsim.experiment.netlist_circuit import TRAINED  # noqa: PLC0415 - help does without
    from hwsim.files import atomic  # noqa: PLC0415 - for this command alone
    from hwsim.runs.trained_deck import copy_back, unwritable  # noqa: PLC0415 - help does without
    from hwsim.session import Session  # noqa: PLC0415 - for this command alone
    from netlists.deck import encoded, expanded  # noqa: PLC0415 - for this command alone

    heat = Session.of(experiment).chip.heat
    g = {name: values / heat for name, values in run.read_weights(deck.circuit).items()}  # a netlist's are those at 27 °C
    reason = "" if target.flat else unwritable(deck, g)
    if reason:
        output.note(f"{target.path}: not written: {reason}; {run.path / TRAINED} is the expanded deck")
    elif target.flat:
        atomic.write(target.path, encoded(expanded(deck, g)))
    else:
        copy_back(run.path, deck, target.path)
    return not reason
