"""Chips that differ: drawn by seed, the same for both engines and the netlist, with exact gradients where there is an energy."""

import numpy as np
import pytest
from scipy import stats

from circuits.chip import Chip
from circuits.constants import TEMPERATURE
from circuits.errors import CircuitError
from circuits.ideal_neurons import IdealPair
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.kirchhoff import balance
from hwsim.core.protocol import Drive, Push
from hwsim.devices.manufacture import draw
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.adjoint import Adjoint
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.general.general_solver import GeneralEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.settings.variation_settings import VariationSettings
from netlists.write.writer import write_deck
from support.nudges import propagation
from support.reading import parse

NEURON = DiodePair(v_low=-0.08, v_high=0.03, i_sat=2e-7, n=1.3)
CIRCUIT = Network(
    inputs=3, layers=(Layer(size=4, neuron=NEURON, amplifier=Amplifier(gain=3.0, back=0.4, offset=0.01)),), outputs=2, g_max=1e-4
).compile("small")
WIDE = Network(inputs=200, layers=(Layer(size=150, neuron=NEURON, amplifier=Amplifier()),), outputs=10, g_max=1e-4).compile("wide")
EVERYTHING = {
    "diode_i_sat": 0.3,
    "diode_n": 0.05,
    "rails": 0.02,
    "gain": 0.1,
    "back": 0.1,
    "offset": 0.01,
    "output_resistance": 300.0,
    "output_resistance_spread": 0.3,
    "g_min": 0.02,
    "g_max": 0.1,
    "stuck": 0.1,
    "dac_offset": 0.02,
    "adc_offset": 0.01,
    "nudge_gain": 0.2,
    "temperature": 55.0,
}
LOSS = SquaredError()


def setting(**spreads: float | str) -> VariationSettings:
    """Return settings with these spreads, of chip 7."""
    return VariationSettings(**({"chip": 7} | spreads))  # type: ignore[arg-type]  # what is wrong is refused


def conductances(chip: Chip) -> dict[str, np.ndarray]:
    """Draw conductances that the chip's devices can have."""
    rng = np.random.default_rng(3)
    return {
        e.name: np.clip(np.exp(rng.uniform(-13, -9.5, e.shape)), chip(e.name, "g_min"), chip(e.name, "g_max"))
        for e in chip.circuit.trainable
    }


def samples(count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw features and targets."""
    rng = np.random.default_rng(4)
    return rng.uniform(-0.5, 0.5, (count, 3)), rng.uniform(-0.2, 0.2, (count, 2))


def test_without_spread_a_chip_is_its_design() -> None:
    """Whatever the seed, no value differs, nor does a deck's byte."""
    chip = draw(CIRCUIT, setting())
    assert not chip.values
    assert chip.temperature == TEMPERATURE
    x, g = samples()[0][0], conductances(chip)
    assert write_deck(CIRCUIT, chip, g, x=x) == write_deck(CIRCUIT, Chip.nominal(CIRCUIT), g, x=x)


@pytest.mark.parametrize("spread", [key for key in EVERYTHING if key not in {"temperature", "output_resistance_spread"}])
def test_one_spread_moves_no_other(spread: str) -> None:
    """What is drawn for one parameter is the same with all other spreads and without them."""
    alone = draw(CIRCUIT, setting(**{spread: EVERYTHING[spread]}))
    both = draw(
        CIRCUIT,
        setting(
            **(EVERYTHING | {"output_resistance_spread": 0.0, "g_min": 0.0, "g_max": 0.0, "stuck": 0.0} | {spread: EVERYTHING[spread]})
        ),
    )
    assert alone.values
    for element, parameters in alone.values.items():
        for parameter, values in parameters.items():
            np.testing.assert_array_equal(
                values, both(element, parameter) if parameter not in {"i_sat", "n"} else both.reference(element, parameter)
            )


def test_a_seed_is_a_chip() -> None:
    """The same seed draws the same chip, another one another."""
    one, again, other = (draw(CIRCUIT, VariationSettings(chip=chip, diode_i_sat=0.3)) for chip in (1, 1, 2))
    np.testing.assert_array_equal(one("h1_d_low", "i_sat"), again("h1_d_low", "i_sat"))
    assert (one("h1_d_low", "i_sat") != other("h1_d_low", "i_sat")).all()


def test_drawn_spreads_have_the_distributions_that_they_are_said_to_have() -> None:
    """Kolmogorov and Smirnov find nothing against them."""
    chip = draw(WIDE, setting(diode_i_sat=0.3, rails=0.02, gain=0.05, offset=0.005, dac_offset=0.01, g_max=0.1))
    result = {
        "i_sat": np.log(chip("h1_d_high", "i_sat") / 2e-7) / 0.3,
        "rails": (chip("h1_v_low", "v") + 0.08) / 0.02,
        "gain": (chip("amp1", "gain") / 4 - 1) / 0.05,
        "offset": chip("amp1", "offset") / 0.005,
        "dac": chip("v_x", "offset") / 0.01,
        "g_max": ((chip("w1", "g_max") - 1e-8) / (1e-4 - 1e-8) - 1).ravel() / 0.1,
    }
    for what, standard in result.items():
        assert stats.kstest(standard, "norm").pvalue > 0.01, what


def test_as_many_devices_are_stuck_as_are_said_to_be() -> None:
    """Their number is binomial, their conductances lie evenly between the bounds, or where they are set to."""
    chip = draw(WIDE, setting(stuck=0.1))
    stuck = chip("w1", "g_min") == chip("w1", "g_max")
    assert stats.binomtest(int(stuck.sum()), stuck.size, 0.1).pvalue > 0.01
    assert stats.kstest(chip("w1", "g_min")[stuck], "uniform", (1e-8, 1e-4 - 1e-8)).pvalue > 0.01
    for at, value in (("g_min", 1e-8), ("g_max", 1e-4)):
        chip = draw(WIDE, setting(stuck=0.1, stuck_at=at))
        assert (chip("w1", "g_min")[stuck] == value).all()
        assert (chip("w1", "g_max")[stuck] == value).all()


@pytest.mark.parametrize("full", [False, True])
def test_both_engines_solve_the_same_chip(full: bool) -> None:  # noqa: FBT001 - pytest's parameter
    """With all that can differ, free and nudged, the numeric engine, the general one and ngspice agree, and Kirchhoff's law holds."""
    chip = draw(CIRCUIT, setting(**EVERYTHING))
    g, (x, y) = conductances(chip), samples()
    with (
        NumericEngine().prepare(CIRCUIT, chip) as numeric,
        NgspiceEngine(workers=1, full=full).prepare(CIRCUIT, chip) as ngspice,
        GeneralEngine().prepare(CIRCUIT, chip) as ports,
    ):
        for push in (Push(), Push(2e-6, y), Push(current=1e-7 * y)):
            equilibrium = [solver.solve(g, Drive(x, push)) for solver in (numeric, ngspice, ports)]
            for other in equilibrium[1:]:
                assert max(np.abs(equilibrium[0].v[name] - other.v[name]).max() for name in other.v) < 1e-9
            balanced = balance(CIRCUIT, chip, g, Drive(x, push), equilibrium[0])
            assert (balanced.residual < 1e-10 * balanced.largest).all()


def test_the_deck_of_a_chip_is_read_back_as_that_chip() -> None:
    """Bounds of stuck devices, offsets, output resistances, gains of nudges and the temperature stand in it."""
    chip = draw(CIRCUIT, setting(**EVERYTHING))
    g, x = conductances(chip), samples()[0][0]
    text = write_deck(CIRCUIT, chip, g, x=x)
    assert " temp=55.0 " in text
    read = parse(text).circuit
    for element in CIRCUIT.elements:
        for parameter in element.parameters:
            np.testing.assert_allclose(getattr(read[element.name], parameter), chip(element.name, parameter), rtol=1e-14)
    np.testing.assert_allclose(parse(text).x, x, rtol=0, atol=1e-15)


def weighted(solver, g, x, y, name, at):
    """Take a central difference of the mean loss, each output's weighed by its nudge's gain."""
    gain = solver.chip("nudge", "gain")

    def loss(factor: float) -> float:
        moved = dict(g) | {name: g[name].copy()}
        moved[name][at] *= factor
        return float((0.5 * gain * (y - solver.solve(moved, Drive(x)).outputs(solver.circuit)) ** 2).sum(axis=1).mean())

    h = 1e-4
    return (loss(1 + h) - loss(1 - h)) / (2 * h * g[name][at])


def test_gradients_are_exact_on_a_mismatched_chip() -> None:
    """Behind the first layer amplifiers may differ: equilibrium propagation gives the derivative of what its own nudges weigh."""
    chip = draw(CIRCUIT, setting(**EVERYTHING))
    g, (x, y) = conductances(chip), samples()
    with NumericEngine().prepare(CIRCUIT, chip) as solver:
        gradient = propagation(LOSS, 1e-8).gradient(solver, g, x, y, LOSS).g
        for name, entries in (("w1", [(0, 0), (4, 2), (6, 3)]), ("w2", [(0, 1), (3, 3)])):
            for at in entries:
                assert gradient[name][at] == pytest.approx(weighted(solver, g, x, y, name, at), abs=1e-5 * np.abs(gradient[name]).max())
    straight = Chip(CIRCUIT, {name: values for name, values in chip.values.items() if name != "nudge"}, chip.temperature)
    with NumericEngine().prepare(CIRCUIT, straight) as solver:
        adjoint = Adjoint().gradient(solver, g, x, y, LOSS).g
        gradient = propagation(LOSS, 1e-8).gradient(solver, g, x, y, LOSS).g
    for name, values in adjoint.items():
        np.testing.assert_allclose(gradient[name], values, rtol=0, atol=1e-5 * np.abs(values).max())


def test_rails_that_cross_between_ideal_clamps_are_refused() -> None:
    """They would be a short circuit, and the message names the spread."""
    circuit = Network(inputs=1, layers=(Layer(size=20, neuron=IdealPair(v_low=-0.01, v_high=0.01)),), outputs=1).compile()
    with pytest.raises(CircuitError, match=r"variation.rails = 0.1 V is too wide"):
        draw(circuit, setting(rails=0.1))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["variation.step=0.3"], "variation.step spreads the steps of pulses"),
        (["variation.dac_bits=8"], "variation.dac_bits = 8 needs variation.dac_full_scale"),
        (["variation.stuck=2"], "variation.stuck"),
        (["variation.diode_isat=1"], "did you mean variation.diode_i_sat"),
        (["variation.temperature=-300"], "variation.temperature"),
        (["device.chip=3"], "did you mean variation.chip"),
    ],
)
def test_wrong_settings_are_refused_by_name(keys: list[str], message: str) -> None:
    """The error names the key and what would be right."""
    with pytest.raises(ExperimentError, match=message):
        override(load("xor"), keys)
