"""Equilibria and errors of anything that has a circuit: a model, an experiment, a network, a name or a file."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from circuits.network import Network
from hwsim.core.protocol import Drive, Solver
from hwsim.experiment.experiment import Experiment
from hwsim.models.array_data import experiment_of, samples_of
from hwsim.models.fit import session_of
from hwsim.models.model import Model
from hwsim.models.stored import load
from hwsim.session import Session
from hwsim.settings.engine_names import EngineName
from hwsim.typing import Floats, Weights

What = Model | Experiment | Network | str | Path

SolverOf = Callable[[], AbstractContextManager[Solver]]


class Solution(NamedTuple):
    """Equilibria of n samples.

    Parameters
    ----------
    outputs
        Differences of the outputs' columns, (n, K) [V].
    voltages
        Of each group of nodes, by its name, (n, nodes) [V].
    residual
        Largest sum of currents into a node of each sample, (n,) [A].
    steps
        Iterations of each sample, (n,).

    """

    outputs: Floats
    voltages: dict[str, Floats]
    residual: Floats
    steps: Floats


def solve(what: What, x: Any, *, engine: EngineName | None = None) -> Solution:
    """Solve the circuit of a model, or of an untrained circuit with its initial conductances, for inputs x (n, I).

    Parameters
    ----------
    what
        A model, an experiment, a network, or what `hwsim.load` takes.
    x
        Numbers at the inputs, as they are: the circuit's `input_scale` makes volts of them, and no data are scaled.
    engine
        `numeric` or `ngspice`; absent: the experiment's.

    Raises
    ------
    ConvergenceError
        When a sample has no equilibrium.
    ExperimentError, CircuitError, DataError, UnsupportedCircuitError
        When the circuit cannot be used, or x does not fit it.

    Examples
    --------
    >>> import hwsim as hw
    >>> net = hw.Network(inputs=2, layers=[hw.Layer(3)], outputs=1)
    >>> found = hw.solve(net, [[0.1, -0.2]])
    >>> found.outputs.shape, sorted(found.voltages)[:2], bool(found.residual.max() < 1e-12)
    ((1, 1), ['bias', 'h1'], True)

    """
    session, g, solver_of = _circuit(what, engine)
    drive = Drive(np.asarray(x, np.float64))
    with solver_of() as solver:
        equilibrium = solver.solve(g, drive)
        voltages = {name: np.asarray(v, np.float64) for name, v in equilibrium.v.items()}
        outputs = np.asarray(equilibrium.outputs(session.circuit), np.float64)
        return Solution(outputs, voltages, np.asarray(equilibrium.residual), np.asarray(equilibrium.steps))


def evaluate(what: Model | Experiment | str | Path, x: Any = None, y: Any = None, *, engine: EngineName | None = None) -> dict[str, float]:
    """Return the scores of a circuit on samples, or on its own test set: `error`, 0 at best, and of real targets R², `r2`.

    Parameters
    ----------
    what
        A model, an experiment (with its initial conductances), or what `hwsim.load` takes.
    x, y
        Features (n, I) and a class or a row of targets for each, of a model; absent: its own test set.
    engine
        `numeric` or `ngspice`; absent: the experiment's.

    Raises
    ------
    DataError, ConvergenceError, ExperimentError
        As `Model.predict`, and when a circuit that is no model is to be tested on other samples than its own.

    Examples
    --------
    >>> import hwsim as hw
    >>> sorted(hw.evaluate("xor"))
    ['error']

    """
    resolved = load(what) if isinstance(what, str | Path) else what
    session, g, solver_of = _circuit(resolved, engine)
    if x is None:
        with solver_of() as solver:
            return session.evaluate(solver, g, session.data.x_test, session.task.test).scores
    if not isinstance(resolved, Model):
        msg = "evaluate: samples x and y are scaled as a training set was, and this circuit has none; pass a model, or leave x and y out"
        raise TypeError(msg)
    on_engine = resolved if session is resolved.session else replace(resolved, session=session)
    score = on_engine.score(x, y)
    return {"error": 1 - score} if resolved.has_classes else {"error": on_engine.rmse(x, y), "r2": score}


def _circuit(what: What, engine: EngineName | None) -> tuple[Session, Weights, SolverOf]:
    """Return the session of a circuit, its conductances [S], and what opens a solver of it: a model's own, where its engine stays."""
    model = load(what) if isinstance(what, str | Path) else what
    if isinstance(model, Model):
        if engine in {None, model.experiment.training.engine}:
            return model.session, model.g, model.solver.lent
        session, g = model.session, model.g
    elif isinstance(model, Network):
        x, y = np.eye(2, model.inputs), np.arange(2.0)
        session = session_of(experiment_of(model, samples_of((x, y), None, "classification"), "classification", {}), None)
        g = session.begun()
    else:
        session = Session.of(model)
        g = session.begun()
    session = session if engine is None else session.changed("training", engine=engine)
    return session, g, session.verified_solver
