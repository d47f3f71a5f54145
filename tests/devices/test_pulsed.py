"""Training on pulsed devices: on both engines, by every scheme, counted, resumed to the same bits, and within each device's bounds."""

import io
from typing import Any, Self

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.core import blocks
from hwsim.core.protocol import Engine
from hwsim.devices.arrays import flat_layout
from hwsim.devices.arrays.draw import draw
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.programming.chip_devices import pulsed
from hwsim.devices.programming.pulsed import Pulsed
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.epochs import Progress
from hwsim.learning.state import State
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.random.streams import stream
from hwsim.session import Session
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.variation_settings import VariationSettings

pytestmark = pytest.mark.usefixtures("jax_64_bits")

ALONE = "circuit.layers=[]"
"""One crossbar, which compiles in half the time, for schemes that one test looks at."""

SCHEMES = {
    "nearest": ("reram-array-hfo2", "device.rounding=nearest", "training.rate=5e-5", ALONE),
    "stochastic": ("reram-sb", "device.rounding=stochastic"),
    "sign": ("gokmen-vlasov", "device.rounding=sign", "device.threshold=0.1", ALONE),
    "accumulate": ("ag-a-si", "device.rounding=accumulate"),
    "exponential": ("reram-es", ALONE),
    "one-sided": ("pcm",),
    "paired": ("pcm", "device.pairs=true", "device.refresh=3", "training.rate=2e-6"),
    "leaking": ("capacitor", ALONE),
    "verified": ("taox-hfox", "device.scheme=write-verify", ALONE),
    "transferred": ("reram-array-om", "device.scheme=tiki-taka"),
    "exact": ("ideal",),
}
of_each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def experiment(scheme: str, *settings: str) -> Experiment:
    preset, *ours = SCHEMES[scheme]
    return override(load("iris"), ["training.epochs=2", "training.batch=24", f"device.preset={preset}", *ours, *settings])


class Training:
    """A trainer with its solver."""

    def __init__(self, settings: Experiment, engine: Engine | None = None) -> None:
        self.settings, self.circuit = settings, settings.circuit.compile()
        self.solver = (engine or NumericEngine()).prepare(self.circuit, Chip.nominal(self.circuit))
        self.trainer = Session.of(settings).trainer(self.solver)

    def __enter__(self) -> Self:
        self.solver.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.solver.__exit__(*error)

    def last(self, state: State | None = None) -> Progress:
        """Train to the end."""
        *_, last = self.trainer.run(state or self.trainer.begin())
        return last

    @property
    def programming(self) -> Pulsed:
        """Return how it programs."""
        result = self.trainer.updater.programming
        assert isinstance(result, Pulsed)
        return result


def stays_within_its_bounds(training: Training, state: State) -> None:
    devices = training.programming.devices.devices
    row = np.concatenate([np.ravel(state.g[name]) for name in training.programming.blocks])
    low, high = (np.broadcast_to(end, row.shape) for end in devices.limits())
    works = np.ones(row.shape, dtype=bool) if devices.stuck is None else ~devices.stuck
    assert (row >= low * (1 - 1e-9))[works].all()
    assert (row <= high * (1 + 1e-9))[works].all()


@of_each_scheme
def test_devices_learn_within_their_bounds_and_pulses_are_counted(scheme: str) -> None:
    """Conductances move, stay within each device's own bounds, and the metrics hold pulses and joules."""
    with Training(experiment(scheme)) as training:
        begun = {name: np.array(g) for name, g in training.trainer.begin().g.items()}
        last = training.last()
    assert last.record is not None
    assert last.record["pulses"] > 0
    assert last.record["programming_J"] > 0
    stays_within_its_bounds(training, last.state)
    assert any((last.state.g[name] != g).any() for name, g in begun.items())


@pytest.mark.parametrize("scheme", ["stochastic", "accumulate", "transferred", "one-sided", "paired"])
def test_both_engines_send_the_same_pulses(scheme: str) -> None:
    """From one seed and chip, training through ngspice ends where the numeric engine's ends: same draws, same devices."""
    report = experiment(scheme, "training.epochs=1")
    with Training(report) as ours, Training(report, NgspiceEngine(workers=1)) as theirs:
        numeric, ngspice = ours.last(), theirs.last()
        g, other = ours.trainer.g(numeric.state), theirs.trainer.g(ngspice.state)
    assert numeric.record is not None
    assert ngspice.record is not None
    assert ngspice.record["pulses"] == pytest.approx(numeric.record["pulses"], rel=1e-3)
    for name in g:
        np.testing.assert_allclose(other[name], g[name], rtol=1e-6)


@pytest.mark.parametrize("scheme", ["stochastic", "accumulate", "transferred", "paired"])
def test_resuming_is_as_never_having_stopped(scheme: str) -> None:
    """What devices hold, hidden states and pulses due, is saved with the rest: read back, training ends in the same bits."""
    with Training(experiment(scheme)) as training:
        through = training.last().state.arrays()
        first = next(step for step in training.trainer.run(training.trainer.begin()) if step.record is not None)
        file = io.BytesIO()
        np.savez(file, **first.state.arrays())  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file) as saved, Training(experiment(scheme)) as another:
        again = another.last(State.from_arrays(dict(saved), another.circuit)).state.arrays()
    assert any(name.startswith("held/") for name in through)
    assert set(through) == set(again)
    for name in set(through) - {"seconds"}:
        np.testing.assert_array_equal(again[name], through[name], err_msg=name)


def test_rows_of_earlier_versions_are_read() -> None:
    """A state whose held values stand in one row for all blocks continues as one that has them by block."""
    with Training(experiment("accumulate")) as training:
        arrays = training.last().state.arrays()
        names = blocks.names(training.circuit)
        row = np.concatenate([arrays.pop(f"held/left/{name}") for name in names])
        again = State.from_arrays(arrays | {"held/left": row}, training.circuit).arrays()
    np.testing.assert_array_equal(np.concatenate([again[f"held/left/{name}"] for name in names]), row)


def test_long_blocks_learn_by_themselves_as_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without random numbers, a block that is long enough for a row of its own learns the same as among all others."""
    loaded = override(load("iris"), ["device.preset=ecram", "device.rounding=nearest", "device.cycle=0", "training.epochs=1"])
    with Training(loaded) as together:
        expected = together.last().state.g
    monkeypatch.setattr(flat_layout, "_LONG", 10)
    with Training(loaded) as alone:
        assert len(flat_layout.rows(expected, alone.programming.blocks, one=False)) > 1
        result = alone.last().state.g
    for name, g in expected.items():
        np.testing.assert_allclose(result[name], g, rtol=1e-9)


def test_long_blocks_keep_their_own_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices with spreads and noise stay within their own bounds where rows are not in the order of the devices."""
    monkeypatch.setattr(flat_layout, "_LONG", 10)
    with Training(experiment("stochastic", "training.epochs=1")) as training:
        stays_within_its_bounds(training, training.last().state)


def test_an_exact_device_learns_as_without_a_device() -> None:
    """Where devices go where they should, conductances are those of plain training, to rounding."""
    with Training(experiment("exact")) as exact, Training(experiment("exact", "device.preset=")) as plain:
        ours, theirs = exact.trainer.g(exact.last().state), plain.trainer.g(plain.last().state)
    for name, g in theirs.items():
        np.testing.assert_allclose(ours[name], g, rtol=1e-6)


def test_each_chip_is_another() -> None:
    """A chip's devices come from its seed alone; without spreads all devices are alike and none is stuck."""

    def low(*settings: str) -> Any:
        with Training(experiment("transferred", *settings)) as training:
            return training.programming.devices.devices

    one, same, other = low(), low("training.seed=5"), low("variation.chip=1")
    np.testing.assert_array_equal(one.bounds.high, same.bounds.high)
    assert (one.bounds.high != other.bounds.high).any()
    plain = low("device.spread=false")
    assert plain.stuck is None
    assert np.ndim(plain.bounds.high) == 0


def test_a_narrow_device_takes_the_upper_part_of_the_circuit_s_range() -> None:
    """Its on/off ratio is kept below the circuit's g_max, and its energy is reported for the real device."""
    device = presets.load("ag-a-si")
    with Training(experiment("accumulate")) as training:
        devices = training.programming.devices.devices
        g_max = float(np.max(training.circuit["w1"].g_max))
    low, high = devices.limits()
    np.testing.assert_allclose((high, high / low), (g_max, 12.5), rtol=1e-5)
    assert device.g_max is not None
    one = devices.energy(np.full(1, high), np.full(1, high), np.ones(1, int))
    np.testing.assert_allclose(one, 3.2**2 * 300e-6 * device.g_max, rtol=1e-6)


def test_every_device_keeps_its_place_in_the_row() -> None:
    """Pulsed one by one or in a row, a crossbar's devices are those drawn for it: begin clips each to its own bound."""
    report = experiment("transferred")
    with Training(report) as training:
        programming, circuit = training.programming, training.circuit
        wide = {name: np.full(g.shape, 1.0) for name, g in training.trainer.begin().g.items()}
        begun = blocks.join(programming.begin(wide)[0])
    for element in circuit.trainable:
        alone = draw(
            presets.load("reram-array-om").model_copy(update={"g_min": float(element.g_min), "g_max": float(element.g_max)}),
            element.shape,
            lambda what, element=element: stream(0, f"device/{element.name}/{what}"),
        )
        np.testing.assert_allclose(begun[element.name], alone.begin(np.full(element.shape, 1.0)), rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("device.preset=reram",), "did you mean"),
        (("device.preset=pcm", "device.scheme=write-verify"), "use 'pulses'"),
        (("device.preset=ideal", "device.scheme=tiki-taka"), "reaches any conductance"),
        (("circuit.g_max=inf", "device.preset=reram-sb"), "g_max"),
    ],
)
def test_what_cannot_be_is_refused(settings: tuple[str, ...], message: str) -> None:
    """Unknown devices, and schemes that a device cannot follow, are refused before training, with the remedy."""
    with pytest.raises((DeviceError, ValueError), match=message):
        Training(override(load("iris"), settings))


def test_noise_and_asymmetry_can_be_set_beside_a_preset() -> None:
    """Without noise pulses are alike; asymmetry b makes those up 1 + b times as long, which the programming does not know."""
    circuit = load("iris").circuit.compile("iris")
    plain, lopsided = (
        pulsed(DeviceSettings(preset="gokmen-vlasov", spread=False, cycle=0.0, asymmetry=b), VariationSettings(), circuit, np.float64)
        for b in (0.0, 0.5)
    )
    g = np.full(126, 1e-5)
    steps = [[parts.devices.devices.pulse(g, np.full(126, n), g) - g for n in (1, -1)] for parts in (plain, lopsided)]
    assert not plain.noisy
    np.testing.assert_allclose(steps[1][0], 1.5 * steps[0][0])
    np.testing.assert_allclose(steps[1][1], steps[0][1])
    assert plain.devices.sizes == lopsided.devices.sizes
