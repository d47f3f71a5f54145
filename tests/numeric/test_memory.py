"""Memory: a training step holds the conductances, what the optimizer keeps of them, and little else."""

from typing import Any

import jax
import pytest

from circuits.chip import Chip
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.files.caches import PROGRAMS
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.session import Session


@pytest.mark.parametrize(("optimizer", "kept"), [("sgd", 1), ("adam", 3)])
def test_a_training_step_holds_little_beside_the_conductances(optimizer: str, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conductances and moments are updated in place; next to them stand less than one more array of that size and six batches of voltages.

    That is at most four times the conductances, with Adam, and the activations of a batch in its three phases, once and again.
    """
    settings = ["circuit.layers.0.size=2048", "training.batch=8", f"training.optimizer={optimizer}", "training.precision=float32"]
    experiment = override(load("digits"), [*settings, "data.train_limit=64"])
    circuit = experiment.circuit.compile()
    trainer = Session.of(experiment).trainer(NumericEngine(precision="float32").prepare(circuit, Chip.nominal(circuit)))
    state, programs, jit = trainer.begin(), list[Any](), jax.jit

    def looked_at(function: Any, **options: Any) -> Any:
        compiled = jit(function, **options)

        def call(*given: Any) -> Any:
            programs.append(compiled.lower(*given).compile().memory_analysis())
            return compiled(*given)

        return call

    monkeypatch.delenv(PROGRAMS, raising=False)  # a program that was kept has no function to look at
    monkeypatch.setattr(jax, "jit", looked_at)
    trainer.advance(state.carry, trainer.plan(0), 0, 1)
    g, voltages = sum(values.nbytes for values in state.g.values()), 8 * circuit.size * 4
    used = programs[-1]
    assert kept * g <= used.alias_size_in_bytes
    assert used.argument_size_in_bytes + used.temp_size_in_bytes < (kept + 1) * g + 6 * voltages + trainer.samples.x.nbytes + 10_000
