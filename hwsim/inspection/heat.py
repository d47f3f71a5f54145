"""Temperature range of a trained circuit: temperatures at which its test error is about that at the training temperature."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hwsim.ensemble.trainings import test
from hwsim.experiment.experiment import ExperimentError
from hwsim.experiment.loading import load
from hwsim.formatting import WRONG_ANSWERS, Measure
from hwsim.runs.loaded import load_model

Celsius = float
Errors = dict[Celsius, float]

COLDEST: Celsius = -40.0
HOTTEST: Celsius = 125.0
"""Ends of the search, the range of automotive parts (AEC-Q100, grade 1)."""

COARSE, FINE = 12, 4
"""Temperatures tried at first, 15 K apart, and then between the last that works and the first that does not."""

TOLERATED = 0.01
"""By how much the share of wrong answers may exceed that at the run's own temperature: one point."""

TOLERATED_SHARE = 0.1
"""The same of root mean square errors, as a share of that at the run's own temperature."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The temperature range and the errors it was computed from.

    Parameters
    ----------
    trained_at
        Temperature at which the circuit was trained [°C].
    coldest, hottest
        Ends of the range within which the error stays small at all temperatures tried [°C], to 3 K; beyond, it may be small again.
    errors
        Error at each temperature tried, the coldest first; the measure's largest value where a sample has no equilibrium.
    measure
        Measure of the error.

    """

    trained_at: Celsius
    coldest: Celsius
    hottest: Celsius
    errors: Errors
    measure: Measure = WRONG_ANSWERS

    @property
    def warning(self) -> str | None:
        """A line that reports where it fails, if it does within the temperatures tried."""
        colder = [celsius for celsius in self.errors if celsius < self.coldest]
        warmer = [celsius for celsius in self.errors if celsius > self.hottest]
        beyond = [f"{celsius:g}" for celsius in (*colder[-1:], *warmer[:1])]
        if not beyond:
            return None
        room = f"{100 * TOLERATED:g} point" if self.measure is WRONG_ANSWERS else f"{100 * TOLERATED_SHARE:g} %"
        allowed = f"within {room} of the {self.measure.text(self.errors[self.trained_at])} at {self.trained_at:g} °C"
        stays = f"from {self.coldest:g} to {self.hottest:g} °C the test {self.measure.name} stays {allowed}"
        return f"heat: {stays}; it first exceeds that at {' and '.join(beyond)} °C"


def tolerance(what: str, settings: tuple[str, ...]) -> Tolerance:
    """Evaluate a run on its test set at several temperatures, then at more between those where it works and where it does not.

    Raises
    ------
    ExperimentError
        When it is not a run (only runs are trained), or its temperature is outside the temperatures tried, or overridden.
    RunError, DataError, CircuitError
        When an input is unusable.

    """
    given = load_model(what, settings)
    if not given.trained:
        msg = f"{what} is not trained, and --heat evaluates a trained circuit when warm; train it, then hwsim inspect RUN --heat"
        raise ExperimentError(msg)
    trained_at = load(what).variation.temperature  # of its training, without overrides
    if (other := given.experiment.variation.temperature) != trained_at:
        msg = f"variation.temperature = {other:g} °C: --heat compares all temperatures with {trained_at:g} °C, where {what} was trained"
        raise ExperimentError(f"{msg}; omit it")
    if not COLDEST <= trained_at <= HOTTEST:
        msg = f"{what} was trained at {trained_at:g} °C, and --heat tries {COLDEST:g} to {HOTTEST:g} °C; train it between them"
        raise ExperimentError(msg)
    errors = _measured(what, settings, {trained_at, *np.linspace(COLDEST, HOTTEST, COARSE).tolist()})
    measure = given.experiment.data.measure
    limit = _limit(errors[trained_at], measure)
    between = [_edge(errors, trained_at, limit, sign) for sign in (-1, 1)]
    finer = {round(celsius, 1) for good, bad in between if good != bad for celsius in np.linspace(good, bad, FINE + 2)[1:-1].tolist()}
    errors |= _measured(what, settings, finer) if finer else {}
    cold, hot = (_edge(errors, trained_at, limit, sign)[0] for sign in (-1, 1))
    return Tolerance(trained_at, cold, hot, dict(sorted(errors.items())), measure)


def _limit(error: float, measure: Measure) -> float:
    return error + TOLERATED if measure is WRONG_ANSWERS else (1 + TOLERATED_SHARE) * error


def _edge(errors: Errors, trained_at: Celsius, limit: float, sign: int) -> tuple[Celsius, Celsius]:
    """Return the last temperature at which it works, colder (−1) or warmer (+1), and the next; twice the end if all work."""
    tried = sorted((celsius for celsius in errors if sign * (celsius - trained_at) >= 0), key=lambda celsius: sign * celsius)
    return next(((good, bad) for good, bad in pairwise(tried) if errors[bad] > limit), (tried[-1], tried[-1]))


def _measured(what: str, settings: tuple[str, ...], temperatures: Iterable[Celsius]) -> Errors:
    """Measure the test error at temperatures, as one computation where the engine can."""
    each = sorted(temperatures)
    warm = [load_model(what, (*settings, f"variation.temperature={celsius!r}")) for celsius in each]
    data = warm[0].session.learnable
    errors: Errors = {}
    several = len(warm) if warm[0].experiment.training.engine == "numeric" else 1  # each ngspice solver has its own processes
    for group in (warm[first : first + several] for first in range(0, len(warm), several)):
        with ExitStack() as open_solvers:
            solvers = [open_solvers.enter_context(one.session.solver()) for one in group]
            sessions, targets = [one.session for one in group], [one.session.task.test for one in group]
            tested = test(sessions, solvers, [one.g for one in group], [data.x_test] * len(group), targets)
        for one, result in zip(group, tested, strict=True):
            most = one.experiment.data.measure.most
            errors[one.experiment.variation.temperature] = most if result.failed else result.error
    return errors
