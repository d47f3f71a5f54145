"""A closed loop is the reservoir, one row after the other, driven by its read-out; its circuit does the same in both engines."""

import subprocess

import numpy as np
import pytest

from circuits.errors import CircuitError
from hwsim.core.protocol import UnsupportedCircuitError
from hwsim.core.signal import Signal
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.numeric.transient.clocked import integrate_clocked
from hwsim.reservoir.closed_circuit import ClosedCircuit
from hwsim.reservoir.loop import ClosedLoop
from hwsim.reservoir.loop_feedback import LoopFeedback
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.ridge import RidgeReadout
from hwsim.reservoir.rls import RecursiveLeastSquares
from hwsim.settings.block_settings import DigitalForce
from hwsim.settings.reservoir_settings import ReservoirSettings
from hwsim.settings.variation_settings import VariationSettings
from netlists.measure.free_run import free_run_measure
from netlists.write.writer import write_deck

T = np.arange(46)
SERIES = np.stack([np.sin(2 * np.pi * T / 17), 0.5 * np.cos(2 * np.pi * T / 11)], axis=1)
X, Y = SERIES[:-1], SERIES[1:] * [0.3, -0.2] + 0.1
FEEDBACK = LoopFeedback.of_series(X, Y, "waves")
WASHOUT = 10


def loop(variation=None, **settings):
    """Return the loop of a small reservoir on two waves."""
    reservoir = Reservoir(ReservoirSettings(nodes=8, fan_in=3, leak=0.7, input_scale=0.1, **settings), 2, variation or VariationSettings())
    return ClosedLoop(reservoir, X, FEEDBACK)


def solved(of, penalty=1e-6):
    """Return ridge regression of a loop's states under the series, its scale in front and as weights in 1/V."""
    read = RidgeReadout.fit(of.synchronised.states[0, WASHOUT:], Y[WASHOUT:], penalty)
    weights = read.weights / read.spread[:, None]
    return read, weights, read.offset - read.mean @ weights


def test_feedback_is_what_makes_the_next_input_of_a_target():
    """Each input by itself, whatever the scales are."""
    np.testing.assert_allclose(FEEDBACK(Y[:-1]), X[1:], atol=1e-12)
    with pytest.raises(CircuitError, match=r"set data\.horizon to 1"):
        LoopFeedback.of_series(X[:-1], Y[1:], "late")
    with pytest.raises(CircuitError, match="1 targets of 2 inputs"):
        LoopFeedback.of_series(X, Y[:, :1], "narrow")


class LeastMeanSquares:
    """w ← w + rate·e·h/(h·h)."""

    def __init__(self, rate):
        self.weights, self.rate = np.zeros((8, 2)), rate

    def learn(self, h, d):
        """Take one sample, and return the error before."""
        error = d - h @ self.weights
        self.weights += self.rate * np.outer(h, error) / (h @ h)
        return error


@pytest.mark.parametrize(("rule", "keys"), [("rls", {"penalty": 1e-6, "forgetting": 0.97}), ("lms", {"rate": 0.3})])
def test_force_is_online_learning_in_a_loop(rule, keys):
    """Row by row: drive, read with noise, feed back the output, and only then learn."""
    of, how = loop(noise=1e-4), DigitalForce(rule=rule, **keys)
    read, _, _ = solved(of)
    learnt = of.learn(Y[WASHOUT:], read, how)
    noise = of.reservoir.noise_of((len(X), 8), "train")
    rls = RecursiveLeastSquares(8, 2, read.penalty * (len(X) - WASHOUT), how.forgetting)
    by_hand = rls if rule == "rls" else LeastMeanSquares(how.rate)
    end = before = fed = None
    errors = []
    for k, row in enumerate(X):
        x = row if k <= WASHOUT else fed
        followed = of.reservoir.run(x[None, None], end, before)
        end, before = followed.end, x[None]
        h = (followed.states[0, 0] + noise[k] - read.mean) / read.spread
        fed = FEEDBACK(h @ by_hand.weights + read.offset)
        if k >= WASHOUT:
            errors.append(by_hand.learn(h, Y[k] - read.offset))
    np.testing.assert_allclose(learnt.weights, by_hand.weights, atol=1e-8 * np.abs(by_hand.weights).max())
    assert np.abs(errors[-10:]).mean() < np.abs(Y[-10:] - read.offset).mean()


@pytest.mark.parametrize(
    ("settings", "variation"),
    [({"family": "deep", "layers": 2}, VariationSettings()), ({"mismatch": 0.05}, VariationSettings(chip=3, dac_offset=0.02))],
)
def test_its_circuit_runs_as_the_loop_does(settings, variation):
    """The crossbar that reads states and the sources behind it make what the read-out makes, on any chip."""
    of = loop(variation, noise=0.0, **settings)
    _, weights, bias = solved(of)
    made = of.run_free(weights, bias, 40).outputs
    closed = ClosedCircuit.of(of.reservoir, weights, bias, FEEDBACK)
    begin = closed.begin(of.synchronised.states[0, -1], of.reservoir)
    ran = integrate_clocked(closed.circuit, closed.chip, closed.g, Signal.hold(np.zeros((1, 40, 0)), 1e-6), begin)
    assert made.std() > 0.05
    np.testing.assert_allclose(ran.outputs[0], made, atol=1e-9)


def test_converters_round_what_is_read_and_fed_back():
    """Row by row, as single runs with converters do; the circuit, which has none, is refused."""
    bits = VariationSettings(dac_bits=5, dac_full_scale=0.15, adc_bits=6, adc_full_scale=0.14)
    of = loop(bits, noise=1e-3)
    _, weights, bias = solved(of)
    made = of.run_free(weights, bias, 3)
    assert (np.abs(made.states / (0.14 / 31) - np.round(made.states / (0.14 / 31))) < 1e-9).all()
    end, before, noise = of.synchronised.end, X[-1:], of.reservoir.noise_of((3, 8), "free")
    last = of.reservoir.noise_of((len(X), 8), "train")[-1]
    output = of.reservoir.rounded(of.synchronised.states[0, -1] + last) @ weights + bias
    for row, added in zip(made.outputs, noise, strict=True):
        x = FEEDBACK(output)[None]
        followed = of.reservoir.run(x[None], end, before)
        end, before, output = followed.end, x, of.reservoir.rounded(followed.states[0, -1] + added) @ weights + bias
        np.testing.assert_allclose(row, output, atol=1e-9)
    with pytest.raises(CircuitError, match=r"omit variation\.adc_bits"):
        ClosedCircuit.of(of.reservoir, weights, bias, FEEDBACK)


def test_its_deck_runs_free_in_ngspice(tmp_path):
    """By itself, without any source of data, within a microvolt."""
    of = loop(noise=0.0)
    _, weights, bias = solved(of)
    made = of.run_free(weights, bias, 12).outputs
    closed = ClosedCircuit.of(of.reservoir, weights, bias, FEEDBACK)
    nodes = closed.circuit.nodes("s1")
    measure = free_run_measure(closed.circuit, closed.chip, nodes, of.synchronised.states[0, -1], 12, 1e-6)
    path = tmp_path / "loop.cir"
    path.write_text(write_deck(closed.circuit, closed.chip, closed.g, x=np.zeros(0), measure=measure))
    printed = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, check=True).stdout
    volts = np.array([line.split()[1:] for line in printed.splitlines() if line[:1].isdigit()], dtype=float)
    np.testing.assert_allclose(volts[1:], made, atol=1e-6)


def test_a_continuous_loop_holds_each_output_for_a_row():
    """Its rows are those of single runs, and no deck is written of it."""
    settings = ReservoirSettings(nodes=6, fan_in=3, leak=0.7, input_scale=0.1, noise=0.0, dynamics="continuous")
    of = ClosedLoop(Reservoir(settings, 2), X, FEEDBACK)
    _, weights, bias = solved(of)
    made = of.run_free(weights, bias, 2).outputs
    end, before = of.synchronised.end, X[-1:]
    output = of.synchronised.states[0, -1] @ weights + bias
    for row in made:
        x = FEEDBACK(output)[None]
        followed = of.reservoir.run(x[None], end, before)
        end, before, output = followed.end, x, followed.states[0, -1] @ weights + bias
        np.testing.assert_allclose(row, output, atol=1e-5)
    with pytest.raises(CircuitError, match=r"set reservoir\.dynamics to 'clocked'"):
        ClosedCircuit.of(of.reservoir, weights, bias, FEEDBACK)


def test_ngspice_closes_no_loop_by_itself():
    """The refusal names what does."""
    of = loop(noise=0.0)
    _, weights, bias = solved(of)
    other = Reservoir(of.reservoir.settings, 2, engine="ngspice")
    with pytest.raises(UnsupportedCircuitError, match="use the numeric engine"):
        ClosedLoop(other, X[:2], FEEDBACK).learn(Y[:1], RidgeReadout(np.zeros(8), np.ones(8), weights, bias, 1.0), DigitalForce())


TABLE = {
    "name": "forced",
    "reservoir": {"nodes": 8, "fan_in": 3, "washout": 20},
    "blocks": [{"kind": "digital", "layers": [{"kind": "dense", "size": 1}], "optimizer": {"kind": "force"}}],
    "data": {"name": "henon", "task": "regression", "length": 150},
    "training": {"epochs": 1, "precision": "float64"},
}


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("reservoir", None, "there is none; add .reservoir."),
        ("data", {"name": "narma10"}, "foretells itself, and data are narma10"),
        ("training", {"engine": "ngspice"}, "set it to 'numeric'"),
        ("training", {"epochs": 2}, "set it to 1"),
        ("blocks", {"rule": "lms", "forgetting": 0.9}, "forgetting = 0.9 does nothing with rule = 'lms'"),
        ("blocks", {"rate": 0.3}, "rate = 0.3 does nothing with rule = 'rls'; omit it, or set rule to 'lms'"),
    ],
)
def test_what_closes_no_loop_is_refused(section, values, message):
    """In one line, before anything runs."""
    table = dict(TABLE)
    if values is None:
        del table[section]
        table["blocks"] = [TABLE["blocks"][0] | {"inputs": 1}]
    elif section == "blocks":
        table["blocks"] = [TABLE["blocks"][0] | {"optimizer": {"kind": "force"} | values}]
    else:
        table[section] = TABLE[section] | values
    with pytest.raises(ExperimentError, match=message) as error:
        make(table, "test")
    assert "\n" not in str(error.value)
