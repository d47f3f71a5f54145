"""Products of voltage drops, expanded into matrix products, are what naive loops over every device and sample add up."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.elements import InputSources, VoltageSources
from circuits.junction_neurons import DeadZone
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.blocks import join
from hwsim.learning.gradient.drops import drop_products

BATCH = 4
AMPLIFIED = Layer(size=3, amplifier=Amplifier(gain=3.0, back=0.5))
NETWORKS = {
    "signed with bias": Network(inputs=3, layers=(AMPLIFIED, Layer(size=2, neuron=Linear())), outputs=2, input_scale=-2.0),
    "unsigned without bias": Network(inputs=3, layers=(Layer(size=2, neuron=DeadZone()),), outputs=2, signed_inputs=False, bias=False),
    "no hidden layer": Network(inputs=2, outputs=3, differential=False, input_scale=0.3),
}


def fields(circuit: Circuit, chip: Chip) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Draw a field p that is 0 where sources hold, a field q with what sources hold, and the features that its input rows carry."""
    rng = np.random.default_rng(3)
    p, q = ({group.name: rng.normal(size=(BATCH, len(group))) for group in circuit.groups} for _ in range(2))
    x = rng.normal(size=(BATCH, circuit.input_count))
    for source in circuit.of(InputSources, VoltageSources):
        for node, place in zip(source.plus, range(len(source)), strict=True):
            group, offset = circuit.owner(int(node))
            assert group is not None
            p[group.name][:, offset] = 0.0
            if isinstance(source, InputSources):
                q[group.name][:, offset] = x[:, source.feature[place]] * chip(source.name, "scale")[place]
            else:
                q[group.name][:, offset] = chip(source.name, "v")[place]
    return p, q, x


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("spread", [False, True], ids=["nominal", "mismatched sources"])
def test_drop_products_are_naive_sums(name: str, spread: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Σ_b (p_i − p_j)·(q_i − q_j), device by device, whatever holds the rows and however sources differ."""
    circuit = NETWORKS[name].compile()
    scale = circuit["v_x"].scale * np.linspace(0.8, 1.3, len(circuit["v_x"]))
    chip = Chip(circuit, {"v_x": {"scale": scale}} if spread else {})
    p, q, x = fields(circuit, chip)
    whole = [np.hstack([np.zeros((BATCH, 1)), *(field[group.name] for group in circuit.groups)]) for field in (p, q)]
    result = join(drop_products(circuit, chip, p, q, x))
    for crossbar in circuit.trainable:
        p_drop, q_drop = (v[:, crossbar.rows][:, :, None] - v[:, crossbar.columns][:, None, :] for v in whole)
        np.testing.assert_allclose(result[crossbar.name], (p_drop * q_drop).sum(axis=0), rtol=1e-12, atol=1e-12)
