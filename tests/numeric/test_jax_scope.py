"""JAX in a scope: a program that uses hwsim keeps its own settings of JAX, and hwsim its numbers."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cli.main import main
from hwsim.numeric.jax_scope import ForkedError, jax_scope

USER = """
import sys
import jax
import jax.numpy as jnp
import numpy as np

before, kind = dict(jax.config.values), jnp.ones(1).dtype
from hwsim.core.protocol import Drive
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import override
from hwsim.session import Session

session = Session.of(override(load("xor"), sys.argv[2:]))
with session.training_solver() as solver:
    trainer = session.trainer(solver)
    *_, last = trainer.run(trainer.begin())
    g = trainer.g(last.state)
    session.evaluate(solver, g, session.data.x_test, session.task.test)
with session.solver() as solver:
    outputs = solver.solve(g, Drive(session.data.x_test)).outputs(session.circuit)
np.savez(sys.argv[1], **g)
assert outputs.dtype == np.float64
assert dict(jax.config.values) == before, {k: v for k, v in jax.config.values.items() if before[k] != v}
assert jnp.ones(1).dtype == kind == jnp.float32
"""


def test_a_program_in_32_bits_keeps_its_settings_and_computes_what_the_command_line_does(tmp_path: Path) -> None:
    """Solving, training and evaluating change no setting of JAX; what noisy pulses lead to is bit for bit what `hwsim train` has."""
    settings = ["training.epochs=2", "device.preset=reram-sb", "training.seed=0"]
    subprocess.run([sys.executable, "-c", USER, str(tmp_path / "g.npz"), *settings], check=True)
    words = [word for setting in settings for word in ("--set", setting)]
    assert main(["train", "xor", "--out", str(tmp_path / "run"), *words]) == 0
    with np.load(tmp_path / "g.npz") as ours, np.load(tmp_path / "run" / "weights.npz") as theirs:
        assert sorted(ours) == sorted(theirs)
        for name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name])


def test_a_scope_ends_where_it_ends_and_may_be_nested() -> None:
    """Inside, new arrays have 64 bits and products are whole; outside they are as before, in a function or a block, after errors too."""
    before = dict(jax.config.values), jnp.ones(1).dtype

    @jax_scope()
    def inside() -> tuple[object, object]:
        with jax_scope():
            pass
        return jnp.ones(1).dtype, jax.config.jax_default_matmul_precision

    for _ in range(2):
        assert inside() == (jnp.float64, "highest")
    with pytest.raises(ZeroDivisionError), jax_scope():
        raise ZeroDivisionError
    assert (dict(jax.config.values), jnp.ones(1).dtype) == before


def test_a_forked_process_is_refused() -> None:
    """It would wait forever for threads that it does not have."""
    with jax_scope():
        jax.numpy.ones(2).sum().block_until_ready()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX's own, and Python's, about forks
        child = os.fork()
    if not child:  # pragma: no cover - another process
        code = 1
        try:
            with jax_scope():
                pass
        except ForkedError as error:
            code = 0 if "spawn" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with jax_scope():  # here nothing is forbidden
        pass
