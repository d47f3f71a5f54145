"""Decks that learn by themselves: what memories, twins and bounds do, against the numeric engine."""

import tomllib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import hwsim as hw
from circuits.errors import CircuitError
from hwsim.core.protocol import ConvergenceError, Drive
from hwsim.experiment.experiment import ExperimentError
from hwsim.learning.losses import SquaredError
from hwsim.learning.rules.equilibrium_propagation import EquilibriumPropagation
from hwsim.learning.rules.nudges import Following
from hwsim.self_learning import embedded, giving_way
from hwsim.self_learning.compiled import in_turn, learning_of, self_learning_deck
from hwsim.self_learning.flow import AGREE_FLOW, distance, flow
from hwsim.self_learning.followed import follow
from hwsim.self_learning.options import LearningOptions
from support.decks import reports_progress

EPOCHS = 2
SLOW = {"rate": 1e-9}
"""A presentation then changes conductances by some hundredths, so that a deck's own steps are short next to the flow's changes."""

NETWORK = hw.Network(
    inputs=2,
    layers=[hw.Layer(2, neuron=hw.DiodePair(v_low=-0.05, v_high=0.0, i_sat=1e-6), amplifier=hw.Amplifier(gain=4.0, back=0.25))],
    outputs=1,
    g_min=1e-7,
)


def session(**settings):
    """Return a small circuit of exclusive or."""
    training = {"target_low": -0.1, "nudge.beta": 1e-6, "epochs": EPOCHS, "g_init": [1e-6, 5e-5]}
    return hw.Session.of(
        hw.load("xor", {"circuit": settings.pop("network", NETWORK)} | {f"training.{k}": v for k, v in training.items()} | settings)
    )


@cache
def learned(*options, presentations=None, **settings):
    """Return what a deck with some options learned."""
    one = session(**settings)
    text = self_learning_deck(one, one.begun(), LearningOptions(**SLOW | dict(options)))
    deck = embedded.Embedded(text, one.experiment, _resolved(text))
    return follow(deck, "deck", presentations)


def _resolved(text):
    lines = "\n".join(line[2:].removeprefix(" ") for line in text.splitlines() if line.startswith("*>"))
    return LearningOptions(**tomllib.loads(lines)["self_learning"])


def flat(g):
    """Return all conductances in a row."""
    return np.concatenate([np.ravel(values) for values in g.values()])


@pytest.mark.parametrize("twins", ["opposed", "free"])
def test_a_deck_follows_the_gradient_flow(twins):
    """As far as twins that are nudged or free let it, within a hundredth of the way."""
    assert distance(learned(("twins", twins)), 8) < AGREE_FLOW / 3


@pytest.mark.parametrize("twins", ["opposed", "free"])
def test_one_circuit_in_two_phases_goes_down_the_gradient_by_a_step_a_cycle(twins):
    """What its capacitors hold of both phases is the gradient, nudged to both sides or to one."""
    assert distance(learned(("twins", twins), ("cycles", 1), presentations=4), 4) < AGREE_FLOW / 10


def test_two_phases_approach_twins_as_they_alternate_faster():
    """Steps of half the size stay nearer to the flow that twins follow, by about a half."""
    count = 4
    twins, once, twice = (
        flat({name: values[2 * count - 1] for name, values in one.conductances.items()})
        for one in (learned(), *(learned(("cycles", n), presentations=count) for n in (1, 2)))
    )
    assert np.linalg.norm(twice - twins) < 0.6 * np.linalg.norm(once - twins)


@pytest.mark.parametrize("twin", [{"chops": 1}, {"mismatch": 0.1}])
def test_one_circuit_has_nothing_that_twins_alone_have(twin):
    """Sides that change, and conductances that differ."""
    one = session()
    with pytest.raises(ValueError, match="those of twins"):
        self_learning_deck(one, one.begun(), LearningOptions(cycles=1, **twin))


def test_conductances_that_give_way_are_where_springs_and_circuit_are_in_balance():
    """The deck's capacitors come to where the numeric engine solves for, cycle by cycle, and stay within the bounds."""
    knobs = (("cycles", 1), ("knobs", True), ("beta", 1e-5), ("rate", 1e-10))
    one = learned(*knobs, presentations=2)
    assert distance(one, 2) < AGREE_FLOW / 10
    narrow = learned(*knobs, presentations=1, network=replace(NETWORK, g_min=2e-5, g_max=3e-5))
    assert np.isin(flat(narrow.g), [2e-5, 3e-5]).any()
    assert (flat(narrow.g) != flat(narrow.begun)).any()
    assert distance(narrow, 1) < AGREE_FLOW / 10


@pytest.mark.parametrize("sides", [(1.0, -1.0), (1.0, 0.0)])
def test_conductances_that_give_way_step_down_the_gradient_as_springs_become_stiffer(sides):
    """The difference to a step of gradient descent falls with the rate, as a share of the step, to nothing."""
    one = session()
    learning = learning_of(one, one.begun(), LearningOptions(cycles=1, knobs=True, beta=1e-5, rate=1e-12))
    x, y = one.learnable.x_train[1:2], np.asarray(one.task.train.of(slice(1, 2)), np.float64)
    free, rule = {e.name: (0.0, np.inf) for e in one.circuit.trainable}, "centred" if sides[1] else "positive"
    g = one.begun()
    with one.solver() as solver:
        gradient = flat(EquilibriumPropagation(Following(1e-5), rule).gradient(solver, g, x, y, SquaredError()).g)
        off = []
        for rate in (1e-12, 1e-13, 1e-14):
            stiff = replace(learning, rates=[rate, rate], sides=sides)
            moved = flat(giving_way.step(solver, g, x, y, stiff, free)) - flat(g)
            off.append(np.linalg.norm(moved + rate * gradient) / np.linalg.norm(rate * gradient))
    assert off[2] < 1e-3
    np.testing.assert_allclose([off[0] / off[1], off[1] / off[2]], 10, rtol=0.05)


def test_springs_that_are_too_soft_are_refused(monkeypatch):
    """The circuit pulls harder on a conductance, the more that gives way, and no balance comes within the iterations that there are."""
    monkeypatch.setattr(giving_way, "_MOST", 2)
    one = session()
    learning = learning_of(one, one.begun(), LearningOptions(cycles=1, knobs=True, beta=1e-5, rate=1e-10))
    bounds = {e.name: (0.0, np.inf) for e in one.circuit.trainable}
    x, y = one.learnable.x_train[1:2], np.asarray(one.task.train.of(slice(1, 2)), np.float64)
    with one.solver() as solver, pytest.raises(ConvergenceError, match="a smaller --rate, or a larger --beta"):
        giving_way.step(solver, one.begun(), x, y, learning, bounds)


@pytest.mark.parametrize("wrong", [{}, {"cycles": 1, "resolution": 1e-6}])
def test_knobs_need_two_phases_and_compare_nothing(wrong):
    """Twins have no phases, and comparators nothing to decide."""
    one = session()
    with pytest.raises(ValueError, match="knobs need the two phases"):
        self_learning_deck(one, one.begun(), LearningOptions(knobs=True, rate=1e-11, **wrong))


def test_springs_have_no_default():
    """A rate that fits the other circuits would let conductances give way to the bounds."""
    one = session()
    with pytest.raises(ValueError, match="has no default; begin with 1e-11"):
        self_learning_deck(one, one.begun(), LearningOptions(cycles=1, knobs=True))


def test_before_and_after_learning_nothing_moves_and_the_answers_are_the_numeric_engine_s():
    """The loss of each sample is that of the free circuit at the conductances of that time."""
    one = learned()
    shown, count = one.shown, one.shown.count
    with one.session.solver() as solver:
        for first, g in ((0, one.begun), (len(one.loss) - count, one.g)):
            rows = slice(first, first + count)
            for values in one.conductances.values():
                assert np.ptp(values[rows], axis=0).max() < 1e-12
            outputs = np.asarray(solver.solve(g, Drive(shown.x)).outputs(one.session.circuit))
            np.testing.assert_allclose(one.loss[rows], 0.5 * ((shown.y - outputs) ** 2).sum(axis=1), rtol=1e-5)
            right = one.session.task.train.answers(outputs) == one.session.task.train.labels
            np.testing.assert_array_equal(one.right[rows], right)


def test_sides_are_changed_without_changing_what_is_learned():
    """Twins that are alike learn the same with chops: both their nudge and their sign turn."""
    np.testing.assert_allclose(flat(learned(("chops", 1)).g), flat(learned().g), rtol=1e-3)


def test_chops_cancel_what_distinguishes_the_twins():
    """With a mismatch, twins that change sides stay nearer to the flow by far."""
    fixed, chopped = (distance(learned(("mismatch", 0.02), ("rate", 1e-11), *more), 4) for more in ((), (("chops", 1),)))
    assert fixed > 1
    assert chopped < 0.02 * fixed


def test_a_leak_takes_the_same_share_of_each_charge_in_each_presentation():
    """Without learning a memory decays exponentially."""
    one = learned(("leak", 50.0), ("rate", 0.0))
    lost = flat(one.g) / flat(one.begun)
    free = flat(one.g) > 2e-7  # others stop at the lower bound
    np.testing.assert_allclose(lost[free], np.exp(-(len(one.loss) - 1) / 50), rtol=1e-4)


def test_bounds_hold_what_learning_drives_beyond_them():
    """A deck in whose range few of the conductances fit follows the flow that its bounds stop."""
    one = learned(network=replace(NETWORK, g_min=2e-5, g_max=3e-5))
    start = flat(one.begun)
    assert np.isin(start, [2e-5, 3e-5]).mean() > 0.4
    assert distance(one, 8) < AGREE_FLOW


def test_comparators_move_each_memory_by_equal_steps_against_the_sign_of_the_gradient():
    """Where the gradient is well above what they resolve."""
    step = 1e-8
    one = learned(("resolution", 1e-9), ("rate", step), presentations=1)
    moved = flat(one.g) - flat(one.begun)
    np.testing.assert_allclose(np.abs(moved), step, rtol=1e-2)
    gradient = learned(("rate", 1e-12))
    (first,) = flow(gradient, 1)
    np.testing.assert_array_equal(np.sign(moved), np.sign(flat(first) - flat(gradient.begun)))


def test_comparators_in_two_phases_decide_as_those_of_twins():
    """A presentation moves each memory by the same step to the same side."""
    twins, phases = (learned(("resolution", 1e-9), ("rate", 1e-8), *more, presentations=1) for more in ((), (("cycles", 1),)))
    np.testing.assert_allclose(flat(phases.g) - flat(phases.begun), flat(twins.g) - flat(twins.begun), rtol=1e-2)


def test_comparators_that_average_move_memories_against_the_sign_of_the_sum():
    """Over a time that is long next to all presentations, they decide by what all of them together amount to."""
    step, passed = 1e-10, 4 * EPOCHS
    one = learned(("resolution", 1e-12), ("rate", step), ("average", 1e6), presentations=passed)
    gradient = learned(("rate", 1e-12))
    path = np.array([flat(gradient.begun), *(flat(g) for g in flow(gradient, passed))])
    total, count = path[1:] - path[0], one.shown.count
    volts = np.array([flat({name: values[count - 1 + k] for name, values in one.conductances.items()}) for k in range(passed + 1)])
    moved, sure = np.diff(volts, axis=0)[1:], np.sign(total[1:]) == np.sign(total[:-1])
    assert sure.mean() > 0.8
    np.testing.assert_allclose(moved[sure], step * np.sign(total[1:])[sure], rtol=2e-2)


def test_a_chip_s_values_are_those_of_both_twins():
    """It follows the flow of its own chip, which is another than that of the nominal one."""
    varied = learned(**{"variation.rails": 0.02, "variation.chip": 3})
    assert distance(varied, 4) < AGREE_FLOW / 3
    nominal = learned()
    assert not np.allclose(flat(varied.g), flat(nominal.g), rtol=1e-3)


def test_classes_that_come_one_after_the_other_are_shown_in_turn():
    """None is forgotten while others are shown; samples in another order stay in it."""
    assert in_turn(np.array([0, 0, 0, 1, 2, 2])).tolist() == [0, 3, 4, 1, 5, 2]
    assert in_turn(np.array([0, 1, 1, 0])).tolist() == [0, 1, 2, 3]


def test_the_same_arguments_write_the_same_bytes():
    """Mismatch is drawn from the chip's number; and ngspice prints results alone."""
    texts = [self_learning_deck(one, one.begun(), LearningOptions(mismatch=0.1)) for one in (session(), session())]
    assert texts[0] == texts[1]
    assert not reports_progress(texts[0])


def test_a_deck_says_what_it_was_made_of(tmp_path):
    """Its experiment and its options come back; without these lines it is refused in one line."""
    one = session()
    text = self_learning_deck(one, one.begun(), LearningOptions(leak=3.0))
    (tmp_path / "deck.cir").write_text(text)
    read = embedded.read(str(tmp_path / "deck.cir"))
    assert read.experiment == one.experiment
    assert replace(read.options, rate=None, volt=None, beta=None) == LearningOptions(leak=3.0)
    assert read.options.beta == 1e-6
    (tmp_path / "bare.cir").write_text("\n".join(line for line in text.splitlines() if not line.startswith("*>")))
    with pytest.raises(ExperimentError, match="has no lines that begin with"):
        embedded.read(str(tmp_path / "bare.cir"))
    (tmp_path / "wrong.cir").write_text(text.replace("leak = 3.0", 'leak = "long"'))
    with pytest.raises(ExperimentError, match=r"self_learning\.leak = 'long'"):
        embedded.read(str(tmp_path / "wrong.cir"))


def test_what_cannot_be_doubled_is_refused():
    """Parts that ngspice alone knows, and circuits too large for a simulation in time."""
    one = hw.Session.of(hw.load("examples/mosfet-network"))
    with pytest.raises(CircuitError, match="that ngspice alone simulates"):
        self_learning_deck(one, one.begun(), LearningOptions())
    large = hw.Session.of(hw.load("mnist-100", {"data.name": "digits"} | {"circuit.inputs": 64}))
    with pytest.raises(CircuitError, match="at most"):
        self_learning_deck(large, large.begun(), LearningOptions())
