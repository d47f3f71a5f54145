"""The gradient of a chain is that of its loss, by every parameter and by the inputs."""

import jax
import numpy as np
import pytest

from hwsim.chains.chain_rule import ChainRule
from hwsim.core import blocks
from hwsim.experiment.experiment import make
from hwsim.learning import factory
from hwsim.numeric.jax_scope import jax_scope
from hwsim.session import Session

NEURON = {"kind": "diode-pair", "v_low": -0.05, "v_high": 0.05, "i_sat": 1e-6, "n": 1.0}
STEP = 1e-3
"""Step of a finite difference as a share of the largest entry of an array."""


def circuit(inputs, outputs, rule, u=2e-5):
    """Describe a circuit block with saturated diodes."""
    network = {"inputs": inputs, "outputs": outputs, "layers": [{"size": 5, "neuron": NEURON, "amplifier": {"gain": 4.0, "back": 0.25}}]}
    nudge = {} if rule in {"adjoint", "small-signal"} else {"nudge": {"kind": "volts", "u": u}}
    return {"kind": "circuit", "circuit": network, "rule": rule, "g_init": [1e-5, 4e-5], **nudge}


def chain(rules, layers, **sections):
    """Make a session of circuit, digital layers, circuit."""
    blocks = [circuit(4, 3, rules[0]), {"kind": "digital", "layers": layers}, circuit(3, 3, rules[1])]
    training = {"loss": {"kind": "cross-entropy", "v_softmax": 0.1}, "target_high": 0.1}
    return Session.of(make({"name": "chain", "data": {"name": "iris"}, "training": training, "blocks": blocks, **sections}, "test"))


def losses(session, solver, g, x, y):
    """Return the summed loss of a batch, normalised by it."""
    outputs, _ = session.rule.read(solver, g, x, training=True)
    return float(factory.loss(session.experiment.training).value(outputs, y).sum())


def difference(of, values, at, h):
    """Return the central difference of fourth order by one entry of an array."""

    def rise(step):
        ends = []
        for side in (1, -1):
            moved = values.copy()
            moved[at] += side * step
            ends.append(of(moved))
        return ends[0] - ends[1]

    return (8 * rise(h) - rise(2 * h)) / (12 * h)


def batch(session, samples=4):
    """Draw inputs, targets, conductances and digital parameters."""
    random = np.random.default_rng(3)
    x, y = random.uniform(-0.5, 0.5, (samples, 4)), np.eye(3)[random.integers(0, 3, samples)] * 0.1
    g = {name: np.array(values) for name, values in session.begun().items()}
    return x, y, {name: values + 0.1 * random.random(values.shape) if name.startswith("b2_") else values for name, values in g.items()}


def measured(session, g, x, y):
    """Compute the chain's gradients as a training step does."""
    with session.solver() as solver, jax_scope():
        trace = solver.traced(newton=True)
        loss = factory.loss(session.experiment.training)
        compiled = jax.jit(lambda g, x, y: session.rule.with_inputs(trace, g, x, y, loss))
        _, by_block, dx = jax.tree.map(np.asarray, compiled(g, x, y))
    return blocks.join(by_block), dx


@pytest.mark.parametrize(
    ("rules", "layers"),
    [
        (("equilibrium-propagation", "equilibrium-propagation"), [{"kind": "batch-norm"}]),
        (
            ("richardson", "adjoint"),
            [{"kind": "layer-norm"}, {"kind": "residual", "layers": [{"kind": "dense", "size": 3}, {"kind": "tanh"}]}],
        ),
    ],
)
def test_the_gradient_of_a_chain_is_that_of_finite_differences(rules, layers):
    """Circuit, normalisation, circuit, loss: every array of parameters and the inputs, to 1e-6 of the largest entry."""
    session = chain(rules, layers)
    x, y, g = batch(session)
    ours, dx = measured(session, g, x, y)
    running = {name for _, part in session.circuit.digital for name in part.running}
    assert set(ours) == set(g) - running
    with session.solver() as solver:
        random = np.random.default_rng(0)
        for name, values in ours.items():
            largest = np.abs(values).max()
            for entry in {int(np.abs(values).argmax()), *random.integers(values.size, size=2).tolist()}:
                at = np.unravel_index(entry, values.shape)
                h = STEP * np.abs(g[name]).max()
                slope = difference(lambda moved, name=name: losses(session, solver, g | {name: moved}, x, y), g[name], at, h)
                assert abs(values[at] - slope) <= 1e-6 * largest, (name, at)
        for at in [(0, 0), (1, 2), (3, 3)]:
            slope = difference(lambda moved: losses(session, solver, g, moved, y), x, at, 1e-4)
            assert abs(dx[at] - slope) <= 1e-6 * np.abs(dx).max(), at


def test_a_chain_of_one_circuit_computes_what_the_circuit_does():
    """One block, and the circuit by itself: equal gradients."""
    block = circuit(4, 3, "adjoint")
    table = {"name": "one", "data": {"name": "iris"}, "training": {"loss": {"kind": "cross-entropy"}, "target_high": 0.1}}
    session = Session.of(make(table | {"blocks": [block]}, "test"))
    one = session.made.circuits[0]
    assert isinstance(session.rule, ChainRule)
    x, y, _ = batch(chain(("adjoint", "adjoint"), [{"kind": "relu"}]))
    g = session.begun()
    loss = factory.loss(session.experiment.training)
    with session.solver() as solver:
        whole = session.rule.gradient(solver, g, x, y, loss)
        alone = one.rule.gradient(solver.solvers[0], g, x, y, loss)
    for name, values in alone.g.items():
        assert np.array_equal(whole.g[name], values)
    assert np.array_equal(whole.loss, alone.loss)
