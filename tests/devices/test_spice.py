"""A memristor in SPICE goes where its model goes, pulse by pulse."""

import re

import numpy as np
import pytest

from circuits.network import Network
from hwsim.devices.kinds import presets
from hwsim.devices.kinds.presets import DeviceError
from hwsim.devices.spice import pulse_train_deck
from hwsim.settings.device_settings import DeviceSettings
from support.decks import run_ngspice

CIRCUIT = Network(inputs=1, outputs=1, g_min=1e-7, g_max=1e-4).compile()

STEPS = {
    "ideal": "kind = 'ideal'",
    "constant": "kind = 'constant'\ndelta_up = 0.08\ndelta_down = 0.03",
    "linear": "kind = 'linear'\ndelta_up = 0.08\ndelta_down = 0.03\ngamma_up = 0.7\ngamma_down = -0.4",
    "soft-bounds": "kind = 'soft-bounds'\ndelta_up = 0.3\ndelta_down = 0.1",
    "exponential": "kind = 'exponential'\ndelta_up=0.05\ndelta_down=0.04\na_up=0.1\na_down=0.9\ngamma_up=2.0\ngamma_down=3.0\nstart=-0.1",
    "power": "kind = 'power'\ndelta_up = 0.2\ndelta_down = 0.15\ngamma_up = 2.5\ngamma_down = 0.6",
}


def shown(folder, preset, pulses):
    """Run the deck of a device, and give what each group's line states: ngspice's g, the model's, and how far apart they are."""
    text = pulse_train_deck(DeviceSettings(preset=str(preset)), CIRCUIT, pulses)
    out = run_ngspice(text, folder)
    matches = [dict(re.findall(rf"^{what}_(\S+) += +(\S+)$", out, re.MULTILINE)) for what in ("g", "model", "apart")]
    assert matches[0].keys() == matches[1].keys() == matches[2].keys()
    return [{name: float(value) for name, value in one.items()} for one in matches]


@pytest.mark.parametrize("kind", STEPS)
def test_a_train_of_pulses_ends_where_the_model_says(kind, tmp_path):
    """After every group of pulses, up and down, far from the bounds and at them, g is within 0.1 % of the range of the model's."""
    (tmp_path / "d.toml").write_text(f"[step]\n{STEPS[kind]}\n[pulse]\nv_up = -2.0\nv_down = 1.5\nt_up = 3e-6\nt_down = 1e-6\n")
    g, model, apart = shown(tmp_path, tmp_path / "d.toml", 24)
    assert len(g) == 16
    assert max(model.values()) - min(model.values()) > 3e-5
    for name, value in g.items():
        assert abs(value - model[name]) < 1e-3 * (1e-4 - 1e-7)
        assert apart[name] == pytest.approx((value - model[name]) / (1e-4 - 1e-7), abs=1e-6)


def test_pulses_up_only_where_a_device_knows_no_others(tmp_path):
    """A one-sided device is reset, which is no pulse; the deck has its pulses up."""
    g, _, apart = shown(tmp_path, "pcm", 4)
    assert list(g) == ["up_1", "up_2", "up_3", "up_4"]
    assert max(map(abs, apart.values())) < 1e-3


def test_a_device_has_its_own_range(tmp_path):
    """A device with a range in siemens is shown in it, another one in its crossbar's."""
    g, _, _ = shown(tmp_path, "fefet", 6)
    device = presets.load("fefet")
    assert device.g_min < min(g.values())
    assert max(g.values()) < device.g_max < 1e-5


@pytest.mark.parametrize(
    ("step", "why"), [("kind = 'levels'\ncount = 8", "no pulse has a law"), ("kind = 'table'\nup = [0, 1]\ndown = [1, 0]", "no formula")]
)
def test_kinds_without_a_law_are_refused_with_the_reason(step, why, tmp_path):
    """Levels that a controller verifies, and tables of points."""
    (tmp_path / "d.toml").write_text(f"[step]\n{step}\n")
    with pytest.raises(DeviceError, match=why):
        pulse_train_deck(DeviceSettings(preset=str(tmp_path / "d.toml")), CIRCUIT)


def test_reading_does_not_write(tmp_path):
    """Voltages below a quarter of a pulse's leave the state where it is, and the current is g·v."""
    library = pulse_train_deck(DeviceSettings(preset="reram-sb"), CIRCUIT).partition(".subckt")[2].partition(".ends memristor")[0]
    text = (
        f"* read\n.subckt{library}.ends memristor\nV_read a 0 dc 0 sin(0 0.24 1e6)\nX_m a 0 state memristor x0=0.25 g_min=1e-5 g_max=5e-5\n"
        ".options noinit\n.control\nset norefvalue\nset numdgt=9\n"
        "tran 1e-8 1e-5\nlet left = abs(v(state) - 0.25)\nlet i = abs(v_read#branch + 2e-5*v(a))\n"
        "let worst = vecmax(left)\nlet off = vecmax(i)\nprint worst off\nquit\n.endc\n.end\n"
    )
    matches = dict(re.findall(r"^(\S+) = (\S+)$", run_ngspice(text, tmp_path), re.MULTILINE))
    assert float(matches["worst"]) < 1e-9
    assert float(matches["off"]) < 1e-9
    assert np.isfinite(float(matches["off"]))
