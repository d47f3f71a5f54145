"""Stages of pretraining, each an experiment of its own: the first layers of a circuit, under outputs that repeat its inputs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from circuits.errors import CircuitError
from circuits.network import Network
from circuits.quoting import quote
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.overriding import override, parse_setting
from hwsim.settings.learning_kinds import SquaredErrorLoss
from hwsim.settings.pretraining_settings import PretrainingStage

_DATA = {"denoise", "input_dropout"}
"""Keys of the data that a stage may have of its own: samples, their division and their scaling are the experiment's."""


def arrays(experiment: Experiment, number: int) -> tuple[str, ...]:
    """Return the names of the arrays that a stage, from 1 on, leaves to the next; none of stage 0."""
    network = experiment.circuit
    if not number or not isinstance(network, Network):
        return ()
    layers = network.layers[: experiment.pretraining[number - 1].layers]
    return tuple(f"w{k}" for k, layer in enumerate(layers, start=1) if layer.learned)


def stages(experiment: Experiment) -> list[Experiment]:
    """Return the stages of an experiment, in order.

    Raises
    ------
    ExperimentError
        When one has more layers than the circuit, or a setting that a stage cannot have; the message names it.

    """
    if experiment.pretraining and not isinstance(experiment.circuit, Network):
        msg = "pretraining trains the first layers of a network, and circuit is none; name circuit.layers, or omit pretraining"
        raise ExperimentError(msg)
    return [_stage(experiment, number) for number in range(1, len(experiment.pretraining) + 1)]


def _stage(experiment: Experiment, number: int) -> Experiment:
    given, network = experiment.pretraining[number - 1], experiment.circuit
    assert isinstance(network, Network)  # noqa: S101 - `stages` refused others
    where = f"pretraining[{number - 1}]"
    if given.layers > len(network.layers):
        msg = f"{where}.layers = {given.layers}, and the circuit has {len(network.layers)}; choose at most as many"
        raise ExperimentError(msg)
    layers, training = network.layers[: given.layers], experiment.training
    kept = sum(layer.learned for layer in layers)
    try:
        circuit = replace(
            network,
            layers=layers,
            outputs=network.inputs,
            g_min=_first(network.g_min, kept),
            g_max=_first(network.g_max, kept),
        )
    except CircuitError as error:
        msg = f"{where}: {error}"
        raise ExperimentError(msg) from None
    before = len(arrays(experiment, number - 1))
    rates = (*(0.0 for _ in range(before)), *_first(training.rates(network.crossbars), kept)[before:])
    learning: dict[str, Any] = {"loss": SquaredErrorLoss(), "rate": rates, "epochs": given.epochs}
    if training.g_init and isinstance(training.g_init[0], tuple):
        learning["g_init"] = _first(training.g_init, kept)
    data = {"task": "reconstruction", "shift": 0, "flip": False, "targets": None}
    stage = experiment.model_copy(
        update={
            "circuit": circuit,
            "data": experiment.data.model_copy(update=data),
            "training": training.model_copy(update=learning),
            "pretraining": (),
            "reached": None,
        }
    )
    return override(stage, _checked(given, where))


def _first(values: Any, count: int) -> Any:
    """Return those of the first arrays and, for the outputs' array, the last; one value for all stays."""
    return (*values[:count], values[-1]) if isinstance(values, Sequence) else values


def _checked(stage: PretrainingStage, where: str) -> tuple[str, ...]:
    for setting in stage.settings:
        keys, _ = parse_setting(setting)
        free = keys[0] in {"circuit", "training"} or (keys[0] == "data" and keys[1:2] and keys[1] in _DATA)
        if not free or keys[:2] in (["training", "start"], ["training", "start_arrays"], ["training", "epochs"]):
            of_data = ", ".join(f"data.{key}" for key in sorted(_DATA))
            msg = f"{where}.settings: {quote(setting)} is no setting of a stage; these are of circuit and training, and {of_data}"
            raise ExperimentError(msg)
    return stage.settings
