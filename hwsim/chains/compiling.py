"""An experiment's circuit, compiled, and what it becomes: the one that is described, or the chain of its blocks."""

from functools import lru_cache
from typing import Any

from circuits.circuit import Circuit
from circuits.network import Network
from circuits.parts import has_known_parts
from hwsim.chains.made import Made, OneCircuit
from hwsim.experiment.experiment import Experiment


def compiled(experiment: Experiment) -> Circuit:
    """Compile an experiment's circuit, or those of its blocks as one.

    Raises
    ------
    CircuitError
        When a circuit is wrong.

    """
    if experiment.blocks is not None:
        from hwsim.chains.chain_circuit import ChainCircuit  # noqa: PLC0415 - most experiments are of one circuit

        ends: Any = {"labelled": experiment.training.propagation.local, "crossbar": experiment.crossbar}
        return ChainCircuit.of_blocks(experiment.name, experiment.blocks, experiment.states, **ends)
    given = experiment.one_circuit
    kept = isinstance(given, Network) and has_known_parts(given)  # a netlist's file, and a class of the caller's own, may change
    return _of_network(given, experiment.name) if kept else given.compile(experiment.name)


@lru_cache(maxsize=2)  # the points of a sweep mostly share one
def _of_network(network: Network, name: str) -> Circuit:
    """Compile a network of known parts: equal ones are one object, so that what is kept of it is found without comparing all its parts."""
    return network.compile(name)


def made(experiment: Experiment, circuit: Circuit) -> Made:
    """Return what an experiment's compiled circuit becomes: one circuit, or a chain."""
    if experiment.blocks is None:
        return OneCircuit(experiment, circuit)
    from hwsim.chains.chain import Chain  # noqa: PLC0415 - most experiments are of one circuit
    from hwsim.chains.chain_circuit import ChainCircuit  # noqa: PLC0415 - as above

    assert isinstance(circuit, ChainCircuit)  # noqa: S101 - blocks compile to one
    return Chain(experiment, circuit)
