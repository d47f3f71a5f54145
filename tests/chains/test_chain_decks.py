"""The decks of a chain: one a circuit, which ngspice runs as they are."""

import json
import re
import subprocess

import numpy as np
import pytest

from cli.main import main
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.learning import factory
from hwsim.runs.chain_decks import ShownSample, decks
from hwsim.session import Session

CHAIN = """
name = "small"
data = {name = "iris", scaling = "standard"}
training = {loss = {kind = "cross-entropy"}, target_high = 0.1}

[[blocks]]
kind = "circuit"
circuit = {inputs = 4, outputs = 3, layers = [{size = 4, neuron = {kind = "diode-pair", v_low = -0.05, v_high = 0.05}}]}

[[blocks]]
kind = "digital"
layers = [{kind = "layer-norm"}, {kind = "scale", factor = 0.2}]

[[blocks]]
kind = "circuit"
circuit = {inputs = 3, outputs = 3}
"""


def test_ngspice_prints_what_the_chain_makes(tmp_path):
    """Every deck of a sample prints the outputs of its block, free and nudged up and down by half of 2·u."""
    (tmp_path / "small.toml").write_text(CHAIN)
    session = Session.of(load(tmp_path / "small.toml"))
    g = session.begun()
    written = decks(session, g, ShownSample(sample=2))
    assert list(written) == ["b1.cir", "b3.cir"]
    with session.solver() as solver:
        ends = session.rule.errors(
            solver, g, session.data.x_test[2:3], session.task.test.of(slice(2, 3)), factory.loss(session.experiment.training)
        )
    for name, block in (("b1.cir", 0), ("b3.cir", 2)):
        (tmp_path / name).write_text(written[name])
        printed = subprocess.run(["ngspice", "-b", name], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
        volts = np.array([float(value) for value in re.findall(r"yhat_\d+ = (\S+)", printed)]).reshape(3, 3)
        assert np.allclose(volts[0], ends[block].outputs[0], atol=1e-9)
        assert np.allclose(volts[1] + volts[2], 2 * volts[0], atol=1e-3)
        worst = np.abs(ends[block].error[0]).argmax()
        assert (volts[1] - volts[0])[worst] * ends[block].error[0][worst] < 0, "the first nudge is against the error"
    assert "Before it, block 2 (digital: layer-norm, scale) makes:" in written["b3.cir"]
    assert "After it, block 3 (circuit: 3-3) makes:" in written["b1.cir"]


KERNEL = """
name = "small"
data = {name = "iris", scaling = "standard"}
training = {loss = {kind = "cross-entropy"}, target_high = 0.1}

[[blocks]]
kind = "circuit"
image = [2, 2]
window = {size = 2, padding = 1}
circuit = {inputs = 4, outputs = 2, layers = [{size = 3, neuron = {kind = "diode-pair", v_low = -0.05, v_high = 0.05}}]}

[[blocks]]
kind = "digital"
layers = [{kind = "dense", size = 3}]
"""


def test_the_deck_of_a_kernel_is_of_one_position(tmp_path, capsys):
    """A deck prints the channels of the maps at that position; the middle one without any."""
    (tmp_path / "small.toml").write_text(KERNEL)
    session = Session.of(load(tmp_path / "small.toml"))
    g = session.begun()
    with session.solver() as solver:
        (_, maps), _ = session.rule.boundaries(solver, g, session.data.x_test[2:3])
    for named, position in (([], 4), (["--position", 1], 1)):
        folder = tmp_path / f"decks{position}"
        assert main(["compile", str(tmp_path / "small.toml"), "--sample", "2", *map(str, named), "-o", str(folder)]) == 0
        printed = subprocess.run(["ngspice", "-b", "b1.cir"], cwd=folder, capture_output=True, text=True, check=False).stdout
        volts = [float(value) for value in re.findall(r"yhat_\d+ = (\S+)", printed)]
        assert np.allclose(volts[:2], np.asarray(maps).reshape(9, 2)[position], atol=1e-9)
        assert f"This is position {position}, row {position // 3} and column {position % 3} of 3 × 3" in (folder / "b1.cir").read_text()
    capsys.readouterr()
    assert main(["compile", str(tmp_path / "small.toml"), "--position", "9", "-o", str(tmp_path / "decks9")]) == 2
    assert "the window of blocks[0] has 9 positions; use 0 to 8" in capsys.readouterr().err
    assert main(["compile", "ff-digits", "--position", "0", "-o", str(tmp_path / "other")]) == 2
    assert "no block of ff-digits has a window that moves; omit it" in capsys.readouterr().err


def test_a_kernel_is_checked_and_inspected(tmp_path, capsys):
    """Both engines agree at positions of its window, and the gradient of the chain is that of finite differences."""
    (tmp_path / "small.toml").write_text(KERNEL)
    assert main(["check", str(tmp_path / "small.toml"), "--samples", "4", "--ngspice-samples", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"]["gradient_max_rel"]["value"] < 1e-6
    assert report["findings"]["b1_engines_dv_free"]["value"] < 1e-8
    assert main(["inspect", str(tmp_path / "small.toml")]) == 0
    assert "blocks[0], circuit: 4-3-2 at each 2×2 window, stride 1; makes 3×3×2 numbers" in capsys.readouterr().out


def test_a_chain_without_circuits_has_no_decks():
    """It is refused in a line."""
    blocks = [{"kind": "digital", "inputs": 4, "layers": [{"kind": "dense", "size": 3}]}]
    session = Session.of(load("ff-digits", {"blocks": blocks, "data.name": "iris"}))
    with pytest.raises(ExperimentError, match="digital blocks alone"):
        decks(session, session.begun(), ShownSample())
