"""Repeated cross-validation: a sweep over `data.fold` and seeds, summarised with a corrected interval next to a linear baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hwsim.data import pca_baseline
from hwsim.data.linear_baseline import described, inner_folds, linear_error, unscaled
from hwsim.data.loading import load_data
from hwsim.experiment.experiment import Experiment, ExperimentError
from hwsim.experiment.loading import load
from hwsim.experiment.overriding import FromOption, override
from hwsim.formatting import WRONG_ANSWERS, Measure
from hwsim.learning.dataset import Dataset
from hwsim.learning.target_scale import explained
from hwsim.sweep.mean_interval import LEVEL, Interval
from hwsim.sweep.new_sweep import Planned
from hwsim.sweep.recorded import Recorded

KEY = "data.fold"
"""The key that differs from fold to fold; a repeat has another seed."""


class Fold(NamedTuple):
    """One fold: the numbers of samples, and shares of wrong answers, or root mean square errors [units].

    Parameters
    ----------
    seed, fold
        The repeat, by the seed that draws its folds and trains on them, and the fold that is tested.
    error, train_error
        Of the circuit; NaN where it failed.
    linear
        Of the linear model, on the test samples.
    failed
        The reason of a failure.
    r2, linear_r2
        Share of the test targets' variance that the circuit and the linear model explain; None where samples have classes.

    """

    seed: int
    fold: int
    train_samples: int
    test_samples: int
    error: float
    train_error: float
    linear: float
    failed: str | None = None
    r2: float | None = None
    linear_r2: float | None = None


class MeanInterval(NamedTuple):
    """A mean over all folds, and its 95 % interval; NaN where a fold failed."""

    mean: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """All folds of all repeats, in the order of seeds and folds, the linear model of their baseline in words, and the measure of errors."""

    folds: Sequence[Fold]
    baseline: str
    measure: Measure = WRONG_ANSWERS

    @property
    def circuit(self) -> MeanInterval:
        """The circuit's error."""
        return self._of_errors(self._estimate([one.error for one in self.folds]))

    @property
    def linear(self) -> MeanInterval:
        """The linear model's error."""
        return self._of_errors(self._estimate([one.linear for one in self.folds]))

    @property
    def explained(self) -> tuple[MeanInterval, MeanInterval, MeanInterval] | None:
        """R² of the circuit and of the linear model, and by how much the circuit's is larger; None where samples have classes."""
        pairs = [(one.r2, one.linear_r2) for one in self.folds if one.r2 is not None and one.linear_r2 is not None]
        if len(pairs) < len(self.folds) or not pairs:
            return None
        circuit, linear = zip(*pairs, strict=True)
        return self._estimate(circuit), self._estimate(linear), self._estimate([a - b for a, b in pairs])

    @property
    def difference(self) -> MeanInterval:
        """By how much the circuit's error is larger than the linear model's, fold by fold."""
        return self._estimate([one.error - one.linear for one in self.folds])

    def _of_errors(self, estimate: MeanInterval) -> MeanInterval:
        """Cut the interval where no error is."""
        return estimate._replace(interval=Interval(*np.clip(estimate.interval, 0.0, self.measure.most).tolist()))

    def _estimate(self, values: Sequence[float]) -> MeanInterval:
        sizes = np.array([(one.test_samples, one.train_samples) for one in self.folds])
        return corrected(values, sizes[:, 0].mean() / sizes[:, 1].mean())


def corrected(values: Sequence[float], ratio: float) -> MeanInterval:
    """Compute the mean of errors from repeated splits of one data set, and its 95 % interval, corrected for what the splits share.

    The training sets of any two splits overlap, so the usual variance of a mean, s²/n, is too small. With ρ = n_test/(n_test + n_train)
    for the correlation of two errors it becomes (1/n + n_test/n_train)·s², and the interval is mean ± t·√(1/n + n_test/n_train)·s with
    Student's t of n − 1 degrees of freedom.

    Parameters
    ----------
    values
        One for each split.
    ratio
        Test samples over training samples of a split.

    References
    ----------
    C. Nadeau and Y. Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239–281; for repeated cross-validation:
    R. Bouckaert and E. Frank, Evaluating the replicability of significance tests, PAKDD 2004.

    """
    from scipy.special import stdtrit  # noqa: PLC0415 - half a second, only for those who need it

    n = len(values)
    mean = float(np.mean(values))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2) * np.sqrt(1 / n + ratio) * np.std(values, ddof=1))
    return MeanInterval(mean, Interval(mean - half, mean + half))


def over_folds(recorded: Recorded) -> MeanInterval | None:
    """Compute the mean error of a cross-validation and its corrected interval; None of other sweeps, and while a fold has no error.

    Of K folds of one size, each has 1/(K − 1) test samples for every training sample.
    """
    folds, varied = recorded.definition.experiment.data.folds, tuple(axis.key for axis in recorded.definition.axes)
    errors = [result.test_error for result in recorded.results if result.failed is None]
    if varied != (KEY,) or folds is None or len(errors) < recorded.total or len(recorded.points) != folds:
        return None
    mean, ends = corrected(errors, 1 / (folds - 1))
    return MeanInterval(mean, Interval(*np.clip(ends, 0.0, recorded.measure.most).tolist()))


def plan(what: str, settings: Sequence[str], folds: int, repeats: int) -> Planned:
    """Plan a cross-validation: a sweep with a point for each fold, and a seed for each repeat, from `training.seed` on.

    Raises
    ------
    ExperimentError, SweepError, DataError, CircuitError, DeviceError
        When something is wrong with it.

    """
    experiment = load(what, settings)
    given = experiment.data
    if given.task == "reconstruction" and pca_baseline.rank_of(experiment) is None:
        msg = f"--folds {folds} compares an autoencoder with principal components, as many as its narrowest layer has nodes"
        raise ExperimentError(f"{msg}, and this is no network with a hidden layer; train without --folds")
    if given.fold or given.folds not in {None, folds}:
        chosen = f"data.fold = {given.fold}" if given.fold else f"data.folds = {given.folds}"
        msg = f"{chosen} does not go with --folds {folds}, which tests every one of {folds} folds; omit the key"
        raise ExperimentError(msg)
    splits = (*settings, FromOption(f"data.folds={folds}", f"--folds {folds}"))
    return Planned.make(what, splits, [f"{KEY}={','.join(map(str, range(folds)))}"], "train", seeds=repeats)


def cross_validation(recorded: Recorded, observe: Callable[[int], None]) -> CrossValidation:
    """Summarise a finished sweep over folds, and fit the linear model to each of them; `observe` receives how many are done.

    Raises
    ------
    DataError, ExperimentError
        When the data cannot be read again.
    SweepError
        When they have changed since the circuits were trained.

    """
    recorded.definition.refuse_changed_files()
    base, points = recorded.definition.experiment, {point.number: point for point in recorded.points}
    folds: list[Fold] = []
    inner: list[int] = []
    for result in sorted(recorded.results, key=lambda one: (one.seed, one.point)):
        experiment = override(points[result.point].experiment(base), [f"training.seed={result.seed}"])
        data, linear = _baseline(experiment, inner)
        folds.append(
            Fold(
                seed=result.seed,
                fold=experiment.data.fold,
                train_samples=len(data.labels_train),
                test_samples=len(data.labels_test),
                error=result.test_error,
                train_error=result.train_error,
                linear=linear,
                failed=result.failed,
                r2=_explained(data, result.test_error),
                linear_r2=_explained(data, linear),
            )
        )
        observe(len(folds))
    measure, rank = base.data.measure, pca_baseline.rank_of(base)
    words = described(inner, real=measure is not WRONG_ANSWERS) if rank is None else f"{rank} principal components of the training set"
    return CrossValidation(folds=folds, baseline=words, measure=measure)


def _baseline(experiment: Experiment, inner: list[int]) -> tuple[Dataset, float]:
    """Return the data of a fold, and the error of the linear model on them; `inner` receives the number of folds that chose its strength.

    An autoencoder's is that of principal components, of features as it sees them.
    """
    if pca_baseline.rank_of(experiment) is None:
        data = unscaled(experiment)
        inner.append(inner_folds(data))
        return data, linear_error(data)
    data = load_data(experiment)
    repeated = pca_baseline.of(experiment, data, data.x_test)
    assert repeated is not None  # noqa: S101 - for the type checker: its rank is known
    return data, repeated.error


def _explained(data: Dataset, rmse: float) -> float | None:
    """Return R² of a root mean square error over the test set's targets [units]; None where samples have classes."""
    return None if data.scale is None else explained(rmse**2, float(data.targets("test").var(axis=0).mean()))
