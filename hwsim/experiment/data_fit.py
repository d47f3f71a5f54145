"""Whether data fit a circuit: their features its inputs, their classes or targets its outputs, their images its maps."""

from pathlib import Path
from typing import TYPE_CHECKING

from circuits.errors import CircuitError
from circuits.maps import Maps, image
from circuits.quoting import quote, quote_path
from hwsim.experiment.experiment_errors import ExperimentError, SizesError
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.formatting import counted

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment


def check_sizes(experiment: "Experiment", features: int, answers: int, shown: Maps | None = None) -> None:
    """Refuse data that do not fit the circuit's inputs and outputs; `answers` are their classes, or real targets.

    `shown` are the images that the features are, where the data state it.

    Raises
    ------
    ExperimentError
        Naming the key to change.

    """
    data = quote_path(experiment.data.name)
    if experiment.data.moving:
        image_of(experiment, features, shown)
    if isinstance(experiment.circuit, Netlist):
        _check_netlist(experiment, experiment.circuit, features, answers)
        return
    if experiment.reservoir is not None:
        features, shown = experiment.reservoir.features, None
    (inputs, outputs), key = experiment.inputs_and_outputs, "circuit" if experiment.blocks is None else "blocks"
    if inputs != features:
        name = "circuit.inputs" if experiment.blocks is None else "what blocks[0] takes"
        labels = f" besides its {outputs} inputs for labels" if experiment.training.propagation.local else ""
        taken = features + outputs * experiment.training.propagation.local
        have = f"data {data} have {features} features" if experiment.reservoir is None else f"the reservoir makes {features} numbers"
        msg = f"{name} = {inputs}{labels}, but {have}; set it to {taken}, or choose other data"
        raise SizesError(msg, features, answers)
    if shown is not None and _seen(experiment) is not None and (seen := image(inputs, _seen(experiment))) != shown:
        key = "circuit.image" if experiment.blocks is None else "blocks[0].image"
        msg = f"{key} is {seen}, and the images of data {data} are {shown}: set it to {list(shown)}"
        raise ExperimentError(msg)
    if not _fits(experiment, outputs, features, answers):
        pair = answers == 2 and experiment.data.task == "classification"  # noqa: PLR2004 - a pair of classes also fits on one output
        copies = experiment.training.output_copies
        right = "2, or 1" if pair and copies == 1 else str(features if experiment.data.task == "reconstruction" else copies * answers)
        name = f"{key}.outputs" if experiment.blocks is None else f"what blocks[{len(experiment.blocks) - 1}] makes"
        msg = f"{name} = {outputs}, but data {data} have {_counted(experiment, features, answers)}; set it to {right}"
        raise SizesError(msg, features, answers)


def image_of(experiment: "Experiment", features: int, shown: Maps | None = None) -> Maps:
    """Return the images that the features of a sample are: those that the data state, else the circuit's, else square ones.

    Raises
    ------
    ExperimentError
        When there are none, naming what is to move them.

    """
    given = _seen(experiment)
    try:
        return image(features, given) if shown is None else shown
    except CircuitError:
        data = quote_path(experiment.data.name)
        msg = f"data.{experiment.data.moving} moves images, and data {data} have {features} features, no square image; leave it out"
        raise ExperimentError(msg) from None


def _seen(experiment: "Experiment") -> tuple[int, int] | tuple[int, int, int] | None:
    """Return the images that the circuit, or the first block, takes, where it names them."""
    if experiment.blocks is not None:
        return experiment.blocks[0].seen
    return None if experiment.circuit is None or isinstance(experiment.circuit, Netlist) else experiment.circuit.image


def _fits(experiment: "Experiment", outputs: int, features: int, answers: int) -> bool:
    """Whether there are the outputs of each class, target or feature to reconstruct; one also holds two classes."""
    if experiment.data.task == "reconstruction":
        return outputs == features
    copies = experiment.training.output_copies
    return outputs == copies * answers or (experiment.data.task == "classification" and (outputs, copies * answers) == (1, 2))


def _counted(experiment: "Experiment", features: int, answers: int) -> str:
    """Return the number of classes, targets or features, with its noun."""
    match experiment.data.task:
        case "classification":
            return f"{answers} classes"
        case "regression":
            return counted(answers, "target")
        case "reconstruction":
            return f"{features} features to reconstruct"


def _check_netlist(experiment: "Experiment", netlist: Netlist, features: int, answers: int) -> None:
    circuit, file, data = netlist.deck.circuit, quote(Path(netlist.netlist).name), quote_path(experiment.data.name)
    if circuit.input_count != features:
        msg = (
            f"circuit: {file} has sources for {counted(circuit.input_count, 'feature')}, but data {data} have {features}; "
            f"let `*hwsim: input` (or --inputs) name a source for each"
        )
        raise ExperimentError(msg)
    outputs = len(circuit.outputs)
    if not _fits(experiment, outputs, features, answers):
        msg = (
            f"circuit: {file} has {counted(outputs, 'output')}, but data {data} have {_counted(experiment, features, answers)}; "
            f"let `*hwsim: output` (or --outputs) name a pair of nodes for each"
        )
        raise ExperimentError(msg)
