"""Devices: n pulses are n single pulses, noise and spreads are what is declared, and nothing passes a bound."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwsim.devices.arrays.draw import draw, nominal
from hwsim.devices.arrays.models import Devices
from hwsim.devices.kinds import shapes
from hwsim.devices.kinds.declared import Device, DeviceDrift, DeviceLeak, DeviceNoise, DevicePulse, DeviceSpread, DeviceStuck
from hwsim.random.streams import stream

pytestmark = pytest.mark.usefixtures("jax_64_bits")

G = (1e-6, 1e-4)
SHAPES: dict[str, Any] = {
    "constant": shapes.ConstantStep(delta_up=0.01, delta_down=0.02),
    "linear": shapes.LinearStep(delta_up=0.03, delta_down=0.02, gamma_up=0.4, gamma_down=0.7),
    "linear-reference": shapes.LinearStep(delta_up=0.02, delta_down=0.05, gamma_up=0.9, gamma_down=0.3, reference=0.4),
    "linear-growing": shapes.LinearStep(delta_up=0.01, delta_down=0.01, gamma_up=-0.5, gamma_down=-2.0),
    "soft-bounds": shapes.SoftBoundsStep(delta_up=0.1, delta_down=0.05),
    "soft-bounds-steep": shapes.SoftBoundsStep(delta_up=1.0, delta_down=0.9),
    "exponential": shapes.ExponentialStep(
        delta_up=0.01, delta_down=0.008, a_up=-1.2, a_down=-0.08, gamma_up=5, gamma_down=5, slope=-1, start=0
    ),
    "exponential-fine": shapes.ExponentialStep(
        delta_up=0.001, delta_down=0.0008, a_up=0.001, a_down=0.3, gamma_up=12, gamma_down=13, slope=0.5, start=0
    ),
    "power": shapes.PowerStep(delta_up=0.04, delta_down=0.06, gamma_up=1.7, gamma_down=0.6),
    "levels": shapes.LevelsStep(count=33),
    "table": shapes.TableStep(up=(0.0, 0.3, 0.5, 0.65, 0.75, 0.78, 0.8), down=(1.0, 0.5, 0.3, 0.2, 0.15)),
}
of_each_shape = pytest.mark.parametrize("name", SHAPES)
in_both = pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])


def device(name: str = "soft-bounds", **settings: Any) -> Device:
    return Device(**({"g_min": G[0], "g_max": G[1], "step": SHAPES[name]} | settings))


def streams(seed: int) -> Callable[[str], np.random.Generator]:
    return lambda name: stream(seed, name)


def one_by_one(devices: Devices, g: Any, n: Any, normal: Any) -> Any:
    """Send pulses singly; `normal` has a leading axis with one number a pulse."""
    for k in range(int(abs(n).max())):
        g = devices.pulse(g, np.where(k < abs(n), np.sign(n), 0), normal[k])
    return g


@of_each_shape
@given(data=st.data())
def test_n_pulses_are_n_single_pulses(name: str, data: st.DataObject) -> None:
    """Without noise the closed form, or the loop, gives what pulses one by one give, on devices of every length and bound.

    The series of exponential steps are exact to a hundred-thousandth of the longest step, which here is a tenth of the range.
    """
    spread = DeviceSpread(step=data.draw(st.sampled_from([0.0, 0.5])), asymmetry=0.2, low=0.1, high=0.1)
    n = np.array(data.draw(st.lists(st.integers(-60, 60), min_size=6, max_size=6)))
    devices = draw(device(name, spread=spread), n.shape, streams(data.draw(st.integers(0, 99))))
    g = devices.begin(np.array(data.draw(st.lists(st.floats(*G), min_size=6, max_size=6))))
    together = devices.pulse(g, n, np.zeros(6))
    exact = 1e-7 if name == "exponential" else 1e-10
    np.testing.assert_allclose(together, one_by_one(devices, g, n, np.zeros((60, 6))), rtol=0, atol=exact * G[1])


@of_each_shape
def test_jax_computes_what_numpy_does(name: str) -> None:
    """Compiled, and in 32 bits too, devices answer with the same numbers."""
    rng = np.random.default_rng(3)
    kind = device(name, noise=DeviceNoise(cycle=0.3, write=0.01), spread=DeviceSpread(step=0.3, low=0.05, high=0.05))
    devices = draw(kind, (7, 5), streams(1))
    g, n, normal = rng.uniform(*G, (7, 5)), rng.integers(-30, 30, (7, 5)), rng.standard_normal((7, 5))
    expected = devices.pulse(g, n, normal)
    result = jax.jit(Devices.pulse)(devices, g, n, normal)
    np.testing.assert_allclose(result, expected, rtol=1e-9)
    short = jax.jit(Devices.pulse)(devices.cast(np.float32), g.astype(np.float32), n, normal.astype(np.float32))
    assert short.dtype == np.float32
    np.testing.assert_allclose(short, expected, rtol=2e-3 if name == "levels" else 1e-4)
    assert devices.cast(np.float32).pulse(g.astype(np.float32), n, normal.astype(np.float32)).dtype == np.float32


@of_each_shape
def test_devices_map_over_chips(name: str) -> None:
    """Stacked along a first axis and mapped, chips give what each gives alone."""
    kind = device(name, noise=DeviceNoise(cycle=0.3), spread=DeviceSpread(step=0.3, high=0.05), stuck=DeviceStuck(share=0.2))
    chips = [draw(kind, (4,), streams(seed)) for seed in range(3)]
    rng = np.random.default_rng(0)
    g, n, normal = rng.uniform(*G, (3, 4)), rng.integers(-9, 9, (3, 4)), rng.standard_normal((3, 4))
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *chips)
    result = jax.jit(jax.vmap(Devices.pulse))(stacked, g, n, normal)
    np.testing.assert_allclose(result, [c.pulse(g[k], n[k], normal[k]) for k, c in enumerate(chips)], rtol=1e-12)


def test_soft_bounds_by_hand() -> None:
    """(1 − x) shrinks by (1 − delta) with every pulse up, and x with every pulse down."""
    devices = nominal(device())
    g = devices.pulse(devices.conductance(np.array([0.2, 0.2])), np.array([3, -3]), np.zeros(2))
    np.testing.assert_allclose(devices.state(g), [1 - 0.8 * 0.9**3, 0.2 * 0.95**3], rtol=1e-12)


@in_both
def test_each_law_steps_as_its_formula_says(xp: Any) -> None:
    """One pulse up and one down from a state, worked out by hand."""
    x = 0.3
    expected = {
        "constant": (0.01, 0.02),
        "linear": (0.03 * (1 - 0.4 * x), 0.02 * (1 - 0.7 * (1 - x))),
        "linear-reference": (0.02 * (1 - 0.9 * (x - 0.4) / 0.6), 0.05 * (1 - 0.3 * (0.4 - x) / 0.4)),
        "exponential": (0.01 * (1 + 1.2 * np.exp(-5 * x)), 0.008 * (1 + 0.08 * np.exp(5 * x))),
        "power": (0.04 * (1 - x) ** 1.7, 0.06 * x**0.6),
        "table": (0.2, 0.1),  # from point 1 to point 2; from point 2 to point 3
    }
    for name, (up, down) in expected.items():
        devices = nominal(device(name))
        g = devices.pulse(devices.conductance(xp.asarray([x, x])), xp.asarray([1, -1]), xp.zeros(2))
        np.testing.assert_allclose(devices.state(g), [x + up, x - down], rtol=1e-12, err_msg=name)
    levels = nominal(device("levels"))
    g = levels.pulse(levels.conductance(xp.asarray([0.3, 0.3])), xp.asarray([2, -1]), xp.zeros(2))
    np.testing.assert_allclose(levels.state(g), [12 / 32, 9 / 32], rtol=1e-12)


def test_exact_devices_reach_their_targets() -> None:
    """A device without any fault adds the wanted change, up to its bounds."""
    devices = nominal(Device(g_min=G[0], g_max=G[1], step=shapes.IdealStep()))
    g = devices.conductance(np.array([0.5, 0.5, 0.5]))
    np.testing.assert_allclose(devices.state(devices.pulse(g, np.array([0.123, -0.4, 0.9]), np.ones(3))), [0.623, 0.1, 1.0], rtol=1e-12)


NOISES = {
    "relative": DeviceNoise(cycle=0.8),
    "even": DeviceNoise(cycle=0.5, even_step=0.02),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("name", ["constant", "linear", "linear-growing", "soft-bounds"])
@pytest.mark.parametrize("n", [1, 12, -12])
def test_mean_and_variance_of_noisy_pulses(name: str, n: int, noise: str) -> None:
    """Noisy pulses at once have the mean and the variance of as many sent singly: both are exact."""
    count = 40_000
    devices = nominal(device(name, noise=NOISES[noise]))._replace(bounds=shapes.Bounds(-100.0, 100.0))
    rng = np.random.default_rng(5)
    g = devices.conductance(np.full(count, 0.45))
    singly = devices.state(one_by_one(devices, g, np.full(count, n), rng.standard_normal((abs(n), count))))
    together = devices.state(devices.pulse(g, np.full(count, n), rng.standard_normal(count)))
    std = together.std()
    mean = devices.state(devices.pulse(g, np.full(count, n), np.zeros(count)))[0]
    assert abs(singly.mean() - mean) < 4 * std / count**0.5
    assert abs(together.mean() - mean) < 4 * std / count**0.5
    assert abs(singly.var() / together.var() - 1) < 0.06


@pytest.mark.parametrize("name", ["exponential", "exponential-fine", "power", "table"])
def test_noise_without_a_closed_form_adds_up_along_the_way(name: str) -> None:
    """Where noise has no closed form, that of n small pulses is within a tenth of that of pulses sent singly."""
    count, n = 20_000, 4
    curve = tuple(1 - np.exp(-np.linspace(0, 3, 80)))
    fine = shapes.TableStep(up=curve, down=tuple(1 - c for c in curve))
    kind = device(name, noise=DeviceNoise(cycle=0.2), step=fine if name == "table" else SHAPES[name])
    devices = nominal(kind)
    rng = np.random.default_rng(8)
    g = devices.conductance(np.full(count, 0.45))
    singly = devices.state(one_by_one(devices, g, np.full(count, n), rng.standard_normal((n, count))))
    together = devices.state(devices.pulse(g, np.full(count, n), rng.standard_normal(count)))
    assert together.mean() == pytest.approx(singly.mean(), abs=0.1 * singly.std())
    assert together.std() == pytest.approx(singly.std(), rel=0.1)


@of_each_shape
def test_the_noise_of_one_pulse_is_normal(name: str) -> None:
    """Away from the bounds a pulse's step passes a Kolmogorov-Smirnov test against its mean and sigma times its mean."""
    count, sigma = 5000, 0.1
    quiet, noisy = nominal(device(name)), nominal(device(name, noise=DeviceNoise(cycle=sigma)))
    g = quiet.conductance(np.full(count, 0.5 if name != "soft-bounds-steep" else 0.02))
    ones = np.ones(count, dtype=int)
    step = quiet.state(quiet.pulse(g, ones, np.zeros(count)) - g + quiet.g_min)[0]
    result = quiet.state(noisy.pulse(g, ones, np.random.default_rng(11).standard_normal(count)) - g + quiet.g_min)
    if name == "soft-bounds-steep":  # its noise is cut off by the bound
        assert result.max() <= 0.98 + 1e-12
        return
    std = sigma / 32 if name == "levels" else sigma * step
    assert stats.kstest((result - step) / std, "norm").pvalue > 1e-3


@of_each_shape
@given(data=st.data())
def test_nothing_passes_its_bounds(name: str, data: st.DataObject) -> None:
    """Whatever noise and pulses come, a device stays within its own bounds, and what gets no pulse keeps its bits."""
    seed = data.draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    kind = device(
        name, noise=DeviceNoise(cycle=5.0, even_step=0.1, write=0.2), spread=DeviceSpread(step=1.0, law="log-normal", low=0.3, high=0.3)
    )
    devices = draw(kind, (50,), streams(seed))
    low, high = devices.limits()
    assert (low > 0).all()
    g = devices.begin(rng.uniform(*G, 50))
    n = rng.integers(-100, 100, 50) * (rng.random(50) < 0.7)
    after = devices.pulse(g, n, 3 * rng.standard_normal(50))
    shown = devices.show(g, after, n, rng.standard_normal(50))
    for values in (after, shown):
        assert (values >= low * (1 - 1e-12)).all()
        assert (values <= high * (1 + 1e-12)).all()
        np.testing.assert_array_equal(values[n == 0], g[n == 0])


def test_stuck_devices_stay() -> None:
    """The declared share is stuck, where it is declared, and neither pulses, resets, leaks nor drift move it."""
    count = 20_000
    for at, expected in (("g_min", G[0]), ("g_max", G[1]), ("anywhere", None)):
        kind = device(
            stuck=DeviceStuck(share=0.135, at=at), leak=DeviceLeak(lifetime=9.0), drift=DeviceDrift(nu=0.1), noise=DeviceNoise(write=0.1)
        )
        devices = draw(kind, (count,), streams(4))
        stuck = devices.stuck
        assert stats.binomtest(int(stuck.sum()), count, 0.135).pvalue > 1e-3
        g = devices.begin(np.full(count, 3e-5))
        ones, normal = np.ones(count, dtype=int), np.ones(count)
        for moved in (
            devices.pulse(g, ones, normal),
            devices.reset(g, ones > 0, normal),
            devices.leak(g, 5),
            devices.drift(g, 100.0),
            devices.show(g, g, ones, normal),
        ):
            np.testing.assert_array_equal(moved[stuck], g[stuck])
            assert (moved[~stuck] != g[~stuck]).all()
        if expected is None:
            assert stats.kstest(g[stuck], stats.uniform(G[0], G[1] - G[0]).cdf).pvalue > 1e-3
        else:
            np.testing.assert_allclose(g[stuck], expected)


def test_spreads_are_what_is_declared() -> None:
    """Steps, asymmetry, bounds and drift pass Kolmogorov-Smirnov tests at a fixed seed."""
    spread = DeviceSpread(step=0.2, asymmetry=0.05, low=0.002, high=0.1)
    drawn = draw(device("constant", spread=spread, drift=DeviceDrift(nu=0.1, nu_spread=0.02)), (4000,), streams(2))
    up, down = drawn.law.up / 0.01, drawn.law.down / 0.02
    bias = np.where(up > down, up / down - 1, 1 - down / up)
    length = np.minimum(up, down)
    for values, mean, std in (
        (length, 1, 0.2),
        (bias, 0, 0.05),
        (drawn.bounds.low, 0, 0.002),
        (drawn.bounds.high, 1, 0.1),
        (drawn.nu, 0.1, 0.02),
    ):
        assert stats.kstest((values - mean) / std, "norm").pvalue > 1e-3
    logs = draw(device("constant", spread=DeviceSpread(step=0.78, law="log-normal")), (4000,), streams(2)).law.up / 0.01
    assert stats.kstest(np.log(logs) / 0.78, "norm").pvalue > 1e-3
    assert abs(stats.spearmanr(length, drawn.bounds.high).statistic) < 0.06


def test_adding_a_spread_moves_no_other() -> None:
    """Every spread has a stream of its own; without spreads a drawn device is the nominal one, bit for bit."""
    few = draw(device(spread=DeviceSpread(step=0.2)), (5,), streams(7))
    more = draw(device(spread=DeviceSpread(step=0.2, high=0.1), stuck=DeviceStuck(share=0.5)), (5,), streams(7))
    np.testing.assert_array_equal(few.law.down, more.law.down)
    g, n = np.full(5, 3e-5), np.array([1, -2, 3, 0, 9])
    np.testing.assert_array_equal(draw(device(), (5,), streams(7)).pulse(g, n, g), nominal(device()).pulse(g, n, g))


def test_one_sided_devices_need_a_reset() -> None:
    """Pulses down do nothing; a reset brings a device to its lower bound, as near as declared."""
    devices = nominal(device(one_sided=True, reset_noise=0.01))
    g = np.full(4000, 3e-5)
    np.testing.assert_allclose(devices.pulse(g, np.full(4000, -9), g), g, rtol=1e-15)
    assert (devices.pulse(g, np.full(4000, 2), 0 * g) > g).all()
    low = devices.state(devices.reset(g, np.arange(4000) > 0, np.random.default_rng(1).standard_normal(4000)))
    assert low[0] == devices.state(g)[0]
    assert stats.kstest(low[1:] / 0.01, "halfnorm").pvalue > 1e-3


@in_both
def test_leak_and_drift_by_hand(xp: Any) -> None:
    """A leak halves the distance from rest in lifetime·ln 2 updates, n at once as one by one; drift is a power of time."""
    devices = nominal(device(leak=DeviceLeak(lifetime=100.0, rest=0.5), drift=DeviceDrift(nu=0.05, t0=20.0)))
    g = devices.conductance(xp.asarray([0.0, 0.9]))
    np.testing.assert_allclose(devices.state(devices.leak(g, 69.31471805599453)), [0.25, 0.7], atol=2e-3)
    step = g
    for _ in range(7):
        step = devices.leak(step, 1)
    np.testing.assert_allclose(devices.leak(g, 7), step, rtol=1e-12)
    np.testing.assert_allclose(devices.drift(g, 2000.0), g * 100**-0.05, rtol=1e-12)
    np.testing.assert_array_equal(devices.drift(g, 1.0), g)


def test_write_and_read_noise() -> None:
    """What is shown scatters around the hidden state, and every reading around what is shown."""
    devices = nominal(device(noise=DeviceNoise(write=0.02, read=0.01)))
    g, normal = devices.conductance(np.full(4000, 0.5)), np.random.default_rng(6).standard_normal(4000)
    shown = devices.show(g, g, np.ones(4000, dtype=int), normal)
    assert stats.kstest((devices.state(shown) - 0.5) / 0.02, "norm").pvalue > 1e-3
    assert stats.kstest((devices.seen(g, normal) / g - 1) / 0.01, "norm").pvalue > 1e-3


def test_energy_is_that_of_the_pulses() -> None:
    """v²·t·g for each pulse, with the volts and seconds of its direction."""
    devices = nominal(device(pulse=DevicePulse(v_up=2.0, v_down=-3.0, t_up=1e-6, t_down=1e-7)))
    energy = devices.energy(np.full(3, 1e-5), np.array([3e-5, 1e-5, 1e-5]), np.array([5, -1, 0]))
    np.testing.assert_allclose(energy, [5 * 4e-6 * 2e-5, 9e-7 * 1e-5, 0.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"g_min": 1e-3}, "below g_max"),
        ({"g_min": None}, "g_min is not"),
        ({"step": {"kind": "table", "up": [0.0, 0.5, 0.4], "down": [1.0, 0.0]}}, r"step.up\[2\] = 0.4 after 0.5"),
        ({"step": {"kind": "constant", "delta_up": 0.0, "delta_down": 0.1}}, "greater than 0"),
        ({"step": {"kind": "steps"}}, "soft-bounds"),
        ({"one_sided": True, "step": {"kind": "levels", "count": 8}}, "one_sided"),
        ({"approximate": {"color": "memory"}}, "color"),
    ],
)
def test_wrong_devices_are_refused(settings: dict[str, Any], message: str) -> None:
    """A device that cannot be is refused with the key, the value and the remedy."""
    with pytest.raises(ValueError, match=message):
        device(**settings)


def test_a_device_without_a_range_takes_the_crossbar_s() -> None:
    """Where neither gives one, it reports it."""
    kind = Device(step=SHAPES["constant"])
    assert nominal(kind, (1e-8, 1e-5)).limits() == (1e-8, 1e-5)
    with pytest.raises(ValueError, match="no g_min"):
        nominal(kind)
