"""Predictions: what a circuit makes of samples with real targets, next to the true ones, in the targets' units; RMSE and R² of each."""

from typing import Any, NamedTuple

import numpy as np

from hwsim.learning.dataset import Dataset
from hwsim.learning.target_scale import explained
from hwsim.typing import Array, Floats


class Predictions(NamedTuple):
    """True and predicted targets of samples.

    Parameters
    ----------
    names
        What the K targets are called.
    true, predicted
        Targets and predictions, each (n, K), in the targets' units.

    """

    names: tuple[str, ...]
    true: Floats
    predicted: Floats

    @classmethod
    def of(cls, data: Dataset, part: str, volts: Array, chosen: slice = slice(None)) -> "Predictions":
        """Return the predictions that read-outs (n, K) [V] stand for, of chosen samples of a part of the data, `train` or `test`.

        Raises
        ------
        ValueError
            When the data have classes.

        """
        true = data.targets(part)[chosen]
        if data.scale is None:
            msg = f"{data.name}: its targets have no scale"
            raise ValueError(msg)
        return cls(data.scale.names, true, np.asarray(data.scale.targets(np.asarray(volts, np.float64))))

    @property
    def rmse(self) -> Floats:
        """Root mean square error of each target, shape (K,) [units]."""
        return np.asarray(np.sqrt(((self.predicted - self.true) ** 2).mean(axis=0)))

    @property
    def r2(self) -> Floats:
        """Share of each target's variance that is explained, R², shape (K,)."""
        pairs = zip((self.rmse**2).tolist(), self.true.var(axis=0).tolist(), strict=True)
        return np.array([explained(*pair) for pair in pairs])

    def scores(self) -> list[dict[str, Any]]:
        """Return name, RMSE [units] and R² of each target."""
        each = zip(self.names, self.rmse.tolist(), self.r2.tolist(), strict=True)
        return [{"target": name, "rmse": rmse, "r2": r2} for name, rmse, r2 in each]
