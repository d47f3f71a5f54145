"""Noise while circuits settle and are read, and converters: as strong as physics states, off by default, the same on every resumption."""

import numpy as np
import pytest
from scipy import stats

from circuits.chip import Chip
from circuits.constants import BOLTZMANN, ELEMENTARY_CHARGE, TEMPERATURE
from circuits.diode import diode_current
from circuits.junction_neurons import DeadZone, DiodePair
from circuits.network import Amplifier, Layer, Network
from circuits.neurons import Linear
from hwsim.core.converters import quantised
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import Drive, Push
from hwsim.devices.manufacture import draw
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.losses import SquaredError
from hwsim.learning.noise_currents import currents
from hwsim.learning.readout import Instruments
from hwsim.learning.rules.estimator import Draw
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.settings.variation_settings import NoiseSettings
from support.nudges import nudges, propagation

AMPLIFIER = Amplifier(gain=3.0, back=0.4, output_resistance=500.0)
CIRCUIT = Network(inputs=2, layers=(Layer(size=3, neuron=DiodePair(i_sat=1e-7), amplifier=AMPLIFIER),), outputs=2).compile("noisy")
G = {e.name: np.random.default_rng(0).uniform(1e-6, 2e-5, e.shape) for e in CIRCUIT.trainable}
BOTH = NoiseSettings(thermal=True, shot=True, bandwidth=1e6)
B = 4000


X, Y = np.array([[0.3, -0.2], [0.1, 0.4]]), np.array([[0.1, 0.0], [0.0, 0.1]])


def injected() -> list[dict[str, np.ndarray]]:
    """Draw currents into all nodes that may move, of two samples and phases."""
    rng = np.random.default_rng(1)
    return [{name: rng.normal(0, 1e-8, (2, size)) for name, size in (("h1", 3), ("a1", 3), ("out", 4))} for _ in range(2)]


@pytest.fixture(scope="module")
def solver():
    """Return the circuit, prepared once."""
    with NumericEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as prepared:
        yield prepared


def drawn(solver, settings: NoiseSettings, phases: int = 1, seed: int = 5):
    """Draw the noise of many samples of one input."""
    quiet = solver.solve(G, Drive(np.tile([[0.3, -0.2]], (B, 1))))
    expected = {"temperature": TEMPERATURE, "seed": np.uint32(seed), "phases": phases}
    return quiet, currents(CIRCUIT, solver.chip, G, quiet, settings=settings, **expected)


def test_thermal_noise_has_the_variance_of_nyquist(solver) -> None:
    """4·k·T·g·bandwidth, with g all that meets at a node: by the chi-squared test, and normal by that of Kolmogorov and Smirnov."""
    _, (result,) = drawn(solver, NoiseSettings(thermal=True, bandwidth=1e6))
    for name, g in (("h1", G["w1"].sum(axis=0)), ("a1", G["w2"][:3].sum(axis=1)), ("out", G["w2"].sum(axis=0))):
        standard = result[name] / np.sqrt(4 * BOLTZMANN * TEMPERATURE * 1e6 * g)
        assert stats.kstest(standard.ravel(), "norm").pvalue > 0.01
        assert 0.01 < stats.chi2.cdf((standard**2).sum(), standard.size) < 0.99
    assert set(result) == {"h1", "a1", "out"}


def test_shot_noise_follows_the_diodes_currents(solver) -> None:
    """2·q·|i|·bandwidth, of both diodes of a column."""
    quiet, (result,) = drawn(solver, NoiseSettings(shot=True, bandwidth=1e6))
    v, i = quiet.v["h1"][0], np.zeros(3)
    for u in (v - 0.1, -0.1 - v):
        i += np.abs(diode_current(u, 1e-7, 1.906)[0])
    standard = result["h1"] / np.sqrt(2 * ELEMENTARY_CHARGE * 1e6 * i)
    assert stats.kstest(standard.ravel(), "norm").pvalue > 0.01
    assert not result["out"].any()


def test_every_phase_and_seed_draws_anew(solver) -> None:
    """And the same seed the same."""
    (one, other), (again, _) = (drawn(solver, BOTH, phases=2)[1] for _ in range(2))
    np.testing.assert_array_equal(one["h1"], again["h1"])
    assert (one["h1"] != other["h1"]).any()
    assert (one["h1"] != drawn(solver, BOTH, phases=2, seed=6)[1][0]["h1"]).any()


def test_noisy_equilibria_obey_kirchhoff(solver) -> None:
    """With the noise's currents among those that are summed, free and nudged, rows behind output resistances too."""
    x, y, noise = X, Y, injected()
    result = solver.phases(G, x, y, nudges(SquaredError(), 1e-6), noise=noise)
    for phase, push, ours in zip(result, (Push(), Push(1e-6, y)), noise, strict=True):
        balanced = balance(CIRCUIT, solver.chip, G, Drive(x, push, ours), phase)
        assert (balanced.residual < 1e-10 * balanced.largest).all()
        quiet = balance(CIRCUIT, solver.chip, G, Drive(x, push), phase)
        assert (quiet.residual > 1e-9).all()


def test_the_mean_of_noisy_gradients_is_the_quiet_one(solver) -> None:
    """Noise has no mean; a read of 1 % is seen."""
    x, y = np.tile([[0.3, -0.2]], (B, 1)), np.tile([[0.1, 0.0]], (B, 1))
    quiet = propagation(SquaredError(), 1e-5).gradient(solver, G, x, y, SquaredError())
    noisy = propagation(SquaredError(), 1e-5, instruments=Instruments(noise=BOTH)).gradient(solver, G, x, y, SquaredError(), Draw(seed=3))
    read = Instruments(noise=NoiseSettings(read=0.01))
    for name, values in quiet.g.items():
        np.testing.assert_allclose(noisy.g[name], values, rtol=0, atol=0.1 * np.abs(values).max())
    spread = (read.outputs(solver, quiet.phases[0], np.uint32(1)) / quiet.outputs - 1).ravel() / 0.01
    assert stats.kstest(spread, "norm").pvalue > 0.01


def test_a_floor_of_reading_is_as_large_at_every_voltage(solver) -> None:
    """A standard deviation in volts, at outputs and at every free node of every phase, next to the relative one and independent of it."""
    quiet = solver.solve(G, Drive(np.tile([[0.3, -0.2]], (B, 1))))
    floor, both = (Instruments(noise=NoiseSettings(read=relative, read_floor=1e-5)) for relative in (0.0, 0.01))
    added = floor.outputs(solver, quiet, np.uint32(1)) - quiet.outputs(CIRCUIT)
    seen = [phase.v for phase in floor.seen(solver, [quiet, quiet], np.uint32(1))]
    each = [(v["h1"] - quiet.v["h1"]).ravel() for v in seen]
    for noise in (added.ravel(), *each, each[0] - each[1]):
        assert stats.kstest(noise / noise.std(), "norm").pvalue > 0.01
    np.testing.assert_allclose([added.std(), each[0].std(), (each[0] - each[1]).std()], np.array([1, 1, np.sqrt(2)]) * 1e-5, rtol=0.02)
    relative = Instruments(noise=NoiseSettings(read=0.01)).outputs(solver, quiet, np.uint32(1))
    np.testing.assert_allclose(both.outputs(solver, quiet, np.uint32(1)) - relative, added, atol=1e-12)
    np.testing.assert_array_equal(seen[0]["x"], quiet.v["x"])


@pytest.mark.parametrize("full", [False, True])
def test_ngspice_settles_with_the_same_noise(solver, full) -> None:
    """The same currents give the same voltages in both engines, free and nudged, and none of them what they are without."""
    x, y, noise = X, Y, injected()
    nudge = nudges(SquaredError(), 1e-6)
    with NgspiceEngine(workers=1, full=full).prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as ngspice:
        quiet, result = ngspice.phases(G, x, y, nudge), ngspice.phases(G, x, y, nudge, noise=noise)
        again = ngspice.phases(G, x, y, nudge)
    for ours, theirs, without, back in zip(solver.phases(G, x, y, nudge, noise=noise), result, quiet, again, strict=True):
        assert max(np.abs(ours.v[name] - theirs.v[name]).max() for name in ours.v) < 1e-9
        assert np.abs(theirs.v["out"] - without.v["out"]).max() > 1e-6
        assert np.abs(back.v["out"] - without.v["out"]).max() < 1e-9


def test_what_leaves_one_end_enters_the_other(solver) -> None:
    """The currents' covariance is Laplace's matrix of the conductances, up to chance, and nothing is lost where no source takes it up."""
    _, (result,) = drawn(solver, NoiseSettings(thermal=True, bandwidth=1e6))
    unit = 4 * BOLTZMANN * TEMPERATURE * 1e6
    both = np.concatenate([result["a1"], result["out"]], axis=1) / np.sqrt(unit)
    g = G["w2"][:3]
    covariance = np.block([[np.diag(g.sum(axis=1)), -g], [-g.T, np.diag(G["w2"].sum(axis=0))]])
    chance = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / B)
    assert (np.abs(both.T @ both / B - covariance) < 4.5 * chance).all()
    floating = Network(inputs=2, layers=(Layer(size=3, neuron=Linear(), amplifier=AMPLIFIER),), outputs=3, bias=False).compile()
    ours = {e.name: np.random.default_rng(2).uniform(1e-6, 2e-5, e.shape) for e in floating.trainable}
    with NumericEngine().prepare(floating, Chip.nominal(floating)) as prepared:
        quiet = prepared.solve(ours, Drive(np.ones((B, 2))))
        expected = {"temperature": TEMPERATURE, "seed": np.uint32(1), "phases": 1}
        (still,) = currents(floating, prepared.chip, ours, quiet, settings=NoiseSettings(thermal=True), **expected)
    all_together = np.concatenate([still["a1"], still["out"]], axis=1)
    assert np.abs(all_together.sum(axis=1)).max() < 1e-5 * np.abs(all_together).max()


def test_diodes_between_two_free_nodes_are_noisy_at_both() -> None:
    """A dead zone's diodes take from one node what they give to the next."""
    circuit = Network(inputs=2, layers=(Layer(size=3, neuron=DeadZone()),), outputs=2).compile()
    g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
    with GeneralEngine().prepare(circuit, Chip.nominal(circuit)) as prepared:
        quiet = prepared.solve(g, Drive(X))
        expected = {"temperature": TEMPERATURE, "seed": np.uint32(1), "phases": 1}
        (result,) = currents(circuit, prepared.chip, g, quiet, settings=NoiseSettings(shot=True), **expected)
    together = np.concatenate(list(result.values()), axis=1)
    assert np.abs(together).max() > 0
    np.testing.assert_allclose(together.sum(axis=1), 0.0, atol=1e-9 * np.abs(together).max())


def test_wires_of_hardly_any_resistance_are_not_noisy() -> None:
    """What they do to voltages fades with their resistance, though their currents grow without bound."""
    spread = []
    for r in (1e-7, 1e-9, 1e-30):
        circuit = Network(inputs=4, layers=(Layer(3),), outputs=2, wire_r_row=r, wire_r_column=r).compile()
        chip, g = Chip.nominal(circuit), {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
        x = np.full((50, 4), 0.5)
        with GeneralEngine().prepare(circuit, chip) as prepared:
            expected = {"temperature": TEMPERATURE, "seed": np.uint32(1), "phases": 1}
            quiet = prepared.solve(g, Drive(x))
            (noise,) = currents(circuit, chip, g, quiet, settings=NoiseSettings(thermal=True, bandwidth=1e6), **expected)
            noisy = prepared.solve(g, Drive(x, noise=noise))
        assert noisy.residual.max() < 1e-18
        spread.append(noisy.outputs(circuit) - quiet.outputs(circuit))
    np.testing.assert_allclose(spread, [spread[0]] * 3, rtol=0, atol=1e-5 * np.abs(spread[0]).max())


@pytest.mark.parametrize("wired", [False, True])
def test_general_circuits_settle_with_the_same_noise(solver, wired) -> None:
    """The general solver finds what the layered one finds, and with wires what ngspice finds, grids' inner nodes included."""
    x, y, nudge = X, Y, nudges(SquaredError(), 1e-6)
    if not wired:
        with GeneralEngine().prepare(CIRCUIT, Chip.nominal(CIRCUIT)) as general:
            result, expected = (one.phases(G, x, y, nudge, noise=injected()) for one in (general, solver))
    else:
        layer = Layer(size=3, neuron=DiodePair(i_sat=1e-7), amplifier=AMPLIFIER)
        circuit = Network(inputs=2, layers=(layer,), outputs=2, wire_r_row=200.0, wire_r_column=300.0).compile()
        chip = Chip.nominal(circuit)
        g = {e.name: G[e.name].reshape(-1) for e in circuit.trainable}
        with GeneralEngine().prepare(circuit, chip) as general, NgspiceEngine(workers=1, full=True).prepare(circuit, chip) as ngspice:
            quiet = general.solve(g, Drive(x))
            strong = NoiseSettings(thermal=True, shot=True, bandwidth=1e12)
            noise = currents(circuit, chip, g, quiet, settings=strong, temperature=TEMPERATURE, seed=np.uint32(3), phases=2)
            result, expected = (one.phases(g, x, y, nudge, noise=noise) for one in (general, ngspice))
        assert all(np.abs(noise[0][name]).min() > 0 for name in ("w1_row", "w1_column", "h1", "out"))
        assert np.abs(result[0].v["out"] - quiet.v["out"]).max() > 1e-5
    for ours, theirs in zip(result, expected, strict=True):
        assert max(np.abs(ours.v[name] - theirs.v[name]).max() for name in ours.v) < 1e-9


def test_converters_say_what_their_bits_can() -> None:
    """All steps alike, 0 among them, and no more than full scale."""
    v = np.linspace(-2, 2, 1001)
    message = quantised(v, 3, 1.5)
    assert len(np.unique(message)) == 2**3 - 1
    assert 0.0 in message
    assert np.abs(message).max() == 1.5
    inside = np.abs(v) <= 1.5
    assert np.abs(message - v)[inside].max() <= 0.25 + 1e-12


def test_inputs_and_outputs_go_through_their_converters() -> None:
    """Features become what the inputs' converters can make, read-outs what the outputs' can, their offsets included."""
    keys = [
        "variation.dac_bits=3",
        "variation.dac_full_scale=1",
        "variation.adc_bits=4",
        "variation.adc_full_scale=0.2",
        "variation.adc_offset=0.05",
    ]
    experiment = override(load("iris"), keys)
    data = Session.of(experiment).data
    assert len(np.unique(np.concatenate([data.x_train, data.x_test]))) <= 2**3 - 1
    circuit = Network(inputs=2, layers=(Layer(size=2, neuron=Linear()),), outputs=3).compile()
    chip = draw(circuit, experiment.variation, experiment.device)
    g = {e.name: np.full(e.shape, 1e-5) for e in circuit.trainable}
    with NumericEngine().prepare(circuit, chip) as prepared:
        equilibrium = prepared.solve(g, Drive(np.zeros((1, 2))))
        read = Instruments.of(experiment.variation, experiment.noise).outputs(prepared, equilibrium, np.uint32(0))
    wanted = quantised(equilibrium.outputs(circuit) + chip("nudge", "offset"), 4, 0.2)
    np.testing.assert_array_equal(read, wanted)
    assert read.any()
