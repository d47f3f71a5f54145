"""Newton's method on all nodes: its matrix is the derivative of Kirchhoff's law, and a step of it solves what is linear."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core import blocks
from hwsim.core.protocol import Push
from hwsim.numeric.layered import newton
from hwsim.numeric.layered.gauss_seidel import Neurons, System
from hwsim.numeric.layered.linear_terms import linear_parts
from hwsim.numeric.layered.output_nudge import OutputNudge
from hwsim.numeric.numeric_engine import NumericEngine

pytestmark = pytest.mark.usefixtures("jax_64_bits")

PAIR, DEAD = DiodePair(v_low=-0.1, v_high=0.15, i_sat=1e-7), DeadZone(i_sat=1e-6)
AMPLIFIER = Amplifier(gain=3.0, back=0.4, offset=0.02)
RESISTIVE = Amplifier(gain=3.0, back=0.4, output_resistance=3e4)
LAYERS = {
    "joined": (Layer(size=3, neuron=PAIR), Layer(size=2, neuron=PAIR, amplifier=AMPLIFIER)),
    "dead zones": (Layer(size=3, neuron=DEAD, amplifier=AMPLIFIER), Layer(size=2, neuron=PAIR)),
    "behind resistances": (Layer(size=3, neuron=PAIR, amplifier=RESISTIVE), Layer(size=4, neuron=PAIR, amplifier=RESISTIVE)),
    "linear": (Layer(size=3, neuron=Linear(), amplifier=AMPLIFIER), Layer(size=2, neuron=Linear(), amplifier=RESISTIVE)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_matrix_is_the_derivative_of_kirchhoffs_law(name) -> None:
    """Of all currents out of nodes by all voltages, nudge included; where nothing is bent, one step ends at the equilibrium."""
    circuit, rng = Network(inputs=2, layers=LAYERS[name], outputs=2).compile(), np.random.default_rng(3)
    g = {e.name: rng.uniform(1e-6, 2e-5, e.shape) for e in circuit.trainable}
    with NumericEngine().prepare(circuit, Chip.nominal(circuit)) as solver:
        layers = solver.on.layers
    where, push = newton.path(layers), Push(beta=3e-6, target=np.array([[0.1, -0.2]]))

    @jax.jit
    def looked_at(v: jax.Array) -> tuple[jax.Array, ...]:
        parts = linear_parts(layers, blocks.split(circuit, g), jnp.asarray([[0.4, -0.7]]))
        system = System(layers, parts, OutputNudge.of(push, layers.outputs), Neurons(layers))

        def surplus(v: jax.Array) -> newton.Surplus:
            return newton.surplus(system, where, newton._state(where, v))

        matrix = newton._bridged(layers, where, newton._matrix(system, where), surplus(v).slope[0]) + jnp.diag(surplus(v).slope[0])
        step = newton.newton(system, where, newton._state(where, v), 1e-16)
        after = newton.vector(layers, where, step.state.columns, [step.state.drivers(k) for k in range(3)])
        left = [abs(surplus(there).i).sum() for there in (v, after)]
        return matrix, jax.jacfwd(lambda one: surplus(one[None]).i[0])(v[0]), jnp.stack(left), step.holds, step.size - abs(after - v).max()

    matrix, derivative, left, holds, spare = looked_at(jnp.asarray(rng.uniform(-0.2, 0.2, (1, where.size))))
    np.testing.assert_allclose(matrix, derivative, rtol=1e-9, atol=1e-18)
    assert left[1] < (1e-15 if name == "linear" else left[0])
    assert bool(holds[0])
    assert spare[0] >= -1e-12
