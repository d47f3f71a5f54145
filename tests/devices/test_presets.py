"""Presets: every one names where it is from, and gives the figures of the tables that it was taken from."""

import math
from pathlib import Path

import numpy as np
import pytest

from hwsim.devices.arrays.draw import draw, nominal
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.nonlinearity import characteristic
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.kinds.steps import Noise
from hwsim.random.streams import stream

AIHWKIT = {
    # name: dw_min, w_min, w_max, up/down bias and spread, spread of dw_min, cycle noise, spreads of the bounds, write noise in dw_min
    "reram-es": (0.00135, -1, 1, 0.2594, 0.05, 0.2, 5.0, 0.3, 0.3, 75),
    "reram-sb": (0.002, -0.75, 1.25, 0, 0.01, 0.3, 3.75, 0.40, 0.24, 56),
    "capacitor": (0.005, -1, 1, 0, 0.06, 0.1, 0.3, 0.07, 0.07, 0),
    "ecram": (0.002, -0.828, 1.172, 0, 0.01, 0.1, 0.3, 0.05, 0.05, 0),
    "ecram-mo": (2.82e-4, -0.829, 1.171, 0, 0.01, 0.1, 2.0, 0.05, 0.05, 0),
    "gokmen-vlasov": (0.0016, -1, 1, 0, 0.01, 0.3, 0.3, 0.3, 0.3, 0),
    "idealized": (0.0002, -1, 1, 0, 0, 0.3, 0.3, 0.3, 0.3, 0),
    "pcm": (0.01, 0, 2, 0, 0.05, 0.2, 0.6, 0, 0.1, 0),
    "reram-array-om": (0.0949, -1, 1, 0, 0.01, 0.783, 0.416, 0.57, 0.35, 1.41),
    "reram-array-hfo2": (0.462, -1, 1, 0, 0.01, 0.713, 0.217, 0.60, 0.43, 0.584),
}
MEASURED = {
    # name: pulses, label up and down, ohms when on, on/off ratio, volts up and down, seconds up and down, noise
    "ag-a-si": (97, 2.4, -4.88, 26e6, 12.5, 3.2, -2.8, 300e-6, 300e-6, 0.035),
    "taox-tio2": (102, 0.66, -0.69, 5e6, 2, 3, -3, 40e-3, 10e-3, 0.01),
    "pcmo": (50, 3.68, -6.76, 23e6, 6.84, -2, 2, 1e-3, 1e-3, 0.01),
    "alox-hfo2": (40, 1.94, -0.61, 16.9e3, 4.43, 0.9, -1, 100e-6, 100e-6, 0.05),
    "fefet": (32, 1.75, 1.46, 559e3, 45, 3.65, -2.95, 75e-9, 75e-9, 0.005),
    "taox-hfox": (128, 0.04, -0.63, 100e3, 10, 1.6, -1.6, 50e-9, 50e-9, 0.037),
    "epiram": (64, 0.5, -0.5, 81e3, 50.2, 5, -3, 5e-6, 5e-6, 0.02),
}


def weight_step(name: str, w: float, *, up: bool) -> float:
    """Return the published mean step of a preset at a weight, from its equation in units of weights."""
    dw, w_min, w_max, bias, *_ = AIHWKIT[name]
    far = w_max if up else -w_min
    dw *= 1 + max(bias if up else -bias, 0)
    along = w / far if up else -w / far
    match name:
        case "reram-es" | "pcm":
            a, b, gamma, big = (-0.5, -0.5, 5.0, (-1.18445, -0.081404)) if name == "reram-es" else (-1.0, 0.0, 2.5, (-27.235, -2.235))
            z = 2 * a * w / (w_max - w_min) + b
            return dw * (1 - big[0] * np.exp(gamma * z) if up else 1 - big[1] * np.exp(-gamma * z))
        case "gokmen-vlasov" | "idealized":
            return dw
        case "capacitor":
            return dw * (1 - 0.05 * along)
        case "ecram":
            return dw * (1 - (0.1153 if up else 0.5085) * along)
        case "ecram-mo":
            return dw * (1 - (0.4152 if up else 0.7342) * along)
        case _:
            return dw * (1 - along)


@pytest.mark.parametrize("name", AIHWKIT)
@pytest.mark.parametrize("w", [-0.5, 0.0, 0.4])
def test_steps_are_those_of_the_published_equation(name: str, w: float) -> None:
    """At a weight inside the range, one pulse moves the nominal device as the source's equation states, in its units."""
    _, w_min, w_max, *_ = AIHWKIT[name]
    if name == "pcm":
        w = 1 + w
    device, size = presets.load(name), w_max - w_min
    devices = nominal(device, (1e-6, 1e-4))
    x = np.full(2, (w - w_min) / size)
    moved = devices.law.walk(x, np.array([1, -1]), Noise(), devices.bounds).mean * size
    down = 0.0 if name == "pcm" else weight_step(name, w, up=False)
    np.testing.assert_allclose(moved, [weight_step(name, w, up=True), -down], rtol=2e-3, atol=1e-15)  # the table rounds


@pytest.mark.parametrize("name", AIHWKIT)
def test_noise_and_spreads_are_those_of_the_table(name: str) -> None:
    """Spreads and noise, turned back into units of weights, are the published ones."""
    dw, w_min, w_max, _, bias_spread, step, cycle, low, high, write = AIHWKIT[name]
    device, size = presets.load(name), w_max - w_min
    spread = device.spread
    assert (spread.step, device.noise.cycle, spread.asymmetry) == pytest.approx((step, cycle, bias_spread), rel=2e-3)
    assert (spread.low * size, spread.high * size) == pytest.approx((-low * w_min, high * w_max), rel=3e-3)
    assert device.noise.write * size == pytest.approx(write * dw, rel=3e-3)
    assert (spread.law == "log-normal") == name.startswith("reram-array")
    if device.noise.even_step is not None:
        assert device.noise.even_step * size == pytest.approx(dw, rel=2e-3)


@pytest.mark.parametrize("name", MEASURED)
def test_measured_devices_run_along_their_published_curves(name: str) -> None:
    """All pulses up go from g_min to g_max along B·(1 − exp(−P/A)), all pulses down back along the other curve."""
    pulses, nl_up, nl_down, ohms, ratio, v_up, v_down, t_up, t_down, noise = MEASURED[name]
    device = presets.load(name)
    assert (device.g_max, device.on_off) == pytest.approx((1 / ohms, ratio), rel=1e-5)
    pulse = device.pulse
    assert (pulse.v_up, pulse.v_down, pulse.t_up, pulse.t_down, device.noise.cycle) == (v_up, v_down, t_up, t_down, noise)
    devices = nominal(device)
    n = np.arange(pulses + 1)
    for label, start, sign in ((nl_up, 0.0, 1), (nl_down, 1.0, -1)):
        a = math.copysign(characteristic(abs(label)), label)
        p = n / pulses if sign > 0 else 1 - n / pulses
        expected = np.expm1(-p / a) / math.expm1(-1 / a)
        g = devices.pulse(devices.conductance(np.full(n.shape, start)), sign * n, np.zeros(n.shape))
        np.testing.assert_allclose(devices.state(g), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("label", "a"), [(0.5, 2.52), (1, 1.252), (1.75, 0.702), (2.4, 0.499), (3, 0.387), (4.88, 0.200), (6.76, 0.100)])
def test_labels_mean_what_they_are_published_for(label: float, a: float) -> None:
    """The published pairs of nonlinearity label and curve are met to their last digit."""
    assert characteristic(label) == pytest.approx(a, abs=6e-4)


def test_every_row_has_its_preset() -> None:
    """No preset is missing, and none is without source, range of validity and words."""
    assert set(presets.names()) == {*AIHWKIT, *MEASURED, "ideal"}
    for name in presets.names():
        device = presets.load(name)
        assert device.name == name
        assert device.about
        assert device.source
        assert device.valid


def test_values_that_are_not_the_source_s_are_marked() -> None:
    """What is remembered or assumed is named, with where it is from."""
    assert all("assumed" in presets.load(name).approximate["pulse"] for name in AIHWKIT)
    assert presets.load("epiram").approximate.keys() >= {"g_max", "pulse"}
    assert "pulse" in presets.load("taox-hfox").approximate
    assert not presets.load("ag-a-si").approximate


def test_what_is_particular_is_there() -> None:
    """The capacitor leaks to weight 0, phase-change memory is one-sided and drifts, of the arrays a tenth is stuck."""
    leak, pcm = presets.load("capacitor").leak, presets.load("pcm")
    assert leak is not None
    assert (leak.lifetime, leak.rest) == (1e6, 0.5)
    assert pcm.one_sided
    assert pcm.drift is not None
    assert (pcm.drift.nu, pcm.drift.t0) == (0.049, 20.0)
    for name, share in (("reram-array-om", 0.135), ("reram-array-hfo2", 0.098)):
        stuck = presets.load(name).stuck
        assert stuck is not None
        assert stuck.share == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_survives_its_file(name: str) -> None:
    """Written and read again it is equal, and it can be drawn and pulsed."""
    device = presets.load(name)
    assert presets.parse(presets.to_toml(device), "again") == device
    devices = draw(device, (30, 20), lambda what: stream(1, what), (1e-6, 1e-4))
    rng = np.random.default_rng(0)
    g = devices.begin(rng.uniform(1e-6, 1e-4, (30, 20)))
    after = devices.pulse(g, rng.integers(-3, 4, g.shape), rng.standard_normal(g.shape))
    assert np.isfinite(after).all()
    assert (after > 0).all()


WRONG = {
    "no such preset": (None, "reram-bs", "did you mean"),
    "no such file": (None, "my.toml", "no such file"),
    "not TOML": ("[step", "my.toml", "not valid TOML"),
    "no pulse": ("g_min = 1e-6\ng_max = 1e-4\n", "my.toml", "does not define what a pulse does"),
    "stated twice": ("[step]\nkind='ideal'\n[curve]\npulses = 3\n", "my.toml", "has step and curve"),
    "unknown kind": ("[step]\nkind = 'soft'\n", "my.toml", "soft-bounds"),
    "unknown key": ("[step]\nkind = 'ideal'\n[noise]\ncicle = 1\n", "my.toml", "did you mean noise.cycle"),
    "wrong curve": ("[curve]\npulses = 1\nnl_up = 1\nnl_down = 1\n", "my.toml", "pulses = 1"),
    "wrong weights": ("[weights]\nlaw = 'linear'\n", "my.toml", "dw_min is missing"),
    "no table": ("weights = 3\n", "my.toml", "weights"),
    "not text": (b"\xff\xfe\x00", "my.toml", "UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_in_one_line(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with a device file is reported with the file, the key and the remedy."""
    content, what, message = WRONG[case]
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / what).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DeviceError, match=message) as caught:
        presets.load(what)
    assert "\n" not in str(caught.value)
    assert what in str(caught.value)
