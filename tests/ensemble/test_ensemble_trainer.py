"""An ensemble trainer does on many chips at once what each training does by itself, and more where chips exchange gradients."""

import numpy as np
import pytest

from circuits.chip import Chip
from hwsim.ensemble.ensemble_trainer import EnsembleTrainer, mean_of_chips
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.state import State
from hwsim.learning.trainer import Trainer
from hwsim.numeric.layered.stack import stack_trees
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session

XOR = override(load("xor"), ["training.epochs=2", "training.batch=2", "variation.diode_i_sat=0.3", "variation.gain=0.05"])


def trainer(chip: int, seed: int, *settings: str) -> Trainer:
    session = Session.of(override(XOR, [f"variation.chip={chip}", f"training.seed={seed}", *settings]))
    return session.trainer(session.training_solver())


LEVELS = ("device.levels=4", "device.coding=mirrored", "variation.stuck=0.1", "circuit.g_min=1e-6", "circuit.g_max=4e-5")


@pytest.mark.parametrize("settings", [(), LEVELS], ids=["plain", "levels"])
def test_chips_learn_what_each_learns_by_itself(settings: tuple[str, ...]) -> None:
    """Another chip and another seed: conductances are those learned alone within 1e-12 of the largest a step, and sums are too."""
    each = [trainer(0, 0, *settings), trainer(1, 5, *settings)]
    ensemble = EnsembleTrainer(each)
    *_, last = ensemble.run(ensemble.begin())
    for k, (one, state) in enumerate(zip(each, ensemble.apart(last.state), strict=True)):
        alone = one.begin().carry
        for epoch in range(one.settings.epochs):
            alone = one.advance(alone._replace(sums=one.zero_sums()), one.plan(epoch), 0, one.steps)
        for name, g in alone.g.items():
            most = 1e-12 * one.settings.epochs * one.steps * np.asarray(g).max()
            np.testing.assert_allclose(state.g[name], g, rtol=0, atol=most, err_msg=name)
        assert (state.epoch, state.step, last.record["samples"][k]) == (2, 0, one.steps * one.batch)
        assert last.record["loss"][k] == pytest.approx(float(alone.sums.loss), rel=1e-10)


def test_every_chip_is_audited() -> None:
    """A chip whose outputs hardly see the nudge learns from rounding, and only that one fails, wherever it stands."""
    session = Session.of(override(XOR, ["training.epochs=1"]))
    outputs = session.circuit.outputs
    chips = [Chip(session.circuit, {outputs.name: {"gain": np.full(len(outputs), gain)}}) for gain in (1.1, 1e-13, 1.2)]
    failed = [
        each.failed for each in EnsembleTrainer([session.trainer(NumericEngine().prepare(session.circuit, chip)) for chip in chips]).train()
    ]
    assert failed[0] is failed[2] is None
    assert "is rounding" in str(failed[1])


def test_an_ensemble_reports_each_epoch_and_resumes_bit_for_bit() -> None:
    """From states that were saved as arrays within the first epoch, pulses and all, as if it had not stopped."""
    ensemble = EnsembleTrainer([trainer(chip, 0, "device.preset=reram-sb") for chip in (0, 1)])
    run = ensemble.run(ensemble.begin())
    begun = ensemble.apart(next(run).state)
    assert [(state.epoch, state.step) for state in begun] == [(0, 1), (0, 1)]
    *_, whole = run
    saved = [State.from_arrays(state.arrays(), one.circuit) for state, one in zip(begun, ensemble.trainers, strict=True)]
    *reports, resumed = ensemble.run(ensemble.together(saved))
    assert [report.epoch for report in reports if report.record] == [0]
    np.testing.assert_equal(resumed.record, whole.record)
    for state, uninterrupted in zip(ensemble.apart(resumed.state), ensemble.apart(whole.state), strict=True):
        arrays, others = ({name: values for name, values in one.arrays().items() if name != "seconds"} for one in (state, uninterrupted))
        np.testing.assert_equal(arrays, others)


def test_the_mean_of_chips_gradients_is_that_of_one_chip_with_all_their_batches() -> None:
    """Chips that start alike stay alike, and n chips with batches of B learn what one learns with batches of n·B."""
    small, large = trainer(0, 0, "training.batch=1"), trainer(0, 0)
    together, begun, plan = EnsembleTrainer([small, small], exchange=mean_of_chips), small.begin(), large.plan(0)
    halves = [plan._replace(order=plan.order[:, some]) for some in (slice(0, 1), slice(1, 2))]
    done = together.advance(stack_trees([begun.carry] * 2), stack_trees(halves), 0, 1, newton=begun.newton)
    alone = large.advance(large.begin().carry, plan, 0, 1, newton=begun.newton)
    moved = False
    for name, g in alone.g.items():
        one, other = np.asarray(done.g[name])
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, g, rtol=1e-12)
        moved |= bool((one != begun.g[name]).any())
    assert moved
