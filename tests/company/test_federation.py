"""Federated reservoirs: the read-out of sums is that of all samples, and gains and biases are the mean of what chips adapt."""

import json
import os
import signal

import numpy as np
import pytest

from hwsim.company.federated_run import train_federation
from hwsim.company.federation import Collected, Federation
from hwsim.experiment.experiment import make
from hwsim.files.raw import DataError
from hwsim.reservoir.plasticity import IntrinsicPlasticity
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.ridge_sums import StateSums, parted, solved
from hwsim.runs.epoch_loop import InterruptedRunError
from hwsim.runs.start import new_run, resumed_run
from hwsim.session import Session
from hwsim.settings.variation_settings import VariationSettings

READ_OUT = {"kind": "digital", "layers": [{"kind": "dense", "size": 1}], "optimizer": {"kind": "ridge"}}
TABLE = {
    "name": "small",
    "reservoir": {"nodes": 8, "family": "cycle", "leak": 0.7, "washout": 20},
    "blocks": [READ_OUT],
    "data": {"name": "henon", "task": "regression", "error": "nrmse", "length": 200},
    "training": {"epochs": 1, "precision": "float64"},
}
"""160 rows to learn from, 40 to test on."""

FIXED = READ_OUT | {"optimizer": {"kind": "ridge", "penalty": 1e-3}}


def experiment(exchange="sums", reservoir=None, block=READ_OUT, **company):
    """Return an experiment of two chips, with 60 samples each."""
    table = TABLE | {"reservoir": TABLE["reservoir"] | (reservoir or {}), "blocks": [block]}
    return make(table | {"company": {"chips": 2, "exchange": exchange} | company}, "test")


def federation(*args, **keys):
    """Divide the series among them."""
    one = experiment(*args, **keys)
    return Federation.of(one, one.company)


def collected(one):
    """Let all chips have their turns."""
    so_far = one.begin()
    for _ in range(one.turns):
        so_far = one.turn(so_far)
    return so_far


def bits(read):
    """Return a read-out's arrays as one."""
    return np.concatenate([np.ravel(part) for part in (read.mean, read.spread, read.weights, read.offset)])


def test_sums_are_central_ridge_bit_for_bit():
    """Of states that are driven by hand, part by part from 0 V, summed up in the order of the chips."""
    one = federation()
    raw, settings = one.clients[0].whole, one.clients[0].experiment.reservoir
    task, totals = Session.of(make(TABLE, "test"), data=raw).source.data.scale, [StateSums.none(8, 1)] * 2
    for k, part in enumerate((slice(0, 80), slice(80, 160))):
        reservoir = Reservoir(settings, 1, VariationSettings(chip=k))
        run = reservoir.run(np.concatenate([raw.x_train[part], raw.x_test])[None]).states[0]
        states = reservoir.as_read(run[:80], "train")[20:]
        totals = [total + of for total, of in zip(totals, parted(states, task.volts(raw.y_train[part][20:]), None), strict=True)]
    assert totals[0].count + totals[1].count == 120
    np.testing.assert_array_equal(bits(one.readout(collected(one), 0)), bits(solved(*totals, None)))


def test_one_client_is_a_plain_training():
    """A chip that has the whole series sends sums, of which it gets the read-out that it would have learnt alone."""
    whole = federation(shards="same")
    one = Federation(whole.clients[:1], whole.settings)
    read, plain = one.readout(collected(one), 0), Session.of(make(TABLE, "test"))
    with plain.training_solver() as solver:
        trainer = plain.trainer(solver)
        *_, last = trainer.run(trainer.begin())
        g = trainer.g(last.state)
    outputs = plain.data.x_test @ g["b1_0.weight"].T + g["b1_0.bias"]
    assert np.abs(read(plain.data.x_test) - outputs).max() < 1e-9 * outputs.std()


def test_the_order_of_clients_is_rounding():
    """Within 1e-12 of the outputs."""
    one = federation(block=FIXED, sizes=[40])
    other = Federation(one.clients[::-1], one.settings)
    states = one.clients[0].learnt_from[0]
    first, second = (each.readout(collected(each), 0)(states) for each in (one, other))
    assert np.abs(first - second).max() < 1e-12 * first.std()
    alone = Federation(one.clients[:1], one.settings)
    assert np.abs(alone.readout(collected(alone), 0)(states) - first).max() > 1e-4 * first.std(), "both chips count"


def test_plasticity_of_equal_clients_is_plain_plasticity():
    """The mean of equal gains and biases is what one chip adapts in as many passes."""
    keys = {"rounds": 2, "every": 3, "state_std": 0.03}
    one = federation("plasticity", **keys)
    same = Federation([one.clients[0]] * 3, one.settings)
    nodes, client = same.nodes(collected(same)), one.clients[0]
    after = IntrinsicPlasticity(std=0.03, passes=6)(client.session.reservoir, client.part.x_train[None], 20).drawn.begun
    np.testing.assert_allclose(nodes.a, after.a, rtol=1e-8)  # the mean of equal numbers is rounded, and six passes amplify that
    np.testing.assert_allclose(nodes.b, after.b, rtol=0, atol=1e-8)
    assert np.abs(after.a - 1).max() > 0.01


def test_gains_are_weighed_by_samples():
    """A chip with twice the samples counts twice; each has the mean, and keeps its own device spreads."""
    one = federation("plasticity", rounds=1, sizes=[40], reservoir={"mismatch": 0.1})
    assert [client.samples for client in one.clients] == [40, 80]
    each = [client.with_nodes(client.initial).adapted(IntrinsicPlasticity(passes=1)) for client in one.clients]
    end = collected(one)
    np.testing.assert_allclose(end.gains, (each[0].a + 2 * each[1].a) / 3, rtol=1e-13)
    assert np.abs(each[0].a - each[1].a).max() > 1e-4
    for k in range(2):
        reservoir = one.ending(end, k).session.reservoir
        np.testing.assert_array_equal(reservoir.drawn.layers[0].adapted.a, end.gains)
        assert reservoir.variation.chip == k
    assert "the chips differ" in one.notes()[-1]


def test_few_samples_are_warned_of_and_left_out():
    """Their sums have the rank of their number; left out, they change nothing, and get the read-out of the others."""
    few = federation(sizes=[6], block=FIXED)
    assert np.linalg.matrix_rank(few.clients[0].sums(1e-3)[0].hh, rtol=1e-9) == 6
    assert len(few.notes()) == 1
    assert "of fewer samples than the 8 states, sums reveal nearly all: 6 (chip 0)" in few.notes()[0]
    without = federation(sizes=[6], block=FIXED, least_samples=8)
    assert without.notes() == ["chip 0 has 6 samples, fewer than company.least_samples = 8: it sends nothing, and gets the read-out"]
    others = Federation(few.clients[1:], few.settings)
    np.testing.assert_array_equal(bits(without.readout(collected(without), 0)), bits(others.readout(collected(others), 0)))
    with pytest.raises(DataError, match="least_samples = 100, and no chip has more than 60 samples"):
        federation(least_samples=100)
    with pytest.raises(DataError, match="chip 0 has 3 samples, too few to choose a penalty"):
        federation("none", sizes=[3])
    assert federation(sizes=[3]).notes(), "with others, a fifth of all is enough"


def test_without_exchange_each_has_its_own():
    """Nothing is sent, and read-outs differ."""
    one = federation("none")
    reads = [one.readout(one.begin(), k) for k in range(2)]
    for k, read in enumerate(reads):
        np.testing.assert_array_equal(bits(read), bits(solved(*one.clients[k].sums(None), None)))
    assert np.abs(bits(reads[0]) - bits(reads[1])).max() > 1e-3
    assert (one.turns, one.sent_bytes(one.begin()), one.notes()) == (0, 0, [])


def test_bytes_are_those_of_the_numbers():
    """8 of each; a penalty that is to be chosen needs the sums of the validation samples as well."""
    sums = 1 + 8 + 2 + 8 * 9 // 2 + 8
    for one, sets in ((federation(), 2), (federation(block=FIXED), 1)):
        assert one.sent_bytes(one.begin()) == 8 * (2 * sets * sums + 2 * 9)
    one = federation("plasticity", rounds=3)
    assert one.sent_bytes(one.begin()) == 8 * (2 * 2 * sums + 2 * 9 + 3 * 2 * (17 + 16))


def test_resumed_is_uninterrupted(tmp_path):
    """Ctrl-C in a round of adaptation, and in that of sums, loses no digit of what chips sent."""
    one, ends = experiment("plasticity", rounds=2), {}
    for name, stops in (("whole", [6]), ("stopped", [2, 5, 6])):
        start = new_run(one, tmp_path / name)
        for stop in stops:
            with pytest.raises(InterruptedRunError, match="--resume"):
                train_federation(start, lambda turn, stop=stop: turn.done == stop and os.kill(os.getpid(), signal.SIGINT), print)
            start = resumed_run(one, tmp_path / name)
        ends[name] = dict(np.load(tmp_path / name / "checkpoint.npz"))
    seconds, processor_s, joules = ends["stopped"].pop("state/costs")
    assert ends["whole"].pop("state/costs").min() > 0
    assert ends["whole"]["state/turns"] == 6
    assert ends["whole"].keys() == ends["stopped"].keys()
    for key, values in ends["whole"].items():
        np.testing.assert_array_equal(values, ends["stopped"][key])
    summary = train_federation(start, lambda _: None, print).summary
    assert summary["seconds"] > seconds, "the last process only tested, and the earlier ones count"
    assert summary["processor_s"] > processor_s
    assert summary["simulation_J"] > joules
    of_chip = json.loads((tmp_path / "stopped" / "chip-0" / "summary.json").read_text())
    assert not [key for key in (*of_chip, *summary) if "residual" in key], "none was measured"


def test_what_has_been_collected_is_read_back():
    """Bit for bit, in the middle of a round."""
    one = federation("plasticity", rounds=1)
    so_far = one.turn(one.begin())
    again = Collected.read(so_far.arrays())
    assert again.arrays().keys() == so_far.arrays().keys()
    assert so_far.weighed.any()
    assert all(np.array_equal(values, again.arrays()[name]) for name, values in so_far.arrays().items())
