"""Power: what all parts take is what all sources deliver, and ngspice adds up the same."""

import re
import subprocess

import numpy as np
import pytest

from circuits.chip import Chip
from circuits.junction_neurons import DiodePair
from circuits.network import Amplifier, Layer, Network
from hwsim.core.delivery import delivery
from hwsim.core.dissipation import dissipated, dissipation
from hwsim.core.kirchhoff import by_number
from hwsim.core.protocol import Drive, Push
from hwsim.datasheet.static_power import static_power
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.runs.loaded import load_model
from netlists.measure.power import PowerMeasure
from netlists.write.writer import write_deck

SKEWED = Amplifier(gain=3.0, back=0.5, offset=0.02, output_resistance=50.0)
NETWORK = Network(inputs=2, layers=(Layer(3, amplifier=SKEWED, neuron=DiodePair(v_low=-0.08, v_high=0.03)),), outputs=2)


def test_what_parts_take_is_what_sources_deliver(tmp_path):
    """Tellegen's theorem holds, free and nudged, and ngspice's own sums are the same, part by part."""
    circuit, rng = NETWORK.compile(), np.random.default_rng(3)
    chip, g = Chip.nominal(circuit), {e.name: 10 ** rng.uniform(-6, -4, e.shape) for e in circuit.trainable}
    x, push = rng.uniform(-1, 1, 2), Push(2e-5, rng.uniform(-0.3, 0.3, 2), 1e-7)
    (tmp_path / "power.cir").write_text(write_deck(circuit, chip, g, x=x, pushes=[push], measure=PowerMeasure()))
    printed = subprocess.run(["ngspice", "-b", "power.cir"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    phases = printed.split("nudged phase")
    for part, applied in zip(phases, (Push(), push), strict=True):
        theirs = {name: float(value) for name, value in re.findall(r"^p_(\w+)\s*=\s*(\S+)", part, re.MULTILINE)}
        drive = Drive(x[None], applied)
        with NumericEngine().prepare(circuit, chip) as solver:
            equilibrium = solver.solve(g, drive)
        v = by_number(circuit, equilibrium)
        takes, delivers = dissipation(circuit, chip, g, v), delivery(circuit, chip, g, drive, equilibrium)
        total = float(dissipated(circuit, chip, g, v)[0])
        assert sum(takes.values())[0] == pytest.approx(sum(delivers.values())[0], rel=1e-12)
        for name, watts in {**takes, "amp1": -delivers["amp1"], "nudge": -delivers["nudge"]}.items():
            if name in theirs:
                assert watts[0] == pytest.approx(theirs[name], rel=1e-7, abs=1e-12 * total), name
        assert total == pytest.approx(theirs["takes"] - theirs["amp1"] - theirs["nudge"], rel=1e-7)


def test_a_datasheet_sums_up_samples():
    """The mean over samples of all parts is that of their sum, and a stated supply is counted once an amplifier."""
    given = load_model("xor", ["energy.amplifier_watts=1e-5"])
    drive = Drive(given.session.data.x_test)
    with given.session.verified_solver() as solver:
        power = static_power(given, drive, solver.solve(given.g, drive))
    assert sum(part.power.mean for part in power.takes) == pytest.approx(power.total.mean, rel=1e-12)
    assert sum(part.power.mean for part in power.delivers) == pytest.approx(power.total.mean, rel=1e-9)
    assert power.imbalance < 1e-12
    assert power.total.worst >= power.total.mean
    assert power.supply == pytest.approx(1e-5 * power.amplifiers)
