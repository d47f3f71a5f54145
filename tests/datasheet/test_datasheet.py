"""The datasheet: times are ngspice's, energies add up, counts are those of the layers, and noise is averaged as it should be."""

import numpy as np
import pytest

from circuits.capacitors import with_capacitors
from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, ConvolutionLayer, Layer, Network
from hwsim.core.protocol import ConvergenceError
from hwsim.core.signal import Signal
from hwsim.datasheet.datasheet import Scope, datasheet
from hwsim.datasheet.part_counts import part_counts
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.runs.loaded import load_model
from hwsim.runs.settling import settling

SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.02, output_resistance=50.0)
NETWORK = Network(inputs=2, layers=(Layer(3, amplifier=SKEWED, neuron=DiodePair(v_low=-0.08, v_high=0.03)),), outputs=2)


@pytest.fixture(scope="module")
def sheet():
    """Measure a small circuit whose readings are noisy."""
    return datasheet(
        load_model("xor", ["energy.amplifier_watts=1e-5", "noise.read=1e-3"]), Scope(samples=4, settled=2), "hwsim datasheet xor"
    )


def test_outputs_settle_when_ngspice_finds_them_settled():
    """2 % before they are further away than a step, and 2 % after they are nearer."""
    circuit, rng, step = with_capacitors(NETWORK.compile(), 1e-13), np.random.default_rng(4), 1e-3
    chip, g = Chip.nominal(circuit), {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    x = rng.uniform(-1, 1, 2)
    (free,) = settling(circuit, chip, g, x, step=step)
    times = free.outputs.seconds * np.array([0.98, 1.02, 5.0])
    with NgspiceEngine(workers=1).prepare(circuit, chip) as solver:
        outputs = solver.integrate(g, Signal(np.tile(x, (1, 3, 1)), times, rise=1.0), accuracy=1e-5).outputs[0]
    before, after = np.abs(outputs[:2] - outputs[2]).max(axis=1)
    assert before > step > after
    assert free.outputs.energy > 0
    assert free.slowest in circuit.node_names


@pytest.mark.parametrize("r", [1e-12, 1e-9, 1e-3, 1.0])
def test_wires_that_are_too_fast_to_follow_are_named(r):
    """Rounding makes no circuit of resistors unstable, however fast some of its modes are: it hides the slow ones, or takes steps."""
    circuit = Network(inputs=4, layers=(Layer(5, neuron=DiodePair()),), outputs=3, wire_r_row=r).compile()
    g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
    with pytest.raises(ConvergenceError, match="wire charge capacitors far faster") as error:
        settling(circuit, Chip.nominal(circuit), g, np.full(4, 0.5), [])
    assert "not stable" not in str(error.value)


def test_energies_add_up(sheet):
    """An inference is no more than the worst power times its time; an update is its samples; each converter counts once a phase."""
    use, settled = sheet.energy, sheet.settling
    assert use.inference.circuit <= sheet.power.total.worst * max(one.to_step for one in settled.free) * (1 + 1e-9)
    assert use.update.circuit == pytest.approx(use.batch * use.example.circuit)
    assert use.inference.amplifiers == pytest.approx(1e-5 * sheet.power.amplifiers * use.inference_seconds)
    phases = len(settled.phases) / len(settled.free)
    assert use.example.adc == pytest.approx(phases * use.inference.adc)
    assert use.tera_operations_per_joule[0] == pytest.approx(2e-12 * use.products / use.inference.circuit)


@pytest.mark.parametrize(
    ("network", "products", "weights"),
    [
        (Network(inputs=4, layers=(Layer(8, amplifier=Amplifier()),), outputs=3), 9 * 8 + 9 * 6, 5 * 8 + 9 * 3),
        (NETWORK, 5 * 3 + 4 * 4, 3 * 3 + 4 * 2),
        (
            Network(inputs=16, image=(4, 4), layers=(ConvolutionLayer(channels=2, size=2, stride=1, amplifier=Amplifier()),), outputs=2),
            9 * 2 * (2 * 4 + 1) + 19 * 4,
            9 * 2 * (4 + 1) + 19 * 2,
        ),
    ],
)
def test_products_are_counted(network, products, weights):
    """A memristor each, tied copies as often as they occur; a feature and its negative, or an output pair, are one weight."""
    counts = part_counts(network.compile())
    assert (counts.products, counts.weights) == (products, weights)


def test_a_shared_load_is_no_memristor():
    """The resistors that learn one value multiply nothing: products and memristors are those of the layers without them."""
    plain, loaded = (part_counts(Network(inputs=2, layers=(Layer(3, load=load),), outputs=2).compile()) for load in (False, True))
    assert (loaded.products, loaded.weights) == (plain.products, plain.weights)
    assert loaded.parts == plain.parts | {"resistors of shared loads": 3}


def test_the_signal_is_what_the_compared_phases_differ_by():
    """Nudged to both sides, nodes differ by twice what they are displaced by from the free phase, and need a quarter of the readings."""
    keys = ["training.nudge.beta=1e-9", "noise.read=1e-3"]
    scope = Scope(samples=4, settled=1)
    both, one = (
        datasheet(load_model("xor", [*keys, f"training.nudge.method={method}"]), scope, "").signal.crossbars
        for method in ("centred", "positive")
    )
    for centred, positive in zip(both, one, strict=True):
        assert centred.displacement == pytest.approx(2 * positive.displacement, rel=1e-3)
        assert centred.readings == pytest.approx(positive.readings / 4, rel=1e-2)


def test_noise_is_averaged_away(sheet):
    """So many readings bring the noise of a difference down to the displacement, and one less does not."""
    for one in sheet.signal.crossbars:
        noise = np.hypot(one.read_noise, one.thermal)
        assert one.read_noise == pytest.approx(np.sqrt(2) * 1e-3 * one.voltage)
        assert noise / np.sqrt(one.readings) <= one.displacement
        assert one.readings == 1 or noise / np.sqrt(one.readings - 1) > one.displacement


def test_all_is_shown_and_recorded(sheet):
    """Each subject has a section, whose rows fit its header, and is in the record."""
    assert all(len(row) == len(section.header) for section in sheet.sections() for row in section.rows)
    assert sheet.record()["power"]["total"]["mean"] == sheet.power.total.mean
    assert sheet.record()["settling"]["phases"][0]["to_step"] > 0


def test_what_has_no_voltages_in_time_has_no_energy():
    """Ideal diodes switch at once: the rest is measured, and the reason is printed."""
    sheet = datasheet(load_model("xor", ["circuit.layers[0].neuron.kind=ideal-pair"]), Scope(samples=4, settled=1), "")
    assert (sheet.settling, sheet.energy, sheet.digital) == (None, None, None)
    assert "Settling and energy are unknown: xor: h1_d_high, h1_d_low switches without a rate." in sheet.condition
    assert sheet.power.imbalance < 1e-9
    assert len(sheet.facts()) == 2
