"""Comparison of trajectories with the reference's and with SciPy's Radau's; and whether a circuit forgets how it began."""

from contextlib import suppress
from typing import cast

import numpy as np

from circuits.clocked import is_clocked
from circuits.elements import Capacitors
from hwsim.checks.check_results import CheckResult
from hwsim.core.protocol import ConvergenceError, Engine
from hwsim.core.signal import Signal
from hwsim.core.transient import ACCURACY, Transient
from hwsim.numeric.numeric_engine import NumericEngine
from hwsim.numeric.transient.clocked_forgetting import clock_contraction, clock_exponents
from hwsim.numeric.transient.clocked_form import ClockedForm
from hwsim.numeric.transient.forgetting import forgetting_rate, lyapunov_exponents
from hwsim.numeric.transient.radau import radau
from hwsim.numeric.transient.state_form import StateForm
from hwsim.runs.time_run import TIME_CONSTANTS, TimeRun
from hwsim.session import Session
from hwsim.typing import Weights

AGREE_IN_TIME = 1e-5
"""V; engines differ by no more than this and what halving the reference's own steps changes."""

AGREE_CLOCKED = 1e-6
"""V; states of clocked circuits differ by no more than this and what halving the reference's own steps changes."""

_HELD = 3
"""Samples, held one after the other."""

_LONG = 40
"""Samples, a time constant each, along which the Lyapunov exponent is computed."""

_LASTING = 3
"""Of the circuit's slowest time constant: so long each is held, and voltages are on their way at the ends."""


def in_time(session: Session, g: Weights, reference: Engine) -> list[CheckResult]:
    """Compare trajectories of a circuit that has capacitors; nothing is compared of one that has none, or none that settles.

    Raises
    ------
    ConvergenceError, UnsupportedCircuitError
        When an engine does not integrate it.

    """
    if is_clocked(session.circuit):
        return _clocked(session, g, reference)
    if not session.circuit.of(Capacitors):
        return []
    run = TimeRun.of(session, g, session.data.x_train[:_HELD])
    signal = Signal.hold(run.x[None], run.period * _LASTING / TIME_CONSTANTS, begin=np.zeros((1, run.x.shape[1])))
    with NumericEngine().prepare(run.circuit, run.chip) as numeric, reference.prepare(run.circuit, run.chip) as other:
        ours, theirs = (cast("Transient", engine).integrate(g, signal) for engine in (numeric, other))
    apart = max(float(np.abs(np.asarray(ours.v[name]) - theirs.v[name]).max()) for name in ours.v)
    limit = AGREE_IN_TIME + theirs.error
    form = StateForm.of(run.circuit, run.chip, g)
    adaptive = float(np.abs(radau(form, signal.checked(run.circuit)) - np.asarray(ours.outputs)).max())
    findings = [
        CheckResult(f"time_dv_{reference.name}", apart, limit, "V", apart <= limit),
        CheckResult("time_dv_radau", adaptive, ACCURACY, "V", adaptive <= ACCURACY),
    ]
    sequence = np.resize(session.data.x_train[:_LONG], (1, _LONG, run.x.shape[1]))
    lasting = Signal.hold(sequence, run.period / TIME_CONSTANTS)
    with suppress(ConvergenceError):  # diodes may make the steps of this run too short, and then no number is printed
        exponent = float(lyapunov_exponents(run.circuit, run.chip, g, lasting, max(1, int(ours.steps))).max())
        findings.append(CheckResult("lyapunov_exponent", exponent, 0.0, "1/s; below 0 it forgets how it began", exponent < 0))
    rate = forgetting_rate(form)
    if rate is not None and rate > 0:
        findings.append(CheckResult("forgetting_rate", rate, 0.0, "1/s at least, whatever the input (echo state property)", holds=True))
    return findings


def _clocked(session: Session, g: Weights, reference: Engine) -> list[CheckResult]:
    """Compare the states of a clocked circuit clock by clock, and see whether it forgets."""
    run = TimeRun.of(session, g, session.data.x_train[:_HELD])
    signal = Signal.hold(run.x[None], run.period, begin=np.zeros((1, run.x.shape[1])))
    with NumericEngine().prepare(run.circuit, run.chip) as numeric, reference.prepare(run.circuit, run.chip) as other:
        ours, theirs = (cast("Transient", engine).integrate(g, signal) for engine in (numeric, other))
    apart = max(float(np.abs(np.asarray(ours.v[name]) - theirs.v[name]).max()) for name in ours.v)
    limit = AGREE_CLOCKED + theirs.error
    findings = [CheckResult(f"clocked_dv_{reference.name}", apart, limit, "V", apart <= limit)]
    lasting = Signal.hold(np.resize(session.data.x_train[:_LONG], (1, _LONG, run.x.shape[1])), run.period)
    exponent = float(clock_exponents(run.circuit, run.chip, g, lasting).max())
    findings.append(CheckResult("clock_exponent", exponent, 0.0, "1/clock; below 0 it forgets how it began", exponent < 0))
    factor = clock_contraction(ClockedForm.of(run.circuit, run.chip, g))
    if factor is not None and factor < 1:
        findings.append(
            CheckResult("clock_contraction", factor, 1.0, "a clock at most, whatever the input (echo state property)", holds=True)
        )
    return findings
