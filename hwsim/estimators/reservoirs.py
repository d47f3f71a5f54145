"""ReservoirRegressor and ReservoirClassifier: reservoirs with ridge read-outs, by scikit-learn's conventions."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from circuits.errors import CircuitError
from hwsim.reservoir.read_states import rows_of
from hwsim.reservoir.reservoir import Reservoir
from hwsim.reservoir.ridge import RidgeReadout, nrmse
from hwsim.settings.engine_names import EngineName
from hwsim.settings.reservoir_settings import Dynamics, Family, ReservoirSettings
from hwsim.settings.variation_settings import VariationSettings
from hwsim.typing import Floats

_LEARNT, _PREDICTED = "train", "test"
"""Names of the noise that is learnt with, and of that in predictions, which no read-out has seen."""


class _ReservoirEstimator(BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """What both estimators share; each describes the parameters."""

    def __init__(  # noqa: PLR0913 - scikit-learn's estimators take every setting by name
        self,
        nodes: int = 100,
        *,
        family: Family = "random",
        dynamics: Dynamics = "clocked",
        spectral_radius: float = 0.9,
        leak: float = 1.0,
        input_scale: float = 0.5,
        settings: Mapping[str, Any] | None = None,
        penalty: float | None = None,
        chip: int = 0,
        engine: EngineName = "numeric",
        seed: int = 0,
    ) -> None:
        self.nodes, self.family, self.dynamics, self.spectral_radius, self.leak = nodes, family, dynamics, spectral_radius, leak
        self.input_scale, self.settings, self.penalty, self.chip, self.engine, self.seed = (
            input_scale,
            settings,
            penalty,
            chip,
            engine,
            seed,
        )

    def _settings(self) -> ReservoirSettings:
        named = ("nodes", "family", "dynamics", "spectral_radius", "leak", "input_scale", "seed")
        try:
            return ReservoirSettings.model_validate({name: getattr(self, name) for name in named} | dict(self.settings or {}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            msg = f"reservoir: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
            raise CircuitError(msg) from None

    def _begun(self, x: Sequence[Floats]) -> None:
        """Make the reservoir, and scale inputs to zero mean and unit variance."""
        rows = np.concatenate(x)
        spread = rows.std(axis=0)
        self.mean_, self.spread_ = rows.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self.n_features_in_ = rows.shape[1]
        self.reservoir_ = Reservoir(self._settings(), rows.shape[1], VariationSettings(chip=self.chip), self.engine)

    def _states(self, x: Sequence[Floats], part: str) -> Floats:
        """Return the states of sequences, (n, T, N) [V], T being the rows of the longest."""
        if x[0].shape[1] != self.n_features_in_:
            msg = f"reservoir: x has {x[0].shape[1]} channels, and it was fitted to {self.n_features_in_}"
            raise CircuitError(msg)
        times = max(map(len, x))
        filled = np.stack([np.pad((one - self.mean_) / self.spread_, ((0, times - len(one)), (0, 0))) for one in x])
        return self.reservoir_.states(filled, part)


def _sequences(x: Any) -> list[Floats]:
    """Check sequences: an array (n, T, I), or n arrays (T, I) of any lengths."""
    each = [np.asarray(one, dtype=np.float64) for one in x]
    if not each or any(one.ndim != 2 or not one.size for one in each) or len({one.shape[1] for one in each}) > 1:  # noqa: PLR2004 - (T, I)
        msg = "reservoir: x must be sequences of rows: an array (sequences, rows, channels), or a list of arrays (rows, channels)"
        raise CircuitError(msg)
    for k, one in enumerate(each):
        if not np.isfinite(one).all():
            t, channel = np.argwhere(~np.isfinite(one))[0].tolist()
            msg = f"reservoir: x[{k}][{t}, {channel}] is {one[t, channel]}; inputs must be finite"
            raise CircuitError(msg)
    return each


class ReservoirRegressor(RegressorMixin, _ReservoirEstimator):  # type: ignore[misc] # as above
    """Learn targets of each row from the states of a drawn recurrent circuit that the inputs drive.

    Inputs are scaled to zero mean and unit variance.

    Parameters
    ----------
    nodes, family, dynamics, spectral_radius, leak, input_scale, seed
        As in the section `reservoir` of an experiment file (`hwsim keys reservoir`).
    settings
        Any other keys of that section, such as `{"noise": 1e-4, "washout": 200}`.
    penalty
        Strength of the ridge regression; None: chosen on the last fifth of what it learns from.
    chip
        Seed of the chip; `mismatch` among the settings makes chips differ.
    engine
        `numeric` or `ngspice`.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> x = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 80, 1))
    >>> y = np.roll(x, 1, axis=1)  # the input before
    >>> reservoir = hw.ReservoirRegressor(8, family="cycle", settings={"washout": 10}).fit(x, y)
    >>> reservoir.predict(x).shape, bool(reservoir.score(x, y) > 0.9)
    ((1, 80, 1), True)

    """

    def fit(self, x: Any, y: Any) -> Self:
        """Learn from sequences x (n, T, I) and targets y (n, T, K); a target of a row is read at its end.

        Raises
        ------
        CircuitError
            When shapes do not fit, a number is not finite, or the washout leaves too little.

        """
        each = _sequences(x)
        self._begun(each)
        y = self._targets(each, y)
        states = self._behind(self._states(each, _LEARNT))
        self.readout_ = RidgeReadout.fit(states, y, self.penalty)
        return self

    def predict(self, x: Any) -> Floats:
        """Return the read-out of sequences x (n, T, I), (n, T, K), the washout's too."""
        check_is_fitted(self, "readout_")
        states = self._states(_sequences(x), _PREDICTED)
        return self.readout_(states.reshape(-1, states.shape[2])).reshape(*states.shape[:2], -1)

    def score(self, x: Any, y: Any, sample_weight: None = None) -> float:  # noqa: ARG002 - scikit-learn's signature
        """Return R² behind the washout, the mean over targets."""
        return float(np.mean(1 - self.nrmse(x, y) ** 2))

    def nrmse(self, x: Any, y: Any) -> Floats:
        """Return the error behind the washout as a share of the targets' standard deviation, shape (K,)."""
        check_is_fitted(self, "readout_")
        return nrmse(self._behind(self.predict(x)), self._targets(_sequences(x), y))

    def _behind(self, values: Floats) -> Floats:
        return values[:, self.reservoir_.settings.washout :].reshape(-1, values.shape[2])

    def _targets(self, x: Sequence[Floats], y: Any) -> Floats:
        """Return the targets behind the washout, a row each."""
        targets, washout = np.asarray(y, dtype=np.float64), self.reservoir_.settings.washout
        if {(len(one), targets.ndim) for one in x} != {(targets.shape[1] if targets.ndim > 1 else 0, 3)} or len(targets) != len(x):
            msg = f"reservoir: y has shape {targets.shape}; {len(x)} sequences of {len(x[0])} rows need ({len(x)}, {len(x[0])}, targets)"
            raise CircuitError(msg)
        if not np.isfinite(targets).all():
            msg = "reservoir: y holds numbers that are not finite; drop these rows, or fill them in"
            raise CircuitError(msg)
        if washout >= targets.shape[1]:
            msg = f"reservoir: a washout of {washout} rows leaves nothing of sequences of {targets.shape[1]}; make it shorter"
            raise CircuitError(msg)
        return targets[:, washout:].reshape(-1, targets.shape[2])


class ReservoirClassifier(ClassifierMixin, _ReservoirEstimator):  # type: ignore[misc] # as above
    """Recognise the class of sequences from the states that they leave in a drawn recurrent circuit.

    Inputs are scaled to zero mean and unit variance. `settings={"reads": 4}` reads states at four rows of each sequence, evenly, up to
    its last one.

    Parameters
    ----------
    nodes, family, dynamics, spectral_radius, leak, input_scale, seed, settings, penalty, chip, engine
        As of `ReservoirRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> import hwsim as hw
    >>> rng = np.random.default_rng(0)
    >>> x = [rng.normal(k % 2, 0.5, (rng.integers(5, 9), 2)) for k in range(40)]  # of 5 to 8 rows
    >>> y = np.arange(40) % 2
    >>> hw.ReservoirClassifier(8, family="cycle", leak=0.5).fit(x, y).score(x, y) > 0.9
    True

    """

    def fit(self, x: Any, y: Any) -> Self:
        """Learn from sequences x, an array (n, T, I) or a list of arrays (T, I), and their classes y (n,).

        Raises
        ------
        CircuitError
            When shapes do not fit, or a number is not finite.

        """
        each = _sequences(x)
        check_classification_targets(y)
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        if len(labels) != len(each):
            msg = f"reservoir: {len(each)} sequences and {len(labels)} classes; give one a sequence"
            raise CircuitError(msg)
        self._begun(each)
        order = np.random.default_rng(self.seed).permutation(len(each))  # the penalty is chosen on the last ones
        self.readout_ = RidgeReadout.fit(self._read(each, _LEARNT)[order], np.eye(len(self.classes_))[labels[order]], self.penalty)
        return self

    def decision_function(self, x: Any) -> Floats:
        """Return how much speaks for each class, (n, classes)."""
        check_is_fitted(self, "readout_")
        return self.readout_(self._read(_sequences(x), _PREDICTED))

    def predict(self, x: Any) -> Any:
        """Return the class of each sequence, (n,)."""
        return self.classes_[self.decision_function(x).argmax(axis=1)]

    def _read(self, x: Sequence[Floats], part: str) -> Floats:
        lengths = np.array([len(one) for one in x], dtype=np.intp)
        return rows_of(self._states(x, part), lengths, self.reservoir_.settings.reads, "reservoir")
