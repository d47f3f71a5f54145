"""The test error of a circuit's conductances on several chips, under changed settings; each setting is computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.ensemble.instances import on_chips
from hwsim.runs.loaded import LoadedModel
from hwsim.session import Session
from hwsim.sweep.mean_interval import Interval, of_differences, of_errors
from hwsim.typing import Floats

Values = Mapping[str, Any]
"""Keys of an experiment, `variation.stuck`, and their values."""

_NO_ERROR = 1e6
"""Stands for the error of a chip on which a sample has no equilibrium, where errors have no largest value."""


@dataclass(frozen=True)
class ChipErrors:
    """A circuit written into chips, and tested on the first samples of the test set.

    Parameters
    ----------
    given
        The circuit, with the conductances that are written [S].
    chips
        Numbers of the chips.
    samples
        Number of test samples; None: all.

    """

    given: LoadedModel
    chips: Sequence[int]
    samples: int | None = None
    computed: dict[str, Floats] = field(default_factory=dict)

    def __call__(self, values: Values) -> Floats:
        """Return the errors of all chips, shape (chips,)."""
        key = repr(sorted(values.items()))
        if key not in self.computed:
            self.computed[key] = self._errors(self.session(values))
        return self.computed[key]

    def session(self, values: Values) -> Session:
        """Return the session with changed keys."""
        session = self.given.session
        for name, value in values.items():
            section, _, key = name.partition(".")
            session = session.changed(section, **{key: value})
        return session

    def wanted(self, session: Session) -> dict[str, Any]:
        """Return the conductances that are written, at the temperature of a session's chip [S]."""
        experiment = self.given.experiment
        return dict(experiment.at_temperature(self.given.wanted, experiment.variation, session.experiment.variation))

    def _errors(self, session: Session) -> Floats:
        most = min(self.given.experiment.data.measure.most, _NO_ERROR)
        tested = on_chips(session, self.wanted(session), "test", self.samples, self._distinct(session))
        errors = np.array([most if one.failed else one.error for one in tested])
        return np.broadcast_to(errors, len(self.chips))

    def _distinct(self, session: Session) -> Sequence[int]:
        """Return the chips to compute: one of them, where all are the same and nothing is noisy."""
        quiet = not (session.experiment.noise.in_currents or session.experiment.noise.in_readings)
        return self.chips[:1] if quiet and session.alike(learning=False) else self.chips


def mean_error(errors: Floats) -> tuple[float, Interval]:
    """Return the mean over chips and its 95 % interval; where all chips are the same it has no width."""
    return float(errors.mean()), _interval(errors, of_errors(errors))


def mean_rise(errors: Floats, reference: Floats) -> tuple[float, Interval]:
    """Return the mean difference of the errors of the same chips, and its 95 % interval."""
    rise = errors - reference
    return float(rise.mean()), _interval(rise, of_differences(rise))


def _interval(values: Floats, interval: Interval) -> Interval:
    mean = float(values.mean())
    return interval if np.isfinite(interval).all() and values.std() > 0 else Interval(mean, mean)
