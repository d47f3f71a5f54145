"""Fits: what was simulated is found again, with intervals that hold, and tables that cannot be used are refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.devices.arrays.draw import nominal
from hwsim.devices.fit import pulse_train
from hwsim.devices.fit.candidates import candidates
from hwsim.devices.fit.fit import Fit, fit, smoothed
from hwsim.devices.fit.likelihood import Noises, Readings, surprise
from hwsim.devices.fit.pulse_train import PulseTrain
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.declared import Device, DeviceNoise
from hwsim.devices.kinds.shapes import ConstantStep, LinearStep, PowerStep, SoftBoundsStep
from hwsim.files.raw import DataError

RANGE = {"g_min": 2e-6, "g_max": 5e-5}
SOFT = Device(**RANGE, step=SoftBoundsStep(delta_up=0.04, delta_down=0.06), noise=DeviceNoise(cycle=0.3, read=0.005))


def measure(device: Device, path: Path, seed: int = 0, *, runs: tuple[int, ...] = (30, -30, 30, -30), start: float = 0.1) -> PulseTrain:
    """Send a train to a device and write down the readings."""
    devices, rng = nominal(device), np.random.default_rng(seed)
    g = devices.conductance(np.array([start]))
    lines = [f"0,{g[0]:.8e}"]
    for run in runs:
        for _ in range(abs(run)):
            g = devices.pulse(g, np.array([np.sign(run)]), rng.standard_normal(1))
            lines.append(f"{np.sign(run)},{devices.seen(g, rng.standard_normal(1))[0]:.8e}")
    path.write_text("\n".join(["pulses,g", *lines]) + "\n")
    return pulse_train.read(path)


def intervals(result: Fit) -> dict[str, tuple[float, float]]:
    return {estimate.name: (estimate.low, estimate.high) for estimate in result.estimates}


def test_without_noise_the_device_is_found(tmp_path: Path) -> None:
    """From a train without noise come the very parameters that made it, to a thousandth."""
    for step in (
        SoftBoundsStep(delta_up=0.05, delta_down=0.08),
        PowerStep(delta_up=0.05, delta_down=0.06, gamma_up=1.8, gamma_down=0.7),
    ):
        measured = measure(Device(**RANGE, step=step), tmp_path / "t.csv")
        result = fit(measured, [step.kind])[0].device
        for key, value in step.model_dump(exclude={"kind", "reference"}).items():
            assert getattr(result.step, key) == pytest.approx(value, rel=1e-2), key
        assert (result.g_min, result.g_max) == pytest.approx((2e-6, 5e-5), rel=1e-2)
        assert result.noise.cycle < 1e-2


def test_noisy_devices_are_found_within_their_intervals(tmp_path: Path) -> None:
    """Of thirty intervals at 95 %, at most four miss the true value: steps, a bound and both noises."""
    truth = {"delta_up": 0.04, "delta_down": 0.06, "g_max": 5e-5, "noise.cycle": 0.3, "noise.read": 0.005}
    kept = []
    for seed in range(6):
        result = intervals(fit(measure(SOFT, tmp_path / "t.csv", seed), ["soft-bounds"])[0])
        kept += [result[key][0] <= value <= result[key][1] for key, value in truth.items()]
    assert sum(kept) >= 26


def test_the_law_that_made_the_train_wins(tmp_path: Path) -> None:
    """Akaike's criterion picks constant steps for constant steps, and turns them down for soft bounds."""
    constant = Device(**RANGE, step=ConstantStep(delta_up=0.015, delta_down=0.012), noise=DeviceNoise(cycle=0.5, read=0.002))
    kinds = ["constant", "soft-bounds", "linear"]
    straight = fit(measure(constant, tmp_path / "a.csv"), kinds)
    assert straight[0].device.step.kind == "constant"
    bent = fit(measure(SOFT, tmp_path / "b.csv"), kinds)
    assert bent[-1].device.step.kind == "constant"
    assert bent[-1].aic > bent[0].aic + 10


def test_a_fit_is_a_device_file(tmp_path: Path) -> None:
    """The fitted device is written, read again and used."""
    result = fit(measure(SOFT, tmp_path / "t.csv"), ["linear"])[0].device
    again = presets.parse(presets.to_toml(result), "my.toml")
    assert again == result
    assert "assumed" in again.approximate["pulse"]
    assert np.isfinite(nominal(again).pulse(np.full(2, 1e-5), np.array([3, -3]), np.zeros(2))).all()


def test_one_direction_makes_a_one_sided_device(tmp_path: Path) -> None:
    """Without pulses down, the device has none."""
    result = fit(measure(SOFT, tmp_path / "t.csv", runs=(60,)), ["linear"])[0]
    assert result.device.one_sided
    assert "delta_down" not in intervals(result)
    assert nominal(result.device).pulse(np.full(1, 2e-5), np.array([-5]), np.zeros(1)) == pytest.approx(2e-5)


def test_a_table_follows_the_measured_points(tmp_path: Path) -> None:
    """Smoothed, a train becomes curves that always rise and fall, close to what was measured."""
    measured = measure(SOFT, tmp_path / "t.csv", runs=(40, -40, 40, -40))
    device = smoothed(measured).device
    devices = nominal(device)
    run = measured.runs[0]
    curve = devices.pulse(np.full(len(run.n), run.g[0]), run.n, np.zeros(len(run.n)))
    assert np.abs(curve - run.g).max() < 0.1 * (5e-5 - 2e-6)
    with pytest.raises(DataError, match="no pulses down"):
        smoothed(measure(SOFT, tmp_path / "u.csv", runs=(40,)))


def test_the_filter_forecasts_as_well_as_noise_lets_it(tmp_path: Path) -> None:
    """With the true device and noises, errors over their expected spread have mean 0 and variance 1."""
    readings = Readings.of(measure(SOFT, tmp_path / "t.csv", runs=(30, -30) * 8))
    result = surprise([SOFT], [Noises(0.3, 0.005, even=False)], readings)
    scores = (result.error / result.variance**0.5)[:, 0]
    assert abs(scores.mean()) < 4 / len(scores) ** 0.5
    assert scores.var() == pytest.approx(1.0, abs=4 * (2 / len(scores)) ** 0.5)


WAYS = {
    "signed, with a header": "pulses,g\n0,1e-6\n1,2e-6\n1,3e-6\n2,4e-6\n-1,3e-6\n-1,2e-6\n",
    "signed, without": "0,1e-6\n1,2e-6\n1,3e-6\n2,4e-6\n-1,3e-6\n-1,2e-6\n",
    "numbered": "pulse,direction,g\n0,up,1e-6\n1,up,2e-6\n2,up,3e-6\n4,up,4e-6\n5,down,3e-6\n6,down,2e-6\n",
    "semicolons and units": "Pulse number; polarity; Conductance [S]\n0;+;1e-6\n1;+;2e-6\n2;+;3e-6\n4;+;4e-6\n5;-;3e-6\n6;-;2e-6\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_trains_are_read_in_every_way(way: str, tmp_path: Path) -> None:
    """Signed pulses or numbers with directions, with or without a header: the same train."""
    (tmp_path / "t.csv").write_text(WAYS[way])
    read = pulse_train.read(tmp_path / "t.csv")
    assert [run.n.tolist() for run in read.runs] == [[0, 1, 2, 4], [0, -1, -2]]
    assert [run.continues for run in read.runs] == [False, True]
    np.testing.assert_allclose(read.runs[1].g, [4e-6, 3e-6, 2e-6])


def test_a_number_that_begins_anew_is_a_gap(tmp_path: Path) -> None:
    """Where the numbering starts again, nothing is assumed about what happened in between."""
    (tmp_path / "t.csv").write_text("pulse,direction,g\n" + "".join(f"{k},up,{1e-6 * (1 + k):g}\n" for k in (*range(5), *range(5))))
    read = pulse_train.read(tmp_path / "t.csv")
    assert [run.continues for run in read.runs] == [False, False]
    assert Readings.of(read).starts.tolist() == [True, False, False, False, False] * 2


WRONG = {
    "empty": ("", "empty"),
    "a header only": ("pulses,g\n", "4 readings"),
    "strange header": ("time,current\n1,2\n", "time, current"),
    "no number": ("pulses,g\n1,1e-6\n1,much\n1,2e-6\n", "line 3, column g holds 'much'"),
    "not a number": ("pulses,g\n1,1e-6\n1,nan\n", "line 3, column g"),
    "half a pulse": ("pulses,g\n1,1e-6\n0.5,2e-6\n", "whole numbers"),
    "negative": ("pulses,g\n1,1e-6\n1,-2e-6\n", "positive"),
    "no direction": ("pulse,direction,g\n1,left,1e-6\n", "'left'"),
    "too short a line": ("pulses,g\n1,1e-6\n1\n", "line 3 has 1 columns"),
    "too few": ("1,1e-6\n1,2e-6\n", "4 readings"),
    "down only": ("".join(f"-1,{9 - k}e-6\n" for k in range(8)), "pulses down only"),
    "four columns": ("1,2,3,4\n", "4 columns"),
    "nothing changes": ("".join("1,1e-6\n" for _ in range(8)), "no pulse changed"),
    "bytes": (b"\xff\xfe\x00\x01", "UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_tables_that_cannot_be_used(case: str, tmp_path: Path) -> None:
    """The message names the file, the line and the remedy."""
    content, message = WRONG[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        pulse_train.read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_candidate_begins_inside_its_limits(tmp_path: Path) -> None:
    """What a search starts from is allowed, whatever was measured."""
    steep = Device(**RANGE, step=LinearStep(delta_up=0.9, delta_down=0.9, gamma_up=0.5, gamma_down=0.5))
    for candidate in candidates(measure(steep, tmp_path / "t.csv", runs=(5, -5, 5))).values():
        for free in candidate.free.values():
            assert all(free.low <= start <= free.high for start in free.starts)
