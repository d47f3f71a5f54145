"""A circuit block is what an experiment of one circuit is: each of its keys does what that key of such an experiment does."""

import pytest

from hwsim.experiment.experiment import make
from hwsim.experiment.overriding import override
from hwsim.session import Session

NETWORK = {"inputs": 4, "outputs": 3, "layers": [{"size": 5, "amplifier": {"gain": 4.0, "back": 0.25}}]}
LEARNS = {"rule": "equilibrium-propagation", "nudge": {"kind": "volts"}, "optimizer": "adam", "rate": 1e-7, "g_init": [1e-6, 2e-5]}
COMMON = {"name": "one", "data": {"name": "iris"}}
LOSS = {"loss": {"kind": "cross-entropy"}, "target_high": 0.1}

CHAIN = make(COMMON | {"training": LOSS, "blocks": [{"kind": "circuit", "circuit": NETWORK, **LEARNS}]}, "test")
CIRCUIT = make(COMMON | {"training": LOSS | LEARNS, "circuit": NETWORK}, "test")

TRAINING = ["rule=adjoint", "nudge.u=0.02", "nudge={kind='frozen', beta=1e-7}", "optimizer=momentum", "rate=3e-7", "g_init=[1e-6, 3e-6]"]
OTHERS = [
    "circuit.layers[0].size=6",
    "circuit.layers[0].neuron.i_sat=1e-7",
    "circuit.layers[0].amplifier.gain=3",
    "circuit.input_scale=2",
    "circuit.g_max=5e-5",
    "circuit.signed_bias=true",
    "device.preset=reram-sb",
    "device.levels=4",
]


def sections(session):
    """Return what determines how a circuit is built, programmed and trained."""
    one = session.experiment if session.experiment.blocks is None else session.made.circuits[0].experiment
    return one.circuit, one.device, one.training, one.variation, one.noise, one.solver, one.data


def names_of(circuit):
    """Return the shapes of its arrays, by their names in an experiment of one circuit."""
    return {element.name.removeprefix("b1_"): element.shape for element in circuit.trainable}


@pytest.mark.parametrize("setting", ["", *TRAINING, *OTHERS])
def test_a_key_of_a_block_is_that_key_of_an_experiment_of_one_circuit(setting: str) -> None:
    """Sections and compiled arrays are equal, and are not what they were without the key."""
    chain = Session.of(override(CHAIN, [f"blocks[0].{setting}"] if setting else []))
    alone = Session.of(override(CIRCUIT, [f"training.{setting}" if setting in TRAINING else setting] if setting else []))
    assert sections(chain) == sections(alone)
    assert names_of(chain.made.circuits[0].circuit) == names_of(alone.circuit)
    assert not setting or sections(chain) != sections(Session.of(CHAIN))
