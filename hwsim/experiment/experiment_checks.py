"""Whether an experiment's sections fit each other: circuit or blocks, training, devices, data, company."""

from typing import TYPE_CHECKING

from hwsim.experiment.block_checks import check_blocks, check_crossbars
from hwsim.experiment.chain_keys import refuse_idle
from hwsim.experiment.company_checks import check_circuits, check_shares
from hwsim.experiment.data_fit import check_sizes
from hwsim.experiment.federation_checks import check_federation
from hwsim.experiment.netlist_circuit import Netlist
from hwsim.experiment.sequence_checks import check_sequences
from hwsim.settings.data_names import BUILT_IN, IMAGES, REAL_TARGETS
from hwsim.settings.durations import spelled
from hwsim.settings.propagation_kinds import EndToEnd

if TYPE_CHECKING:
    from hwsim.experiment.experiment import Experiment

KEYS = "hwsim keys"
"""The command that lists the keys of a section."""


def check(experiment: "Experiment") -> None:
    """Refuse an experiment whose sections do not fit each other.

    Raises
    ------
    ValueError
        Naming the key, its value and the remedy.

    """
    _check_company(experiment)
    outputs = _checked_outputs(experiment)
    if experiment.blocks is None and experiment.training.propagation != EndToEnd():
        kind = experiment.training.propagation.kind
        msg = f"training.propagation.kind = '{kind}' is of a chain of blocks, and this is one circuit; give [[blocks]], or omit it"
        raise ValueError(msg)
    if experiment.training.loss.kind == "cross-entropy" and outputs == 1 and experiment.data.task == "classification":
        msg = "training.loss.kind = 'cross-entropy' compares outputs and circuit.outputs is 1; use 'squared-error', or one a class"
        raise ValueError(msg)
    _check_devices(experiment)
    if experiment.blocks is not None:
        sections = {name: getattr(experiment, name) for name in ("device", "variation", "noise", "solver")}
        refuse_idle(experiment.blocks, experiment.training, experiment.states, crossbar=experiment.crossbar is not None, **sections)
    _check_task(experiment)
    check_sequences(experiment)
    if experiment.reached is not None and experiment.reached.test_error > (most := experiment.data.measure.most):
        msg = f"reached.test_error = {experiment.reached.test_error:g}: the share of wrong answers is at most {most:g}"
        raise ValueError(msg)


def _checked_outputs(experiment: "Experiment") -> int:
    """Return how many outputs the circuit or the chain has; refuse both, none, or one that training does not fit."""
    if experiment.blocks is not None:
        outputs = check_blocks(experiment.blocks, experiment.training, experiment.states)
        if experiment.circuit is not None or experiment.pretraining:
            what = "pretraining is of one circuit" if experiment.circuit is None else "circuit and blocks are both set"
            msg = f"{what}, and an experiment is of one circuit or of a chain of blocks; omit one of them"
            raise ValueError(msg)
        return outputs
    if isinstance(experiment.circuit, Netlist):
        circuit = experiment.circuit.deck.circuit
        check_crossbars("training", experiment.training, len(circuit.memristive))
        return len(circuit.outputs)
    if experiment.circuit is None:
        msg = f"circuit is missing; add [circuit], whose keys {KEYS} circuit lists, or [[blocks]], whose keys {KEYS} blocks lists"
        raise ValueError(msg)
    if experiment.training.init == "netlist":
        msg = "training.init = 'netlist' needs a netlist circuit, but this circuit is a network; use 'uniform' or 'log-uniform'"
        raise ValueError(msg)
    check_crossbars("training", experiment.training, experiment.circuit.crossbars)
    return experiment.circuit.outputs


def _check_company(experiment: "Experiment") -> None:
    """Refuse chips in company of what they cannot be made of, or that no mapped program trains."""
    if experiment.company is None:
        return
    check_shares(experiment.company, experiment.data, chip=experiment.variation.chip, seed=experiment.training.seed)
    if experiment.crossbar is not None:
        msg = "company: read-outs of chips in company are digital, and [device] makes this one a crossbar; omit device"
        raise ValueError(msg)
    if experiment.reservoir is not None or experiment.company.federated:
        check_federation(experiment.company, experiment.reservoir, experiment.blocks, experiment.data)
        return
    check_circuits(experiment.company, experiment.training, experiment.data, alone=experiment.blocks is None and not experiment.pretraining)


def _check_devices(experiment: "Experiment") -> None:
    """Refuse spreads, drift and noise that nothing takes up."""
    pulsed = any(device.preset is not None for device in experiment.devices)
    for key in ("step", "asymmetry"):
        if getattr(experiment.variation, key) and not pulsed:
            msg = f"variation.{key} spreads the steps of pulses, and without device.preset none are sent; name a preset, or leave it out"
            raise ValueError(msg)
    if experiment.variation.after and not pulsed:
        msg = (
            f"variation.after = {spelled(experiment.variation.after)} lets the memristors of device.preset drift, and there is none; "
            "name one, or leave it out"
        )
        raise ValueError(msg)
    if experiment.training.rule.kind == "holomorphic" and (experiment.noise.thermal or experiment.noise.shot):
        msg = "rule.kind = 'holomorphic' solves circuits without noise currents; set noise.thermal and noise.shot to false"
        raise ValueError(msg)
    in_time = experiment.training.rule.kind == "oscillating" and experiment.training.rule.frequency is not None
    if in_time and (experiment.noise.thermal or experiment.noise.shot or experiment.noise.read):
        msg = "training.rule.frequency simulates circuits in time, without noise; leave noise.thermal, noise.shot and noise.read out"
        raise ValueError(msg)


def _check_task(experiment: "Experiment") -> None:
    """Refuse a loss that the task does not have, and a task that named data or the circuit do not fit."""
    if experiment.training.propagation.local and experiment.data.task != "classification":
        kind = experiment.training.propagation.kind
        msg = f"training.propagation.kind = '{kind}' shows labels, and a {experiment.data.task} has none; choose 'end-to-end'"
        raise ValueError(msg)
    if experiment.training.loss.kind == "cross-entropy" and experiment.data.task != "classification":
        msg = f"training.loss.kind = 'cross-entropy' needs classes, and targets of a {experiment.data.task} are real; use 'squared-error'"
        raise ValueError(msg)
    if experiment.training.output_copies != 1 and experiment.data.task != "classification":
        msg = (
            f"training.output_copies = {experiment.training.output_copies} is of classes, and data.task = '{experiment.data.task}'; omit it"
        )
        raise ValueError(msg)
    if experiment.data.name not in BUILT_IN:
        return
    name, task, real = experiment.data.name, experiment.data.task, experiment.data.name in REAL_TARGETS
    if real and task == "classification":
        msg = f"data.task = 'classification', and data {name} have real targets, not classes; set data.task to 'regression'"
        raise ValueError(msg)
    if not real and task == "regression":
        msg = f"data.task = 'regression', and data {name} have classes, not real targets; set data.task to 'classification'"
        raise ValueError(msg)
    if experiment.data.targets is not None:
        msg = f"data.targets names columns of a file, and data {name} have targets of their own; omit it"
        raise ValueError(msg)
    features, answers = BUILT_IN[name]
    check_sizes(experiment, features, (experiment.data.horizon or answers) if name == "memory" else answers, IMAGES.get(name))
