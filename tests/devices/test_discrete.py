"""Devices of few levels: what is rounded, what is kept, when a device is written, and what that costs."""

import io
from functools import cache
from typing import Any

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.circuit import Circuit
from circuits.network import Layer, Network
from hwsim.core import blocks
from hwsim.core.protocol import Engine
from hwsim.devices.arrays.pairs import Pairs
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.programming.chip_devices import discrete
from hwsim.devices.programming.discrete import Discrete
from hwsim.experiment.experiment import Experiment
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.setup import Setup
from hwsim.learning.state import State
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session
from hwsim.settings.device_settings import DeviceSettings
from hwsim.settings.training_settings import TrainingSettings
from hwsim.settings.variation_settings import NoiseSettings, VariationSettings
from hwsim.typing import Array

pytestmark = pytest.mark.usefixtures("jax_64_bits")

LOW, HIGH = 1e-7, 1e-4
SPREADS = VariationSettings(chip=3, g_min=0.02, g_max=0.1, stuck=0.1)


@cache
def circuit() -> Circuit:
    return load("iris").circuit.compile("iris")


def programming(variation: VariationSettings | None = None, **settings: Any) -> Discrete:
    return discrete(DeviceSettings(**settings), variation or VariationSettings(), circuit(), np.float64)


def wanted(seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return blocks.split(circuit(), {one.name: rng.uniform(LOW, HIGH, one.shape) for one in circuit().trainable})


def row(of: dict[str, Array]) -> Array:
    return np.concatenate([np.ravel(of[name]) for name in blocks.names(circuit())])


def steps(size: float, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {name: size * rng.standard_normal(values.shape) for name, values in wanted().items()}


@pytest.mark.parametrize("coding", ["single", "mirrored", "one-sided"])
@pytest.mark.parametrize("levels", [2, 3, 16])
def test_devices_have_as_many_conductances_as_levels_and_are_programmed_to_what_they_have(coding: str, levels: int) -> None:
    """Whatever was wanted; once programmed, programming them again changes nothing. Both devices of a pair follow its coding."""
    ours = programming(levels=levels, coding=coding)
    begun, _ = ours.begin(wanted())
    again, _ = ours.begin(begun)
    g, pairs = row(begun), Pairs.of(circuit())
    np.testing.assert_array_equal(row(again), g)
    np.testing.assert_allclose(np.unique(g), LOW + np.unique((levels - 1) * (g - LOW) / (HIGH - LOW)).round() * (HIGH - LOW) / (levels - 1))
    assert len(np.unique(g)) <= levels
    paired = pairs.side != 0
    if coding == "mirrored":
        np.testing.assert_allclose((g + g[pairs.partner])[paired], LOW + HIGH, rtol=1e-12)
    if coding == "one-sided":
        assert (np.minimum(g, g[pairs.partner])[paired] == LOW).all()


def test_single_devices_are_rounded_to_the_nearest_of_their_own_levels() -> None:
    """Of a chip with spreads and stuck devices too, where each has levels between bounds of its own."""
    ours = programming(SPREADS, levels=5)
    devices = ours.devices[0].devices
    g, begun = row(wanted()), row(ours.begin(wanted())[0])
    low, high = (np.broadcast_to(end, g.shape) for end in devices.limits())
    levels = low + np.arange(5)[:, None] / 4 * (high - low)
    nearest = np.abs(levels - g).argmin(axis=0)
    assert devices.stuck is not None
    assert devices.stuck.any()
    expected = np.where(devices.stuck, devices.stuck_at, levels[nearest, np.arange(len(g))])
    np.testing.assert_allclose(begun, expected, rtol=1e-9)


@pytest.mark.parametrize("coding", ["single", "mirrored"])
def test_small_steps_add_up_and_a_device_is_written_only_when_its_level_changes(coding: str) -> None:
    """A hundred steps of a hundredth end where one whole step does; flips and joules are those of the devices that changed."""
    ours = programming(levels=4, coding=coding)
    g, state = ours.begin(wanted())
    whole = {name: np.clip(values, -1e-5, 1e-5) for name, values in steps(1e-5, 1).items()}
    parts = {name: values / 100 for name, values in whole.items()}
    once = ours.update(g, whole, Chip.nominal(circuit()), np.uint32(0), state)
    often, flips, joules = (g, state), 0.0, 0.0
    for _ in range(100):
        done = ours.update(often[0], parts, Chip.nominal(circuit()), np.uint32(0), often[1])
        before, after = row(often[0]), row(done.g)
        changed = before != after
        assert done.pulses == changed.sum()
        np.testing.assert_allclose(done.energy, 1e-7 * ((before + after) / 2)[changed].sum(), rtol=1e-9)
        flips, joules, often = flips + done.pulses, joules + done.energy, (done.g, done.state)
    np.testing.assert_allclose(row(often[1]["shadow"]), row(once.state["shadow"]), rtol=1e-9)
    assert 0 < flips < 0.5 * len(row(g))
    assert 0 < (row(once.g) != row(g)).mean() < 0.5


def test_random_rounding_of_a_pair_is_one_draw_for_both() -> None:
    """Both devices of a mirrored pair go to opposite levels, and the mean over updates is the shadow."""
    ours = programming(levels=2, coding="mirrored", level_rounding="stochastic")
    g, state = ours.begin(wanted())
    none = {name: np.zeros_like(values) for name, values in g.items()}
    drawn = np.array([row(ours.update(g, none, Chip.nominal(circuit()), np.uint32(k), state).g) for k in range(400)])
    pairs = Pairs.of(circuit())
    paired = pairs.side != 0
    np.testing.assert_allclose((drawn + drawn[:, pairs.partner])[:, paired], LOW + HIGH, rtol=1e-12)
    np.testing.assert_allclose(drawn.mean(axis=0), row(state["shadow"]), atol=5 * (HIGH - LOW) / 2 / np.sqrt(400))


def test_without_a_memory_a_device_flips_only_where_one_step_is_nearer_to_the_other_level() -> None:
    """Of two levels: against the sign, by more than half of the range; small steps never add up."""
    ours = programming(levels=2, shadow=False)
    g, state = ours.begin(wanted())
    half = (HIGH - LOW) / 2
    done = ours.update(g, steps(half, 1), Chip.nominal(circuit()), np.uint32(0), state)
    step, before = row(steps(half, 1)), row(g)
    up = before == LOW
    expected = np.where(up, step > half, step < -half)
    np.testing.assert_array_equal(row(done.g) != before, expected)
    assert 0 < expected.mean() < 0.5
    for _ in range(20):
        done = ours.update(done.g, steps(half / 10, 2), Chip.nominal(circuit()), np.uint32(0), done.state)
        assert done.pulses == 0


@pytest.mark.parametrize("coding", ["single", "mirrored", "one-sided"])
def test_without_a_memory_no_step_is_no_flip(coding: str) -> None:
    """On a chip with spreads too, where levels of single devices differ from the nominal ones."""
    ours = programming(SPREADS, levels=16, shadow=False, coding=coding)
    g, state = ours.begin(wanted())
    none = {name: np.zeros_like(values) for name, values in g.items()}
    assert ours.update(g, none, Chip.nominal(circuit()), np.uint32(0), state).pulses == 0


def test_a_limit_of_flips_that_has_fallen_to_nothing_lets_none_flip() -> None:
    """However long it falls, thresholds stay numbers."""
    ours = programming(levels=2, shadow=False, flips=0.1, flips_decay=0.99)
    g, state = ours.begin(wanted())
    for k in range(200):
        done = ours.update(g, steps(1e-2, k), Chip.nominal(circuit()), np.uint32(0), state)
        state = done.state
    assert done.pulses == 0
    assert state["limit"] > 0
    assert all(np.isfinite(threshold) for threshold in state["threshold"].values())


def test_the_limit_of_flips_falls() -> None:
    """By a share of itself in each update, with what flips; it is a part of the state."""
    ours = programming(levels=2, shadow=False, flips=0.1, flips_decay=0.01)
    g, state = ours.begin(wanted())
    shares = []
    for k in range(300):
        done = ours.update(g, steps(1e-2, k), Chip.nominal(circuit()), np.uint32(0), state)
        g, state = done.g, done.state
        shares.append(done.pulses / len(row(g)))
    np.testing.assert_allclose(state["limit"], 0.1 * 0.99**300, rtol=1e-9)
    assert np.mean(shares[200:]) < 0.4 * np.mean(shares[50:150])


def test_no_more_devices_flip_than_may() -> None:
    """However large the steps are, thresholds rise until a share of 0.01 flips in the mean; with small steps they fall to 1 again."""
    ours = programming(levels=2, shadow=False, flips=0.01)
    g, state = ours.begin(wanted())
    shares = []
    for k in range(300):
        done = ours.update(g, steps(1e-2, k), Chip.nominal(circuit()), np.uint32(0), state)
        g, state = done.g, done.state
        shares.append(done.pulses / len(row(g)))
    assert max(shares) < 0.11
    assert 0.005 < np.mean(shares[100:]) < 0.015
    for k in range(100):
        state = ours.update(g, steps(1e-8, k), Chip.nominal(circuit()), np.uint32(0), state).state
    assert all(threshold == 1 for threshold in state["threshold"].values())


ALONE = "circuit.layers=[]"
"""One crossbar, which compiles in half the time."""

KINDS = {
    "single": ("device.levels=4",),
    "mirrored": ("device.levels=2", 'device.coding="mirrored"', "device.level_rounding=stochastic"),
    "one-sided": ("device.levels=2", 'device.coding="one-sided"', "variation.stuck=0.05", "variation.g_max=0.1", ALONE),
    "flips": (
        "device.levels=2",
        "device.shadow=false",
        "device.flips=0.05",
        "device.flips_decay=0.1",
        "training.optimizer=momentum",
        "training.rate=1e-8",
        ALONE,
    ),
}


def experiment(kind: str, *settings: str) -> Experiment:
    return override(
        load("iris"), ["training.epochs=2", "training.batch=24", "circuit.g_min=2e-6", "circuit.g_max=2e-5", *KINDS[kind], *settings]
    )


def trained(given: Experiment, engine: Engine | None = None, state: State | None = None) -> Any:
    """Return the trainer, and after each epoch, from a state on, the metrics and the state as arrays."""
    session = Session.of(given)
    with (engine or NumericEngine()).prepare(session.circuit, session.chip) as solver:
        trainer = session.trainer(solver)
        reports = trainer.run(state or trainer.begin())
        return trainer, [(report.record, report.state.arrays()) for report in reports if report.record is not None]


@pytest.mark.parametrize("kind", ["single", "one-sided", "flips"])
def test_resuming_is_as_never_having_stopped(kind: str) -> None:
    """What the memory, the levels and the thresholds are is saved with the rest: read back, training ends in the same bits."""
    trainer, ((record, middle), (_, through)) = trained(experiment(kind))
    assert record["flips"] > 0
    assert record["programming_J"] > 0
    file = io.BytesIO()
    np.savez(file, **middle)
    file.seek(0)
    with np.load(file) as saved:
        again = trained(experiment(kind), state=State.from_arrays(dict(saved), trainer.circuit))[1][-1][1]
    assert set(through) == set(again)
    for name in set(through) - {"seconds"}:
        np.testing.assert_array_equal(again[name], through[name], err_msg=name)


def test_both_engines_flip_the_same_devices() -> None:
    """From one seed and chip, training through ngspice ends in the same levels."""
    given = experiment("mirrored", "training.epochs=1")
    (record, numeric), (other, ngspice) = trained(given)[1][-1], trained(given, NgspiceEngine(workers=1))[1][-1]
    assert other["flips"] == pytest.approx(record["flips"], rel=1e-2)
    for name in ("g/w1", "g/w2"):
        assert (numeric[name] != ngspice[name]).mean() < 0.02


def test_the_number_of_levels_is_not_compiled_in() -> None:
    """Trainings that differ in it alone share a program: their updaters without arrays are equal."""
    two, four = (Session.of(experiment("single", f"device.levels={k}")).programming("float64").holding(()) for k in (2, 4))
    assert two == four
    assert hash(two) == hash(four)


def test_keys_of_pulses_that_levels_leave_without_effect_are_named() -> None:
    """In a note on the training; a run whose devices are pulsed may so be rounded afterwards."""
    named = [
        [note for note in Session.of(experiment("single", "device.preset=reram-sb", *more)).notes if "no effect" in note]
        for more in (["device.rounding=sign"], [])
    ]
    assert named[0][0].startswith("device.rounding = 'sign' is about pulses")
    assert not named[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("device.coding=mirrored",), "levels is absent"),
        (("device.levels=1",), "greater than or equal to 2"),
        (("device.levels=2", "device.flips=0.1"), "set shadow to false"),
        (("device.levels=2", "device.flips_decay=0.1"), "flips is absent"),
        (("device.levels=4", "device.coding=mirrored", "device.level_spacing=logarithmic"), "'linear'"),
        (("device.levels=2", "device.coding=mirrored", "circuit.signed_inputs=false", "circuit.differential=false"), "no pairs"),
        (("device.levels=2", "circuit.g_max=inf"), "g_max"),
    ],
)
def test_what_cannot_be_is_refused(settings: tuple[str, ...], message: str) -> None:
    """Keys without levels, pairs where there are none, and levels of no range are refused in a line."""
    with pytest.raises((DeviceError, ValueError), match=message):
        trained(override(load("iris"), settings))


def test_a_shared_load_has_any_value_where_memristors_have_two() -> None:
    """It starts in the middle of where its column may, takes the steps of all its memristors together, and is not rounded."""
    network = Network(inputs=3, layers=[Layer(4, load=True)], outputs=2, output_load=True, g_min=LOW, g_max=HIGH)
    training = TrainingSettings(g_init=(LOW, HIGH), rate=(1e-6, 2e-6))
    with NumericEngine().prepare(compiled := network.compile(), Chip.nominal(compiled)) as solver:
        setup = Setup.of_circuit(
            training,
            solver,
            device=DeviceSettings(levels=2, coding="mirrored"),
            shown=None,
            variation=VariationSettings(),
            noise=NoiseSettings(),
        )
    assert dict(setup.rates) == {"w1": 1e-6, "load1": 7e-6, "w2": 2e-6, "load2": 5 * 2e-6}
    np.testing.assert_allclose([setup.start["load1"][0], setup.start["load2"][0]], np.array([7, 5]) * (LOW + HIGH) / 2)
    ways = setup.updater.programming
    begun, state = ways.begin(blocks.split(compiled, setup.start))
    done = ways.update(
        begun, {block: np.full(values.shape, 1e-6) for block, values in begun.items()}, Chip.nominal(compiled), np.uint32(0), state
    )
    for block, values in done.g.items():
        if block.startswith("load"):
            np.testing.assert_allclose(values, begun[block] + 1e-6, rtol=1e-12)
        else:
            assert set(np.unique(values)) <= {LOW, HIGH}
