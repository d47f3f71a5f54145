"""A dense layer with [device] is a crossbar: it computes with the conductances that its devices have, and learns as they are written."""

from dataclasses import replace

import numpy as np
import pytest

from hwsim.chains.chain import Chain
from hwsim.experiment.experiment import ExperimentError, make
from hwsim.reservoir.closed_circuit import ClosedCircuit
from hwsim.reservoir.loop_feedback import LoopFeedback
from hwsim.session import Session
from hwsim.settings.device_settings import DeviceSettings

RIDGE = {"kind": "digital", "layers": [{"kind": "dense", "size": 1}], "optimizer": {"kind": "ridge"}}
TABLE = {
    "name": "small",
    "reservoir": {"nodes": 10, "family": "cycle", "leak": 0.7, "washout": 20, "v_bias": 0.5},
    "blocks": [RIDGE],
    "data": {"name": "henon", "task": "regression", "error": "nrmse", "length": 150},
    "training": {"epochs": 1, "precision": "float64"},
}
DIGITAL = Session.of(make(TABLE, "test"))
WRITTEN = {"preset": "taox-hfox", "scheme": "write-verify", "verify_rounds": 20}


def session(device, **sections):
    """Return the experiment with devices, on the states of the digital one."""
    experiment = make(TABLE | {"device": device} | sections, "test")
    made = Session.of(experiment)
    made.source._converted[experiment.variation] = DIGITAL.data
    return made


def learnt(one):
    """Return what a session's training leaves, with the last row of its metrics."""
    with one.training_solver() as solver:
        trainer = one.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        return trainer.g(last.state), last.record


def outputs(one, g):
    """Return the read-outs of the test set."""
    with one.solver() as solver:
        return np.asarray(one.reading.read(solver, g, one.data.x_test, 0)[0])


@pytest.mark.parametrize("coding", ["single", "mirrored", "one-sided"])
def test_its_devices_are_at_their_levels_and_make_the_outputs(coding):
    """Currents into columns at 0 V, whose difference is a weighted sum of the states and of the bias line."""
    levels = 5
    one = session({"levels": levels, "coding": coding})
    g, record = learnt(one)
    read, unit = g["b1_read"], float(g["b1_unit"][0])
    number = (read - 1e-7) / ((1e-5 - 1e-7) / (levels - 1))
    np.testing.assert_allclose(number, number.round(), atol=1e-9)
    v = np.column_stack([one.data.x_test, np.full(len(one.data.x_test), 0.5)])
    made = (v @ read)[:, :1] - (v @ read)[:, 1:]
    np.testing.assert_allclose(outputs(one, g), made / unit, rtol=1e-12)
    assert record["flips"] > 0
    assert one.circuit.memristors == read.size == 22


def test_many_levels_are_ridge_regression():
    """The finest ones round weights so little that the error stays, but for the last fifth, which chooses alone; few make it larger."""
    (_, exact), (_, fine), (_, coarse) = (learnt(one) for one in (DIGITAL, session({"levels": 256}), session({"levels": 2})))
    assert fine["test_error"] == pytest.approx(exact["test_error"], rel=0.05)
    assert coarse["test_error"] > fine["test_error"]


def test_verified_writing_is_nearer_to_its_targets():
    """By pulses alone, weights miss their targets by what pulses differ; a chip's own spreads count."""
    off = []
    for device in (WRITTEN, {"preset": "taox-hfox"}):
        one = session(device)
        devices = Chain(one.experiment, one.circuit).crossbars[0]
        (part,) = one.circuit.parts
        wanted = devices.laid_out(part.dense(devices.blank() | {"b1_read": np.linspace(1e-6, 1e-5, 22).reshape(11, 2)}))
        programming, begun = devices.pairs("float64"), devices.blank()["b1_read"]
        start, state = programming.begin({"b1_read": begun})
        done = programming.update(start, {"b1_read": wanted["b1_read"] - start["b1_read"]}, one.chip, np.uint32(1), state)
        off.append(np.abs(done.g["b1_read"] - wanted["b1_read"]).max())
    assert off[0] < 0.5 * off[1]


def test_it_learns_by_least_mean_squares():
    """Sample after sample, w ← w + rate·e·v: half of a step on either device of a pair, by pulses or, of exact devices, as it is."""
    rate, one_by_one = 0.1, {"training": {"epochs": 1, "batch": 1, "precision": "float64"}}
    descends = {"blocks": [RIDGE | {"optimizer": {"kind": "sgd", "rate": rate}}], **one_by_one}
    one = session({"preset": "ideal"}, **descends)
    g, _ = learnt(one)
    w = np.zeros(11)
    v, y = np.column_stack([one.data.x_train, np.full(100, 0.5)]), np.asarray(one.task.train.y)[:, 0]
    with one.training_solver() as solver:
        order = one.trainer(solver).plan(0).order[:, 0]
    for k in order:
        w += rate * (y[k] - v[k] @ w) * v[k]
    weights, biases = one.circuit.parts[0].dense(g)
    np.testing.assert_allclose([*weights[:, 0], biases[0] / 0.5], w, rtol=1e-9)
    _, record = learnt(session({"preset": "gokmen-vlasov"}, **descends))
    assert record["pulses"] > 0
    assert record["test_error"] < 1.1


def test_chips_noise_and_converters_count():
    """A chip has devices of its own, drifts and is warm; outputs are read with noise, and rounded."""
    one = session({"preset": "pcm", "pairs": True})
    g = {"b1_read": np.linspace(1e-6, 9e-6, 22).reshape(11, 2), "b1_unit": np.array([1e-6])}
    usual = outputs(one, g)
    aged = one.changed("variation", after=1e5)
    assert (aged.programmed(g)["b1_read"] < one.programmed(g)["b1_read"]).all()
    spread = one.changed("variation", g_max=0.3)
    assert not np.array_equal(spread.programmed(g)["b1_read"], spread.on_chip(1).programmed(g)["b1_read"])
    assert np.abs(outputs(one.changed("noise", read_floor=0.1), g) - usual).std() == pytest.approx(0.1, rel=0.5)
    rounded = replace(one.changed("variation", adc_bits=3, adc_full_scale=3.0), source=one.source)
    rounded.source._converted[rounded.experiment.variation] = DIGITAL.data
    assert set(np.unique(outputs(rounded, g).round(9))) <= set(range(-3, 4))


def test_the_circuit_of_its_loop_has_its_devices():
    """The closed circuit's crossbar has the same conductances, and makes the same outputs."""
    g = {"b1_read": np.linspace(1e-6, 9e-6, 22).reshape(11, 2), "b1_unit": np.array([1e-5])}
    one = session(WRITTEN)
    (part,) = one.circuit.parts
    feedback = LoopFeedback(np.ones(1), np.zeros(1))
    closed = ClosedCircuit.of(one.reservoir, *part.dense(g), feedback, part.pairs(g))
    np.testing.assert_array_equal(closed.g["read"], g["b1_read"])
    gains = [closed.chip(name, "gain") for name in ("sum", "minus")]
    np.testing.assert_allclose(np.ravel(gains), g["b1_read"].sum(axis=0) / 1e-5)


@pytest.mark.parametrize(
    "section", [{"noise": {"read": 0.01}}, {"noise": {"read_floor": 1e-3}}, {"variation": {"adc_bits": 6, "adc_full_scale": 1.0}}]
)
def test_a_loop_over_it_is_read_exactly(section):
    """What would round or blur its outputs is refused by its key."""
    ((name, keys),) = section.items()
    with pytest.raises(ExperimentError, match=f"omit {name}.{next(iter(keys))}$"):
        session({"levels": 4}, **section).loop  # noqa: B018 - a property


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"device": {"preset": "reram-sb", "rounding": "sign"}}, "device.rounding = 'sign' learns by small steps"),
        ({"device": {"preset": "reram-sb", "max_pulses": 50}}, "device.max_pulses = 50 bounds the pulses of an update"),
        ({"device": {"levels": 4}, "company": {"chips": 2, "exchange": "sums"}}, "read-outs of chips in company are digital"),
        ({"device": {"levels": 4}, "noise": {"thermal": True}}, "noise.thermal is about circuits"),
        ({"device": {"levels": 4}, "training": {"epochs": 2, "precision": "float64"}}, "training.epochs = 2; set it to 1"),
    ],
)
def test_what_does_not_write_it_is_refused(sections, message):
    """In one line, with what to change."""
    with pytest.raises(ExperimentError, match=message):
        make(TABLE | sections, "test")


def test_without_device_the_layer_is_digital():
    """As is any layer that is not all of the chain."""
    assert make(TABLE, "test").crossbar is None
    assert make(TABLE | {"device": {"levels": 4}}, "test").crossbar == (1e-7, 1e-5, 0.5)
    assert not DeviceSettings().programmed


@pytest.mark.parametrize("device", [{"levels": 32}, WRITTEN])
def test_the_bias_makes_up_for_what_weights_are_off(device):
    """It is written last: the mean of the outputs is as near to the targets' as a device of the bias line comes to its own target."""
    one = session(device)
    g, _ = learnt(one)
    v = np.column_stack([one.data.x_train, np.full(len(one.data.x_train), 0.5)])
    weights = (g["b1_read"][:, :1] - g["b1_read"][:, 1:]) / g["b1_unit"]
    learned = np.asarray(one.task.train.y)[:80]  # the last fifth has chosen the penalty
    nearest = 0.5 * (1e-5 - 1e-7) / 31 / g["b1_unit"][0]
    assert abs((v[:80] @ weights - learned).mean()) <= 1.01 * nearest
