"""Chains of layers that no network compiles to: loads, leaks and noise next to neurons; and what is no chain, refused with the reason."""

from collections.abc import Callable

import numpy as np
import pytest

from circuits.arrays import Crossbar
from circuits.builder import Builder
from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import Amplifiers, CurrentSources, Diodes, IdealDiodes, InputSources, Nudges, Resistors, VoltageSources
from circuits.junction_neurons import DeadZone
from circuits.network import Amplifier, Layer, Network
from circuits.nodes import GROUND
from hwsim.core.protocol import Drive, UnsupportedCircuitError
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.layered.layered_solver import LayeredSolver
from hwsim.numeric.layered.recognize import stages
from hwsim.numeric.numeric_engine import NumericEngine
from support.nudges import nudges

Change = Callable[["Chain"], None]

G = {
    "w1": np.array([[2e-5, 1e-5, 4e-6], [5e-6, 3e-5, 1e-5], [1e-5, 2e-6, 8e-6]]),
    "w2": np.array([[3e-5, 1e-5, 2e-6], [4e-6, 2e-5, 1e-5], [9e-6, 1e-5, 5e-6]]),
}
X, Y = np.array([[0.9, -0.6], [-0.3, 0.8]]), np.array([[0.1, -0.2], [0.0, 0.3]])


class Chain:
    """Two inputs and a bias, three columns with diodes and amplifiers, three of which two are read: layers, until a change is made."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.x, self.bias = self.builder.group("x", 2), self.builder.group("bias", 1)
        self.h, self.m, self.out = (self.builder.group(name, size) for name, size in (("h", 3), ("m", 3), ("out", 3)))
        self.rails = self.builder.group("rails", 2)
        self.parts = {
            "v_x": InputSources(name="v_x", plus=self.x, feature=[1, 0], scale=[2.0, -0.5], offset=[0.05, 0.0]),
            "v_bias": VoltageSources(name="v_bias", plus=self.bias, minus=GROUND, v=0.7),
            "v_rails": VoltageSources(name="v_rails", plus=self.rails, minus=GROUND, v=[0.2, -0.3]),
            "w1": Crossbar(name="w1", rows=np.concatenate([self.x, self.bias]), columns=self.h, g_min=1e-9, g_max=1e-2),
            "up": self.diodes("up", self.h, self.rails[[0, 0, 0]]),
            "amp": Amplifiers(name="amp", input=self.h, output=self.m, gain=3.0, back=0.5, offset=0.01),
            "w2": Crossbar(name="w2", rows=self.m, columns=self.out, g_min=1e-9, g_max=1e-2),
            "nudge": Nudges(name="nudge", plus=self.out[:2], minus=GROUND),
        }

    @staticmethod
    def diodes(name: str, anode: np.ndarray, cathode: np.ndarray) -> Diodes:
        """Make diodes of one kind."""
        return Diodes(name=name, anode=anode, cathode=cathode, i_sat=1e-8, n=1.3)

    @staticmethod
    def resistors(name: str, a: object, b: object, r: object = 4e4) -> Resistors:
        """Make fixed resistors."""
        return Resistors(name=name, a=a, b=b, r=r)

    def put(self, *parts: object) -> None:
        """Add parts, or put them in the places of those of their names."""
        self.parts |= {part.name: part for part in parts}

    def circuit(self) -> Circuit:
        """Make the circuit."""
        self.builder.add(*self.parts.values())
        return self.builder.circuit("chain")


def load(chain: Chain) -> None:
    """Put loads to ground and to rails, from columns and outputs, written either way round, two on one column."""
    h, out, rails = chain.h, chain.out, chain.rails
    chain.put(
        chain.resistors("a", np.concatenate([h[:2], rails[1:], rails[:1]]), [0, rails[0], h[2], h[0]], [2e4, 3e4, 5e4, 7e4]),
        chain.resistors("b", [0, out[0]], [out[1], rails[1]], [6e4, 8e4]),
        chain.diodes("down", np.array([0, 0]), h[[2, 0]]),
    )


def leak(chain: Chain) -> None:
    """Put dead zones instead of clamps, with a conductance across each, written either way round, and a load before them."""
    behind = chain.builder.group("behind", 3)
    del chain.parts["up"]
    chain.put(
        chain.diodes("forth", chain.h, behind),
        chain.diodes("back", behind[[2, 0, 1]], chain.h[[2, 0, 1]]),
        chain.resistors("past", [chain.h[0], behind[1], chain.h[2]], [behind[0], chain.h[1], behind[2]], [1e6, 3e5, 2e6]),
        chain.resistors("load", chain.h[1:], GROUND),
        Amplifiers(name="amp", input=behind, output=chain.m, gain=3.0, back=0.5, offset=0.01),
    )


@pytest.mark.parametrize("change", [load, leak])
def test_what_hangs_beside_neurons_is_part_of_the_layers(change: Change) -> None:
    """Layers give the voltages and gradients that the ports' solver gives, which knows of no layers; chips' own resistances count."""
    chain = Chain()
    change(chain)
    circuit = chain.circuit()
    name = next(name for name in chain.parts if isinstance(chain.parts[name], Resistors))
    chip = Chip(circuit, {name: {"r": circuit[name].r * np.linspace(0.8, 1.3, len(circuit[name]))}})
    with NumericEngine(newton=change is leak).prepare(circuit, chip) as layers, GeneralEngine().prepare(circuit, chip) as ports:
        assert isinstance(layers, LayeredSolver)
        nudge = nudges(SquaredError(), 2e-6)
        for ours, theirs in zip(layers.phases(G, X, Y, nudge), ports.phases(G, X, Y, nudge), strict=True):
            for group, v in theirs.v.items():
                np.testing.assert_allclose(ours.v[group], v, rtol=0, atol=1e-9, err_msg=group)
        exact, wanted = (Adjoint().gradient(solver, G, X, Y, SquaredError()).g for solver in (layers, ports))
        for crossbar, values in wanted.items():
            np.testing.assert_allclose(exact[crossbar], values, rtol=0, atol=1e-6 * np.abs(values).max())


def test_tolerances_are_shares_of_what_sources_hold() -> None:
    """The largest fixed voltage, and the largest scale of a feature [V]; 1 mV where all are less."""
    chain = Chain()
    circuit = chain.circuit()
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as layers:
        assert isinstance(layers, LayeredSolver)
        assert layers.on.scales == (0.7, 2.0)
        low = Chip(circuit, {"v_bias": {"v": np.array([-1e-5])}, "v_x": {"scale": np.array([0.0, 1e-4])}})
    with NumericEngine().prepare(circuit, low) as layers:
        assert layers.on.scales == (1e-3, 1e-4)


def test_noise_enters_behind_dead_zones() -> None:
    """Currents into the nodes on both sides of dead zones, rows and outputs move voltages as the ports' solver states."""
    layer = Layer(size=3, neuron=DeadZone(i_sat=1e-6), amplifier=Amplifier(gain=3.0, back=0.5, output_resistance=800.0))
    circuit = Network(inputs=2, layers=(layer,), outputs=2, differential=False, bias=False).compile("dead")
    rng = np.random.default_rng(2)
    g = {e.name: rng.uniform(2e-6, 2e-5, e.shape) for e in circuit.trainable}
    free = [group for group in circuit.groups if group.name in {"h1", "h1_core", "a1", "out"}]
    noise = [{group.name: rng.normal(0, 1e-7, (2, len(group))) for group in free}]
    assert len(free) == 4
    chip = Chip.nominal(circuit)
    with NumericEngine(newton=True).prepare(circuit, chip) as layers, GeneralEngine().prepare(circuit, chip) as ports:
        ours, theirs = (solver.solve(g, Drive(X, noise=noise[0])) for solver in (layers, ports))
        quiet = layers.solve(g, Drive(X))
    for group in free:
        np.testing.assert_allclose(ours.v[group.name], theirs.v[group.name], rtol=0, atol=1e-9, err_msg=group.name)
        assert np.abs(ours.v[group.name] - quiet.v[group.name]).max() > 1e-5


def between_nodes(chain: Chain) -> None:
    chain.put(VoltageSources(name="v_rails", plus=chain.rails, minus=[0, chain.rails[0]], v=[0.2, -0.3]))


def current_source(chain: Chain) -> None:
    chain.put(CurrentSources(name="i", a=GROUND, b=chain.h[0], i=1e-6))


def side_branch(chain: Chain) -> None:
    chain.put(Crossbar(name="w3", rows=chain.m, columns=chain.builder.group("other", 2)))


def other_order(chain: Chain) -> None:
    chain.put(Crossbar(name="w2", rows=chain.m[::-1], columns=chain.out))


def two_kinds(chain: Chain) -> None:
    chain.put(IdealDiodes(name="down", anode=chain.rails[[1, 1, 1]], cathode=chain.h))


def two_diodes(chain: Chain) -> None:
    chain.put(chain.diodes("again", chain.h[1:2], chain.rails[1:]))


def onto_an_input(chain: Chain) -> None:
    chain.put(chain.diodes("up", chain.h, chain.x[[0, 0, 1]]))


def onto_several(chain: Chain) -> None:
    chain.put(chain.diodes("up", chain.h, np.array([chain.rails[0], 0, chain.bias[0]])))


def some_in_series(chain: Chain) -> None:
    chain.put(chain.diodes("up", chain.h[:2], chain.out[:2]))


def elsewhere_behind(chain: Chain) -> None:
    leak(chain)
    chain.put(chain.diodes("back", chain.m, chain.h))


def between_rails(chain: Chain) -> None:
    chain.put(chain.diodes("d", chain.rails[1:], chain.rails[:1]))


def across_columns(chain: Chain) -> None:
    chain.put(chain.resistors("r", chain.h[[0, 1]], [0, chain.h[2]]))


def hidden_outputs(chain: Chain) -> None:
    chain.put(Nudges(name="nudge", plus=[chain.out[0], chain.h[0]], minus=GROUND))


def mixed_outputs(chain: Chain) -> None:
    chain.put(Nudges(name="nudge", plus=chain.out[:2], minus=[chain.out[2], 0]))


def loose_node(chain: Chain) -> None:
    chain.put(chain.resistors("r", chain.rails[:1], chain.builder.group("loose", 1)))


REFUSED = {
    between_nodes: "v_rails holds a voltage between two nodes",
    current_source: "i is an array of CurrentSources",
    side_branch: "crossbars w2, w3 do not follow one another",
    other_order: "the rows of w2 are not in the order",
    two_kinds: "the columns of w1 carry both diodes and ideal",
    two_diodes: "a column of w1 carries two diodes of one direction",
    onto_an_input: "the diodes up end on an input",
    onto_several: "the diodes up end on several arrays of sources",
    some_in_series: "up are in series with some columns of w1 only",
    elsewhere_behind: "lead to other nodes than those next to them",
    between_rails: "d is not between the layers",
    across_columns: "r holds resistors that lead from no column",
    hidden_outputs: "an output is not a column",
    mixed_outputs: "some outputs are single-ended",
    loose_node: "r holds resistors|node loose",
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
def test_what_is_no_chain_of_layers_is_refused(change: Change) -> None:
    """With the element and the reason; the engine then solves it by its ports."""
    chain = Chain()
    stages(chain.circuit())
    chain = Chain()
    change(chain)
    circuit = chain.circuit()
    with pytest.raises(UnsupportedCircuitError, match=REFUSED[change]):
        stages(circuit)
