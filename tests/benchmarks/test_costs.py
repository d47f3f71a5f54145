"""Chains against digital twins, companies against their chips one by one, time against ngspice: like with like. Their clock only counts."""

import itertools
from collections.abc import Callable
from functools import cache

import jax
import numpy as np
import pytest

from circuits.chip import Chip
from cli import bench_text
from hwsim.benchmarks import block_speed, company_speed, growth, ratio_plots, transient_speed
from hwsim.benchmarks.contestants import shuffled
from hwsim.benchmarks.device_cost import Cost
from hwsim.benchmarks.digital_twin import DigitalTwin, twin_layers
from hwsim.benchmarks.epoch_runner import EpochRunner
from hwsim.benchmarks.scaling import ScalingPoint
from hwsim.benchmarks.turns import Spread
from hwsim.company.company import Company
from hwsim.company.company_result import settings_of
from hwsim.company.members import Members
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.learning.dataset import Dataset
from hwsim.ngspice.ngspice_engine import NgspiceEngine
from hwsim.numeric.numeric_engine import NumericEngine

ONCE = Spread(median=1.0, least=1.0, most=1.0)


def ticking() -> Callable[[], float]:
    """Return a clock on which every look takes a second."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def patterns(samples: int = 48) -> Dataset:
    """Return samples of three classes that can be separated."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=samples)
    x = np.clip(np.eye(4)[labels] + 0.1 * rng.normal(size=(samples, 4)), 0, 1)
    names = ("a", "b", "c")
    return Dataset(name="patterns", x_train=x, labels_train=labels, x_test=x[:9], labels_test=labels[:9], class_names=names)


def chain() -> Experiment:
    """Return two small circuits with a normalisation between them."""
    changes = {"blocks[0].circuit.inputs": 4, "blocks[0].circuit.outputs": 3, "blocks[2].circuit.inputs": 3, "blocks[2].circuit.outputs": 3}
    sizes = {f"blocks[{k}].circuit.layers[0].size": 5 for k in (0, 2)}
    return load("ff-digits", changes | sizes | {"name": "small", "training.batch": 8, "data.name": "iris"})


@cache
def timed() -> tuple[Cost, ...]:
    """Time one case of each."""
    turns = {"rounds": 2, "clock": ticking()}
    company = override(load("iris"), ["company.chips=2", "company.exchange=mean-gradient"])
    return (
        block_speed.compare(chain(), patterns(), seconds=1.0, **turns),
        company_speed.compare(company, seconds=1.0, **turns),
        *transient_speed.compare(columns=3, samples=(4, 2), **turns),
    )


def test_each_is_compared_with_what_stands_in_its_place() -> None:
    """With a clock that ticks a second a look, turns of as many samples take as long; each can be drawn."""
    blocks, company, one, many = timed()
    assert blocks.ratio == company.ratio == ONCE
    assert one.ratio.median == pytest.approx(2 / 4)
    assert many.ratio.median == pytest.approx(2 / (4 * transient_speed.SEQUENCES[1]))
    assert [cost.rounds for cost in timed()] == [2] * 4
    for kind, costs in (("blocks", [blocks]), ("company", [company]), ("transient", [one, many])):
        assert ratio_plots.DRAW[kind](costs).startswith(b"\x89PNG")


def test_a_twin_has_weights_where_its_chain_has_crossbars() -> None:
    """Dense layers and hyperbolic tangents in the circuits' place, the digital layers as they are."""
    kinds = [layer.kind for layer in twin_layers(chain())]
    assert kinds == ["dense", "tanh", "dense", "batch-norm", "dense", "tanh", "dense"]
    for name in ("iris", "conv-mnist"):
        with pytest.raises(ExperimentError, match="name a chain"):
            twin_layers(load(name))


def test_a_twin_learns_in_32_bits() -> None:
    """Classes that can be separated are; running averages move too, and all arrays stay in 32 bits."""
    data = patterns()
    twin, order = DigitalTwin(chain(), data), shuffled(len(data.x_train), 8)
    begun = {name: np.array(values) for name, values in twin.learned.averages.items()}
    twin.learn(order(0))
    first = twin.error
    twin.learn(np.concatenate([order(k) for k in range(1, 150)]))
    twin.learn(order(150))
    assert twin.error < 0.5 * first
    assert all((np.asarray(twin.learned.averages[name]) != values).any() for name, values in begun.items())
    assert {leaf.dtype for leaf in jax.tree.leaves((twin.learned.weights, twin.learned.averages))} == {np.dtype(np.float32)}


def test_chips_in_company_end_where_they_end_one_by_one() -> None:
    """Without an exchange, an epoch side by side is that of each chip by itself, but for the order of sums."""
    given = override(load("iris"), ["company.chips=2", "company.exchange=none", "training.epochs=3"])
    settings = settings_of(given)
    with Company(Members.of(given, settings), settings) as company:
        together = EpochRunner(company.alone)
        together.epoch()
        for trainer, state in zip(company.alone.trainers, company.alone.apart(together.state), strict=True):
            alone = EpochRunner(trainer)
            alone.epoch()
            for name, values in trainer.g(alone.state).items():
                np.testing.assert_allclose(trainer.g(state)[name], values, rtol=1e-4)


def test_both_engines_integrate_the_same_circuit() -> None:
    """The states that are timed are ngspice's, within a few microvolts, with as few steps as are timed."""
    circuit, g, signal = transient_speed.recurrent(6, 1, 5)
    chip = Chip.nominal(circuit)
    with NumericEngine().prepare(circuit, chip) as numeric, NgspiceEngine(workers=1).prepare(circuit, chip) as ngspice:
        ours = numeric.integrate(g, signal, groups=["h1"], steps=transient_speed.STEPS)
        theirs = ngspice.integrate(g, signal, groups=["h1"])
    np.testing.assert_allclose(np.asarray(ours.v["h1"]), theirs.v["h1"], atol=2e-5)


def test_growth_is_of_chips_and_of_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the chips hold twice the conductances and do twice the samples; a sequence twice as long has twice the trajectory."""
    monkeypatch.setattr(growth, "load", lambda _: load("iris"))
    turns = {"rounds": 2, "seconds": 1.0}
    for series, sizes in (("chips", ({"chips": 1}, {"chips": 2})), ("length", ({"length": 4}, {"length": 8}))):
        points = [ScalingPoint(series=series, hidden=(3,), batch=16 if series == "chips" else 1, **size) for size in sizes]
        few, many = (growth.measure(point, clock=ticking(), **turns) for point in points)
        assert many.images[0] == 2 * few.images[0]
        assert 1 < many.memory / few.memory <= 2
        assert few.training.median == pytest.approx(1e6 / few.images[0])
        assert (few.settling, few.equilibria) == (None, None)
        assert ratio_plots.DRAW["scaling"]([few, many]).startswith(b"\x89PNG")
        assert "memory" in bench_text.scaling([few, many])
