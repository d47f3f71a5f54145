"""The decks of a chain: one a circuit, which ngspice runs as they are."""

import re
import subprocess

import numpy as np
import pytest

from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.learning import factory
from hwsim.runs.chain_decks import decks
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
    written = decks(session, g, sample=2)
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


def test_a_chain_without_circuits_has_no_decks():
    """It is refused in a line."""
    blocks = [{"kind": "digital", "inputs": 4, "layers": [{"kind": "dense", "size": 3}]}]
    session = Session.of(load("ff-digits", {"blocks": blocks, "data.name": "iris"}))
    with pytest.raises(ExperimentError, match="digital blocks alone"):
        decks(session, session.begun())
