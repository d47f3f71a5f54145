"""A mapped perceptron: what its columns do, and that the circuit computes it."""

import itertools

import numpy as np
import pytest

import hwsim as hw
from circuits.chip import Chip
from circuits.junction_neurons import DiodePair, Rectifier
from circuits.neurons import Neuron
from hwsim.core.protocol import Drive
from hwsim.importing.column_fit import column_voltage, fitted
from hwsim.importing.dense_perceptron import Activation, DensePerceptron
from hwsim.importing.layers import ImportingError
from hwsim.importing.mapping import Hardware, circuit_of
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine

RNG = np.random.default_rng(1)


def drawn(sizes: tuple[int, ...], *activations: Activation) -> DensePerceptron:
    """Draw weights and biases."""
    shapes = list(itertools.pairwise(sizes))
    weights = tuple(RNG.normal(size=shape) / np.sqrt(shape[0]) for shape in shapes)
    return DensePerceptron(weights, tuple(RNG.normal(size=shape[1]) for shape in shapes), activations)


def circuit_outputs(
    engine: hw.NumericEngine | hw.NgspiceEngine, perceptron: DensePerceptron, x: np.ndarray, hardware: Hardware
) -> np.ndarray:
    """Return what the circuit reads, in the perceptron's units."""
    mapped = circuit_of(perceptron, x, hardware)
    circuit = mapped.network.compile()
    with engine.prepare(circuit, Chip.nominal(circuit)) as solver:
        return np.asarray(solver.solve(mapped.g, Drive(x)).outputs(circuit)) / mapped.v_unit


def test_odd_activations_compute_the_same() -> None:
    """Whatever was shifted or stretched, weights and biases take up, layer after layer."""
    kinds = Activation("logistic"), Activation("hardtanh", -0.5, 2.0), Activation("relu"), Activation("tanh"), Activation("hardtanh", 0, 6)
    perceptron, x = drawn((3, 4, 5, 6, 5, 4, 2), *kinds), RNG.normal(size=(20, 3))
    odd = perceptron.odd()
    assert {one.name for one in odd.activations} == {"tanh", "relu", "hardtanh"}
    assert all((one.low, one.high) == (-1, 1) for one in odd.activations)
    np.testing.assert_allclose(odd.outputs(x), perceptron.outputs(x), rtol=0, atol=1e-12)


def test_an_end_that_nothing_reaches_is_none() -> None:
    """A relu6 is a relu where all pre-activations are below 6, and only there."""
    one, x = drawn((3, 4, 2), Activation("hardtanh", 0, 6)), RNG.normal(size=(9, 3))
    assert [of.name for of in one.unbounded(x).activations] == ["relu"]
    np.testing.assert_array_equal(one.unbounded(x).outputs(x), one.outputs(x))
    assert one.unbounded(100 * x).activations == one.activations


@pytest.mark.parametrize("neuron", [DiodePair(v_low=-0.2, v_high=0.2, i_sat=1e-6, n=1.0), Rectifier(v_low=0.1, v_high=-0.1)])
def test_columns_obey_kirchhoff(neuron: Neuron) -> None:
    """What flows from the crossbar into a column flows on through its diodes, to the interpolation's error of some microvolts."""
    a, u = 3e-3, np.linspace(-1.5, 2.5, 201)
    v = column_voltage(neuron, a, u)
    slope = np.gradient(v, u)  # how much of an error of the current is one of the voltage
    assert np.abs(slope * (v - u + neuron.current(v) / a)).max() < 1e-4
    assert (np.diff(v) > 0).all()


@pytest.mark.parametrize(("name", "volts"), [("tanh", 0.3), ("relu", 0.6), ("hardtanh", 0.6)])
def test_rails_fit_better_than_others(name: str, volts: float) -> None:
    """Within 5 %, and no rail 20 mV off is better."""
    z = np.quantile(np.random.default_rng(0).normal(size=4000), (np.arange(256) + 0.5) / 256)
    activation = Activation(name)  # type: ignore[arg-type] # one of its names
    fit = fitted(activation, z, volts, 5e-3, ideal=False)
    assert fit.error < 0.05
    h = activation(z)
    for off in (-0.02, 0.02):
        rail = fit.neuron.v_high + off if name != "relu" else fit.neuron.v_low + off  # type: ignore[union-attr] # a pair or a rectifier
        neuron = (
            Rectifier(v_low=rail, v_high=-rail, i_sat=fit.neuron.i_sat, n=1.0)  # type: ignore[union-attr] # as above
            if name == "relu"
            else DiodePair(v_low=-rail, v_high=rail, i_sat=fit.neuron.i_sat, n=1.0)  # type: ignore[union-attr] # as above
        )
        v = column_voltage(neuron, 5e-3, volts * z)
        design = np.stack([h, np.ones_like(h)][: 2 if name == "relu" else 1], axis=1)
        left = v - design @ np.linalg.lstsq(design, v)[0]
        alpha = np.linalg.lstsq(design, v)[0][0]
        assert np.sqrt((left**2).mean() / h.var()) / alpha > fit.error


def test_a_linear_perceptron_is_exact() -> None:
    """Pairs have equal sums, so that a column divides all of its weights by the same number: no error but rounding."""
    perceptron, x = drawn((5, 3)), RNG.normal(size=(8, 5))
    np.testing.assert_allclose(circuit_outputs(NumericEngine(), perceptron, x, Hardware()), perceptron.outputs(x), rtol=0, atol=1e-12)


def test_ideal_clamps_are_exact_but_for_what_amplifiers_return() -> None:
    """Signs of hidden weights, biases, gains and loads are all right: the only error is of the size of `back`, and falls with it."""
    kinds = Activation("relu"), Activation("hardtanh", -0.5, 1.5)
    perceptron, x = drawn((4, 6, 5, 3), *kinds), RNG.normal(size=(32, 4))
    wanted = perceptron.outputs(x)
    errors = []
    for back in (1e-2, 1e-4):
        got = circuit_outputs(NumericEngine(), perceptron, x, Hardware(ideal=True, back=back))
        errors.append(np.sqrt(((got - wanted) ** 2).mean() / (wanted**2).mean()))
    assert errors[0] < 0.02
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.3)


def test_diodes_come_near_and_ngspice_agrees() -> None:
    """A relu and a tanh layer of diodes answer within 5 % of the perceptron, and both engines with the same voltages."""
    perceptron, x = drawn((4, 6, 5, 3), Activation("relu"), Activation("tanh")), RNG.normal(size=(32, 4))
    numeric, ngspice = (circuit_outputs(engine, perceptron, x, Hardware()) for engine in (NumericEngine(), NgspiceEngine(workers=1)))
    wanted = perceptron.outputs(x)
    assert np.sqrt(((numeric - wanted) ** 2).mean() / (wanted**2).mean()) < 0.05
    np.testing.assert_allclose(ngspice, numeric, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_pairs_are_symmetric_and_columns_twins() -> None:
    """g₊ + g₋ is one number for all weights; a twin has every pair swapped; the largest weight of a crossbar reaches both bounds."""
    mapped = circuit_of(drawn((3, 4, 2), Activation("tanh")), RNG.normal(size=(9, 3)), Hardware(g_min=1e-6, g_max=3e-5))
    rows = {"w1": 3, "w2": 4}
    for name, g in mapped.g.items():
        n = rows[name]
        plus, minus = np.vstack([g[:n], g[-2:-1]]), np.vstack([g[n : 2 * n], g[-1:]])
        np.testing.assert_allclose(plus + minus, 3.1e-5, rtol=1e-12)
        assert (g.min(), g.max()) == pytest.approx((1e-6, 3e-5), rel=1e-9)
        first, twin = (plus[:, :4], plus[:, 4:]) if name == "w1" else (plus[:, 0::2], plus[:, 1::2])
        np.testing.assert_allclose(first + twin, 3.1e-5, rtol=1e-12)


@pytest.mark.parametrize(
    ("perceptron", "settings", "message"),
    [
        (DensePerceptron((np.zeros((2, 2)),), (np.zeros(2),), ()), {}, "layer 1: all of its weights are 0"),
        (
            DensePerceptron((np.eye(2), np.eye(2)), (np.full(2, -5.0), np.ones(2)), (Activation("relu"),)),
            {},
            "layer 1: its activations are the same",
        ),
        (drawn((2, 2)), {"back": 0.0}, "back = 0 must be a positive number"),
        (drawn((2, 2)), {"g_min": 1e-4}, "g_max = 0.0001 S must be a number above g_min"),
        (drawn((2, 2)), {"swing": np.nan}, "swing = nan must be a positive number"),
    ],
)
def test_refusals(perceptron: DensePerceptron, settings: dict[str, float], message: str) -> None:
    """What has no scale, and numbers that no circuit has."""
    with pytest.raises(ImportingError, match=message):
        circuit_of(perceptron, np.ones((3, 2)), Hardware(**settings))  # type: ignore[arg-type] # numbers alone
