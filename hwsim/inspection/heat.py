"""How far a trained circuit tolerates heat and cold: the temperatures at which it still reads the test set about as well as at its own."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hwsim.ensemble.trainings import test
from hwsim.experiment.experiment import ExperimentError, load
from hwsim.formatting import WRONG_ANSWERS, Measure
from hwsim.runs.loaded import subject

Celsius = float
Errors = dict[Celsius, float]

COLDEST: Celsius = -40.0
HOTTEST: Celsius = 125.0
"""Ends of the search, the range of automotive parts (AEC-Q100, grade 1)."""

COARSE, FINE = 12, 4
"""Temperatures that are tried at first, 15 K apart, and then between the last at which it works and the first at which it does not."""

TOLERATED = 0.01
"""By how much the share of wrong answers may exceed that at the run's own temperature: one point."""

TOLERATED_SHARE = 0.1
"""The same of root mean square errors, as a share of that at the run's own temperature."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What was measured.

    Parameters
    ----------
    own
        Temperature at which the circuit was trained [°C].
    coldest, hottest
        Ends of the range within which the error stays small at all temperatures tried [°C], to 3 K; beyond, it may be small again.
    errors
        Error at each temperature that was tried, the coldest first; the largest there is where some sample found no equilibrium.
    measure
        How it is written.

    """

    own: Celsius
    coldest: Celsius
    hottest: Celsius
    errors: Errors
    measure: Measure = WRONG_ANSWERS

    @property
    def warning(self) -> str | None:
        """A line that says where it fails, if it does within the range that was searched."""
        colder = [celsius for celsius in self.errors if celsius < self.coldest]
        warmer = [celsius for celsius in self.errors if celsius > self.hottest]
        beyond = [f"{celsius:g}" for celsius in (*colder[-1:], *warmer[:1])]
        if not beyond:
            return None
        room = f"{100 * TOLERATED:g} point" if self.measure is WRONG_ANSWERS else f"{100 * TOLERATED_SHARE:g} %"
        allowed = f"within {room} of the {self.measure.text(self.errors[self.own])} at {self.own:g} °C"
        said = f"from {self.coldest:g} to {self.hottest:g} °C the test {self.measure.name} stays {allowed}"
        return f"heat: {said}; it first exceeds that at {' and '.join(beyond)} °C"


def tolerance(what: str, settings: tuple[str, ...]) -> Tolerance:
    """Evaluate a run on its test set at some temperatures, then at some more between where it works and where it does not.

    Raises
    ------
    ExperimentError
        When it is no run, which alone is trained, or its temperature lies outside of the search, or is set to another.
    RunError, DataError, CircuitError
        When something cannot be used.

    """
    given = subject(what, settings)
    if not given.trained:
        msg = f"{what} is not trained, and --heat asks whether it still works when it is warm; train it, then hwsim inspect RUN --heat"
        raise ExperimentError(msg)
    own = load(what).variation.temperature  # what an override names is no temperature of its training
    if (other := given.experiment.variation.temperature) != own:
        msg = f"variation.temperature = {other:g} °C: --heat tries all temperatures and compares with {own:g} °C, where {what} was trained"
        raise ExperimentError(f"{msg}; omit it")
    if not COLDEST <= own <= HOTTEST:
        msg = f"{what} was trained at {own:g} °C, and --heat tries {COLDEST:g} to {HOTTEST:g} °C; train it between them"
        raise ExperimentError(msg)
    errors = _measured(what, settings, {own, *np.linspace(COLDEST, HOTTEST, COARSE).tolist()})
    measure = given.experiment.data.measure
    limit = _limit(errors[own], measure)
    between = [_edge(errors, own, limit, sign) for sign in (-1, 1)]
    finer = {round(celsius, 1) for good, bad in between if good != bad for celsius in np.linspace(good, bad, FINE + 2)[1:-1].tolist()}
    errors |= _measured(what, settings, finer) if finer else {}
    cold, hot = (_edge(errors, own, limit, sign)[0] for sign in (-1, 1))
    return Tolerance(own, cold, hot, dict(sorted(errors.items())), measure)


def _limit(error: float, measure: Measure) -> float:
    return error + TOLERATED if measure is WRONG_ANSWERS else (1 + TOLERATED_SHARE) * error


def _edge(errors: Errors, own: Celsius, limit: float, sign: int) -> tuple[Celsius, Celsius]:
    """Return the last temperature at which it works, colder (−1) or warmer (+1) than its own, and the next; twice the end if all work."""
    tried = sorted((celsius for celsius in errors if sign * (celsius - own) >= 0), key=lambda celsius: sign * celsius)
    return next(((good, bad) for good, bad in pairwise(tried) if errors[bad] > limit), (tried[-1], tried[-1]))


def _measured(what: str, settings: tuple[str, ...], temperatures: Iterable[Celsius]) -> Errors:
    """Measure the test error at temperatures, as one computation where the engine can."""
    each = sorted(temperatures)
    warm = [subject(what, (*settings, f"variation.temperature={celsius!r}")) for celsius in each]
    data = warm[0].session.learnable
    errors: Errors = {}
    several = len(warm) if warm[0].experiment.training.engine == "numeric" else 1  # each solver of ngspice has processes of its own
    for group in (warm[first : first + several] for first in range(0, len(warm), several)):
        with ExitStack() as open_solvers:
            solvers = [open_solvers.enter_context(one.session.solver()) for one in group]
            sessions, targets = [one.session for one in group], [one.session.task.test for one in group]
            tested = test(sessions, solvers, [one.g for one in group], [data.x_test] * len(group), targets)
        for one, result in zip(group, tested, strict=True):
            most = one.experiment.data.measure.most
            errors[one.experiment.variation.temperature] = most if result.failed else result.error
    return errors
