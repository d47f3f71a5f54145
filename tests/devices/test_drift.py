"""Drift and heat of memristors: laws of the factors, and the same conductances wherever a chip is evaluated."""

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.errors import CircuitError
from hwsim.core.protocol import Drive
from hwsim.devices.drift import drift_of, drifted
from hwsim.devices.manufacture import draw
from hwsim.devices.temperature import heat_of
from hwsim.ensemble.instances import Instance, outcomes
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.learning.initial import starting, within
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.runs.loaded import load_model
from hwsim.session import Session
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings

PCM = ["device.preset=pcm", "training.precision=float64"]
T0 = 20.0


def made(*settings: str) -> tuple[Experiment, Circuit, Chip]:
    """Load xor with settings, compile it and draw its chip."""
    experiment = load("xor", settings)
    circuit = experiment.circuit.compile(experiment.name)
    return experiment, circuit, draw(circuit, experiment.variation, experiment.device)


def factors(after: float, *settings: str) -> dict[str, np.ndarray]:
    """Compute the factors of a chip's drift."""
    experiment, circuit, _ = made(*PCM, *settings)
    return drifted(circuit, experiment.variation.model_copy(update={"after": after}), experiment.device)


def test_drift_composes() -> None:
    """The factor is a power of t/t0: from 100 t0 to 10,000 t0 a device loses what it lost from t0 to 100 t0, by an exponent of its own."""
    once, twice = factors(1e2 * T0), factors(1e4 * T0)
    nu = -np.concatenate([np.log(f).ravel() for f in once.values()]) / np.log(1e2)
    for name, factor in once.items():
        np.testing.assert_allclose(twice[name], factor**2, rtol=1e-12)
    assert nu.mean() == pytest.approx(0.049, abs=0.003)
    assert nu.std() == pytest.approx(0.008, rel=0.3)


def test_nothing_drifts_within_t0() -> None:
    """At t0, and before, every conductance is what was programmed."""
    for after in (0.1, T0):
        assert all((factor == 1.0).all() for factor in factors(after).values())


def test_stuck_devices_do_not_drift() -> None:
    """Those that no pulse moves keep their conductance."""
    assert all((factor == 1.0).all() for factor in factors(1e6, "variation.stuck=1").values())


def test_exponents_are_the_chips_and_without_spread_all_alike() -> None:
    """Another chip has other exponents; device.spread = false leaves their mean alone."""
    first, second = factors(1e6), factors(1e6, "variation.chip=1")
    assert all((first[name] != second[name]).all() for name in first)
    alike = factors(1e6, "device.spread=false")
    assert all(factor == pytest.approx((1e6 / T0) ** -0.049, rel=1e-12) for name in alike for factor in np.unique(alike[name]))


def test_drift_moves_no_other_draw() -> None:
    """A chip that has drifted is, apart from the conductances and their bounds, the chip that it was; bounds drift with them."""
    spreads = ["variation.diode_i_sat=0.3", "variation.stuck=0.1", "variation.gain=0.1"]
    _, circuit, new = made(*PCM, *spreads)
    _, _, old = made(*PCM, *spreads, "variation.after=1e6")
    assert old.fresh.values.keys() == new.values.keys()
    for name, parameters in new.values.items():
        for parameter, values in parameters.items():
            np.testing.assert_array_equal(old.values[name][parameter], values)
    for element in circuit.trainable:
        for bound in ("g_min", "g_max"):
            np.testing.assert_array_equal(old(element.name, bound), new(element.name, bound) * old.aged[element.name])


def test_of_a_device_without_data_no_drift_is_known() -> None:
    """It stays as it was programmed; without a device, an age is refused in a line with what to name."""
    assert drift_of(DeviceSettings(preset="reram-sb")) is None
    _, _, chip = made("device.preset=reram-sb", "variation.after=1e6")
    assert not chip.aged
    with pytest.raises(ExperimentError, match=r"variation.after = 5 s .* there is none; name one, or leave it out"):
        load("xor", ["variation.after=5"])


@pytest.mark.parametrize("engine", [NumericEngine(), NgspiceEngine(workers=1)], ids=lambda engine: engine.name)
def test_a_drifted_hot_chip_conducts_the_product(engine: NumericEngine | NgspiceEngine) -> None:
    """In both engines a chip after an hour at 85 °C is the circuit of conductances times both factors."""
    hot = [*PCM, "variation.temperature=85", "device.temperature_coefficient=0.002"]
    experiment, circuit, old = made(*hot, "variation.after=3600")
    _, _, new = made(*hot)
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    cold = starting(made(*PCM)[2], experiment.training)
    by_hand = {name: within(made(*PCM)[2], cold)[name] * (1 + 0.002 * 58) * (3600 / T0) ** -_nu(old, name) for name in cold}
    with engine.prepare(circuit, old) as solver:
        equilibrium = solver.solve(within(old, starting(old, experiment.training)), Drive(x)).outputs(circuit)
    with engine.prepare(circuit, new) as solver:
        np.testing.assert_allclose(equilibrium, solver.solve(by_hand, Drive(x)).outputs(circuit), rtol=0, atol=1e-11)


def _nu(chip: Chip, name: str) -> np.ndarray:
    return np.asarray(-np.log(chip.aged[name]) / np.log(3600 / T0))


@pytest.mark.parametrize("celsius", [-40.0, 27.0, 85.0])
def test_heat_is_linear_from_27_degrees(celsius: float) -> None:
    """g(T) = g·(1 + tc·(T − 27)), with the experiment's coefficient; without one it is the preset's, and where none is known 1."""
    variation = VariationSettings(temperature=celsius)
    assert heat_of(DeviceSettings(temperature_coefficient=-0.003), variation) == pytest.approx(1 - 0.003 * (celsius - 27), rel=1e-12)
    assert heat_of(DeviceSettings(preset="pcm"), variation) == 1.0
    assert heat_of(DeviceSettings(), variation) == 1.0


def test_a_coefficient_that_leaves_no_conductance_is_refused() -> None:
    """In a line that names both keys."""
    with pytest.raises(
        CircuitError, match=r"device.temperature_coefficient = -0.05/K leaves .* at 85 °C; bring it .* variation.temperature"
    ):
        made("device.temperature_coefficient=-0.05", "variation.temperature=85")


@pytest.mark.parametrize("preset", ["reram-sb", "pcm", "ideal"])
def test_hot_devices_are_programmed_as_cold_ones(preset: str) -> None:
    """What is programmed on a hot chip is, over its factor, what is programmed on a cold one: range, steps and bounds scale alike."""
    settings = [f"device.preset={preset}", "variation.chip=3", "device.temperature_coefficient=0.001"]
    cold, hot = (Session.of(load("xor", [*settings, f"variation.temperature={celsius}"])) for celsius in (27, 85))
    assert hot.chip.heat == pytest.approx(1.058, rel=1e-12)
    of_cold, of_hot = (session.programmed(session.starting()) for session in (cold, hot))
    for name, values in of_cold.items():
        np.testing.assert_allclose(of_hot[name], 1.058 * values, rtol=1e-12)


def test_a_sweep_evaluates_the_same_drifted_chip(tmp_path, monkeypatch) -> None:
    """Trained on fresh devices and tested on drifted ones: a sweep's error with an age is other than without, training the same."""
    monkeypatch.chdir(tmp_path)
    settings = [*PCM, "data.name=iris", "training.epochs=2"]
    fresh, old = (load("iris", [*settings, f"variation.after={after}"]) for after in ("0", "1e9"))
    (of_fresh,), (of_old,) = (list(outcomes(experiment, [Instance(0, 0)])) for experiment in (fresh, old))
    assert of_fresh.train_error == of_old.train_error
    assert of_fresh.pulses == of_old.pulses
    given = load_model("iris", [*settings, "variation.after=1e9"])
    (evaluated,) = outcomes(old, [Instance(0, 0)], "evaluate")
    assert evaluated.failed is None
    assert all((given.g[name] < given.wanted[name]).all() for name in given.g)
